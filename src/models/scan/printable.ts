/**
 * Foreign text made fit to be shown: what a file says of itself reaches terminals, logs and reports.
 *
 * @module
 */

/** Characters of a detail. What is longer ends in an ellipsis. */
const MAX_DETAIL = 200;

/** `text` in at most 200 characters, with control, format and unpaired characters as escapes. */
export function printable(text: string): string {
  const cut = text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL - 1)}…` : text;
  const escaped = cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
  return escaped.length > MAX_DETAIL ? `${escaped.slice(0, MAX_DETAIL - 1)}…` : escaped;
}
