/**
 * `String.prototype.codePointAt`, without its fault: V8 14 (Node 24), once it compiles a caller with its middle tier,
 * reads past the end of a string that is a slice of a longer one, so that a lone high surrogate at the end of a piece
 * is taken for a whole pair. A reader of texts in pieces would then count one unit too many, and every finding after it
 * would point at the wrong characters. `charCodeAt` has no such fault.
 *
 * @module
 */

/** Whether a UTF-16 unit is the first half of a pair. */
export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Whether a UTF-16 unit is the second half of a pair. */
export function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/**
 * The code point that begins at a unit: a pair's, a unit's alone (a half pair too), `undefined` past the end.
 *
 * @example
 * ```ts
 * import { codePointAt } from "holdfast/core";
 *
 * codePointAt("🜁", 0); // 0x1f701
 * codePointAt("🜁".slice(0, 1), 0); // 0xd83d, the first half alone
 * ```
 */
export function codePointAt(text: string, at: number): number | undefined {
  if (at < 0 || at >= text.length) return undefined;
  const unit = text.charCodeAt(at);
  if (!isHighSurrogate(unit) || at + 1 >= text.length) return unit;
  const next = text.charCodeAt(at + 1);
  return isLowSurrogate(next) ? ((unit - 0xd800) << 10) + (next - 0xdc00) + 0x10000 : unit;
}
