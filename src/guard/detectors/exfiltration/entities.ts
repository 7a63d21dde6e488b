/**
 * HTML character references in attribute values, as far as addresses are written with them.
 *
 * @module
 */

/** Named references of characters that addresses and scripts are made of (HTML Living Standard, section 13.5). */
const NAMED: Readonly<Record<string, string>> = {
  __proto__: null as never,
  amp: "&",
  colon: ":",
  sol: "/",
  bsol: "\\",
  period: ".",
  quest: "?",
  num: "#",
  equals: "=",
  commat: "@",
  lpar: "(",
  rpar: ")",
  lsqb: "[",
  rsqb: "]",
  quot: '"',
  apos: "'",
  lt: "<",
  gt: ">",
  nbsp: "\u00A0",
  tab: "\t",
  newline: "\n",
  percnt: "%",
  plus: "+",
  lowbar: "_",
  hyphen: "\u2010",
  semi: ";",
};

/** Replaces numeric references, with or without a semicolon, and the named ones of the table. */
export function decodeReferences(text: string): string {
  if (!text.includes("&")) return text;
  return text.replaceAll(
    /&(?:#x([0-9a-f]{1,8});?|#(\d{1,8});?|([a-z]{2,8});)/gi,
    (whole, hex: string | undefined, decimal: string | undefined, name: string | undefined) => {
      if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
