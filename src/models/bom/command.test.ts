import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { made, noise, safetensors, zip } from "../../../test/models/checkpoints.ts";
import {
  decodeEnvelope,
  decodeStatement,
  isHoldfastError,
  openEnvelope,
  STATEMENT_MEDIA_TYPE,
  type CommandInput,
  type CommandResult,
} from "../../core/index.ts";
import { createPublicKey, verify } from "node:crypto";
import { hashModel } from "../sign/manifest.ts";
import { bomCommands } from "./commands.ts";

let folder = "";
let model = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-bom-command-"));
  model = join(folder, "m");
  await mkdir(model);
  await writeFile(join(model, "model.safetensors"), safetensors([made("w", [32, 32], noise(1_024, 1))]));
  await writeFile(join(model, "README.md"), "---\nlicense: mit\n---\n");
  process.env["SOURCE_DATE_EPOCH"] = "1700000000";
});
after(async () => {
  delete process.env["SOURCE_DATE_EPOCH"];
  await rm(folder, { recursive: true });
});

const PLAIN = { bold: String, dim: String, red: String, green: String, yellow: String };

async function run(
  path: string,
  args: CommandInput<unknown>["args"],
  options: CommandInput<unknown>["options"] = {},
): Promise<CommandResult> {
  const command = bomCommands.find((one) => one.path === path);
  assert.ok(command !== undefined);
  return (await command.load())({ services: undefined, args, rest: [], options, progress: () => undefined });
}

describe("model bom", () => {
  it("prints the document, the same for people and machines", async () => {
    for (const formatBom of ["cyclonedx", "spdx"]) {
      const { data, text, exit } = await run("model bom", { path: model }, { formatBom });
      assert.deepEqual(JSON.parse(text(PLAIN)), data);
      assert.equal(exit, 0);
      assert.ok(text(PLAIN).includes("2023-11-14T22:13:20Z"), "the time is that of SOURCE_DATE_EPOCH");
    }
  });

  it("writes a file, whole, and says what was found", async () => {
    const out = join(folder, "bom.json");
    const { text } = await run("model bom", { path: model }, { out });
    assert.equal((JSON.parse(await readFile(out, "utf8")) as { bomFormat: string }).bomFormat, "CycloneDX");
    const { root } = await hashModel(model);
    assert.match(
      text(PLAIN),
      new RegExp(`written.*\\nroot +${root}\\nfiles +2\\nparameters +1024 \\(safetensors\\)\\nlicences +MIT`),
    );
  });

  it("never writes into the model: that would change the root which it names", async () => {
    await assert.rejects(run("model bom", { path: model }, { out: join(model, "bom.json") }), (error: unknown) =>
      isHoldfastError(error, "models.bom-option-invalid"),
    );
  });

  it("leaves the model's signature out of the root, and refers to it", async () => {
    const { root } = await hashModel(model);
    await writeFile(join(model, "model.sig"), "{}");
    const { data } = await run("model bom", { path: model });
    const text = JSON.stringify(data);
    await rm(join(model, "model.sig"));
    assert.ok(text.includes(root) && text.includes('"digital-signature"'));
  });

  it("exits 1 for a conflict of licences, 2 for what could not be read, by --fail-on", async () => {
    const conflict = join(folder, "conflict");
    await mkdir(conflict);
    await writeFile(join(conflict, "README.md"), "---\nlicense: mit\n---\n");
    await writeFile(join(conflict, "LICENSE"), await readFile(new URL("../../../LICENSE", import.meta.url)));
    assert.equal((await run("model bom", { path: conflict })).exit, 1);
    assert.equal((await run("model bom", { path: conflict }, { failOn: "critical" })).exit, 0);
    await writeFile(join(conflict, "model.safetensors"), "broken");
    assert.equal((await run("model bom", { path: conflict }, { failOn: "critical" })).exit, 2);
  });

  const wrong: readonly (readonly [string, Record<string, string>])[] = [
    ["a time of release that is none", { released: "yesterday" }],
    ["a place of download that is no address", { downloadLocation: "here" }],
    ["a severity that does not exist", { failOn: "awful" }],
  ];
  for (const [what, options] of wrong) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(run("model bom", { path: model }, options), (error: unknown) =>
        isHoldfastError(error, "models.bom-option-invalid"),
      );
    });
  }

  it("refuses a SOURCE_DATE_EPOCH that is no count of seconds", async () => {
    process.env["SOURCE_DATE_EPOCH"] = "soon";
    await assert.rejects(run("model bom", { path: model }), (error: unknown) =>
      isHoldfastError(error, "models.bom-option-invalid"),
    );
    process.env["SOURCE_DATE_EPOCH"] = "1700000000";
  });

  it("says by name what could not be written", async () => {
    await assert.rejects(run("model bom", { path: model }, { out: join(folder, "none/bom.json") }), (error: unknown) =>
      isHoldfastError(error, "models.bom-unwritable"),
    );
  });

  it("refuses a folder without files", async () => {
    await mkdir(join(folder, "empty"), { recursive: true });
    await assert.rejects(run("model bom", { path: join(folder, "empty") }), (error: unknown) =>
      isHoldfastError(error, "models.bom-unreadable"),
    );
  });
});

describe("model card and model fingerprint", () => {
  it("prints the card, and writes it", async () => {
    const { text } = await run("model card", { path: model });
    assert.match(text(PLAIN), /^# m\n/);
    const out = join(folder, "card.md");
    assert.match((await run("model card", { path: model }, { out })).text(PLAIN), /\d+ of \d+ fields known/);
    assert.equal(await readFile(out, "utf8"), `${text(PLAIN)}\n`);
  });

  it("tells one, and compares two", async () => {
    const one = await run("model fingerprint", { path: model });
    assert.match(one.text(PLAIN), /parameters +1024 in 1 tensors \(safetensors\)/);
    const other = join(folder, "other.safetensors");
    await writeFile(other, safetensors([made("w", [32, 32], noise(1_024, 9))]));
    const both = await run("model fingerprint", { path: model, other });
    assert.match(both.text(PLAIN), /^unrelated: /m);
    assert.match(both.text(PLAIN), /FARTHEST APART/);
    assert.equal((both.data as { lineage: { kinship: string } }).lineage.kinship, "unrelated");
  });
});

describe("model attest", () => {
  it("makes statements on the root digest", async () => {
    const { root } = await hashModel(model);
    for (const [type, predicateType] of [
      ["cyclonedx", "https://cyclonedx.org/bom"],
      ["spdx", "https://spdx.dev/Document/v3"],
      ["scan", "https://holdfast.dev/model-scan/v1"],
    ] as const) {
      const { data, exit } = await run("model attest", { path: model }, { type });
      const statement = decodeStatement(Buffer.from(JSON.stringify(data)));
      assert.equal(statement.predicateType, predicateType);
      assert.deepEqual(statement.subject, [{ name: "m", digest: { sha256: root } }]);
      assert.equal(exit, 0);
    }
  });

  it("signs in an envelope that any DSSE verifier opens", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = join(folder, "a.key");
    await writeFile(key, privateKey.export({ type: "pkcs8", format: "pem" }));
    const out = join(folder, "attestation.json");
    const { text } = await run("model attest", { path: model }, { type: "scan", key, out });
    assert.match(text(PLAIN), /^signed/);
    const publicKey = createPublicKey(privateKey);
    const check = (bytes: Uint8Array, signature: Uint8Array): boolean =>
      verify("sha256", bytes, { key: publicKey, dsaEncoding: "der" }, signature);
    const envelope = decodeEnvelope(await readFile(out));
    const payload = await openEnvelope(envelope, STATEMENT_MEDIA_TYPE, [{ keyid: "", verify: check }]);
    assert.equal((decodeStatement(payload).predicate as { verdict: string }).verdict, "clean");
  });

  it("attests what a scan found, and exits 1 for it", async () => {
    const bad = join(folder, "bad");
    await mkdir(bad);
    await writeFile(join(bad, "model.bin"), zip([["a/data.pkl", Buffer.from("cos\nsystem\n(S'id'\ntR.")]]));
    const { data, exit } = await run("model attest", { path: bad }, { type: "scan" });
    const { predicate } = data as { predicate: { verdict: string; notClean: { path: string }[] } };
    assert.deepEqual(
      [predicate.verdict, predicate.notClean.map(({ path }) => path), exit],
      ["malicious", ["model.bin"], 1],
    );
  });
});
