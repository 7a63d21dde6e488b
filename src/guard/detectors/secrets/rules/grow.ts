/**
 * What secrets without an upper length go on with, behind the part that makes them certain.
 *
 * @module
 */

/** Base64url and the dots that join its parts. */
export function joinedToken(): (code: number) => boolean {
  return (code) => code < 128 && /[\w.=-]/.test(String.fromCharCode(code));
}

/** Base64url alone. */
export function wordToken(): (code: number) => boolean {
  return (code) => code < 128 && /[\w-]/.test(String.fromCharCode(code));
}

/** Base64. */
export function base64Token(): (code: number) => boolean {
  return (code) => code < 128 && /[\w+/=-]/.test(String.fromCharCode(code));
}
