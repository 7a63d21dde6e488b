/**
 * Compressed streams for tests: data that is always the same, and streams that Python's own modules make of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

import { compressedFormat } from "../../src/models/scan/formats/compressed.ts";
import { readStream, type StreamReader } from "../../src/models/scan/formats/compressed/output.ts";
import { pickleFormat } from "../../src/models/scan/formats/pickle/pickle.ts";
import type { ScanLimits } from "../../src/models/scan/limits.ts";
import { cpuTime, freed, mutate, randomOf } from "./mutate.ts";
import { scanBytes, type Scanned } from "./scan.ts";

/** Data of a kind, `size` bytes of it. */
export type DataKind = "zeros" | "text" | "random" | "runs";
const DATA_KINDS: readonly DataKind[] = ["zeros", "text", "random", "runs"];
const DATA_SIZES = [0, 1, 2, 5, 254, 255, 259, 260, 4_096, 70_001, 300_000] as const;

const WORDS = ["the ", "weights ", "of ", "a model ", "\n", "are ", "read "];

/** Words, noise, zeros, or runs of a byte of up to 600. */
export function dataOf(kind: DataKind, size: number): Uint8Array {
  if (kind === "zeros") return new Uint8Array(size);
  let state = 1;
  const next = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff) >> 16;
  if (kind === "random") return Uint8Array.from({ length: size }, () => next() & 0xff);
  const parts: Buffer[] = [];
  for (let length = 0; length < size; length += parts.at(-1)?.length ?? 0) {
    parts.push(
      kind === "text" ? Buffer.from(WORDS[next() % 7] ?? "") : Buffer.alloc(1 + (next() % 600), next() & 0xff),
    );
  }
  return new Uint8Array(Buffer.concat(parts).subarray(0, size));
}

/** Why Python's `module` cannot be asked here, for the `skip` of a test; undefined where it can. */
export function moduleMissing(module: string): string | undefined {
  const found = spawnSync("python3", ["-c", `import ${module}`]).status === 0;
  return found ? undefined : `skipped: python3 with its module ${module} is not installed`;
}

/** What Python's `expression` makes of each of `data`, which it calls `d`. */
export function pythonCompressed(module: string, expression: string, data: readonly Uint8Array[]): readonly Buffer[] {
  return pythonLines(module, [`print(base64.b64encode(${expression}).decode())`], data).map(base64);
}

/** The first `most` bytes of what Python's `expression` makes of each of `streams`; undefined where it refuses it. */
export function pythonUnpacked(
  module: string,
  expression: string,
  streams: readonly Uint8Array[],
  most: number,
): readonly (Buffer | undefined)[] {
  const statements = [
    `try: r = ${expression}`,
    "except Exception: r = None",
    `print("-" if r is None else base64.b64encode(r[:${most}]).decode())`,
  ];
  return pythonLines(module, statements, streams).map((line) => (line === "-" ? undefined : base64(line)));
}

/** The line that Python's `statements` print for each of `data`, which they call `d`. */
function pythonLines(module: string, statements: readonly string[], data: readonly Uint8Array[]): readonly string[] {
  const code = `import sys, base64, ${module}
for line in sys.stdin:
    d = base64.b64decode(line)
${statements.map((statement) => `    ${statement}\n`).join("")}`;
  const input = data.map((one) => `${Buffer.from(one).toString("base64")}\n`).join("");
  const { stdout, stderr, status } = spawnSync("python3", ["-c", code], {
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.split("\n").slice(0, data.length);
}

export interface Unpacked {
  readonly bytes: Uint8Array;
  /** Bytes of the input that were taken; undefined where the reader gave up. */
  readonly used: number | undefined;
  /** Why it gave up: `damaged: cut short`. */
  readonly why: string | undefined;
}

/** Reads a stream, at most `most` bytes of it. Errors that a reader does not mean to throw are thrown. */
export function unpack(reader: StreamReader, stream: Uint8Array, most = 2 ** 26): Unpacked {
  const { bytes, used, error } = readStream(reader, stream, most, () => true);
  return { bytes, used, why: error === undefined ? undefined : `${error.failure}: ${error.message}` };
}

/** Reads `count` damaged copies of the streams. @returns how many were read to the end, and the longest time in ms */
export async function unpackDamaged(
  reader: StreamReader,
  streams: readonly Uint8Array[],
  count: number,
): Promise<{ readonly whole: number; readonly longest: number }> {
  const random = randomOf(0xdec0de);
  let whole = 0;
  let longest = 0;
  for (let input = 0; input < count; input++) {
    const stream = mutate(
      streams[random(streams.length)] ?? new Uint8Array(),
      streams[random(streams.length)] ?? new Uint8Array(),
      random,
    );
    const before = cpuTime();
    if (unpack(reader, stream, 2 ** 20).why === undefined) whole++;
    longest = Math.max(longest, cpuTime() - before);
    await freed(input);
  }
  return { whole, longest };
}

/** The bytes of a vector. */
export const base64 = (text: string): Buffer => Buffer.from(text, "base64");

/** A copy with `bits` of the byte at `at` changed; from the end where that is negative. */
export function changed(stream: Uint8Array, at: number, bits: number): Uint8Array {
  const copy = Uint8Array.from(stream);
  copy[at < 0 ? copy.length + at : at] = (copy.at(at) ?? 0) ^ bits;
  return copy;
}

/** Limits that no small stream comes to. */
const SMALL: ScanLimits = { bytes: 1_000_000, members: 10, steps: 1_000_000, depth: 8, findings: 10 };

/** Scans a stream for what it is packed in, and for pickles. With `limits`, they and those of small streams hold. */
export function scanPacked(bytes: Uint8Array, limits?: Partial<ScanLimits>): Scanned {
  const held = limits === undefined ? undefined : { ...SMALL, ...limits };
  return scanBytes([compressedFormat, pickleFormat], bytes, "file.bin", held);
}

/** Asserts that 3,000 damaged copies of the streams end in time and by name, fewer than `most` of them as whole. */
export async function assertEnds(reader: StreamReader, streams: readonly Uint8Array[], most: number): Promise<void> {
  const { whole, longest } = await unpackDamaged(reader, streams, 3_000);
  assert.ok(whole < most, `${whole} damaged streams were read as whole`);
  assert.ok(longest < 5_000, `${longest} ms`);
}

/** Asserts that of a stream that holds more no more than `room` bytes come out, and that the reader says so. */
export function assertStopsAtRoom(reader: StreamReader, stream: Uint8Array, room: number): void {
  const { bytes, why } = unpack(reader, stream, room);
  assert.equal(why, `large: limit ${room} bytes`);
  assert.ok(bytes.length <= room);
}

/** Asserts that a stream that holds more than the `limit` of bytes of a file is inconclusive by that limit. */
export function assertStopsAtBudget(stream: Uint8Array, limit: number): void {
  const { rules, verdict } = scanPacked(stream, { bytes: limit });
  assert.ok(rules.includes("scan.limit-bytes"));
  assert.equal(verdict, "inconclusive");
}

/** Packs data of each kind and size by Python's `expression`, and asserts that the reader gives it back whole. */
export function assertRoundTrips(reader: StreamReader, module: string, expression: string): void {
  const data = DATA_KINDS.flatMap((kind) => DATA_SIZES.map((size) => dataOf(kind, size)));
  for (const [index, stream] of pythonCompressed(module, expression, data).entries()) {
    const { bytes, used, why } = unpack(reader, stream);
    assert.equal(why, undefined);
    assert.equal(used, stream.length);
    assert.equal(Buffer.compare(bytes, data[index] as Uint8Array), 0);
  }
}
