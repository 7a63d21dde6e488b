/**
 * `npm run bench -- ledger [seconds]`: durable entries per second, next to what the disk can do without a ledger.
 *
 * The ceilings write the same bytes to a plain file and wait for each write to be durable: one entry at a time, and 64
 * at a time. Each measurement takes `seconds` (default 3). Entries are 1.2 kB, the size of a receipt.
 */

import { close, fdatasync, open, write } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openLedger, verifyLedger } from "../src/ledger/index.ts";

const ENTRY_BYTES = 1200;

interface Measured {
  readonly what: string;
  readonly perSecond: number;
  /** Milliseconds that one caller waits. */
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of the main thread for each entry. */
  readonly cpu: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const seconds = Number(args[0] ?? 3);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-ledger-"));
  try {
    const rows = [
      await ceiling(folder, 1, seconds),
      await ledger(folder, 1, seconds),
      await ceiling(folder, 64, seconds),
      await ledger(folder, 64, seconds),
    ];
    print(rows);
    await verify(folder);
    console.log(`resident memory ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MB`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ledger(folder: string, appenders: number, seconds: number): Promise<Measured> {
  const opened = await openLedger({ folder: join(folder, `ledger-${appenders}`), keyFile: keyFile(folder, appenders) });
  const entry = new Uint8Array(ENTRY_BYTES);
  // Warm-up: the code is compiled and the file system has seen the folder.
  await measure("", appenders, 0.3, 1, () => opened.append(entry));
  const what = `ledger, ${appenders} ${appenders === 1 ? "appender" : "appenders"}`;
  const measured = await measure(what, appenders, seconds, 1, () => opened.append(entry));
  await opened.close();
  return measured;
}

/** `batch` entries in one write, then fdatasync, over and over. */
async function ceiling(folder: string, batch: number, seconds: number): Promise<Measured> {
  const file = await promisify(open)(join(folder, `plain-${batch}`), "w");
  const bytes = new Uint8Array(ENTRY_BYTES * batch);
  const measured = await measure(`plain file, ${batch} a write`, 1, seconds, batch, async () => {
    await promisify(write)(file, bytes);
    await promisify(fdatasync)(file);
  });
  await promisify(close)(file);
  return measured;
}

async function measure(
  what: string,
  callers: number,
  seconds: number,
  entries: number,
  act: () => Promise<unknown>,
): Promise<Measured> {
  const waits: number[] = [];
  const cpu = process.threadCpuUsage();
  const start = performance.now();
  const end = start + seconds * 1000;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const before = performance.now();
      await act();
      waits.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const elapsed = (performance.now() - start) / 1000;
  const used = process.threadCpuUsage(cpu);
  const total = waits.length * entries;
  waits.sort((a, b) => a - b);
  return {
    what,
    perSecond: total / elapsed,
    p50: waits[Math.floor(waits.length * 0.5)] ?? 0,
    p99: waits[Math.floor(waits.length * 0.99)] ?? 0,
    cpu: (used.user + used.system) / total,
  };
}

function print(rows: readonly Measured[]): void {
  console.log(`durable entries of ${ENTRY_BYTES} bytes       entries/s    p50 ms    p99 ms   main-thread µs/entry`);
  for (const { what, perSecond, p50, p99, cpu } of rows) {
    const cells = [Math.round(perSecond).toLocaleString("en"), p50.toFixed(2), p99.toFixed(2), cpu.toFixed(1)];
    console.log(what.padEnd(34) + cells.map((cell, at) => cell.padStart(at === 3 ? 23 : 10)).join(""));
  }
  const [plain1, ledger1, plain64, ledger64] = rows.map(({ perSecond }) => perSecond);
  const share = (of = 0, all = 1): string => `${Math.round((100 * of) / all)} %`;
  console.log(`share of the plain file: ${share(ledger1, plain1)} with 1, ${share(ledger64, plain64)} with 64`);
}

/** Reads everything that was written back, as an auditor would. */
async function verify(folder: string): Promise<void> {
  const opened = await openLedger({ folder: join(folder, "ledger-64"), keyFile: keyFile(folder, 64) });
  const { vkey } = opened;
  await opened.close();
  const start = performance.now();
  const report = await verifyLedger({ folder: join(folder, "ledger-64"), vkey });
  const elapsed = (performance.now() - start) / 1000;
  if (!report.ok) throw new Error(`the ledger does not verify: ${JSON.stringify(report.problems)}`);
  console.log(`verified ${report.size} entries in ${elapsed.toFixed(1)} s (${Math.round(report.size / elapsed)}/s)`);
}

function keyFile(folder: string, appenders: number): string {
  return join(folder, `keys-${appenders}`, "ledger.key");
}
