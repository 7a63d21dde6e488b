/**
 * The rest of the `data` of a Kubernetes secret, behind its first value, character by character: until the line that is
 * indented less, the brace that closes it, or the end of the document.
 *
 * @module
 */

/** Reads on behind the first value: says of each next code unit whether it belongs to the block. */
export function secretBlock(): (code: number) => boolean {
  /** Spaces at the start of a line; -1: the line has begun. */
  let indent = -1;
  /** The indentation of the block's entries, from the first line behind its first value. */
  let block = 0;
  return (code) => {
    if (code === CLOSING_BRACE) return false;
    if (code === LINE_FEED) {
      indent = 0;
      return true;
    }
    if (indent === -1 || code === CARRIAGE_RETURN) return true;
    if (code === SPACE) {
      indent += 1;
      return true;
    }
    const inside = indent > 0 && indent >= block;
    if (block === 0) block = indent;
    indent = -1;
    return inside;
  };
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const CLOSING_BRACE = 0x7d;
