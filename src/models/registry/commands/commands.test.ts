/** The registry as an operator uses it: from a download to production and back, with real keys, scans and signatures. */

import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import {
  decodeEnvelope,
  fakeClock,
  isHoldfastError,
  type CommandResult,
  type CommandRun,
  type Style,
} from "../../../core/index.ts";
import { migrate, openDb, sql, storageModule, type Db } from "../../../storage/index.ts";
import { modelCard } from "../../bom/card.ts";
import { cycloneDxBom } from "../../bom/cyclonedx.ts";
import { inspectModel } from "../../bom/inspect.ts";
import { spdxDocument } from "../../bom/spdx.ts";
import { makeKeyPair } from "../../sign/key.ts";
import { signModel } from "../../sign/sign.ts";
import { openOperators } from "../decision.ts";
import { drillRollback } from "../drill.ts";
import { registryMigrations } from "../migrations.ts";
import { observeGrants, observeRollback, observeScanned, observeSigned } from "../proofs.ts";
import type { RegistryServices } from "../services.ts";
import { runAlias, runApprove, runGrant, runOperator, runRevoke, runRollback } from "./decide.ts";
import { runAttach, runEvidence } from "./evidence.ts";
import { runCheckout, runList, runShow } from "./show.ts";
import { runCheck, runImport, runRelease } from "./take.ts";

const plain: Style = { bold: String, dim: String, red: String, green: String, yellow: String };
const code =
  (expected: string, detail = /./) =>
  (error: unknown) =>
    isHoldfastError(error, expected) && detail.test(error.message);
const clock = fakeClock(Date.UTC(2026, 10, 28));

let cwd: string;
let db: Db;
let services: RegistryServices & { config: { gateway: { admission: "off" | "warn" | "enforce" } } };
const operators: Record<string, { key: string }> = {};

before(async () => {
  cwd = await mkdtemp(join(tmpdir(), "holdfast-model-"));
  db = await openDb({ url: "sqlite", home: cwd });
  await migrate(db, [storageModule, { name: "models", migrations: registryMigrations }]);
  services = {
    clock,
    home: join(cwd, "data"),
    db: async () => db,
    source: { env: {}, cwd },
    config: { gateway: { admission: "off" }, models: { registry: { approvals: 2, drillMaxMs: 60_000, operators } } },
  };
  await mkdir(services.home);
});
after(async () => {
  await db.close();
  await rm(cwd, { recursive: true, force: true });
});

type Options = Readonly<Record<string, string | boolean>>;

async function run(
  command: CommandRun<RegistryServices>,
  args: Readonly<Record<string, string>>,
  options: Options = {},
): Promise<CommandResult & { said: string; json: Record<string, unknown> }> {
  const result = await command({ services, args, rest: [], options, progress: () => undefined });
  return { ...result, said: result.text(plain), json: result.data as Record<string, unknown> };
}

/** A file of safetensors with one tensor. */
function safetensors(value: number): Buffer {
  const header = Buffer.from(JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }));
  const bytes = Buffer.alloc(8 + header.length + 4);
  bytes.writeBigUInt64LE(BigInt(header.length));
  header.copy(bytes, 8);
  bytes.writeFloatLE(value, 8 + header.length);
  return bytes;
}

const alice = { as: "alice", key: "alice.key" };
const bob = { as: "bob", key: "bob.key" };

async function model(name: string, value: number, keys = makeKeyPair("P-256")): Promise<{ publicKey: string }> {
  await mkdir(join(cwd, name));
  await writeFile(join(cwd, name, "model.safetensors"), safetensors(value));
  const { bundle } = await signModel(join(cwd, name), { method: "key", privateKey: keys.privateKey });
  await writeFile(join(cwd, name, "model.sig"), bundle);
  await writeFile(join(cwd, `${name}.pub`), keys.publicKey);
  return { publicKey: `${name}.pub` };
}

async function toProd(release: string): Promise<void> {
  await run(runApprove, { release }, alice);
  await run(runApprove, { release }, bob);
  await run(runAlias, { release, alias: "prod" }, alice);
}

describe("holdfast model", () => {
  it("makes operators' keys that nobody else reads", async () => {
    for (const name of ["alice", "bob"]) {
      const { json, said } = await run(runOperator, { name });
      operators[name] = { key: json["key"] as string };
      assert.match(said, /put the public key into holdfast\.yaml/);
      assert.equal((await stat(join(cwd, `${name}.key`))).mode & 0o777, 0o600);
    }
    await assert.rejects(run(runOperator, { name: "alice" }), code("models.operator-key-invalid", /there already/));
    await chmod(join(cwd, "bob.key"), 0o644);
    await assert.rejects(
      run(runGrant, { model: "bot" }, { ...bob, app: "shop" }),
      code("models.operator-key-invalid", /read by others/),
    );
    await chmod(join(cwd, "bob.key"), 0o600);
    assert.equal(
      (await run(runList, {})).said,
      "no models yet; take one in: holdfast model import <folder> --name <name>",
    );
    assert.equal((await observeSigned(services)).outcome, "unknown");
  });

  it("takes a model in, scanned and with its signature verified, and shows what is next", async () => {
    const trust = await model("one", 1);
    const { json, said, exit } = await run(runImport, { path: "one" }, { name: "bot", as: "carol" });
    assert.deepEqual([json["state"], exit], ["scanned", 0], said);
    assert.match(said, /signature: there, not verified/);
    const release = json["release"] as string;
    await assert.rejects(run(runApprove, { release }, alice), code("models.transition-refused", /scanned/));
    const checked = await run(runCheck, { release }, trust);
    assert.equal(checked.json["state"], "signed", checked.said);
    assert.match(checked.said, /2 more of 2 operators/);
    assert.match((await run(runApprove, { release }, alice)).said, /1 of 2 operators \(alice\)/);
    await assert.rejects(run(runAlias, { release, alias: "prod" }, alice), code("models.transition-refused", /signed/));
    assert.match((await run(runApprove, { release }, bob)).said, /is approved/);
    await run(runAlias, { release, alias: "prod" }, alice);
    const shown = await run(runShow, { release: "bot@prod" });
    assert.match(shown.said, /approvals +alice \(.*\), bob/);
    assert.match(shown.said, /granted to +nobody/);
    assert.match(shown.said, /1\. moved to sha256:/);
  });

  it("attaches documents about these very weights, and no others, and writes them out again", async () => {
    const release = "bot@prod";
    await model("another", 4);
    const document = async (name: string, folder: string, make: typeof cycloneDxBom | typeof spdxDocument) => {
      const inspection = await inspectModel(join(cwd, folder), { ignorePaths: ["model.sig"] });
      await writeFile(join(cwd, name), JSON.stringify(make(inspection, { time: 0, datasets: [] })));
    };
    assert.match((await run(runShow, { release })).said, /attached +signature \([^)]*\)$/m);
    await document("other.json", "another", cycloneDxBom);
    await document("bom.json", "one", cycloneDxBom);
    await document("spdx.json", "one", spdxDocument);
    const inspection = await inspectModel(join(cwd, "one"), { ignorePaths: ["model.sig"] });
    await writeFile(join(cwd, "card.md"), modelCard(inspection, { time: 0, datasets: [] }));
    const before = await readdir(join(services.home, "models", "blobs", "sha256"));
    for (const [options, expected, detail] of [
      [{ bom: "other.json" }, "models.document-mismatch", /it is about sha256:/],
      // One that is refused keeps the others out.
      [{ bom: "bom.json", card: "other.json" }, "models.document-mismatch", /does not name/],
      [{ bom: "card.md" }, "models.document-invalid", /JSON/],
      [{ bom: "nowhere.json" }, "models.document-invalid", /ENOENT/],
      [{}, "models.options-invalid", /--bom/],
    ] as const) {
      await assert.rejects(run(runAttach, { release }, options), code(expected, detail));
    }
    assert.deepEqual(await readdir(join(services.home, "models", "blobs", "sha256")), before);
    assert.match((await run(runShow, { release })).said, /attached +signature \([^)]*\)$/m);

    const attached = await run(runAttach, { release }, { bom: "bom.json", card: "card.md", as: "carol" });
    assert.match(attached.said, /^attached to bot@sha256:.*CycloneDX.*\nattached .*model card/);
    await run(runAttach, { release }, { bom: "spdx.json" });
    assert.match(
      (await run(runShow, { release })).said,
      /attached +signature \(.*CycloneDX \(.*SPDX \(.*model card \(/,
    );
    const [{ digest }] = attached.json["attached"] as [{ digest: string }];
    const evidence = await db.query<{ entry: Uint8Array }>(sql`select entry from storage_outbox order by position`);
    const said = evidence.map(({ entry }) => Buffer.from(entry).toString()).filter((text) => text.includes(digest));
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /"by":"carol".*"format":"CycloneDX 1.7".*"what":"document attached"/);
    assert.equal((await run(runAttach, { release }, { bom: "bom.json" })).exit, 3);

    const listed = await run(runEvidence, { release });
    assert.match(listed.said, /SPDX +bom\.spdx\.json +sha256:/);
    assert.match(listed.said, /approved by bob +decisions\//);
    const written = await run(runEvidence, { release }, { out: "evidence" });
    for (const [file, original] of [
      ["bom.cdx.json", "bom.json"],
      ["bom.spdx.json", "spdx.json"],
      ["card.md", "card.md"],
      ["model.sig", join("one", "model.sig")],
    ] as const) {
      assert.deepEqual(await readFile(join(cwd, "evidence", file)), await readFile(join(cwd, original)));
    }
    const decisions = written.json["decisions"] as { what: string; file: string }[];
    assert.deepEqual(
      decisions.map(({ what }) => what),
      ["approved by alice", "approved by bob"],
    );
    const envelope = decodeEnvelope(await readFile(join(cwd, "evidence", decisions[0]?.file ?? "")));
    const decided = await openOperators(operators).open(envelope, clock.now());
    assert.deepEqual([decided.by, decided.action.do], ["alice", "approve"]);
    await assert.rejects(run(runEvidence, { release }, { out: "evidence" }), code("storage.output-exists"));
  });

  it("refuses what its signer did not sign, and leaves what is not clean in quarantine", async () => {
    await model("two", 2);
    const stranger = makeKeyPair("P-256");
    await writeFile(join(cwd, "stranger.pub"), stranger.publicKey);
    const wrong = run(runImport, { path: "two" }, { name: "two", publicKey: "stranger.pub" });
    await assert.rejects(wrong, code("models.transition-refused", /signature is rejected/));
    await writeFile(join(cwd, "two", "extra.safetensors"), safetensors(3));
    const more = run(runImport, { path: "two" }, { name: "more", publicKey: "two.pub" });
    await assert.rejects(more, code("models.transition-refused", /signature is rejected: .*extra/));
    await mkdir(join(cwd, "evil"));
    // Inert: `cos\nsystem` and its argument. Nothing here loads it.
    await writeFile(join(cwd, "evil", "model.pkl"), "cos\nsystem\n(S'true'\ntR.");
    const evil = await run(runImport, { path: "evil" }, { name: "evil" });
    assert.deepEqual([evil.json["state"], evil.json["verdict"], evil.exit], ["quarantined", "malicious", 1], evil.said);
    await assert.rejects(
      run(runCheckout, { release: evil.json["release"] as string, folder: "out" }),
      code("models.transition-refused"),
    );
  });

  it("puts the whole release back in one call, and drills that", async () => {
    await writeFile(join(cwd, "prompt.txt"), "be kind");
    const before = (await run(runShow, { release: "bot@prod" })).json["release"] as {
      reference: string;
      digest: string;
    };
    const made = await run(runRelease, { release: before.reference }, { prompt: "prompt.txt", as: "carol" });
    await toProd(made.json["release"] as string);
    assert.equal((await observeRollback(services)).outcome, "unknown");
    await drillRollback(services);
    const drilled = await observeRollback(services);
    assert.equal(drilled.outcome, "holds", drilled.observed);
    // The drill is of a copy.
    assert.equal(((await run(runShow, { release: "bot@prod" })).json["release"] as { number: number }).number, 2);
    const { json, said } = await run(runRollback, { alias: "bot@prod" }, bob);
    assert.equal(json["to"], before.digest);
    assert.match(said, /is back at release 1, .* in \d+ ms/);
    assert.match(said, /prompt +none/);
    await assert.rejects(
      run(runAlias, { release: made.json["release"] as string, alias: "prod" }, alice),
      code("models.alias-not-newer"),
    );
    await assert.rejects(run(runRollback, { alias: "bot@prod" }, bob), code("models.rollback-impossible"));
    assert.equal((await observeRollback(services)).outcome, "unknown");
  });

  it("a drill that is too slow or finds a part gone fails M4", async () => {
    await run(runRelease, { release: "bot@prod" }, { policy: "prompt.txt" }).then(({ json }) =>
      toProd(json["release"] as string),
    );
    await drillRollback(services);
    assert.equal((await observeRollback(services)).outcome, "holds");
    await db.execute(sql`update registry_drills set ms = 60001`);
    assert.match((await observeRollback(services)).observed, /bot@prod: 60001 ms/);
    await db.execute(sql`update registry_drills set ms = 1, problem = 'the blob of its prompt is gone'`);
    assert.equal((await observeRollback(services)).outcome, "fails");
  });

  it("proves signatures, scans and grants only while the gateway asks for them", async () => {
    assert.equal((await run(runGrant, { model: "bot" }, { ...alice, app: "shop" })).said, "app shop may use bot");
    assert.equal((await run(runGrant, { model: "bot" }, { ...alice, app: "shop" })).exit, 3);
    for (const observe of [observeSigned, observeGrants]) assert.equal((await observe(services)).outcome, "fails");
    services.config.gateway.admission = "enforce";
    for (const observe of [observeSigned, observeGrants, observeScanned]) {
      const seen = await observe(services);
      assert.equal(seen.outcome, "holds", seen.observed);
    }
    await db.execute(sql`update registry_grants set app = 'other'`);
    assert.match((await observeGrants(services)).observed, /bot is granted to other by no operator/);
    await db.execute(sql`update registry_grants set app = 'shop'`);
    assert.equal((await observeGrants(services)).outcome, "holds");
    await run(runGrant, { model: "bot" }, { ...alice, app: "*" });
    assert.match((await observeGrants(services)).observed, /every app/);
    await db.execute(
      sql`update registry_aliases set release_digest = (select digest from registry_releases where number = 2)`,
    );
    assert.match((await observeSigned(services)).observed, /bot@prod is where no operator/);
    await db.execute(sql`update registry_aliases set release_digest = (select to_digest from registry_moves
      where registry_moves.sequence = registry_aliases.sequence)`);
    assert.equal((await observeSigned(services)).outcome, "holds");
    const { files } = (await run(runShow, { release: "bot@prod" })).json as { files: { digest: string }[] };
    const blob = join(services.home, "models", "blobs", "sha256", files[0]?.digest ?? "");
    const right = await readFile(blob);
    await chmod(blob, 0o644);
    await writeFile(blob, safetensors(666));
    const changed = await observeSigned(services);
    assert.deepEqual([changed.outcome, /gone or changed/.test(changed.observed)], ["fails", true]);
    await assert.rejects(run(runCheckout, { release: "bot@prod", folder: "out" }), code("models.blob-tampered"));
    await writeFile(blob, right);
    await run(runCheckout, { release: "bot@prod", folder: "out" });
    assert.deepEqual(await readFile(join(cwd, "out", "model.safetensors")), right);
  });

  it("revokes for good", async () => {
    const { said } = await run(runRevoke, { release: "bot@prod" }, { ...alice, reason: "leaks" });
    assert.match(said, /revoked, for good/);
    assert.match((await run(runShow, { release: "bot@prod" })).said, /revoked +by alice, .*: leaks/);
    await assert.rejects(run(runApprove, { release: "bot@prod" }, bob), code("models.transition-refused"));
    const again = await run(runImport, { path: "one" }, { name: "bot" });
    assert.notEqual(again.json["state"], "revoked");
    const { releases } = (await run(runList, {})).json as { releases: { state: string; model: string }[] };
    assert.deepEqual(
      releases.filter((one) => one.model === "bot").map(({ state }) => state),
      ["approved", "approved", "revoked"],
    );
  });

  it("wants an operator for decisions, and names what is missing", async () => {
    await assert.rejects(
      run(runApprove, { release: "bot@prod" }),
      code("models.options-invalid", /signed by an operator/),
    );
    await assert.rejects(run(runImport, { path: "one" }), code("models.options-invalid", /--name/));
    await assert.rejects(run(runGrant, { model: "bot" }, alice), code("models.options-invalid", /--app/));
    await assert.rejects(run(runShow, { release: "bot" }), code("models.reference-invalid", /names a model/));
    await assert.rejects(run(runShow, { release: "bot@gone" }), code("models.release-unknown"));
  });
});
