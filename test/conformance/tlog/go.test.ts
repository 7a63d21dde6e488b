/**
 * Holdfast's ledgers, checked by code that is not Holdfast's: golang.org/x/mod/sumdb and Tessera's fsck (`main.go`).
 * Needs Go and its modules; where they are not at hand the test says so and is skipped.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openLedger, openLedgerReader } from "../../../src/ledger/index.ts";

const MODULE = fileURLToPath(new URL(".", import.meta.url));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: readonly string[], input = ""): Promise<Ran> {
  const child = spawn(command, args, { cwd: MODULE, env: { ...process.env, GOTOOLCHAIN: "local" } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: 127, stdout, stderr: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/** Why the test cannot run here, if it cannot. */
async function missing(): Promise<string | undefined> {
  if ((await run("go", ["version"])).code !== 0) return "skipped: Go is not installed";
  const modules = await run("go", ["mod", "download"]);
  return modules.code === 0 ? undefined : "skipped: Go's modules of this test cannot be had (offline?)";
}

const skip = await missing();
if (skip !== undefined) console.error(`tlog conformance ${skip}`);

describe("a ledger of ours, checked by Go's sumdb packages and Tessera's fsck", { skip: skip ?? false }, () => {
  let scratch: string;
  let checker: string;
  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "holdfast-conformance-"));
    checker = join(scratch, "checker");
    const built = await run("go", ["build", "-mod=readonly", "-o", checker, "."]);
    assert.equal(built.code, 0, built.stderr);
  });
  after(() => rm(scratch, { recursive: true, force: true }));

  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

  async function check(name: string, counts: readonly number[], entryBytes: number): Promise<void> {
    const folder = join(scratch, name);
    const keyFile = join(scratch, `${name}.key`);
    const ledger = await openLedger({ folder, keyFile, origin: `example.com/${name}`, checkpointEveryMs: 60_000 });
    const roots = new Map<number, string>();
    let index = 0;
    for (const count of counts) {
      await Promise.all(
        Array.from({ length: count }, () =>
          ledger.append(Buffer.from(`${index++} `.padEnd((index * 7) % entryBytes, "x"))),
        ),
      );
      const { size, root } = await ledger.checkpoint();
      roots.set(size, base64(root));
    }
    await ledger.close();

    const reader = openLedgerReader(folder);
    const inclusion = [];
    const consistency = [];
    for (const [size, root] of roots) {
      for (const at of new Set([0, Math.floor(size / 3), size - 1])) {
        const hashes = (await reader.inclusionProof(at, size)).map(base64);
        inclusion.push({ Index: at, Size: size, Root: root, Entry: base64(await reader.entry(at)), Hashes: hashes });
      }
      for (const [from, fromRoot] of roots) {
        if (from > size) continue;
        const hashes = (await reader.consistencyProof(from, size)).map(base64);
        consistency.push({ From: from, To: size, FromRoot: fromRoot, ToRoot: root, Hashes: hashes });
      }
    }
    const claims = JSON.stringify({ Inclusion: inclusion, Consistency: consistency });
    const checked = await run(checker, [folder, ledger.vkey, keyFile], claims);
    assert.equal(checked.code, 0, checked.stderr);
    assert.deepEqual(JSON.parse(checked.stdout), {
      size: index,
      inclusion: inclusion.length,
      consistency: consistency.length,
    });
  }

  test("of one entry", () => check("one", [1], 100));
  test("of exactly one full tile", () => check("full", [256], 100));
  test("of several checkpoints over two levels", () => check("several", [1, 2, 253, 1, 300, 143], 2000));
  test("of three levels", () => check("levels", [65_535, 1, 500], 40));

  test("and the checker does see a changed byte", async () => {
    const bundle = join(scratch, "several", "tile", "entries", "000");
    const bytes = await readFile(bundle);
    bytes[1000] = (bytes[1000] as number) ^ 1;
    await writeFile(bundle, bytes);
    const vkey = (await readFile(join(scratch, "several.vkey"), "utf8")).trim();
    const checked = await run(checker, [join(scratch, "several"), vkey, join(scratch, "several.key")], "{}");
    assert.equal(checked.code, 1);
    assert.match(checked.stderr, /fsck/);
  });
});
