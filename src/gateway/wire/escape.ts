/**
 * JSON string escapes (RFC 8259 section 7), undone and made, where no whole JSON text is at hand.
 *
 * @module
 */

/**
 * `text` with every JSON escape replaced by its character, wherever it stands. What is not a valid escape stays, but
 * for its backslash: a model reads past such mistakes, and so must a guard.
 */
export function unescapeJson(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_, hex: string | undefined, char: string | undefined) =>
    hex === undefined ? simpleEscape(char ?? "") : String.fromCharCode(parseInt(hex, 16)),
  );
}

/** The character that `\` and `char` stand for. */
export function simpleEscape(char: string): string {
  return SIMPLE.get(char) ?? char;
}

/** `text` as it stands between the quotes of a JSON string. */
export function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

const SIMPLE: ReadonlyMap<string, string> = new Map([
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
