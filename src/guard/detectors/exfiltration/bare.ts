/**
 * Reads addresses that stand in the text as they are, which most readers make into links (GitHub Flavored Markdown,
 * section 6.9), addresses of style sheets, and what is left of an HTML attribute.
 *
 * @module
 */

import { ADDRESS_BOUND } from "./markdown.ts";
import type { Reading } from "./rules.ts";
import type { Judge } from "./target.ts";

/** Schemes whose addresses are looked at. */
const SCHEMES: readonly string[] = [
  "http",
  "https",
  "ftp",
  "ws",
  "wss",
  "file",
  "data",
  "javascript",
  "vbscript",
  "livescript",
  "mailto",
];
const LONGEST_SCHEME = 10;
/** Units before a place that decide about it. */
export const LOOK_BACK = 256;

const ACTIVE_DATA =
  /data:(?:text\/(?:html|xml|javascript)|application\/(?:xhtml\+xml|xml|javascript|x-javascript)|image\/svg\+xml)[;,]/iy;
/** The longest that {@link ACTIVE_DATA} matches. */
const ACTIVE_DATA_LENGTH = 40;

/** Reads the address whose colon is at `at`. A finding begins at its scheme. */
export function readAddressAt(text: string, at: number, final: boolean, judge: Judge): Reading {
  const run = letterRun(text, at);
  const scheme = SCHEMES.includes(run) ? run : SCHEMES.find((known) => run.endsWith(known));
  if (scheme === undefined) return undefined;
  // Glued to a word, the letters before the colon may have left the stream.
  const start = scheme === run ? at - run.length : at;
  if (text.length - at < 3 && !final) return { waitFrom: start };
  switch (scheme) {
    case "javascript":
    case "vbscript":
    case "livescript":
      // «JavaScript: the language» is prose.
      if (scheme !== run || /^:(?:$|[\s/*_"'`)\]])/.test(text.slice(at, at + 2))) return undefined;
      return readUntilSpace(text, start, at, final, () => "script-url");
    case "data":
      if (text.length - at < ACTIVE_DATA_LENGTH && !final) return { waitFrom: start };
      ACTIVE_DATA.lastIndex = start;
      if (scheme !== run || !ACTIVE_DATA.test(text)) return undefined;
      return readUntilSpace(text, start, at, final, () => "data-url");
    case "mailto":
      if (scheme !== run) return undefined;
      break;
    default:
      if (text.charCodeAt(at + 1) !== SLASH || text.charCodeAt(at + 2) !== SLASH) return undefined;
  }
  const written = at - scheme.length;
  return readUntilSpace(text, start, at, final, (end) => judge(text.slice(written, end), "click"));
}

/** Reads `www.` at `at`. */
export function readWww(text: string, at: number, final: boolean, judge: Judge): Reading {
  if (at > 0 && /[\w./@:-]/.test(text.charAt(at - 1))) return undefined;
  if (text.length - at < 4 && !final)
    return "www.".startsWith(text.slice(at).toLowerCase()) ? { waitFrom: at } : undefined;
  if (text.slice(at, at + 4).toLowerCase() !== "www.") return undefined;
  return readUntilSpace(text, at, at, final, (end) => judge(`http://${text.slice(at, end)}`, "click"));
}

/** Reads the address of `url(` whose parenthesis is at `at`. */
export function readStyleAddress(text: string, at: number, final: boolean, judge: Judge): Reading {
  if (!/(?:^|[^\w-])url$/i.test(text.slice(Math.max(0, at - 4), at))) return undefined;
  return readUntilSpace(text, at + 1, at, final, (end) => judge(text.slice(at + 1, end).replace(/^["']/, ""), "load"));
}

/** Reads a quoted `on…=` outside of any tag, whose equals sign is at `at`: what breaks out of an attribute. */
export function readHandler(text: string, at: number, final: boolean): Reading {
  if (!/["'`]\s{0,8}on[a-z]{3,20}\s?$/i.test(text.slice(Math.max(0, at - 34), at))) return undefined;
  if (at + 2 >= text.length && !final) return { waitFrom: at };
  // An arrow, a comparison or a template is code of another kind.
  if (/^=[\s={>]/.test(text.slice(at, at + 2)) || at + 1 >= text.length) return undefined;
  return readUntilSpace(text, at, at + 1, final, () => "event-handler");
}

/**
 * First unit of what may become an address at the end of `text`: letters that a scheme begins with.
 */
export function openScheme(text: string): number {
  const run = letterRun(text, text.length);
  const start = text.length - run.length;
  return run !== "" && (SCHEMES.some((scheme) => scheme.startsWith(run)) || "www.".startsWith(run))
    ? start
    : text.length;
}

/** The letters before `end`, in lower case, as far as a scheme is long and one more. */
function letterRun(text: string, end: number): string {
  let start = end;
  while (start > 0 && end - start <= LONGEST_SCHEME && isLetter(text.charCodeAt(start - 1))) start -= 1;
  return text.slice(start, end).toLowerCase();
}

/** Finds the end of an address, then judges it. Parentheses in it are balanced; punctuation behind it is not its. */
function readUntilSpace(
  text: string,
  start: number,
  from: number,
  final: boolean,
  judge: (end: number) => ReturnType<Judge>,
): Reading {
  const limit = from + ADDRESS_BOUND;
  let depth = 0;
  let end = from + 1;
  // A quotation mark right behind `url(` opens the address.
  if (text.charCodeAt(from) === OPEN_PARENTHESIS && /["']/.test(text.charAt(end))) end += 1;
  for (; end < limit; end++) {
    if (end >= text.length) {
      if (!final) return { waitFrom: start };
      break;
    }
    const unit = text.charCodeAt(end);
    if (endsAddress(unit)) break;
    if (unit === OPEN_PARENTHESIS) depth += 1;
    else if (unit === CLOSE_PARENTHESIS && --depth < 0) break;
  }
  const unclosed = end >= limit;
  if (!unclosed) while (end > from + 1 && isTrailing(text.charCodeAt(end - 1))) end -= 1;
  const rule = judge(end);
  if (rule === undefined) return { passTo: end };
  return unclosed ? { rule: "unclosed-address", start, end, grows: true } : { rule, start, end };
}

/** White space, controls, quotation marks and brackets that no address holds unencoded. */
export function endsAddress(unit: number): boolean {
  return unit <= 0x20 || unit === 0x22 || unit === 0x3c || unit === 0x3e || unit === 0x60 || unit === 0x7f;
}

/** `.,;:!?'*_~` */
function isTrailing(unit: number): boolean {
  return TRAILING.includes(unit);
}

const TRAILING: readonly number[] = [0x2e, 0x2c, 0x3b, 0x3a, 0x21, 0x3f, 0x27, 0x2a, 0x5f, 0x7e];

function isLetter(unit: number): boolean {
  return (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a;
}

const OPEN_PARENTHESIS = 0x28;
const CLOSE_PARENTHESIS = 0x29;
const SLASH = 0x2f;
