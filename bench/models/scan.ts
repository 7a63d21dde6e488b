/**
 * `npm run bench -- models-scan [--gb 5] [--picklescan PATH] [--modelscan PATH]`: a folder of 200 mixed files without a
 * pickle, safetensors and zip for the most part, scanned by the command as its users start it, beside scanners from PyPI
 * where their commands are named. Wall time, bytes of the folder by it, and the largest memory of the process.
 */

import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { randomFillSync } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { zipOf } from "../../test/models/zip.ts";
import { print } from "../table.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const [LARGE, ZIPS, SMALL] = [40, 40, 120];

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { gb: { type: "string", default: "5" }, picklescan: { type: "string" }, modelscan: { type: "string" } },
  });
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-scan-"));
  try {
    const bytes = fill(folder, Number(values.gb) * 1e9);
    const rows: string[][] = [];
    const measure = async (name: string, command: string, rest: readonly string[]): Promise<void> => {
      const { ms, memory, code } = await timed(command, rest);
      const rate = bytes / 1e6 / ms;
      rows.push([name, (ms / 1_000).toFixed(2), rate.toFixed(2), (memory / 1e6).toFixed(0), String(code)]);
    };
    for (const round of ["first", "second"]) {
      await measure(`holdfast, ${round}`, process.execPath, [MAIN, "model", "scan", folder, "--format", "json"]);
    }
    if (values.picklescan !== undefined) await measure("picklescan", values.picklescan, ["-p", folder]);
    if (values.modelscan !== undefined) await measure("modelscan", values.modelscan, ["-p", folder, "-r", "json"]);
    console.log(`${(bytes / 1e9).toFixed(2)} GB in ${LARGE + ZIPS + SMALL} files\n`);
    print([["scanner", "s", "GB/s", "MB of memory", "exit"], ...rows]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns its bytes */
function fill(folder: string, total: number): number {
  const noise = randomFillSync(Buffer.alloc(8_000_000));
  const each = total / (LARGE + ZIPS / 4);
  let bytes = 0;
  for (let index = 0; index < LARGE; index++) {
    const length = Math.floor(each / 8) * 8;
    const header = JSON.stringify({ w: { dtype: "F32", shape: [length / 4], data_offsets: [0, length] } });
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(header.length));
    const file = openSync(join(folder, `model-${index}.safetensors`), "w");
    bytes += writeSync(file, Buffer.concat([start, Buffer.from(header)]));
    for (let left = length; left > 0; left -= noise.length) {
      bytes += writeSync(file, noise, 0, Math.min(left, noise.length));
    }
    closeSync(file);
  }
  for (let index = 0; index < ZIPS; index++) {
    const data = Buffer.alloc(Math.floor(each / 4), noise);
    const archive = zipOf([
      { name: "weights/0", data },
      { name: "config.json", data: Buffer.from('{"a":1}') },
    ]);
    writeFileSync(join(folder, `archive-${index}.zip`), archive);
    bytes += archive.length;
  }
  for (let index = 0; index < SMALL; index++) {
    const text = index % 2 === 0 ? `{"index":${index},"name":"a model"}` : "tokens\n".repeat(1_000);
    writeFileSync(join(folder, `small-${index}.${index % 2 === 0 ? "json" : "txt"}`), text);
    bytes += text.length;
  }
  return bytes;
}

/** Milliseconds, largest resident memory in bytes, and exit code of a command. */
async function timed(
  command: string,
  args: readonly string[],
): Promise<{ readonly ms: number; readonly memory: number; readonly code: number | null }> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  let memory = 0;
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid ?? 0}/status`, "latin1");
      memory = Math.max(memory, 1_024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended, or this system has no /proc.
    }
  }, 20);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  clearInterval(watch);
  return { ms: performance.now() - started, memory, code };
}
