/**
 * `npm run bench -- models-hash [MiB]`: how fast models are hashed, next to what the machine's cores can do at most
 * (`openssl speed sha256`), and next to the Python tool of OpenSSF Model Signing where it is installed, in turns in one
 * run. The files (default 2048 MiB of each model) are in the page cache: it measures hashing, not the disk.
 *
 * Each speed is told by the clock and by processor time. `openssl speed` counts processor time, so that on a machine with
 * other work only the latter compares. It hashes the same bytes over and over, in the cache of the core; whoever hashes
 * files copies each byte out of the page cache first: the ceiling `both` is the two together. A single file is one hash,
 * which goes from its first byte to its last: its ceiling by the clock is one core, and another core reads ahead for it.
 *
 * Threads of a clone take the types out of their sources when they start, which those of the published package need not;
 * what a start costs is a line of its own.
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
const CORES = availableParallelism();

interface Model {
  readonly what: string;
  readonly path: string;
  readonly options: ManifestOptions;
  /** How the Python library is configured, or undefined for its default. */
  readonly python?: string;
  /** Cores that can hash it at once. */
  readonly cores: number;
}

/** Seconds, by the clock and of processor time. */
interface Spent {
  readonly wall: number;
  readonly cpu: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const mib = Number(args[0] ?? 2048);
  const home = mkdtempSync(join(tmpdir(), "holdfast-bench-hash-"));
  try {
    const openssl = opensslSpeed();
    const models = makeModels(home, mib);
    const reading = readSpeed(join(home, "one", "model.gguf"));
    const both = openssl === undefined ? undefined : 1 / (1 / openssl + 1 / reading);
    const rows: string[][] = [];
    for (const { what, path, options, python = "", cores } of models) {
      const [ours, theirs]: [Spent[], Spent[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(await spent(() => hashModel(path, options)));
        if (pythonMissing === undefined) theirs.push(spentByPython(path, python));
      }
      const [own, other] = [speedOf(mib, ours), speedOf(mib, theirs)];
      const alike = theirs.length > 0;
      rows.push([
        what,
        own.wall.toFixed(2),
        `${share(own.wall, openssl && openssl * cores)} of ${cores}`,
        own.cpu.toFixed(2),
        share(own.cpu, openssl),
        share(own.cpu, both),
        alike ? other.wall.toFixed(2) : "",
        alike ? other.cpu.toFixed(2) : "",
        alike ? `x ${(own.wall / other.wall).toFixed(2)}` : "",
      ]);
    }
    console.log(`openssl speed sha256, a core: ${openssl?.toFixed(2) ?? "not installed"} GB a second`);
    console.log(`reading files without hashing them, a core: ${reading.toFixed(2)} GB a second`);
    if (pythonMissing !== undefined) console.log(pythonMissing);
    const start = await startOfThread(home);
    console.log(`start of a thread: ${ms(start.wall)} by the clock, ${ms(start.cpu)} of processor time\n`);
    print([
      ["", "by the clock", "", "by processor time", "", "", "model-signing", "", "ours to it"],
      ["model", "GB/s", "of cores", "GB/s", "of openssl", "of both", "GB/s", "GB/s of cpu", "by the clock"],
      ...rows,
    ]);
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
    { what: "16 files", path: many, options: {}, cores: CORES },
    { what: "one file", path: one, options: {}, cores: 1 },
    {
      what: "one file, shards of 64 MiB",
      path: one,
      options: { method: "shards", shardSize },
      python: `.use_shard_serialization(shard_size=${shardSize})`,
      cores: CORES,
    },
    { what: `${mib * 16} files of 64 KiB`, path: small, options: {}, cores: CORES },
  ];
}

async function spent(work: () => Promise<unknown>): Promise<Spent> {
  const [started, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - started) / 1000, cpu: (user + system) / 1e6 };
}

/** Without the start of Python. */
function spentByPython(path: string, config: string): Spent {
  const { ok, said } = runPython(
    "-c",
    "import model_signing, pathlib, time\n" +
      "started, before = time.perf_counter(), time.process_time()\n" +
      `model_signing.hashing.Config()${config}.hash(pathlib.Path(${JSON.stringify(path)}))\n` +
      "print(time.perf_counter() - started, time.process_time() - before)\n",
  );
  if (!ok) throw new Error(said);
  const [wall = 0, cpu = 0] = (said.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return { wall, cpu };
}

/** What is left when there is nothing to hash, in too many files to be done without a thread. */
async function startOfThread(home: string): Promise<Spent> {
  const folder = join(home, "nothing");
  mkdirSync(folder);
  for (let index = 0; index < 128; index++) writeFileSync(join(folder, String(index)), "");
  const rounds: Spent[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await spent(() => hashModel(folder)));
  return least(rounds);
}

function least(rounds: readonly Spent[]): Spent {
  return { wall: Math.min(...rounds.map(({ wall }) => wall)), cpu: Math.min(...rounds.map(({ cpu }) => cpu)) };
}

function ms(seconds: number): string {
  return `${Math.round(seconds * 1000)} ms`;
}

function share(own: number, ceiling: number | undefined): string {
  return ceiling === undefined ? "" : `${Math.round((own / ceiling) * 100)} %`;
}

/** GB that one thread reads out of the page cache in a second of processor time. */
function readSpeed(path: string): number {
  const buffer = Buffer.allocUnsafeSlow(MIB / 4);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const file = openSync(path, "r");
    const before = process.cpuUsage();
    let bytes = 0;
    for (let count = 1; count > 0; bytes += count) count = readSync(file, buffer, 0, buffer.length, bytes);
    const { user, system } = process.cpuUsage(before);
    closeSync(file);
    return bytes / 1e3 / (user + system);
  });
  return Math.max(...rounds);
}

/** GB/s, by the clock and of processor time. */
function speedOf(mib: number, rounds: readonly Spent[]): Spent {
  const { wall, cpu } = least(rounds);
  return { wall: (mib * MIB) / wall / 1e9, cpu: (mib * MIB) / cpu / 1e9 };
}

/** GB/s of one of all cores while all are busy, or undefined where openssl is missing. */
function opensslSpeed(): number | undefined {
  try {
    const how = ["-multi", String(CORES), "-bytes", "16384", "-seconds", "3", "sha256"];
    const said = execFileSync("openssl", ["speed", ...how], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const thousands = /^sha256\s+([\d.]+)k/m.exec(said)?.[1];
    return thousands === undefined ? undefined : Number(thousands) / 1e6 / CORES;
  } catch {
    return undefined;
  }
}
