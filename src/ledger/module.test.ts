import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  encodeStatement,
  fakeClock,
  isHoldfastError,
  statement,
  type CommandResult,
  type Style,
} from "../core/index.ts";
import { openCommitter } from "./commitment.ts";
import { openLedger } from "./ledger.ts";
import { ledgerModule, type LedgerServices } from "./module.ts";

const plain: Style = { bold: String, dim: String, red: String, green: String, yellow: String };

let home: string;
let services: LedgerServices;
let vkey: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), "holdfast-ledger-module-"));
  services = {
    home,
    clock: fakeClock(),
    ledgerFolder: join(home, "ledger"),
    ledgerKeyFile: join(home, "keys", "ledger.key"),
    commitmentKeyFile: join(home, "keys", "commitment.key"),
  };
  const ledger = await openLedger({ folder: services.ledgerFolder, keyFile: services.ledgerKeyFile });
  ({ vkey } = ledger);
  const subject = [{ name: "request-1", digest: { sha256: "00" } }];
  await ledger.append(encodeStatement(statement(subject, "https://holdfast.dev/receipt/v1", { outcome: "allow" })));
  const hostile = [{ name: "\u001b[31mred\u202egnp", digest: { sha256: "00" } }];
  await ledger.append(encodeStatement(statement(hostile, "https://example.com/other/v1", {})));
  await ledger.append(Buffer.from([0xff, 0x00]));
  await ledger.close();
});
after(() => rm(home, { recursive: true, force: true }));

async function run(
  path: string,
  args: Record<string, string> = {},
  options: Record<string, string> = {},
  own: LedgerServices = services,
): Promise<CommandResult & { readonly lines: string }> {
  const command = ledgerModule.commands?.find((candidate) => candidate.path === path);
  const result = await (await command?.load())?.({ services: own, args, rest: [], options, progress: () => undefined });
  assert.ok(result !== undefined);
  return { ...result, lines: result.text(plain) };
}

test("salt prints what opens the commitments of one id, and never makes a key", async () => {
  await assert.rejects(run("ledger salt", { id: "request-1" }), (error) =>
    isHoldfastError(error, "ledger.commitment-key-missing"),
  );
  await assert.rejects(readFile(services.commitmentKeyFile), { code: "ENOENT" });
  const committer = await openCommitter(services.commitmentKeyFile);
  const { data, lines } = await run("ledger salt", { id: "request-1" });
  assert.equal(lines, committer.salt("request-1"));
  assert.deepEqual(data, { id: "request-1", salt: lines });
});

test("verify says what was checked, and ends with 0, 1 or 3", async () => {
  const good = await run("ledger verify");
  assert.equal(good.exit, 0);
  assert.match(good.lines, /^verified .*\norigin +ledger-.*\nentries +3\nroot +\S{44}\nchecked /);
  assert.equal((good.data as { size: number }).size, 3);

  const copy = join(home, "copy");
  await cp(services.ledgerFolder, copy, { recursive: true, filter: (path) => !path.endsWith("lock") });
  await writeFile(join(home, "auditor.vkey"), `${vkey}\n`);
  for (const key of [vkey, join(home, "auditor.vkey")]) {
    assert.equal((await run("ledger verify", {}, { dir: copy, vkey: key })).exit, 0);
  }
  await writeFile(join(copy, "tile/entries/000.p/3"), "x");
  const bad = await run("ledger verify", {}, { dir: copy, vkey });
  assert.equal(bad.exit, 1);
  assert.match(bad.lines, /entry 0: tile\/entries\/000\.p\/3: .*\nthe first bad entry is 0$/);

  const empty = { ...services, ledgerFolder: join(home, "empty"), ledgerKeyFile: join(home, "empty.key") };
  await (await openLedger({ folder: empty.ledgerFolder, keyFile: empty.ledgerKeyFile })).close();
  assert.equal((await run("ledger verify", {}, {}, empty)).exit, 3);
});

test("verify needs a key for a copy and never takes the local one, and says where there is no ledger", async () => {
  await assert.rejects(run("ledger verify", {}, { dir: services.ledgerFolder }), (error) =>
    isHoldfastError(error, "ledger.vkey-invalid"),
  );
  const none = { ...services, ledgerFolder: join(home, "none"), ledgerKeyFile: join(home, "none.key") };
  for (const command of ["ledger verify", "ledger show"]) {
    await assert.rejects(run(command, {}, {}, none), (error) => isHoldfastError(error, "ledger.empty-folder"));
  }
});

test("show lists entries, and lets none of them steer the terminal", async () => {
  const { lines, data } = await run("ledger show");
  assert.equal(
    lines,
    [
      "0  receipt/v1      request-1     ",
      "1  https://example.com/other/v1  \\u{1b}[31mred\\u{202e}gnp",
      "2  not a statement  2 bytes, sha256:2d1e4bd66f3a85e4a1aebdfb0b0a3ddb1e3c1c44e6e9ad1a0b8f7cb0d0e0a4c1",
      "3 of 3 entries",
    ]
      .join("\n")
      .replace(/sha256:.*/, lines.match(/sha256:.*/)?.[0] ?? "missing"),
  );
  assert.equal((data as { entries: unknown[] }).entries.length, 3);
  assert.match((await run("ledger show", {}, { limit: "1" })).lines, /^2 .*\n1 of 3 entries$/);
  assert.match((await run("ledger show", {}, { from: "0", limit: "1" })).lines, /^0 .*\n1 of 3 entries$/);
  await assert.rejects(run("ledger show", {}, { limit: "many" }), (error) =>
    isHoldfastError(error, "ledger.range-invalid"),
  );
  await assert.rejects(run("ledger show", {}, { from: "9" }), (error) =>
    isHoldfastError(error, "ledger.range-invalid"),
  );
});

test("show prints one entry in full", async () => {
  assert.match((await run("ledger show", { index: "0" })).lines, /^entry 0 {2}\d+ bytes[^]*"outcome": "allow"/);
  assert.match((await run("ledger show", { index: "2" })).lines, /not a statement: \/wA=$/);
  assert.ok(!(await run("ledger show", { index: "1" })).lines.includes("\u202e"));
  await assert.rejects(run("ledger show", { index: "3" }), (error) => isHoldfastError(error, "ledger.entry-unknown"));
});

test("what prove writes, check-proof verifies, offline and with the public key alone", async () => {
  const output = join(home, "0.tlog-proof");
  const written = await run("ledger prove", { index: "0" }, { output });
  assert.match(written.lines, /proof of entry 0 of 3/);
  assert.equal((await run("ledger prove", { index: "0" })).lines, (await readFile(output, "utf8")).trimEnd());
  const files = { proof: output, entry: `${output}.entry` };
  const elsewhere = { ...services, ledgerFolder: join(home, "none"), ledgerKeyFile: join(home, "none.key") };
  assert.match((await run("ledger check-proof", files, { vkey }, elsewhere)).lines, /the entry is number 0 of 3/);
  await writeFile(files.entry, "another");
  await assert.rejects(run("ledger check-proof", files, { vkey }), (error) =>
    isHoldfastError(error, "ledger.proof-rejected"),
  );
  await assert.rejects(run("ledger prove", { index: "3" }), (error) => isHoldfastError(error, "ledger.entry-unknown"));
});

test("the proof of the audit trail holds, fails, or says that it could not look", async () => {
  const proof = ledgerModule.proofs?.[0];
  assert.equal(proof?.control, "G9");
  const holds = await proof?.observe(services);
  assert.equal(holds?.outcome, "holds");
  assert.match(holds?.observed ?? "", /^3 entries verify with root /);
  assert.match(holds?.scope ?? "", /holds the key could rewrite/);

  const none = { ...services, ledgerKeyFile: join(home, "none.key") };
  assert.equal((await proof?.observe(none))?.outcome, "unknown");
  const gone = { ...services, ledgerFolder: join(home, "none") };
  assert.equal((await proof?.observe(gone))?.outcome, "fails");
  const broken = join(home, "broken");
  await cp(services.ledgerFolder, broken, { recursive: true, filter: (path) => !path.endsWith("lock") });
  await writeFile(join(broken, "tile/entries/000.p/3"), "x");
  const fails = await proof?.observe({ ...services, ledgerFolder: broken });
  assert.equal(fails?.outcome, "fails");
  assert.match(fails?.observed ?? "", /first bad entry is 0/);
});

test("importing the module runs nothing, and every command has an example", () => {
  for (const { path, examples } of ledgerModule.commands ?? []) {
    assert.ok(examples.length > 0 && examples.every(({ line }) => line.startsWith(`holdfast ${path}`)));
  }
});
