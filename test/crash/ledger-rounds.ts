/**
 * Kills a process that appends to a ledger, again and again, at random moments, and checks the crash rule after each:
 * every acknowledged entry is at its index, no index was given out twice, and every checkpoint ever seen is consistent
 * with the last one.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLedger, openLedgerReader, verifyLedger } from "../../src/ledger/index.ts";
import { openCheckpoint, type Checkpoint } from "../../src/ledger/checkpoint.ts";
import { verifyConsistency } from "../../src/ledger/merkle.ts";
import { parseVkey } from "../../src/ledger/note.ts";

const CHILD = fileURLToPath(new URL("./ledger-child.ts", import.meta.url));

export interface KillResult {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly checkpoints: number;
  readonly size: number;
}

/** `seed` makes the moments; the machine's own scheduling makes them random anyway. */
export async function killRounds(rounds: number, seed: number): Promise<KillResult> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-kill-"));
  const acknowledged = new Map<number, string>();
  const notes = new Set<string>();
  try {
    for (let round = 0; round < rounds; round++) {
      // From the middle of opening to well within appending; every fourth round while the last crash is recovered.
      const random = fraction(seed + round);
      await killOne(home, round, round % 4 === 3 ? undefined : Math.floor(random * 120), random, (line) => {
        const space = line.indexOf(" ");
        if (line.startsWith("checkpoint ")) {
          notes.add(Buffer.from(line.slice(space + 1), "base64").toString());
        } else if (line !== "open") {
          const index = Number(line.slice(0, space));
          assert.ok(!acknowledged.has(index), `round ${round}: index ${index} was given out twice`);
          acknowledged.set(index, line.slice(space + 1));
        }
      });
    }
    return {
      rounds,
      acknowledged: acknowledged.size,
      checkpoints: notes.size,
      size: await check(home, acknowledged, notes),
    };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/**
 * Runs the child and kills it `delay` milliseconds after it opened the ledger, or, without a `delay`, at some moment of
 * its start. Hands over only whole lines: what was torn by the kill was not acknowledged to anybody.
 */
async function killOne(
  home: string,
  round: number,
  delay: number | undefined,
  random: number,
  onLine: (line: string) => void,
): Promise<void> {
  const child = spawn(process.execPath, [CHILD, home, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
  const killIn = (ms: number): unknown => setTimeout(() => child.kill("SIGKILL"), ms);
  if (delay === undefined) killIn(60 + random * 200);
  let rest = "";
  let opened = false;
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "open" && !opened) {
        opened = true;
        if (delay !== undefined) killIn(delay);
      }
      onLine(line);
    }
  });
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL", `round ${round}: the child ended by itself`);
}

async function check(
  home: string,
  acknowledged: ReadonlyMap<number, string>,
  notes: ReadonlySet<string>,
): Promise<number> {
  const folder = join(home, "ledger");
  const ledger = await openLedger({ folder, keyFile: join(home, "keys", "ledger.key") });
  const last: Checkpoint = await ledger.checkpoint();
  await ledger.close();
  const vkey = (await readFile(join(home, "keys", "ledger.vkey"), "utf8")).trim();
  const report = await verifyLedger({ folder, vkey });
  assert.deepEqual(report.problems, []);

  const reader = openLedgerReader(folder);
  const seen = new Set<string>();
  for await (const { index, bytes } of reader.entries()) {
    const text = Buffer.from(bytes).toString();
    assert.ok(!seen.has(text), `entry ${index} is there twice`);
    seen.add(text);
    const expected = acknowledged.get(index);
    if (expected !== undefined) assert.equal(text, expected, `entry ${index}`);
  }
  for (const index of acknowledged.keys()) assert.ok(index < last.size, `entry ${index} is lost`);

  for (const note of notes) {
    const { size: from, root: fromRoot } = openCheckpoint(Buffer.from(note), parseVkey(vkey));
    const proof = await reader.consistencyProof(from, last.size);
    assert.ok(
      verifyConsistency({ from, to: last.size, fromRoot, toRoot: last.root, proof }),
      `the checkpoint of size ${from} is contradicted`,
    );
  }
  return last.size;
}

/** A number from 0 to 1, the same for the same seed. */
function fraction(seed: number): number {
  return createHash("sha256").update(String(seed)).digest().readUInt32BE(0) / 2 ** 32;
}
