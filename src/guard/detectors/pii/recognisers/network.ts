/**
 * Addresses on networks: e-mail, IP, MAC, URL and domain name.
 *
 * Sources: RFC 5321 and 6531 (e-mail), RFC 791 and 4291 (IP), IEEE 802 (MAC), RFC 3986 (URL), IANA's root zone.
 *
 * @module
 */

import { DIGITS, Strength, type Recogniser } from "../recogniser.ts";

/**
 * The top-level domains of nearly all names in use, without those that are more often the end of a file's name (`.md`,
 * `.py`, `.rs`, `.sh`, `.so`, `.pl`, `.zip`): these count behind `www.` or a scheme only.
 */
const TLDS = new Set(
  (
    "com org net edu gov mil int info biz name pro io ai app dev co me tv cc us uk de fr es it nl be ch at se no dk fi " +
    "ie pt gr cz hu ro bg hr si sk lt lv ee is lu eu ru ua by tr il in cn jp kr tw hk sg my th vn id ph pk bd lk np au " +
    "nz za ng ke eg ma ca mx br ar cl pe ve uy ec cr jobs mobi travel museum coop aero asia cat tel xxx online site " +
    "store shop tech blog cloud xyz club live news media agency email world today network digital solutions services"
  ).split(" "),
);

const LOCAL = "[A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9.!#$%&'*+/=?^_`{|}~-]";
const LABELS =
  "(?:[A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9](?:[A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9-]{0,61}[A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])?\\.){1,6}";

export const NETWORK: readonly Recogniser[] = [
  {
    id: "email",
    name: "e-mail address",
    severity: "medium",
    needs: "@",
    pattern: new RegExp(
      `(?<!${LOCAL})${LOCAL}{1,64}@${LABELS}(?:[A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff]{2,24}|xn--[a-z0-9-]{2,40})(?![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])`,
      "g",
    ),
    check: (_value, written) => !/^[.]|[.]@|\.\./.test(written),
    alone: true,
    strength: Strength.proven + 1,
    example: (random) => `jo.${random("abcdefgh", 6)}@mail.example.com`,
  },
  {
    id: "ip-address",
    name: "IPv4 address",
    severity: "medium",
    needs: "...",
    pattern: /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)/g,
    check: (_value, written) => isIpv4(written),
    alone: true,
    strength: Strength.checked,
    example: (random) => `203.0.113.${random("12345678", 2)}`,
  },
  {
    id: "ip-address",
    name: "IPv6 address",
    severity: "medium",
    needs: ":",
    pattern: /(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:(?:\.\d{1,3}){3})?(?![\w:])/g,
    check: (_value, written) => isIpv6(written),
    alone: true,
    strength: Strength.checked,
    example: (random) => `2001:db8:85a3::8a2e:370:${random(DIGITS, 4)}`,
  },
  {
    id: "mac-address",
    name: "hardware address (MAC)",
    severity: "low",
    needs: "pairs",
    pattern:
      /(?<![\w:-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])|(?<![\w.])[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}(?![\w.])/g,
    check: (value) => !/^(.)\1*$/.test(value) && /\d/.test(value),
    alone: true,
    strength: Strength.checked + 1,
    example: (random) => `00:1b:44:11:3a:${random("1234567", 2)}`,
  },
  {
    id: "url",
    name: "web address",
    severity: "info",
    needs: ".",
    pattern:
      /(?<!\w)(?:https?|ftp):\/\/[A-Za-z\u00aa-\u02af\u0370-\u1fff0-9][A-Za-z\u00aa-\u02af\u0370-\u1fff0-9.:@_-]{1,120}(?:[/?#][^\s<>"'`]{0,130})?(?<![.,;:!?)\]])/gi,
    alone: true,
    strength: Strength.proven,
    example: (random) => `https://www.example.com/${random("abc", 5)}`,
  },
  {
    id: "domain",
    name: "domain name",
    severity: "info",
    needs: ".",
    pattern:
      /(?<![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9_@./\\-])(?:[A-Za-z\u00aa-\u02af\u0370-\u1fff0-9](?:[A-Za-z\u00aa-\u02af\u0370-\u1fff0-9-]{0,61}[A-Za-z\u00aa-\u02af\u0370-\u1fff0-9])?\.){1,6}[A-Za-z\u00aa-\u02af\u0370-\u1fff]{2,24}(?![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9_(@-]|\.[A-Za-z\u00aa-\u02af\u0370-\u1fff])/g,
    check: (_value, written) => isDomain(written),
    alone: true,
    strength: Strength.shape,
    example: (random) => `www.${random("abcdef", 8)}.example.com`,
  },
];

/** Addresses that are the same on every machine identify nobody. */
function isIpv4(written: string): boolean {
  const parts = written.split(".");
  if (parts.some((part) => Number(part) > 255 || (part.length > 1 && part.startsWith("0")))) return false;
  return parts[0] !== "0" && parts[0] !== "127" && written !== "255.255.255.255";
}

/** RFC 4291 section 2.2: eight groups, of which one run of zeros is left out as `::`. */
function isIpv6(written: string): boolean {
  const [address, v4] = [written.replace(/:[\d.]+\.[\d.]+$/, ""), /:([\d.]+\.[\d.]+)$/.exec(written)?.[1]];
  const halves = address.split("::");
  if (halves.length > 2 || /:::|^:[^:]|[^:]:$/.test(address)) return false;
  const groups = halves.flatMap((half) => half.split(":")).filter((group) => group !== "");
  const count = groups.length + (v4 === undefined ? 0 : 2);
  if (groups.length < 2 || (halves.length === 1 ? count !== 8 : count > 7)) return false;
  // Times and ratios have no letters and no gap; `::` alone, or with a word, is code.
  return halves.length === 1 || groups.some((group) => /\d/.test(group));
}

function isDomain(written: string): boolean {
  const labels = written.split(".");
  const last = (labels.at(-1) as string).toLowerCase();
  if (labels[0]?.toLowerCase() === "www") return labels.length > 2;
  // A sentence that begins right behind a full stop: `end.It`.
  return (
    TLDS.has(last) && (labels.at(-1) === last || written === written.toUpperCase()) && (labels[0] as string).length > 1
  );
}
