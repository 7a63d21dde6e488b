/**
 * Foreign text in Markdown that stays text: no heading, link, image, table cell or HTML of it takes effect, and nothing
 * invisible is left.
 *
 * Source: CommonMark 0.31, sections 2.4 (backslash escapes), 4 and 6; GFM tables.
 *
 * @module
 */

/** `text` as one line of Markdown. */
export function inline(text: string): string {
  return visible(text.replaceAll(/\s+/g, " ").trim())
    .replaceAll(MARKS, String.raw`\$&`)
    .replace(/^(?:[-+=]|\d+[.)](?= ))/, (mark) => `${mark.slice(0, -1)}\\${mark.slice(-1)}`)
    .replaceAll("://", String.raw`\://`)
    .replaceAll(/www\./gi, (word) => `${word.slice(0, -1)}\\.`);
}

/** `text` as a quotation of several lines. */
export function quoted(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => `> ${inline(line)}`.trimEnd())
    .join("\n");
}

/** What begins or ends something within a line, in Markdown, GFM, HTML or the extensions of code hosts. */
const MARKS = /[\\`*_[\]<>#|~&@$!{}]/g;

/** Control, format and unpaired characters as escapes: what reorders or hides text shows itself. */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return `\u2039U+${code}\u203a`;
  });
}
