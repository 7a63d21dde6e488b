/**
 * Measures of what looks like a secret: how random it is, what it decodes to.
 *
 * @module
 */

/** Shannon entropy of a text in bits a character. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Whether the text is base64 or base64url of printable ASCII that matches `pattern`. */
export function decodesTo(base64: string, pattern: RegExp): boolean {
  const text = Buffer.from(base64, "base64").toString("latin1");
  return /^[\t\n\r\x20-\x7E]+$/.test(text) && pattern.test(text);
}
