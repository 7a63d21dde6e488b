/**
 * The cases of the conformance suite of OpenSSF Model Signing (sampras343/model-signing-conformance, TEST_CASES.md), run
 * against our adapter as the suite runs it: a process, flags, an exit code. Models and signatures are those of
 * test/vectors/model-signing, or made here in the way that the suite describes.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parseJson } from "../../../src/core/index.ts";
import { makeKeyPair } from "../../../src/models/index.ts";
import { hintOf, readPrivateKey, readPublicKey, signPayload } from "../../../src/models/sign/key.ts";
import { rootOf } from "../../../src/models/sign/manifest.ts";
import { writeBundle } from "../../../src/models/sign/bundle.ts";
import { AUTHORITY, issue, SIGNER } from "../../models/authority.ts";

const ADAPTER = fileURLToPath(new URL("adapter.ts", import.meta.url));
const VECTORS = fileURLToPath(new URL("../../vectors/model-signing/", import.meta.url));
const PYTHON = join(VECTORS, "python");
const KEYS = join(PYTHON, "keys", "certificate");
const IDENTITY = ["--identity", "stefanb@us.ibm.com", "--identity-provider", "https://sigstore.verify.ibm.com/oauth2"];

interface Json {
  readonly [name: string]: unknown;
}

function adapter(...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [ADAPTER, ...args], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, said: stdout + stderr });
    });
  });
}

describe("the conformance suite of OpenSSF Model Signing", { concurrency: 2 }, () => {
  let home = "";
  let made = 0;
  before(() => {
    home = mkdtempSync(join(tmpdir(), "oms-"));
    assert.ok((statSync(ADAPTER).mode & 0o100) !== 0, "the suite runs the adapter as a program");
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  const fresh = (name = "model"): string => {
    const folder = join(home, String(made++));
    mkdirSync(folder);
    return join(folder, name);
  };
  const copyOf = (name: string): string => {
    const path = fresh();
    cpSync(join(PYTHON, name), path, { recursive: true });
    rmSync(join(path, "model.sig"));
    return path;
  };
  const make = (files: Record<string, string | Uint8Array>): string => {
    const path = fresh();
    mkdirSync(path);
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), bytes);
    }
    return path;
  };
  const sigOf = (name: string): string => join(PYTHON, name, "model.sig");
  const verify = (method: string, path: string, bundle: string, ...more: string[]): ReturnType<typeof adapter> =>
    adapter("verify-model", "--method", method, "--model-path", path, "--bundle", bundle, ...more);
  const KEY = ["--public-key", join(KEYS, "signing-key-pub.pem")];
  const CERTIFICATE = ["--cert-chain", join(KEYS, "ca-cert.pem")];

  describe("bundles that were made before", () => {
    for (const version of ["v0.2.0", "v0.3.1", "v1.0.0", "v1.0.1", "v1.1.0"]) {
      for (const [kind, method, trust] of [
        ["certificate", "certificate", CERTIFICATE],
        ["elliptic-key", "key", KEY],
        ["sigstore", "sigstore", IDENTITY],
      ] as const) {
        if (version === "v0.2.0" && kind !== "certificate") continue;
        it(`verify: historical-${version}-${kind}`, async () => {
          const path = copyOf(`${version}-${kind}`);
          const single = kind === "elliptic-key" && version < "v1.0.1" ? join(path, "signme-1") : path;
          const ignored = version >= "v1.0.1" ? ["--ignore-paths", join(path, "ignore-me")] : [];
          const { code, said } = await verify(method, single, sigOf(`${version}-${kind}`), ...trust, ...ignored);
          assert.equal(code, 0, said);
        });
      }
    }

    it("key-simple-ignore-unsigned-files", async () => {
      const path = copyOf("v1.1.0-elliptic-key");
      writeFileSync(join(path, "extra.bin"), "x");
      const bundle = sigOf("v1.1.0-elliptic-key");
      assert.equal((await verify("key", path, bundle, ...KEY, "--ignore-unsigned-files")).code, 0);
      assert.equal((await verify("key", path, bundle, ...KEY)).code, 1);
    });
  });

  describe("negative", () => {
    const NAME = "v1.1.0-elliptic-key";
    const read = (): Json => parseJson(readFileSync(sigOf(NAME))) as Json;
    const write = (content: string): string => {
      const file = fresh("bundle.sig");
      writeFileSync(file, content);
      return file;
    };
    /** The statement of the vector, changed; the signature stays that of the original, as in the suite. */
    const restated = (change: (statement: Json) => Json): string => {
      const json = read();
      const envelope = json["dsseEnvelope"] as Json;
      const statement = parseJson(Buffer.from(String(envelope["payload"]), "base64")) as Json;
      const payload = Buffer.from(JSON.stringify(change(statement))).toString("base64");
      return write(JSON.stringify({ ...json, dsseEnvelope: { ...envelope, payload } }));
    };
    const enveloped = (more: Json): string => {
      const json = read();
      return write(JSON.stringify({ ...json, dsseEnvelope: { ...(json["dsseEnvelope"] as Json), ...more } }));
    };
    const wrong = makeKeyPair("P-384").publicKey;

    const cases: Readonly<Record<string, () => Promise<{ code: number; said: string }>>> = {
      "key-simple-tampered-content": async () => {
        const path = copyOf(NAME);
        writeFileSync(join(path, "signme-1"), "tampered");
        return verify("key", path, sigOf(NAME), ...KEY);
      },
      "key-simple-wrong-key": () => {
        const file = write(wrong);
        return verify("key", copyOf(NAME), sigOf(NAME), "--public-key", file);
      },
      "key-simple-missing-file": () => {
        const path = copyOf(NAME);
        rmSync(join(path, "signme-2"));
        return verify("key", path, sigOf(NAME), ...KEY);
      },
      "key-simple-extra-file": () => {
        const path = copyOf(NAME);
        writeFileSync(join(path, "injected.bin"), "x");
        return verify("key", path, sigOf(NAME), ...KEY);
      },
      "key-simple-corrupted-bundle": () => verify("key", copyOf(NAME), write("not json {{"), ...KEY),
      "key-simple-truncated-bundle": () =>
        verify("key", copyOf(NAME), write(readFileSync(sigOf(NAME), "utf8").slice(0, 100)), ...KEY),
      "key-simple-wrong-mediatype": () => {
        const mediaType = "application/vnd.dev.sigstore.bundle.v0.1+json";
        return verify("key", copyOf(NAME), write(JSON.stringify({ ...read(), mediaType })), ...KEY);
      },
      "key-simple-no-signature": () => verify("key", copyOf(NAME), enveloped({ signatures: [] }), ...KEY),
      "malformed-empty-bundle": () => verify("key", copyOf(NAME), write(""), ...KEY),
      "malformed-missing-envelope": () => {
        const { dsseEnvelope: _left, ...rest } = read();
        return verify("key", copyOf(NAME), write(JSON.stringify(rest)), ...KEY);
      },
      "malformed-wrong-predicate": () =>
        verify(
          "key",
          copyOf(NAME),
          restated((one) => ({ ...one, predicateType: "https://example.com/x" })),
          ...KEY,
        ),
      "malformed-wrong-payload-type": () =>
        verify("key", copyOf(NAME), enveloped({ payloadType: "application/json" }), ...KEY),
      "malformed-wrong-statement-type": () =>
        verify(
          "key",
          copyOf(NAME),
          restated((one) => ({ ...one, _type: "https://example.com/x" })),
          ...KEY,
        ),
      "malformed-no-predicate": () =>
        verify(
          "key",
          copyOf(NAME),
          restated(({ predicate: _left, ...rest }) => rest),
          ...KEY,
        ),
      "malformed-no-subject": () =>
        verify(
          "key",
          copyOf(NAME),
          restated((one) => ({ ...one, subject: [] })),
          ...KEY,
        ),
      "malformed-empty-resources": () => {
        const change = (one: Json): Json => ({ ...one, predicate: { ...(one["predicate"] as Json), resources: [] } });
        return verify("key", copyOf(NAME), restated(change), ...KEY);
      },
      "certificate-simple-wrong-ca": () => {
        const file = write(issue("root-ca", AUTHORITY).certificate);
        const path = copyOf("v1.1.0-certificate");
        return verify("certificate", path, sigOf("v1.1.0-certificate"), "--cert-chain", file);
      },
      "certificate-expired": () => {
        const { key, certificate } = issue("signer", SIGNER, undefined, { validFor: [-20, -10] });
        const privateKey = readPrivateKey(key.reveal());
        const path = make({ a: "1" });
        const resources = [
          {
            name: "a",
            algorithm: "sha256",
            digest: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
          },
        ];
        const payload = Buffer.from(
          JSON.stringify({
            _type: "https://in-toto.io/Statement/v1",
            subject: [{ name: "m", digest: { sha256: rootOf(resources) } }],
            predicateType: "https://model_signing/signature/v1.0",
            predicate: { resources, serialization: { method: "files", hash_type: "sha256", allow_symlinks: false } },
          }),
        );
        const der = Buffer.from(certificate.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
        const bundle = fresh("bundle.sig");
        const material = { method: "certificate", certificates: [der] } as const;
        writeFileSync(bundle, writeBundle(material, payload, signPayload(payload, privateKey)));
        return verify("certificate", path, bundle, "--cert-chain", write(certificate));
      },
      "key-verify-as-certificate": () => verify("certificate", copyOf(NAME), sigOf(NAME), ...CERTIFICATE),
      "sigstore-verify-as-key": () => verify("key", copyOf("v1.1.0-sigstore"), sigOf("v1.1.0-sigstore"), ...KEY),
      "sigstore-wrong-identity": () => {
        const who = ["--identity", "eve@us.ibm.com", ...IDENTITY.slice(2)];
        return verify("sigstore", copyOf("v1.1.0-sigstore"), sigOf("v1.1.0-sigstore"), ...who);
      },
      "sigstore-wrong-issuer": () => {
        const who = [...IDENTITY.slice(0, 2), "--identity-provider", "https://accounts.example.com"];
        return verify("sigstore", copyOf("v1.1.0-sigstore"), sigOf("v1.1.0-sigstore"), ...who);
      },
      "sigstore-tampered-content": () => {
        const path = copyOf("v1.1.0-sigstore");
        writeFileSync(join(path, "signme-1"), "tampered");
        return verify("sigstore", path, sigOf("v1.1.0-sigstore"), ...IDENTITY);
      },
    };
    for (const [name, run] of Object.entries(cases)) {
      it(`are rejected: ${name}`, async () => {
        const { code, said } = await run();
        assert.equal(code, 1, said);
      });
    }
  });

  describe("roundtrips", () => {
    const ajv = new Ajv2020({ strict: false });
    const schema = (name: string): object =>
      parseJson(readFileSync(join(VECTORS, "spec", "schemas", "v1.0", `${name}.schema.json`))) as object;
    for (const name of ["envelope", "predicate", "statement"]) ajv.addSchema(schema(name));
    const isBundle = ajv.compile(schema("bundle"));
    const isStatement = ajv.getSchema("https://model_signing/statement/v1.0/schema");

    /** Signs, checks the bundle as the suite does, verifies. @returns the names that were signed */
    async function roundtrip(
      path: string,
      how: { method: string; sign: string[]; verify: string[]; bundle?: string; ignore?: string[] },
    ): Promise<string[]> {
      const bundle = how.bundle ?? fresh("bundle.sig");
      const ignored = (how.ignore ?? []).flatMap((name) => ["--ignore-paths", join(path, name)]);
      const where = ["--method", how.method, "--model-path", path, "--output-bundle", bundle];
      const signed = await adapter("sign-model", ...where, ...how.sign, ...ignored);
      assert.equal(signed.code, 0, signed.said);
      const json = parseJson(readFileSync(bundle)) as { dsseEnvelope: { payload: string } };
      assert.ok(isBundle(json), JSON.stringify(isBundle.errors));
      const statement = parseJson(Buffer.from(json.dsseEnvelope.payload, "base64")) as {
        subject: [{ digest: { sha256: string } }];
        predicate: { resources: { name: string; digest: string }[] };
      };
      assert.ok(isStatement?.(statement), JSON.stringify(isStatement?.errors));
      const { resources } = statement.predicate;
      assert.equal(rootOf(resources), statement.subject[0].digest.sha256);
      const verified = await verify(how.method, path, bundle, ...how.verify, ...ignored);
      assert.equal(verified.code, 0, verified.said);
      return resources.map(({ name }) => name);
    }
    const byKey = (curve: "P-256" | "P-384" | "P-521" = "P-256"): Parameters<typeof roundtrip>[1] => {
      const { privateKey, publicKey } = makeKeyPair(curve);
      const file = fresh("key");
      writeFileSync(file, privateKey.reveal());
      chmodSync(file, 0o600);
      writeFileSync(`${file}.pub`, publicKey);
      return { method: "key", sign: ["--private-key", file], verify: ["--public-key", `${file}.pub`] };
    };
    const chain = ["int-ca-cert.pem", "ca-cert.pem"].flatMap((name) => ["--cert-chain", join(KEYS, name)]);
    const byCertificate: Parameters<typeof roundtrip>[1] = {
      method: "certificate",
      sign: [
        "--private-key",
        join(KEYS, "signing-key.pem"),
        "--signing-cert",
        join(KEYS, "signing-key-cert.pem"),
        ...chain,
      ],
      verify: CERTIFICATE,
    };
    const MULTI = { "weights.bin": "w", "config.json": "{}", "subdir/adapter.bin": "a" };
    const MULTI_NAMES = ["config.json", "subdir/adapter.bin", "weights.bin"];

    const models: readonly [string, Record<string, string | Uint8Array>, string[]][] = [
      ["key-multi-file", MULTI, MULTI_NAMES],
      [
        "key-default-ignores",
        { ".git/HEAD": "", ".github/ci.yml": "", ".gitignore": "", ".gitattributes": "", "model.bin": "m" },
        ["model.bin"],
      ],
      [
        "key-dotfile-included",
        { ".config": "", ".env.example": "", "model.bin": "" },
        [".config", ".env.example", "model.bin"],
      ],
      [
        "key-files-in-hidden-dir",
        { ".cache/weights.bin": "", ".local/share/data.bin": "" },
        [".cache/weights.bin", ".local/share/data.bin"],
      ],
      ["key-empty-file", { "empty.bin": "", "signme-1": "x" }, ["empty.bin", "signme-1"]],
      ["key-binary-content", { "weights.bin": Uint8Array.from({ length: 256 }, (_, index) => index) }, ["weights.bin"]],
      ["key-unicode-filename", { "模型.bin": "m", "weights.bin": "w" }, ["weights.bin", "模型.bin"]],
      [
        "key-special-chars-path",
        { "file (copy).bin": "", "path with spaces/model.bin": "" },
        ["file (copy).bin", "path with spaces/model.bin"],
      ],
    ];
    for (const [name, files, expected] of models) {
      it(name, async () => assert.deepEqual(await roundtrip(make(files), byKey()), expected));
    }
    it("key-p384", async () => assert.deepEqual(await roundtrip(make(MULTI), byKey("P-384")), MULTI_NAMES));
    it("key-p521", async () => assert.deepEqual(await roundtrip(make(MULTI), byKey("P-521")), MULTI_NAMES));
    it("certificate-multi-file", async () => {
      assert.deepEqual(await roundtrip(make(MULTI), byCertificate), MULTI_NAMES);
      assert.deepEqual(await roundtrip(make(MULTI), { ...byCertificate, verify: chain }), MULTI_NAMES);
    });
    it("certificate-self-signed", async () => {
      const { key, certificate } = issue("signer", SIGNER);
      const file = fresh("signer");
      writeFileSync(`${file}.key`, key.reveal());
      writeFileSync(`${file}.pem`, certificate);
      const trust = ["--cert-chain", `${file}.pem`];
      const sign = ["--private-key", `${file}.key`, "--signing-cert", `${file}.pem`, ...trust];
      assert.deepEqual(await roundtrip(make(MULTI), { method: "certificate", sign, verify: trust }), MULTI_NAMES);
    });
    it("key-single-file", async () => {
      const path = fresh("model.bin");
      writeFileSync(path, "m");
      assert.deepEqual(await roundtrip(path, byKey()), ["model.bin"]);
    });
    it("key-ignore-paths", async () => {
      const path = make({ "signme-1": "", "signme-2": "", "ignore-me": "" });
      assert.deepEqual(await roundtrip(path, { ...byKey(), ignore: ["ignore-me"] }), ["signme-1", "signme-2"]);
    });
    it("key-sig-inside-model", async () => {
      const path = make({ "weights.bin": "" });
      assert.deepEqual(await roundtrip(path, { ...byKey(), bundle: join(path, "bundle.sig") }), ["weights.bin"]);
    });
    it("key-simple-deterministic", async () => {
      const path = make(MULTI);
      assert.deepEqual(await roundtrip(path, byKey()), await roundtrip(path, byKey()));
    });

    const refused: Readonly<Record<string, () => string>> = {
      "key-empty-model-rejected": () => make({ ".gitignore": "" }),
      "key-symlink-default-rejected": () => linked("weights.bin"),
      "key-symlink-outside-root": () => linked("/tmp/nonexistent-target"),
      "key-symlink-cycle": () => linked("."),
    };
    function linked(target: string): string {
      const path = make({ "weights.bin": "w" });
      symlinkSync(target, join(path, "link"));
      return path;
    }
    for (const [name, path] of Object.entries(refused)) {
      it(name, async () => {
        const where = ["--method", "key", "--model-path", path(), "--output-bundle", fresh("bundle.sig")];
        const { code, said } = await adapter("sign-model", ...where, ...byKey().sign);
        assert.equal(code, 2, said);
      });
    }
  });

  it("names keys as the Python tool does", () => {
    const hint = hintOf(readPublicKey(readFileSync(join(KEYS, "signing-key-pub.pem"), "utf8")));
    assert.equal(hint, "e8450dec4eb99dae995da9af1bc2cc9f76ed669ee2e744f57abba763df3e3f8e");
  });
});
