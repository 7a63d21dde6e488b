/**
 * `npm run bench -- models-hash [MiB]`: how fast models are hashed, held against what the machine's cores can do, and
 * against the Python tool of OpenSSF Model Signing where it is installed. The files (default 4096 MiB of each model) are
 * in the page cache: it measures hashing, not the disk.
 *
 * There are two ceilings. `openssl speed sha256`, run on every core at once, hashes the same 16 KiB over and over, in the
 * cache of the core. Whoever hashes files copies each byte out of the page cache first: the loop that does this and
 * nothing else, on threads that have started before, is the ceiling that a program without a memory map can reach. A
 * single file is one hash, which goes from its first byte to its last: its ceilings by the clock are those of one core,
 * and another core reads ahead for it.
 *
 * All take turns, round after round, and a share is that of the two in one round: its median, and the lowest and the
 * highest. Each is told by the clock and by processor time; on a machine with other work only the latter compares.
 *
 * Our threads start within the time that is taken, and what a start costs is a line of its own. As in the published
 * package, no types are taken out of their sources: the first start in a run leaves them compiled.
 */

import { execFile } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { hashModel, type ManifestOptions } from "../../src/models/index.ts";
import { pythonMissing, runPython } from "../../test/models/python.ts";
import { percent, print } from "../table.ts";
import type { LoopData, Piece } from "./read-and-hash.ts";

const MIB = 2 ** 20;
const SHARD = 64 * MIB;
const ROUNDS = 3;
const CORES = availableParallelism();
const OPENSSL_SECONDS = 1;
const OPENSSL_BLOCK = 16_384;

interface Model {
  readonly what: string;
  readonly path: string;
  readonly options: ManifestOptions;
  /** How the Python library is configured, or undefined for its default. */
  readonly python?: string;
  /** What is hashed by one hash each. */
  readonly pieces: readonly Piece[];
  /** Cores that can hash it at once. */
  readonly cores: number;
}

/** GB a second. */
interface Speed {
  readonly wall: number;
  /** Of processor time, and so of one core. */
  readonly cpu: number;
}

interface Round {
  readonly ours: Speed;
  readonly loop: Speed;
  /** Of one core, while all are at it. */
  readonly openssl?: Speed | undefined;
  readonly python?: Speed | undefined;
}

export async function run(args: readonly string[]): Promise<void> {
  const mib = Number(args[0] ?? 4096);
  const home = mkdtempSync(join(tmpdir(), "holdfast-bench-hash-"));
  process.env["NODE_COMPILE_CACHE"] ??= join(home, "compiled");
  try {
    const start = await startOfThread(home);
    const rows: string[][] = [];
    for (const model of makeModels(home, mib)) {
      const rounds: Round[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const openssl = await opensslSpeed();
        const loop = await loopSpeed(model);
        const ours = await speedOf(model, () => hashModel(model.path, model.options));
        rounds.push({ openssl, loop, ours, python: pythonMissing === undefined ? pythonSpeed(model) : undefined });
      }
      rows.push(...rowsOf(model, rounds));
    }
    if (pythonMissing !== undefined) console.log(pythonMissing);
    console.log(`start of a thread: ${start.wall} ms by the clock, ${start.cpu} ms of processor time\n`);
    print([["", "", "GB/s", "% of openssl", "% of the loop", "% of model-signing", "the loop: % of openssl"], ...rows]);
    const memory = Math.round(process.memoryUsage.rss() / MIB);
    console.log(
      `\nmedian (lowest..highest) of ${ROUNDS} rounds; load ${loadavg()[0]?.toFixed(2)}; resident memory ${memory} MiB`,
    );
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Writes one model after the other: only one need be in memory. */
function* makeModels(home: string, mib: number): Generator<Model> {
  const chunk = randomFillSync(Buffer.allocUnsafe(MIB));
  const folderOf = (name: string): string => {
    const folder = join(home, name);
    mkdirSync(folder);
    return folder;
  };
  const write = (path: string, size: number): Piece => {
    const file = openSync(path, "w");
    for (let count = 0; count < size; count++) writeSync(file, chunk);
    closeSync(file);
    return { path, from: 0, to: size * MIB };
  };

  const many = folderOf("many");
  const files = Array.from({ length: 16 }, (_, index) =>
    write(join(many, `${index}.safetensors`), Math.ceil(mib / 16)),
  );
  yield { what: "16 files", path: many, options: {}, pieces: files, cores: CORES };
  rmSync(many, { recursive: true });

  const one = folderOf("one");
  const file = write(join(one, "model.gguf"), mib);
  yield { what: "one file", path: one, options: {}, pieces: [file], cores: 1 };
  yield {
    what: "one file, shards of 64 MiB",
    path: one,
    options: { method: "shards", shardSize: SHARD },
    python: `.use_shard_serialization(shard_size=${SHARD})`,
    pieces: Array.from({ length: Math.ceil(file.to / SHARD) }, (_, index) => {
      return { path: file.path, from: index * SHARD, to: Math.min((index + 1) * SHARD, file.to) };
    }),
    cores: CORES,
  };
  rmSync(one, { recursive: true });

  const small = folderOf("small");
  const part = chunk.subarray(0, MIB / 16);
  const parts = Array.from({ length: mib * 16 }, (_, index) => {
    const path = join(small, `${index}.json`);
    writeFileSync(path, part);
    return { path, from: 0, to: part.length };
  });
  yield { what: `${parts.length} files of 64 KiB`, path: small, options: {}, pieces: parts, cores: CORES };
}

async function speedOf(model: Model, work: () => Promise<unknown>): Promise<Speed> {
  const [started, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return speed(model, (performance.now() - started) / 1e3, (user + system) / 1e6);
}

function speed({ pieces }: Model, wall: number, cpu: number): Speed {
  const gigabytes = pieces.reduce((sum, { from, to }) => sum + to - from, 0) / 1e9;
  return { wall: gigabytes / wall, cpu: gigabytes / cpu };
}

/** What a core of `openssl speed sha256` does while it runs on all, or undefined where it is missing. */
async function opensslSpeed(): Promise<Speed | undefined> {
  const how = ["speed", "-bytes", String(OPENSSL_BLOCK), "-seconds", String(OPENSSL_SECONDS), "sha256"];
  try {
    const said = await Promise.all(Array.from({ length: CORES }, () => promisify(execFile)("openssl", how)));
    // "Doing sha256 for 1s on 16384 size blocks: 84366 sha256's in 0.98s": seconds of processor time.
    const found = said.map(({ stderr }) => /: (\d+) sha256's in ([\d.]+)s/.exec(stderr)?.slice(1).map(Number) ?? []);
    const gigabytes = found.reduce((sum, [blocks = Number.NaN]) => sum + (blocks * OPENSSL_BLOCK) / 1e9, 0);
    const cpu = found.reduce((sum, [, seconds = Number.NaN]) => sum + seconds, 0);
    return { wall: gigabytes / OPENSSL_SECONDS / CORES, cpu: gigabytes / cpu };
  } catch {
    return undefined;
  }
}

/** The loop of reading and hashing, on threads that have started. */
async function loopSpeed(model: Model): Promise<Speed> {
  const next = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: LoopData = { pieces: model.pieces, next };
  const threads = Array.from({ length: model.cores }, () => {
    return new Worker(new URL("./read-and-hash.ts", import.meta.url), { workerData });
  });
  const answers = (): Promise<unknown> => Promise.all(threads.map((thread) => once(thread, "message")));
  try {
    await answers();
    return await speedOf(model, () => {
      const done = answers();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      for (const thread of threads) thread.postMessage("start");
      return done;
    });
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** Without the start of Python. */
function pythonSpeed(model: Model): Speed {
  const { ok, said } = runPython(
    "-c",
    "import model_signing, pathlib, time\n" +
      "started, before = time.perf_counter(), time.process_time()\n" +
      `model_signing.hashing.Config()${model.python ?? ""}.hash(pathlib.Path(${JSON.stringify(model.path)}))\n` +
      "print(time.perf_counter() - started, time.process_time() - before)\n",
  );
  if (!ok) throw new Error(said);
  const [wall = 0, cpu = 0] = (said.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return speed(model, wall, cpu);
}

/** Milliseconds that are left when there is nothing to hash, in too many files to be done without a thread. */
async function startOfThread(home: string): Promise<{ readonly wall: number; readonly cpu: number }> {
  const folder = join(home, "nothing");
  mkdirSync(folder);
  for (let index = 0; index < 128; index++) writeFileSync(join(folder, String(index)), "");
  let [wall, cpu] = [Infinity, Infinity];
  for (let round = 0; round < 2 * ROUNDS; round++) {
    const [started, before] = [performance.now(), process.cpuUsage()];
    await hashModel(folder);
    const { user, system } = process.cpuUsage(before);
    wall = Math.min(wall, Math.round(performance.now() - started));
    cpu = Math.min(cpu, Math.round((user + system) / 1e3));
  }
  return { wall, cpu };
}

/** One row by the clock and one by processor time. */
function rowsOf({ what, cores }: Model, rounds: readonly Round[]): string[][] {
  return (["wall", "cpu"] as const).map((by) => {
    // By the clock all cores that can be at it count; a second of processor time is one core's in any case.
    const ceiling = ({ openssl }: Round): number | undefined => openssl && openssl[by] * (by === "wall" ? cores : 1);
    return [
      ...(by === "wall" ? [what, "by the clock"] : ["", "by processor time"]),
      spread(
        rounds,
        ({ ours }) => ours[by],
        (value) => value.toFixed(2),
      ),
      spread(rounds, (round) => ratio(round.ours[by], ceiling(round)), percent),
      spread(rounds, ({ ours, loop }) => ratio(ours[by], loop[by]), percent),
      spread(rounds, ({ ours, python }) => ratio(ours[by], python?.[by]), percent),
      spread(rounds, (round) => ratio(round.loop[by], ceiling(round)), percent),
    ];
  });
}

function ratio(one: number, other: number | undefined): number | undefined {
  return other === undefined ? undefined : one / other;
}

/** "median (lowest..highest)", or nothing where a round has no value. */
function spread(
  rounds: readonly Round[],
  valueOf: (round: Round) => number | undefined,
  text: (value: number) => string,
): string {
  const values = rounds.map(valueOf).filter((value) => value !== undefined);
  const sorted = values.toSorted((one, other) => one - other).map(text);
  return sorted.length < rounds.length ? "" : `${sorted[ROUNDS >> 1]} (${sorted[0]}..${sorted.at(-1)})`;
}
