import assert from "node:assert/strict";
import { sign as signBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { parseJson, preAuthEncoding, Secret } from "../../core/index.ts";
import { BUNDLE_MEDIA_TYPE, PAYLOAD_TYPE, writeBundle } from "./bundle.ts";
import { hintOf, makeKeyPair, pythonText, readPrivateKey, readPublicKey, signPayload } from "./key.ts";
import { hashModel, rootOf } from "./manifest.ts";
import { signModel, type SignOptions } from "./sign.ts";
import { LEGACY_PREDICATE_TYPE, readStatement, writeStatement } from "./statement.ts";
import { verifyModel, type Trust, type VerifyOptions, type VerifyReport } from "./verify.ts";

const KEYS = makeKeyPair("P-256");
const PRIVATE = readPrivateKey(KEYS.privateKey.reveal());
const TRUST: Trust = { method: "key", publicKey: KEYS.publicKey };
const HINT = hintOf(readPublicKey(KEYS.publicKey));

let home = "";
before(() => {
  home = mkdtempSync(join(tmpdir(), "verify-"));
});
after(() => rmSync(home, { recursive: true, force: true }));

let made = 0;
function make(files: Readonly<Record<string, string>>): string {
  const folder = join(home, `model-${made++}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const sign = async (path: string, options: SignOptions = {}): Promise<Uint8Array> =>
  (await signModel(path, { method: "key", privateKey: KEYS.privateKey }, options)).bundle;
const verify = (path: string, bundle: Uint8Array, options: VerifyOptions = {}): Promise<VerifyReport> =>
  verifyModel(path, bundle, TRUST, options);
const problems = (report: VerifyReport): [string, string | undefined][] =>
  report.problems.map(({ code, file }) => [code.replace("models.", ""), file]);

/** A bundle of any statement, signed as it should be. */
function bundleOf(statement: unknown): Uint8Array {
  const payload = Buffer.from(JSON.stringify(statement));
  return writeBundle({ method: "key", hint: HINT }, payload, signPayload(payload, PRIVATE));
}

describe("verifyModel", () => {
  it("verifies what was signed, in every form, and tells what was", async () => {
    const folder = make({ "a/b": "1", "a-b": "22", é: "", "x:y": "4444444444" });
    for (const options of [{}, { method: "shards", shardSize: 3 }, { hashType: "blake2b" }] as const) {
      const report = await verify(folder, await sign(folder, options));
      assert.deepEqual([report.verified, report.problems], [true, []]);
      const manifest = await hashModel(folder, options);
      assert.equal(report.root, manifest.root);
      assert.equal(report.signed?.root, manifest.root);
      assert.deepEqual(report.signed?.serialization, manifest.serialization);
      assert.equal(report.size, 13);
      assert.deepEqual(report.signer, { method: "key", hint: HINT });
    }
  });

  it("verifies on every curve, and with no other key", async () => {
    const folder = make({ a: "1" });
    for (const curve of ["P-256", "P-384", "P-521"] as const) {
      const { privateKey, publicKey } = makeKeyPair(curve);
      const { bundle } = await signModel(folder, { method: "key", privateKey });
      assert.equal((await verifyModel(folder, bundle, { method: "key", publicKey })).verified, true);
      assert.deepEqual(problems(await verify(folder, bundle)), [["signature-wrong-key", undefined]]);
    }
    await assert.rejects(verifyModel(folder, await sign(folder), { method: "key", publicKey: "no key" }), {
      code: "models.key-unusable",
    });
  });

  it("says of each file how it differs", async () => {
    const folder = make({ same: "1", changed: "1", missing: "1", "sub/missing": "1" });
    const bundle = await sign(folder);
    writeFileSync(join(folder, "changed"), "2");
    rmSync(join(folder, "missing"));
    rmSync(join(folder, "sub"), { recursive: true });
    writeFileSync(join(folder, "extra"), "");
    symlinkSync("same", join(folder, "link"));
    const report = await verify(folder, bundle);
    assert.deepEqual(problems(report), [
      ["signed-file-changed", "changed"],
      ["file-unsigned", "extra"],
      ["symlink", "link"],
      ["signed-file-missing", "missing"],
      ["signed-file-missing", "sub/missing"],
    ]);
    assert.equal(report.verified, false);
    assert.equal(report.size, 2, "what cannot be right is not hashed");
  });

  it("says of a renamed file that one is missing and another is not signed, also where only case differs", async () => {
    const folder = make({ "Model.bin": "1" });
    const bundle = await sign(folder);
    renameSync(join(folder, "Model.bin"), join(folder, "model.bin"));
    assert.deepEqual(problems(await verify(folder, bundle)), [
      ["signed-file-missing", "Model.bin"],
      ["file-unsigned", "model.bin"],
    ]);
  });

  it("takes a link in place of a signed file for what it is, even to the same bytes", async () => {
    const folder = make({ a: "1", b: "1" });
    const bundle = await sign(folder);
    rmSync(join(folder, "a"));
    symlinkSync("b", join(folder, "a"));
    assert.deepEqual(problems(await verify(folder, bundle)), [["symlink", "a"]]);
    assert.deepEqual(problems(await verify(folder, bundle, { ignoreUnsignedFiles: true })), [["symlink", "a"]]);
  });

  it("says where the shards of a file differ", async () => {
    const folder = make({ f: "0123456789" });
    const bundle = await sign(folder, { method: "shards", shardSize: 4 });
    writeFileSync(join(folder, "f"), "01234567xx");
    const [problem] = (await verify(folder, bundle)).problems;
    assert.deepEqual(problem, {
      code: "models.signed-file-changed",
      file: "f",
      detail: "between the bytes 8 and 10",
    });
    writeFileSync(join(folder, "f"), "x12345678x");
    assert.equal((await verify(folder, bundle)).problems[0]?.detail, "between the bytes 0 and 4, and in 1 more shards");
    writeFileSync(join(folder, "f"), "01234567890");
    assert.equal((await verify(folder, bundle)).problems[0]?.detail, "it has 11 bytes instead of 10");
    writeFileSync(join(folder, "f"), "0123456789");
    writeFileSync(join(folder, "empty"), "");
    const report = await verify(folder, bundle);
    assert.deepEqual([report.problems, report.unsigned], [[], ["empty"]], "nobody can sign a file without bytes");
  });

  it("tolerates unsigned files where it is told to, and names them", async () => {
    const folder = make({ a: "1" });
    const bundle = await sign(folder);
    writeFileSync(join(folder, "b"), "2");
    const report = await verify(folder, bundle, { ignoreUnsignedFiles: true });
    assert.deepEqual([report.verified, report.unsigned], [true, ["b"]]);
    writeFileSync(join(folder, "a"), "2");
    const other = await verify(folder, bundle, { ignoreUnsignedFiles: true });
    assert.deepEqual(problems(other), [["signed-file-changed", "a"]]);
  });

  it("ignores what the signature names and what it is told, and names that too", async () => {
    const folder = make({ a: "1", "cache/x": "", log: "", "model.sig": "" });
    const bundle = await sign(folder, { ignorePaths: ["cache", "log", "model.sig"] });
    writeFileSync(join(folder, "cache", "y"), "anything");
    writeFileSync(join(folder, "mine"), "");
    const report = await verify(folder, bundle, { ignorePaths: ["mine"] });
    assert.deepEqual([report.verified, report.ignored], [true, ["cache", "log", "mine", "model.sig"]]);
    // What one call ignores, the next does not.
    assert.deepEqual(problems(await verify(folder, bundle)), [["file-unsigned", "mine"]]);
  });

  it("never takes a signed file that is ignored for verified", async () => {
    const folder = make({ "a/b": "1", c: "2" });
    const bundle = await sign(folder);
    const report = await verify(folder, bundle, { ignorePaths: ["a"] });
    assert.deepEqual(problems(report), [["signed-file-ignored", "a/b"]]);
  });

  it("takes a single file under its name or under the one of the Python tool", async () => {
    const folder = make({ "w.bin": "1234" });
    const file = join(folder, "w.bin");
    for (const options of [{}, { method: "shards", shardSize: 3 }] as const) {
      assert.equal((await verify(file, await sign(file, options))).verified, true);
      const forPython = await sign(file, { ...options, pythonSingleFile: true });
      assert.equal((await verify(file, forPython)).verified, true);
      assert.deepEqual(problems(await verify(folder, forPython)), [
        ["signed-file-missing", "."],
        ["file-unsigned", "w.bin"],
      ]);
    }
    const other = make({ "other.bin": "1234" });
    assert.deepEqual(problems(await verify(join(other, "other.bin"), await sign(file))), [
      ["file-unsigned", "other.bin"],
      ["signed-file-missing", "w.bin"],
    ]);
  });

  it("rejects a bundle in which any byte of the statement or the signature is another", async () => {
    const folder = make({ a: "1" });
    const json = parseJson(await sign(folder)) as {
      dsseEnvelope: { payload: string; signatures: { sig: string }[] };
    };
    const { payload, signatures } = json.dsseEnvelope;
    const flip = (base64: string, bit: number): string => {
      const bytes = Buffer.from(base64, "base64");
      const at = Math.floor(bit / 8) % bytes.length;
      bytes[at] = (bytes[at] as number) ^ (1 << (bit % 8));
      return bytes.toString("base64");
    };
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), async (bit, ofPayload) => {
        const dsseEnvelope = ofPayload
          ? { ...json.dsseEnvelope, payload: flip(payload, bit) }
          : { ...json.dsseEnvelope, signatures: [{ sig: flip(signatures[0]?.sig ?? "", bit), keyid: "" }] };
        const report = await verify(folder, Buffer.from(JSON.stringify({ ...json, dsseEnvelope })));
        assert.deepEqual(problems(report), [["signature-invalid", undefined]]);
      }),
      { numRuns: 200 },
    );
  });

  it("verifies statements whose fields are in another order, with spaces, and 8.0 for 8", async () => {
    const folder = make({ f: "0123456789" });
    const manifest = await hashModel(folder, { method: "shards", shardSize: 8 });
    const text = Buffer.from(writeStatement(manifest)).toString().replace('"shard_size":8', '"shard_size" : 8.0');
    const payload = Buffer.from(`\n ${text} `);
    const bundle = writeBundle({ method: "key", hint: HINT }, payload, signPayload(payload, PRIVATE));
    assert.equal((await verify(folder, bundle)).verified, true);
  });

  it("accepts every way in which a keyid and a key were written", async () => {
    const folder = make({ a: "1" });
    const json = parseJson(await sign(folder)) as { dsseEnvelope: { signatures: { sig: string }[] } };
    const sig = json.dsseEnvelope.signatures[0]?.sig ?? "";
    const rawBytes = Buffer.from(KEYS.publicKey).toString("base64");
    for (const signature of [{ sig }, { sig, keyid: null }, { sig, keyid: "" }, { sig, keyid: "any" }]) {
      for (const publicKey of [{ hint: HINT }, { rawBytes, keyDetails: "PKIX_ECDSA_P256_SHA_256" }]) {
        const dsseEnvelope = { ...json.dsseEnvelope, signatures: [signature] };
        const bundle = { ...json, verificationMaterial: { publicKey }, dsseEnvelope };
        assert.equal((await verify(folder, Buffer.from(JSON.stringify(bundle)))).verified, true);
      }
    }
  });
});

describe("bundles that are none", () => {
  it("are rejected, each with its reason", async () => {
    const folder = make({ a: "1" });
    const good = parseJson(await sign(folder)) as { verificationMaterial: object; dsseEnvelope: object };
    const { verificationMaterial, dsseEnvelope } = good;
    const sig = "MEUCIQ==";
    const cases: Readonly<Record<string, unknown>> = {
      "no object": [],
      "no media type": { verificationMaterial, dsseEnvelope },
      "no material": { ...good, verificationMaterial: {} },
      "two materials": {
        ...good,
        verificationMaterial: { ...verificationMaterial, x509CertificateChain: { certificates: [] } },
      },
      "no certificate": { ...good, verificationMaterial: { x509CertificateChain: { certificates: [] } } },
      "no log": { ...good, verificationMaterial: { certificate: { rawBytes: "AAAA" }, tlogEntries: [] } },
      "no hint": { ...good, verificationMaterial: { publicKey: {} } },
      "no envelope": { ...good, dsseEnvelope: null },
      "no signature": { ...good, dsseEnvelope: { ...dsseEnvelope, signatures: [] } },
      "two signatures": { ...good, dsseEnvelope: { ...dsseEnvelope, signatures: [{ sig }, { sig }] } },
      "no base64": { ...good, dsseEnvelope: { ...dsseEnvelope, signatures: [{ sig: "a b" }] } },
      "bits to spare": { ...good, dsseEnvelope: { ...dsseEnvelope, payload: "e31=" } },
      "no payload": { ...good, dsseEnvelope: { ...dsseEnvelope, payload: "" } },
      "a keyid that is a number": { ...good, dsseEnvelope: { ...dsseEnvelope, signatures: [{ sig, keyid: 1 }] } },
    };
    for (const [what, json] of Object.entries(cases)) {
      const report = await verify(folder, Buffer.from(JSON.stringify(json)));
      assert.deepEqual(problems(report), [["signature-malformed", undefined]], what);
    }
    for (const text of ["", "{", "null", '{"a":1,"a":2}', "\xff"]) {
      const report = await verify(folder, Buffer.from(text, "latin1"));
      assert.deepEqual(problems(report), [["signature-malformed", undefined]], text);
    }
    const unsupported = {
      "media type": { ...good, mediaType: BUNDLE_MEDIA_TYPE.replace("v0.3", "v0.1") },
      "payload type": { ...good, dsseEnvelope: { ...dsseEnvelope, payloadType: "application/json" } },
    };
    for (const [what, json] of Object.entries(unsupported)) {
      const report = await verify(folder, Buffer.from(JSON.stringify(json)));
      assert.deepEqual(problems(report), [["signature-unsupported", undefined]], what);
    }
  });
});

describe("statements that were signed", () => {
  interface Parts {
    _type: string;
    predicateType: string;
    subject: { name: string; digest: { sha256: string } }[];
    predicate: { resources: Record<string, unknown>[]; serialization: Record<string, unknown> };
  }
  const statementOf = async (folder: string, options: SignOptions = {}): Promise<Parts> =>
    parseJson(writeStatement(await hashModel(folder, options))) as Parts;

  it("are rejected when they do not say what a statement must, each with its reason", async () => {
    const folder = make({ a: "1", b: "2" });
    const good = await statementOf(folder);
    const [a = {}, b = {}] = good.predicate.resources;
    const root = (...resources: Record<string, unknown>[]): object[] => [
      { name: "m", digest: { sha256: rootOf(resources as unknown as { digest: string }[]) } },
    ];
    const resources = (...list: Record<string, unknown>[]): object => ({
      ...good,
      subject: root(...list),
      predicate: { ...good.predicate, resources: list },
    });
    const serialization = (more: object): object => ({
      ...good,
      predicate: { ...good.predicate, serialization: { ...good.predicate.serialization, ...more } },
    });
    const cases: readonly [string, string, unknown][] = [
      ["signature-malformed", "no object", 1],
      ["signature-unsupported", "statement type", { ...good, _type: "https://in-toto.io/Statement/v0.1" }],
      ["signature-unsupported", "predicate type", { ...good, predicateType: "https://model_signing/signature/v1.1" }],
      ["signature-malformed", "no subject", { ...good, subject: [] }],
      ["signature-malformed", "two subjects", { ...good, subject: [...good.subject, ...good.subject] }],
      ["signature-malformed", "subject without name", { ...good, subject: [{ ...good.subject[0], name: "" }] }],
      ["signature-malformed", "subject without digest", { ...good, subject: [{ name: "m", digest: {} }] }],
      ["root-mismatch", "another root", { ...good, subject: [{ name: "m", digest: { sha256: "0".repeat(64) } }] }],
      ["root-mismatch", "another order", { ...good, predicate: { ...good.predicate, resources: [b, a] } }],
      ["signature-malformed", "no predicate", { ...good, predicate: undefined }],
      ["signature-malformed", "no resources", resources()],
      ["signature-malformed", "a file twice", resources(a, a)],
      ["signature-malformed", "no symlink policy", serialization({ allow_symlinks: "false" })],
      ["signature-malformed", "a path that excuses all", serialization({ ignore_paths: ["."] })],
      ["signature-malformed", "a path outside", serialization({ ignore_paths: ["../x"] })],
      ["signature-unsupported", "a hash that is none", serialization({ hash_type: "md5" })],
      ["signature-unsupported", "a method that is none", serialization({ method: "tensors" })],
      ["signature-malformed", "shards without a size", serialization({ method: "shards" })],
      ["signature-malformed", "shards of no size", serialization({ method: "shards", shard_size: 0 })],
      ["signature-malformed", "shards of half a byte", serialization({ method: "shards", shard_size: 0.5 })],
      ["signature-malformed", "files as shards", serialization({ method: "shards", shard_size: 8 })],
      ["signature-unsupported", "another algorithm", resources({ ...a, algorithm: "sha512" }, b)],
      ["signature-malformed", "a short digest", resources({ ...a, digest: "00" }, b)],
      ["signature-malformed", "upper case", resources({ ...a, digest: String(a["digest"]).toUpperCase() }, b)],
      ...["/a", "../a", "a/../b", "./a", "a/", "a//b", "", "..", "a\0"].map((name): [string, string, unknown] => [
        "signature-malformed",
        `the name ${name}`,
        resources({ ...a, name }, b),
      ]),
    ];
    for (const [code, what, statement] of cases) {
      assert.deepEqual(problems(await verify(folder, bundleOf(statement))), [[code, undefined]], what);
    }
    assert.deepEqual(problems(await verify(folder, bundleOf(resources(b, a)))), [], "any order with its own root");
  });

  it("are rejected when shards leave a gap, overlap, or have names that are none", async () => {
    const folder = make({ f: "0123456789" });
    const good = await statementOf(folder, { method: "shards", shardSize: 4 });
    const digest = "0".repeat(64);
    for (const names of [
      ["f:0:4", "f:8:10"],
      ["f:0:4", "f:4:7", "f:7:10"],
      ["f:0:4", "f:0:4"],
      ["f:0:5", "f:5:10"],
      ["f:4:8"],
      ["f:0:0"],
      ["f:00:4"],
      ["f:0:4.0"],
      ["f:-4:0"],
      ["f:0:"],
      [":0:4"],
      ["0:4"],
      ["../f:0:4"],
      [`f:0:${2 ** 53}`],
    ]) {
      const resources = names.map((name) => ({ name, algorithm: "sha256", digest }));
      const subject = [{ name: "m", digest: { sha256: rootOf(resources) } }];
      const statement = { ...good, subject, predicate: { ...good.predicate, resources } };
      assert.deepEqual(
        problems(await verify(folder, bundleOf(statement))),
        [["signature-malformed", undefined]],
        names[0],
      );
    }
  });

  it("may name the algorithm of shards with or without their size", async () => {
    const folder = make({ f: "0123456789" });
    const good = await statementOf(folder, { method: "shards", shardSize: 4 });
    for (const [algorithm, expected] of [
      ["sha256", []],
      ["sha256-sharded-4", []],
      ["sha256-sharded-8", [["signature-unsupported", undefined]]],
    ] as const) {
      const resources = good.predicate.resources.map((resource) => ({ ...resource, algorithm }));
      const statement = { ...good, predicate: { ...good.predicate, resources } };
      assert.deepEqual(problems(await verify(folder, bundleOf(statement))), expected);
    }
  });

  it("come out as they went in, whatever the names", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.string({ unit: "grapheme", minLength: 1 }).filter((name) => !/^\.{1,2}$|[/\0]/.test(name)),
          {
            minLength: 1,
          },
        ),
        fc.constantFrom("sha256", "blake2b"),
        (names, hashType) => {
          const digest = "ab".repeat(hashType === "sha256" ? 32 : 64);
          const resources = names.map((name) => ({ name, algorithm: hashType, digest, size: 1 }));
          const serialization = { method: "files", hashType, ignorePaths: ["x"] } as const;
          const root = rootOf(resources);
          const rest = { name: "m", serialization, single: false, size: 1, ignored: [] };
          const read = readStatement(writeStatement({ root, resources, ...rest }));
          assert.deepEqual([...read.files.keys()], names);
          assert.deepEqual([read.root, read.serialization], [root, serialization]);
        },
      ),
    );
  });
});

describe("signatures of version 0.2.0", () => {
  it("print bytes as Python does", () => {
    const text = (bytes: string): string => pythonText(Buffer.from(bytes, "latin1"));
    assert.equal(text('{"a":\n\t\r 1}'), String.raw`b'{"a":\n\t\r 1}'`);
    assert.equal(text("it's"), `b"it's"`);
    assert.equal(text(`it's "it"`), String.raw`b'it\'s "it"'`);
    assert.equal(text("\\\0\x7f\xff"), String.raw`b'\\\x00\x7f\xff'`);
  });

  it("count for statements of that version only", async () => {
    const folder = make({ a: "1" });
    const current = writeStatement(await hashModel(folder));
    const legacy = Buffer.from(
      JSON.stringify({
        _type: "https://in-toto.io/Statement/v1",
        subject: [{ name: "a", digest: { sha256: (await hashModel(folder)).resources[0]?.digest } }],
        predicateType: LEGACY_PREDICATE_TYPE,
        predicate: { unused: "" },
      }),
    );
    const oldWay = (payload: Uint8Array): Uint8Array => {
      const head = `DSSEV1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `;
      const signature = signBytes("sha256", Buffer.from(head + pythonText(payload), "latin1"), PRIVATE);
      return writeBundle({ method: "key", hint: HINT }, payload, signature);
    };
    assert.equal((await verify(folder, oldWay(legacy))).signed?.legacy, true);
    assert.deepEqual(problems(await verify(folder, oldWay(current))), [["signature-invalid", undefined]]);
    writeFileSync(join(folder, "b"), "");
    assert.deepEqual(problems(await verify(folder, oldWay(legacy))), [["file-unsigned", "b"]]);
  });

  it("sign the encoding of DSSE otherwise", async () => {
    const payload = writeStatement(await hashModel(make({ a: "1" })));
    const other = makeKeyPair("P-256").privateKey;
    assert.notDeepEqual(signPayload(payload, readPrivateKey(other.reveal())), signPayload(payload, PRIVATE));
    assert.equal(Buffer.from(preAuthEncoding(PAYLOAD_TYPE, payload)).subarray(0, 10).toString(), "DSSEv1 28 ");
    assert.throws(() => readPrivateKey(new Secret("x").reveal()), { code: "models.key-unusable" });
  });
});
