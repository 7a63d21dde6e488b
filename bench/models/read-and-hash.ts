/**
 * A thread that reads and hashes and does nothing else: what the hashing of files is held against. Each takes the next
 * piece from a number that all share.
 */

import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";

/** What is hashed by one hash. */
export interface Piece {
  readonly path: string;
  readonly from: number;
  /** The end, exclusive. */
  readonly to: number;
}

export interface LoopData {
  readonly pieces: readonly Piece[];
  /** The number of the next piece. */
  readonly next: Int32Array<SharedArrayBuffer>;
}

const { pieces, next } = workerData as LoopData;
const buffer = Buffer.allocUnsafeSlow(256 * 1024);

if (parentPort !== null) serve(parentPort);

/** Says that it is there; told to start, does the work and says that it is done. */
function serve(port: MessagePort): void {
  port.once("message", () => {
    for (let piece = take(); piece !== undefined; piece = take()) hash(piece);
    port.postMessage("done");
  });
  port.postMessage("ready");
}

function take(): Piece | undefined {
  return pieces[Atomics.add(next, 0, 1)];
}

function hash({ path, from, to }: Piece): void {
  const file = openSync(path, "r");
  const sum = createHash("sha256");
  for (let at = from; at < to;) {
    const count = readSync(file, buffer, 0, Math.min(buffer.length, to - at), at);
    if (count === 0) throw new Error(`${path} is shorter than it was`);
    sum.update(buffer.subarray(0, count));
    at += count;
  }
  sum.digest();
  closeSync(file);
}
