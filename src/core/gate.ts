/**
 * The gate between native code and the end of its thread. A thread that is ended while the runtime of the model is at
 * work takes the whole process down: the runtime's answer finds no environment left, and aborts. So the thread says
 * when it goes in and comes out, and whoever wants to end it closes the gate first: nothing goes in any more, and what
 * is inside comes out.
 *
 * One number in shared memory, since a process that exits runs no event loop to send messages by.
 *
 * @module
 */

export type Gate = Int32Array<SharedArrayBuffer>;

const OPEN = 0;
const INSIDE = 1;
/** Something is inside, and nothing may follow it. */
const CLOSING = 2;
const CLOSED = 3;

export function createGate(): Gate {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Runs `work` inside the gate of this thread. @returns undefined when the gate is closed: then `work` did not run */
export async function inside<T>(gate: Gate, work: () => Promise<T>): Promise<T | undefined> {
  if (Atomics.compareExchange(gate, 0, OPEN, INSIDE) !== OPEN) return undefined;
  try {
    return await work();
  } finally {
    if (Atomics.compareExchange(gate, 0, INSIDE, OPEN) === CLOSING) Atomics.store(gate, 0, CLOSED);
    Atomics.notify(gate, 0);
  }
}

/** Closes the gate of another thread. Resolves when nothing is inside. */
export async function closeGate(gate: Gate): Promise<void> {
  shut(gate);
  for (;;) {
    const wait = Atomics.waitAsync(gate, 0, CLOSING);
    if (!wait.async) return;
    await wait.value;
  }
}

/** The same for a process that exits: blocks until nothing is inside, or for `ms`. */
export function closeGateNow(gate: Gate, ms: number): void {
  shut(gate);
  while (Atomics.wait(gate, 0, CLOSING, ms) === "ok");
}

function shut(gate: Gate): void {
  if (Atomics.compareExchange(gate, 0, OPEN, CLOSED) === INSIDE) Atomics.compareExchange(gate, 0, INSIDE, CLOSING);
  // It may have come out in between.
  Atomics.compareExchange(gate, 0, OPEN, CLOSED);
}
