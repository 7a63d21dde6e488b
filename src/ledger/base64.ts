/**
 * Standard base64 (RFC 4648 section 4), read strictly: one byte sequence has exactly one text. A lenient reader would
 * let anyone change the bytes of a signed file (padding, stray bits, line breaks) without breaking its signature.
 *
 * @module
 */

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** The bytes, or undefined where `text` is not their one canonical encoding. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}
