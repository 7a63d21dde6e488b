/** The sealing commands as a person uses them, and the evidence that they leave. */

import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { decodeStatement, fakeClock, isHoldfastError, type CommandResult, type Style } from "../../../core/index.ts";
import { drainEvidence, migrate, openDb, storageModule, type Db } from "../../../storage/index.ts";
import { sealCommands } from "../commands.ts";

const plain: Style = { bold: String, dim: String, red: String, green: String, yellow: String };
const clock = fakeClock();
let folder = "";
let db: Db;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-seal-commands-"));
  db = await openDb({ url: "sqlite", home: folder });
  await migrate(db, [storageModule]);
  await mkdir(at("model"));
  await writeFile(at("model/weights.bin"), "weights");
  for (const name of ["one", "two"]) await run("seal keygen", { file: at(name) });
});
after(async () => {
  await db.close();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);

async function run(
  path: string,
  args: Readonly<Record<string, string>>,
  options: Readonly<Record<string, string | boolean | readonly string[]>> = {},
): Promise<CommandResult & { readonly lines: string; readonly fields: Readonly<Record<string, unknown>> }> {
  const command = sealCommands.find((known) => known.path === path);
  assert.ok(command, path);
  const execute = await command.load();
  const services = { clock, db: async () => db };
  const result = await execute({ services, args, rest: [], options, progress: () => undefined });
  return { ...result, lines: result.text(plain), fields: result.data as Readonly<Record<string, unknown>> };
}

async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => isHoldfastError(error, code));
}

async function changes(): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  await drainEvidence(db, async (entry) => found.push(decodeStatement(entry)));
  return found.map((entry) => {
    const { subject, predicate } = entry as { subject: readonly { name: string }[]; predicate: { what: string } };
    return [subject[0]?.name, predicate.what];
  });
}

it("a file is sealed beside itself, inspected, and unsealed", async () => {
  await writeFile(at("model.gguf"), "GGUF");
  const sealed = await run("seal", { path: at("model.gguf") }, { to: [at("one.pub"), at("two.pub")] });
  assert.match(sealed.lines, /^sealed {2}.*model\.gguf\.age/);
  const { lines } = await run("seal inspect", { path: at("model.gguf.age") });
  assert.match(lines, /content {3}4 bytes\nsealed to\n {2}X25519\n {2}X25519/);
  await rejects(run("unseal", { path: at("model.gguf.age") }, { with: [at("two")] }), "storage.output-exists");
  await run("unseal", { path: at("model.gguf.age") }, { with: [at("two")], output: at("back.gguf") });
  assert.equal(await readFile(at("back.gguf"), "utf8"), "GGUF");
  await rejects(run("seal", { path: at("model.gguf") }), "seal.recipient-missing");
  await rejects(run("unseal", { path: at("model.gguf.age") }, { output: at("x") }), "seal.key-missing");
  await rejects(run("seal", { path: at("model.gguf") }, { to: [at("one.pub")], keyFile: at("k") }), "seal.source-kind");
  await rejects(run("unseal", { path: at("model.gguf") }, { with: [at("two")] }), "seal.output-unnamed");

  const options = { with: [at("one")], to: [at("two.pub")] };
  const rotated = await run("seal rotate", { path: at("model.gguf.age") }, options);
  assert.match(rotated.lines, /^rotated {2}.*model\.gguf\.age\n/);
  await rejects(run("seal rotate", { path: at("model.gguf.age") }, options), "seal.no-match");
  await rejects(run("seal rotate", { path: at("model.gguf.age") }, { ...options, keyFile: "k" }), "seal.source-kind");
  await run("unseal", { path: at("model.gguf.age") }, { with: [at("two")], output: at("again.gguf") });
  assert.equal(await readFile(at("again.gguf"), "utf8"), "GGUF");
  assert.deepEqual(await changes(), [["sealed-file:model.gguf.age", "file rotated"]]);
});

it("a folder is sealed, audited, rotated and shredded, and each change stands in the ledger", async () => {
  const set = at("model.sealed");
  const sealed = await run("seal", { path: at("model") }, { to: [at("one.pub")] });
  const { id, manifestDigest } = sealed.fields;
  assert.equal(sealed.fields["output"], set);
  const audited = await run("seal audit", { set }, { manifest: `sha256:${String(manifestDigest)}` });
  assert.equal(audited.exit, 0);
  assert.match(audited.lines, /^as sealed/);
  const other = await run("seal audit", { set }, { manifest: "0".repeat(64) });
  assert.equal(other.exit, 1);
  assert.match(other.lines, /^not as sealed[^]*not the expected one/);
  await rejects(run("seal audit", { set }, { manifest: "abc" }), "seal.manifest-invalid");
  const elsewhere = { to: [at("one.pub")], output: "-" };
  await rejects(run("seal", { path: at("model") }, elsewhere), "seal.source-kind");
  await rejects(run("unseal", { path: set }, { with: [at("one")], output: "-" }), "seal.source-kind");

  await run("seal rotate", { path: set }, { with: [at("one")], to: [at("two.pub")] });
  await rejects(run("unseal", { path: set }, { with: [at("one")], output: at("back") }), "seal.no-match");
  await run("unseal", { path: set }, { with: [at("two")], output: at("back") });
  assert.equal(await readFile(at("back/weights.bin"), "utf8"), "weights");

  await rejects(run("seal shred", { set }), "seal.confirmation-missing");
  await rejects(run("seal shred", { set }, { confirm: "yes" }), "seal.confirmation-missing");
  assert.match((await run("seal shred", { set }, { confirm: String(id) })).lines, /^destroyed/);
  assert.equal((await run("seal shred", { set }, { confirm: String(id) })).exit, 3);
  await rejects(run("unseal", { path: set }, { with: [at("two")], output: at("again") }), "seal.shredded");
  assert.match((await run("seal inspect", { path: set })).lines, /destroyed: nobody can read it any more/);
  assert.equal((await run("seal audit", { set })).exit, 0);

  await appendFile(join(set, "files/weights.bin.age"), "x");
  const altered = await run("seal audit", { set });
  assert.equal(altered.exit, 1);
  assert.match(altered.lines, /files\/weights\.bin\.age: of another size/);

  const subject = `sealed-set:${String(id)}`;
  assert.deepEqual(await changes(), [
    [subject, "set sealed"],
    [subject, "set rotated"],
    [subject, "set shredded"],
  ]);
});

it("a key that is destroyed leaves no doubt: without a place for the evidence it is not", async () => {
  const set = at("kept.sealed");
  const { fields } = await run("seal", { path: at("model") }, { to: [at("one.pub")], output: set });
  const command = sealCommands.find(({ path }) => path === "seal shred");
  const execute = await command?.load();
  const services = { clock, db: () => Promise.reject(new Error("no database")) };
  const options = { confirm: String(fields["id"]) };
  await assert.rejects(async () =>
    execute?.({ services, args: { set }, rest: [], options, progress: () => undefined }),
  );
  assert.ok(await stat(join(set, "key.age")));
});
