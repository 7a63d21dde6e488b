/** The signed models of the Python tool from 0.2.0 on, its golden manifests, and the vectors of the specification. */

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parseJson } from "../../core/index.ts";
import { hashModel, type ManifestOptions } from "./manifest.ts";
import { makeKeyPair } from "./key.ts";
import { signModel } from "./sign.ts";
import { verifyModel, type Trust, type VerifyReport } from "./verify.ts";

const VECTORS = fileURLToPath(new URL("../../../test/vectors/model-signing/", import.meta.url));
const PYTHON = join(VECTORS, "python");
const read = (...path: string[]): string => readFileSync(join(VECTORS, ...path), "utf8");

const KEY: Trust = { method: "key", publicKey: read("python", "keys", "certificate", "signing-key-pub.pem") };
const CERTIFICATE: Trust = { method: "certificate", trusted: read("python", "keys", "certificate", "ca-cert.pem") };
const SIGSTORE: Trust = {
  method: "sigstore",
  identity: "stefanb@us.ibm.com",
  issuer: "https://sigstore.verify.ibm.com/oauth2",
};
const TRUST: Readonly<Record<string, Trust>> = { "elliptic-key": KEY, certificate: CERTIFICATE, sigstore: SIGSTORE };

let home = "";
before(() => {
  home = mkdtempSync(join(tmpdir(), "vectors-"));
});
after(() => rmSync(home, { recursive: true, force: true }));

/** The models that were signed by version and method. Before v1.0.1, the key signed one file. */
const models = readdirSync(PYTHON)
  .filter((name) => name.startsWith("v"))
  .map((name) => {
    const [version, method] = [name.slice(0, name.indexOf("-")), name.slice(name.indexOf("-") + 1)];
    const single = method === "elliptic-key" && ["v0.3.1", "v1.0.0"].includes(version);
    const trust = TRUST[method] as Trust;
    return { name, version, folder: join(PYTHON, name), path: join(PYTHON, name, single ? "signme-1" : ""), trust };
  });

function verify(model: (typeof models)[number], path = model.path, trust = model.trust): Promise<VerifyReport> {
  const ignorePaths = ["model.sig", "ignore-me"];
  return verifyModel(path, readFileSync(join(model.folder, "model.sig")), trust, { ignorePaths });
}

const codes = (report: VerifyReport): [string, string | undefined][] =>
  report.problems.map(({ code, file }) => [code, file]);

describe("models signed by the Python tool", () => {
  it("are there", () => assert.equal(models.length, 13));

  for (const model of models) {
    it(`verify: ${model.name}`, async () => {
      const report = await verify(model);
      assert.deepEqual([report.verified, report.problems], [true, []]);
      assert.equal(report.signed?.legacy, model.version === "v0.2.0");
      assert.equal(report.signer?.method, model.trust.method);
      assert.equal(report.root, report.signed?.root);
    });

    it(`are rejected once anything is changed, by file: ${model.name}`, async () => {
      const copy = join(home, model.name);
      cpSync(model.folder, copy, { recursive: true });
      const path = join(copy, model.path.slice(model.folder.length + 1));
      writeFileSync(join(copy, "signme-1"), "something else");
      assert.deepEqual(codes(await verify(model, path)), [["models.signed-file-changed", "signme-1"]]);
      if (path !== join(copy, "")) return;
      rmSync(join(copy, "signme-2"));
      writeFileSync(join(copy, "injected"), "");
      assert.deepEqual(codes(await verify(model, path)), [
        ["models.file-unsigned", "injected"],
        ["models.signed-file-changed", "signme-1"],
        ["models.signed-file-missing", "signme-2"],
      ]);
    });

    it(`are rejected by other methods, keys, authorities and identities: ${model.name}`, async () => {
      for (const trust of [KEY, CERTIFICATE, SIGSTORE]) {
        if (trust.method === model.trust.method) continue;
        assert.deepEqual(codes(await verify(model, model.path, trust)), [["models.signature-other-method", undefined]]);
      }
      const wrong: Readonly<Record<string, [Trust, string][]>> = {
        key: [
          [
            { method: "key", publicKey: makeKeyPair("P-384").publicKey },
            model.version === "v1.1.0" ? "models.signature-wrong-key" : "models.signature-invalid",
          ],
        ],
        certificate: [
          [{ method: "certificate", trusted: read("python", "keys", "certificate", "signing-key-cert.pem") }, ""],
        ],
        sigstore: [
          [{ ...SIGSTORE, identity: "eve@us.ibm.com" }, "models.identity-mismatch"],
          [{ ...SIGSTORE, issuer: "https://sigstore.verify.ibm.com/oauth3" }, "models.identity-mismatch"],
        ],
      };
      for (const [trust, code] of wrong[model.trust.method] ?? []) {
        // Who trusts the signer's own certificate needs no authority.
        const expected = code === "" ? [] : [[code, undefined]];
        assert.deepEqual(codes(await verify(model, model.path, trust)), expected);
      }
    });
  }
});

describe("the golden manifests of the Python tool", () => {
  const TEXT = "This is a simple model";
  const sample = Object.fromEntries([
    ...[0, 1].flatMap((i) => [0, 1, 2].map((j) => [`d${i}/f${i}${j}`, `This is file f${i}${j} in d${i}.`])),
    ...[0, 1, 2, 3].map((i) => [`f${i}`, `This is file f${i} in root.`]),
  ]) as Record<string, string>;
  const deep = Object.fromEntries([0, 1, 2, 3].map((i) => [`d0/d1/d2/d3/d4/f${i}`, `This is file f${i}.`]));
  const cases: readonly [string, Record<string, string> | string][] = [
    ["sample_model_folder", sample],
    ["sample_model_file", TEXT],
    ["model_folder_with_empty_file", { empty_file: "" }],
  ];

  function make(name: string, content: Record<string, string> | string): string {
    const path = join(home, `golden-${name}`);
    if (typeof content === "string") {
      writeFileSync(path, content);
      return path;
    }
    for (const [file, text] of Object.entries(content)) {
      mkdirSync(dirname(join(path, file)), { recursive: true });
      writeFileSync(join(path, file), text);
    }
    return path;
  }

  /** Lines of `name:digest`, as the golden files have them; a single file is called `.`. */
  async function linesOf(path: string, options: ManifestOptions): Promise<string[]> {
    const { resources, single, name } = await hashModel(path, options);
    return resources
      .map((resource) => `${single ? `.${resource.name.slice(name.length)}` : resource.name}:${resource.digest}`)
      .toSorted();
  }
  const golden = (...path: string[]): string[] =>
    read("python", "golden", ...path)
      .split("\n")
      .filter(Boolean)
      .toSorted();
  const goldenStatement = (name: string): { subject: { digest: { sha256: string } }[] } =>
    parseJson(read("python", "golden", "_signing", "testdata", "signing", "TestPayload", name)) as never;

  for (const [name, content] of cases) {
    it(`have the same digests of files: ${name}`, async () => {
      const path = make(name, content);
      const expected = golden("_serialization", "testdata", "file", "TestSerializer", name);
      assert.deepEqual(await linesOf(path, {}), expected);
      assert.equal((await hashModel(path)).root, goldenStatement(name).subject[0]?.digest.sha256);
    });
  }

  it("have the same digests of shards", async () => {
    const path = make("shards", sample);
    const options = { method: "shards", shardSize: 8 } as const;
    const expected = golden(
      "_serialization",
      "testdata",
      "file_shard",
      "TestSerializer",
      "sample_model_folder_small_shards",
    );
    assert.deepEqual(await linesOf(path, options), expected);
  });

  it("have the same digests of deep folders", async () => {
    const expected = golden("_serialization", "testdata", "file", "TestSerializer", "deep_model_folder");
    assert.deepEqual(await linesOf(make("deep", deep), {}), expected);
  });
});

describe("the vectors of the specification", () => {
  const bundle = (...path: string[]): Buffer => readFileSync(join(VECTORS, "spec", "test-vectors", "v1.0", ...path));
  const options = { ignorePaths: ["ignore-me", "model.sig"] };
  const cases: readonly [string, Trust, string][] = [
    ["key", KEY, "v1.1.0-elliptic-key"],
    ["certificate", CERTIFICATE, "v1.1.0-elliptic-key"],
    ["sigstore", SIGSTORE, "v1.1.0-sigstore"],
  ];

  for (const [name, trust, model] of cases) {
    it(`verify: ${name}`, async () => {
      const report = await verifyModel(join(PYTHON, model), bundle("valid", `${name}.bundle.json`), trust, options);
      assert.deepEqual(report.problems, []);
    });
  }

  for (const name of ["empty", "missing-envelope", "missing-tlog-entries", "missing-verification-material"]) {
    it(`are rejected as malformed: ${name}`, async () => {
      const file = bundle("invalid", `${name}.bundle.json`);
      for (const [, trust, model] of cases) {
        const report = await verifyModel(join(PYTHON, model), file, trust, options);
        assert.deepEqual(codes(report), [["models.signature-malformed", undefined]]);
      }
    });
  }

  it("are rejected for another predicate than the one that was signed", async () => {
    const file = bundle("invalid-payload", "wrong-predicate.bundle.json");
    const report = await verifyModel(join(PYTHON, "v1.1.0-elliptic-key"), file, KEY, options);
    assert.deepEqual(codes(report), [["models.signature-invalid", undefined]]);
  });

  it("have schemas that our signatures follow", async () => {
    const ajv = new Ajv2020({ strict: false });
    for (const name of ["envelope", "predicate", "statement"]) {
      ajv.addSchema(parseJson(read("spec", "schemas", "v1.0", `${name}.schema.json`)) as object);
    }
    const checkBundle = ajv.compile(parseJson(read("spec", "schemas", "v1.0", "bundle.schema.json")) as object);
    const checkStatement = ajv.getSchema("https://model_signing/statement/v1.0/schema");
    const keys = join(PYTHON, "keys", "certificate");
    const { privateKey } = makeKeyPair("P-521");
    const { Secret } = await import("../../core/index.ts");
    const signatures = [
      await signModel(join(PYTHON, "v1.1.0-certificate"), { method: "key", privateKey }),
      await signModel(join(PYTHON, "v1.1.0-certificate"), {
        method: "certificate",
        privateKey: new Secret(readFileSync(join(keys, "signing-key.pem"), "utf8")),
        certificate: readFileSync(join(keys, "signing-key-cert.pem"), "utf8"),
        chain: readFileSync(join(keys, "int-ca-cert.pem"), "utf8"),
      }),
    ];
    for (const signature of signatures) {
      const json = parseJson(signature.bundle) as { dsseEnvelope: { payload: string } };
      assert.ok(checkBundle(json), JSON.stringify(checkBundle.errors));
      const statement = parseJson(Buffer.from(json.dsseEnvelope.payload, "base64"));
      assert.ok(checkStatement?.(statement), JSON.stringify(checkStatement?.errors));
    }
  });
});
