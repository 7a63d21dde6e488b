/**
 * `npm run bench -- models-hash [MiB]`: how fast models are hashed, next to what the machine's cores can do at most
 * (`openssl speed -multi`), and next to the Python tool of OpenSSF Model Signing where it is installed, in turns in one
 * run. The files (default 2048 MiB of each model) are in the page cache: it measures hashing, not the disk.
 *
 * openssl hashes the same bytes over and over, in the cache of the core. Whoever hashes files copies each byte out of the
 * page cache first, so that the second ceiling is both together. Threads of a clone take the types out of their sources
 * when they start, which those of the published package need not: 0.1 s each.
 */

import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { hashModel, type ManifestOptions } from "../../src/models/index.ts";
import { pythonMissing, runPython } from "../../test/models/python.ts";
import { print } from "../table.ts";

const MIB = 2 ** 20;
const ROUNDS = 3;

interface Model {
  readonly what: string;
  readonly path: string;
  readonly options: ManifestOptions;
  /** How the Python library is configured, or undefined for its default. */
  readonly python?: string;
}

export async function run(args: readonly string[]): Promise<void> {
  const mib = Number(args[0] ?? 2048);
  const home = mkdtempSync(join(tmpdir(), "holdfast-bench-hash-"));
  try {
    const ceiling = opensslSpeed();
    const models = makeModels(home, mib);
    const reading = readSpeed(join(home, "one", "model.gguf")) * availableParallelism();
    const both = ceiling === undefined ? undefined : 1 / (1 / ceiling + 1 / reading);
    const rows: string[][] = [];
    for (const model of models) {
      const [ours, theirs]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(await timeOurs(model));
        if (pythonMissing === undefined) theirs.push(timePython(model));
      }
      const [own, other] = [speedOf(mib, ours), theirs.length === 0 ? undefined : speedOf(mib, theirs)];
      rows.push([
        model.what,
        own.toFixed(2),
        share(own, ceiling),
        share(own, both),
        other === undefined ? "" : other.toFixed(2),
        other === undefined ? "" : `x ${(own / other).toFixed(2)}`,
      ]);
    }
    console.log(
      `openssl speed sha256 on ${availableParallelism()} cores: ${ceiling?.toFixed(2) ?? "not installed"} GB/s`,
    );
    console.log(`reading files without hashing them, on all cores: ${reading.toFixed(2)} GB/s`);
    if (pythonMissing !== undefined) console.log(pythonMissing);
    print([["model", "GB/s", "of openssl", "of both", "model-signing GB/s", "ours to it"], ...rows]);
    console.log(`best of ${ROUNDS}; resident memory ${Math.round(process.memoryUsage.rss() / MIB)} MiB`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function makeModels(home: string, mib: number): Model[] {
  const chunk = randomFillSync(Buffer.allocUnsafe(MIB));
  const write = (path: string, size: number): void => {
    const file = openSync(path, "w");
    for (let count = 0; count < size; count++) writeSync(file, chunk);
    closeSync(file);
  };
  const [many, one, small] = ["many", "one", "small"].map((name) => join(home, name)) as [string, string, string];
  for (const folder of [many, one, small]) mkdirSync(folder);
  for (let index = 0; index < 16; index++) write(join(many, `model-${index}.safetensors`), Math.ceil(mib / 16));
  write(join(one, "model.gguf"), mib);
  const part = chunk.subarray(0, MIB / 16);
  for (let index = 0; index < mib * 16; index++) writeFileSync(join(small, `${index}.json`), part);
  const shardSize = 64 * MIB;
  return [
    { what: "16 files", path: many, options: {} },
    { what: "one file", path: one, options: {} },
    {
      what: "one file, shards of 64 MiB",
      path: one,
      options: { method: "shards", shardSize },
      python: `.use_shard_serialization(shard_size=${shardSize})`,
    },
    { what: `${mib * 16} files of 64 KiB`, path: small, options: {} },
  ];
}

/** Seconds. */
async function timeOurs({ path, options }: Model): Promise<number> {
  const started = performance.now();
  await hashModel(path, options);
  return (performance.now() - started) / 1000;
}

/** Seconds, without the start of Python. */
function timePython({ path, python = "" }: Model): number {
  const { ok, said } = runPython(
    "-c",
    "import model_signing, pathlib, time\n" +
      "started = time.perf_counter()\n" +
      `model_signing.hashing.Config()${python}.hash(pathlib.Path(${JSON.stringify(path)}))\n` +
      "print(time.perf_counter() - started)\n",
  );
  if (!ok) throw new Error(said);
  return Number(said.trim().split("\n").at(-1));
}

function share(own: number, ceiling: number | undefined): string {
  return ceiling === undefined ? "" : `${Math.round((own / ceiling) * 100)} %`;
}

/** GB/s that one thread reads out of the page cache. */
function readSpeed(path: string): number {
  const buffer = Buffer.allocUnsafeSlow(MIB / 4);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const file = openSync(path, "r");
    const started = performance.now();
    let bytes = 0;
    for (let count = 1; count > 0; bytes += count) count = readSync(file, buffer, 0, buffer.length, bytes);
    closeSync(file);
    return bytes / 1e6 / (performance.now() - started);
  });
  return Math.max(...rounds);
}

function speedOf(mib: number, seconds: readonly number[]): number {
  return (mib * MIB) / Math.min(...seconds) / 1e9;
}

/** GB/s of all cores, or undefined where openssl is missing. */
function opensslSpeed(): number | undefined {
  try {
    const how = ["-multi", String(availableParallelism()), "-bytes", "16384", "-seconds", "3", "sha256"];
    const said = execFileSync("openssl", ["speed", ...how], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const thousands = /^sha256\s+([\d.]+)k/m.exec(said)?.[1];
    return thousands === undefined ? undefined : Number(thousands) / 1e6;
  } catch {
    return undefined;
  }
}
