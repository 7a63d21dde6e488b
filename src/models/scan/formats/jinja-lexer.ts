/**
 * Splits a Jinja template into the tokens of its blocks, as Jinja's own lexer does: comments and text fall away, strings
 * are unescaped, brackets are balanced before a block may end. Linear in the template's length, whatever it holds.
 *
 * What is between `{% raw %}` and `{% endraw %}` is text to Jinja but not to every other engine: it is read as a template
 * of its own as well.
 *
 * Source: jinja.palletsprojects.com/templates, jinja2/lexer.py.
 *
 * @module
 */

export interface JinjaToken {
  readonly kind: "name" | "string" | "number" | "operator";
  /** The name, the operator, the number's digits, or what the string spells once unescaped. */
  readonly text: string;
  /** UTF-16 units from the start of the template. */
  readonly at: number;
}

export interface JinjaBlock {
  /** `{{ … }}` or `{% … %}`. */
  readonly kind: "expression" | "statement";
  readonly tokens: readonly JinjaToken[];
}

export interface JinjaTemplate {
  readonly blocks: readonly JinjaBlock[];
  /** What stands between `raw` and `endraw`. */
  readonly raw: readonly string[];
  /** Where Jinja would refuse the template: a block or string without an end. Absent where it would not. */
  readonly brokenAt?: number;
}

/** The blocks of `template`, in their order. Never throws. */
export function lexJinja(template: string): JinjaTemplate {
  const blocks: JinjaBlock[] = [];
  const raw: string[] = [];
  const endless: Endless = new Set();
  let brokenAt: number | undefined;
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf("{", at);
    if (open < 0) break;
    const next = template[open + 1];
    if (next === "#") {
      const end = endless.has("#") ? -1 : template.indexOf("#}", open + 2);
      if (end < 0) {
        endless.add("#");
        brokenAt ??= open;
      }
      // A comment without an end: Jinja refuses it; what another engine makes of the rest is read.
      at = end < 0 ? open + 2 : end + 2;
    } else if (next === "{" || next === "%") {
      const block = readBlock(template, open, next === "{" ? "expression" : "statement", endless);
      if (block.broken) brokenAt ??= open;
      blocks.push(block);
      at = block.end;
      if (!isRaw(block)) continue;
      ENDRAW.lastIndex = at;
      const close = endless.has("raw") ? null : ENDRAW.exec(template);
      if (close === null) {
        endless.add("raw");
        brokenAt ??= open;
      } else {
        raw.push(template.slice(at, close.index));
        at = ENDRAW.lastIndex;
      }
    } else {
      at = open + 1;
    }
  }
  return { blocks, raw, ...(brokenAt === undefined ? {} : { brokenAt }) };
}

/** Spaces are bounded so that the search stays linear; a template with more of them has no `endraw` for us. */
const ENDRAW = /\{%[-+]?\s{0,99}endraw\s{0,99}[-+]?%\}/g;

function isRaw({ kind, tokens }: JinjaBlock): boolean {
  const words = tokens.filter(({ text }) => text !== "-" && text !== "+");
  return kind === "statement" && words.length === 1 && words[0]?.text === "raw";
}

/** What was once found to have no end is not searched for again: that keeps the lexer linear. */
type Endless = Set<"#" | "raw" | "'" | '"'>;

interface ReadBlock extends JinjaBlock {
  readonly end: number;
  readonly broken: boolean;
}

const SPACE = /\s/;
const NAME_START = /[\p{L}_\p{Nl}]/u;
const NAME = /[\p{L}\p{Nd}\p{Mn}\p{Mc}\p{Pc}\p{Nl}_]+/uy;
const NUMBER = /[0-9][0-9a-zA-Z_]*/y;
const OPERATORS = ["//", "**", "==", "!=", ">=", "<="];

/** Reads the block that opens at `open`. Names are folded by NFKC, as Python folds its identifiers. */
function readBlock(template: string, open: number, kind: JinjaBlock["kind"], endless: Endless): ReadBlock {
  const close = kind === "expression" ? "}}" : "%}";
  const tokens: JinjaToken[] = [];
  let depth = 0;
  let broken = false;
  let at = open + 2;
  while (at < template.length) {
    const character = template[at] as string;
    if (depth === 0) {
      const sign = character === "-" || character === "+" ? 1 : 0;
      if (template.startsWith(close, at + sign)) return { kind, tokens, end: at + sign + 2, broken };
    }
    if (SPACE.test(character)) {
      at++;
      continue;
    }
    if (character === "'" || character === '"') {
      const end = endless.has(character) ? -1 : endOfString(template, at, character);
      if (end < 0) {
        endless.add(character);
        broken = true;
        at++;
        continue;
      }
      tokens.push({ kind: "string", text: unescape(template.slice(at + 1, end)), at });
      at = end + 1;
      continue;
    }
    NUMBER.lastIndex = at;
    NAME.lastIndex = at;
    const number = NUMBER.exec(template)?.[0];
    const name = number === undefined && NAME_START.test(character) ? NAME.exec(template)?.[0] : undefined;
    if (number !== undefined || name !== undefined) {
      const text = (number ?? name) as string;
      tokens.push({ kind: number === undefined ? "name" : "number", text: text.normalize("NFKC"), at });
      at += text.length;
      continue;
    }
    if ("([{".includes(character)) depth++;
    if (")]}".includes(character)) depth = Math.max(0, depth - 1);
    const operator = OPERATORS.find((long) => template.startsWith(long, at)) ?? character;
    tokens.push({ kind: "operator", text: operator, at });
    at += operator.length;
  }
  return { kind, tokens, end: template.length, broken: true };
}

/** Where the string that opens at `from` closes, or -1. */
function endOfString(template: string, from: number, quote: string): number {
  for (let at = from + 1; at < template.length; at++) {
    if (template[at] === "\\") at++;
    else if (template[at] === quote) return at;
  }
  return -1;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "\n": "" };
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|N\{LOW LINE\}|([\s\S]))/g;

/** Python's escapes, as far as they can spell a name: Jinja unescapes by `unicode-escape`. */
function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(ESCAPE, (_all, x?: string, u?: string, long?: string, octal?: string, other?: string) => {
    const hex = x ?? u ?? long;
    if (hex !== undefined || octal !== undefined) {
      const code = hex === undefined ? Number.parseInt(octal as string, 8) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : "";
    }
    if (other === undefined) return "_";
    return SHORT_ESCAPES[other] ?? other;
  });
}
