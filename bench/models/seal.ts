/**
 * `npm run bench -- models-seal [gigabytes]`: sealing and unsealing a file of so many gigabytes (default 1) with the
 * command, beside what node:crypto's ChaCha20-Poly1305 does in memory with 64 KiB chunks on one thread, in the same run;
 * beside the disk, which may be slower than either; and, where it is installed, beside the age command.
 *
 * Each speed is told by the clock, and by the processor time that it took, which a busy machine changes less: two threads
 * share the latter. The start of the command, which the size does not change, is a line of its own and taken off. The file
 * is read and written in the temporary folder (TMPDIR): give one in memory to measure the code, one on a disk to measure
 * the disk. Each command runs as people run it, and its highest resident memory is shown.
 */

import { execFileSync } from "node:child_process";
import { createCipheriv, randomBytes } from "node:crypto";
import { copyFile, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey } from "../../src/models/index.ts";
import { measureWork, type Measured } from "../../test/seal/child.ts";

const CHUNK = 64 * 1024;
const PART = 64 * 1024 * 1024;

export async function run(args: readonly string[]): Promise<void> {
  const bytes = Math.round(Number(args[0] ?? 1) * 1e9);
  if (!(bytes > 0)) throw new Error("gigabytes: a number above 0");
  const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-seal-"));
  const at = (name: string): string => join(folder, name);
  try {
    const keys = await generateKey();
    await writeContent(at("content"), bytes);
    const raw = rawSpeed();
    print("node:crypto, 64 KiB in memory, one thread", raw);
    const before = performance.now();
    await copyFile(at("content"), at("copy"));
    print("copy of the file", { wall: (bytes / (performance.now() - before)) * 1000 });
    await rm(at("copy"));
    const home = at("home");
    await writeFile(at("nothing"), "");
    const start = await measureWork({ act: "seal", from: at("nothing"), to: at("nothing.age"), keys, home });
    console.log(
      `start of the command${" ".repeat(24)}${start.seconds.toFixed(2)} s, ${start.cpu.toFixed(2)} s of processor time, ${Math.round(start.peak / 1e6)} MB`,
    );
    const row = (what: string, { seconds, cpu, peak }: Measured): void => {
      const [wall, perCpu] = [bytes / (seconds - start.seconds), bytes / (cpu - start.cpu)];
      print(what, { wall, cpu: perCpu });
      const shares = `${percent(wall, raw.wall)} of node:crypto by the clock, ${percent(perCpu, raw.cpu)} by processor time`;
      console.log(`  ${shares}; ${Math.round(peak / 1e6)} MB of memory at most`);
    };
    row("seal", await measureWork({ act: "seal", from: at("content"), to: at("sealed"), keys, home }));
    // The disk may not hold three of them.
    await rm(at("content"));
    row("unseal", await measureWork({ act: "unseal", from: at("sealed"), to: at("content"), keys, home }));
    await rm(at("sealed"));
    await compareAge(at, bytes, keys.recipient, keys.identity.reveal());
    print("again: node:crypto", rawSpeed());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeContent(path: string, bytes: number): Promise<void> {
  const part = randomBytes(PART);
  await using file = await open(path, "w");
  for (let done = 0; done < bytes; done += PART) await file.write(part.subarray(0, Math.min(PART, bytes - done)));
  await file.sync();
}

/** Bytes a second: by the clock, and of processor time. */
interface Speed {
  readonly wall: number;
  readonly cpu?: number;
}

function rawSpeed(): Required<Speed> {
  const [key, nonce, chunk] = [randomBytes(32), randomBytes(12), randomBytes(CHUNK)];
  const start = performance.now();
  const before = process.cpuUsage();
  let bytes = 0;
  for (; performance.now() - start < 2000; bytes += CHUNK) {
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
    cipher.update(chunk);
    cipher.final();
    cipher.getAuthTag();
  }
  const { user, system } = process.cpuUsage(before);
  return { wall: (bytes / (performance.now() - start)) * 1000, cpu: (bytes / (user + system)) * 1e6 };
}

async function compareAge(
  at: (name: string) => string,
  bytes: number,
  recipient: string,
  identity: string,
): Promise<void> {
  await writeFile(at("key"), `${identity}\n`, { mode: 0o600 });
  for (const [what, ...args] of [
    ["age", "-r", recipient, "-o", at("age"), at("content")],
    ["age -d", "-d", "-i", at("key"), "-o", at("back"), at("age")],
  ] as const) {
    try {
      const start = performance.now();
      execFileSync("age", args, { stdio: "ignore" });
      print(what, { wall: (bytes / (performance.now() - start)) * 1000 });
    } catch {
      console.log(`${what}: not measured, since the age command is not installed, or failed`);
      return;
    }
    if (what === "age") await rm(at("content"));
  }
}

function print(what: string, { wall, cpu }: Speed): void {
  const figures = `${gigabytes(wall)} GB/s${cpu === undefined ? "" : `, ${gigabytes(cpu)} GB a second of processor time`}`;
  console.log(`${what.padEnd(44)}${figures}`);
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(2);
}

function percent(of: number, all: number): string {
  return `${Math.round((100 * of) / all)} %`;
}
