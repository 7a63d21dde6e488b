/**
 * Bytes that flow in, taken in pieces of the size that is wanted.
 *
 * @module
 */

export interface Intake {
  /** So many bytes, or what there is before the end. */
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
      const [first] = held;
      const taken =
        first !== undefined && first.length >= bytes
          ? first.subarray(0, bytes)
          : Buffer.concat(held, Math.min(bytes, length));
      length -= taken.length;
      // Nothing is fetched before it is wanted, so that only the last piece reaches beyond what is taken.
      held = length > 0 ? [(held.at(-1) as Uint8Array).subarray(-length)] : [];
      return taken;
    },
    atEnd: async () => !(await fill(1)),
  };
}
