/**
 * Bytes that flow in, taken in pieces of the size that is wanted.
 *
 * @module
 */

export interface Intake {
  /** So many bytes, or what there is before the end. The array is the caller's own. */
  take(bytes: number): Promise<Uint8Array>;
  /** Waits until so many bytes are held. @returns false where the end came first */
  fill(bytes: number): Promise<boolean>;
  /** What is held, in one piece. */
  peek(): Uint8Array;
  /** Whether nothing is left. Waits for the next piece. */
  atEnd(): Promise<boolean>;
}

export function createIntake(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Intake {
  const pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array> =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let held: Uint8Array[] = [];
  let length = 0;
  let ended = false;

  async function fill(bytes: number): Promise<boolean> {
    while (length < bytes && !ended) {
      const { done, value } = await pieces.next();
      if (done === true) ended = true;
      else if (value.length > 0) {
        held.push(value);
        length += value.length;
      }
    }
    return length >= bytes;
  }

  function peek(): Uint8Array {
    if (held.length !== 1) held = [Buffer.concat(held)];
    return held[0] as Uint8Array;
  }

  return {
    fill,
    peek,
    take: async (bytes) => {
      await fill(bytes);
      const whole = peek();
      const taken = whole.subarray(0, bytes);
      const rest = whole.subarray(taken.length);
      held = rest.length > 0 ? [rest] : [];
      length = rest.length;
      return taken;
    },
    atEnd: async () => !(await fill(1)),
  };
}
