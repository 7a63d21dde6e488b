/** Both ways between the Python tool and this one: what one signs the other verifies, and rejects once it is altered. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Secret } from "../../core/index.ts";
import { AUTHORITY, issue, SIGNER, type Issued } from "../../../test/models/authority.ts";
import { modelSigning, pythonMissing, runPython } from "../../../test/models/python.ts";
import { makeKeyPair } from "./key.ts";
import { signModel, type SigningMethod, type SignOptions } from "./sign.ts";
import { verifyModel, type Trust } from "./verify.ts";

interface Model {
  readonly name: string;
  /** A text is a single file. */
  readonly files: Readonly<Record<string, string | Uint8Array>> | string;
  readonly options?: SignOptions;
  /** Whether certificates are tried too. */
  readonly certificates?: true;
}

const NAMES = [
  "模型.bin",
  "a b (copy).bin",
  "e\u0301.txt",
  "\u{1F600}",
  "\uFF5E",
  "a-b",
  "a/b",
  "a.b",
  "q'\"uote",
  "back\\slash",
];
const BYTES = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);

const MODELS: readonly Model[] = [
  {
    name: "a folder",
    files: { "config.json": "{}", "sub/weights.bin": BYTES, empty: "", ".env": "x", ".git/HEAD": "" },
    certificates: true,
  },
  { name: "names", files: Object.fromEntries(NAMES.map((name) => [name, name])) },
  { name: "a single file", files: "weights", options: { pythonSingleFile: true } },
  {
    name: "shards",
    files: { "big.bin": BYTES, "sub/x": "12345678", empty: "" },
    options: { method: "shards", shardSize: 8 },
  },
  { name: "one shard each", files: { "big.bin": BYTES, x: "1" }, options: { method: "shards" } },
];

describe("model-signing, the Python tool", { skip: pythonMissing ?? false }, () => {
  let home = "";
  let root: Issued;
  let intermediate: Issued;
  let leaf: Issued;
  const key = makeKeyPair("P-256");
  before(() => {
    home = mkdtempSync(join(tmpdir(), "python-"));
    root = issue("root", AUTHORITY);
    intermediate = issue("intermediate", AUTHORITY, root);
    leaf = issue("signer", SIGNER, intermediate, { key: "P-384" });
    const files: Record<string, string> = {
      "key.pem": key.privateKey.reveal(),
      "key.pub": key.publicKey,
      "leaf.key": leaf.key.reveal(),
      "leaf.pem": leaf.certificate,
      "intermediate.pem": intermediate.certificate,
      "root.pem": root.certificate,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text);
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  const file = (name: string): string => join(home, name);
  let made = 0;
  function make(files: Model["files"]): { path: string; alter: () => void } {
    const path = join(home, `model-${made++}`);
    if (typeof files === "string") {
      writeFileSync(path, files);
      return { path, alter: () => writeFileSync(path, "weightz") };
    }
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), bytes);
    }
    const [first = ""] = Object.keys(files);
    return { path, alter: () => writeFileSync(join(path, first), "altered") };
  }

  const methods = (): { method: SigningMethod; trust: Trust; sign: string[]; verify: string[] }[] => [
    {
      method: { method: "key", privateKey: key.privateKey },
      trust: { method: "key", publicKey: key.publicKey },
      sign: ["key", "--private_key", file("key.pem")],
      verify: ["key", "--public_key", file("key.pub")],
    },
    {
      method: {
        method: "certificate",
        privateKey: leaf.key,
        certificate: leaf.certificate,
        chain: intermediate.certificate,
      },
      trust: { method: "certificate", trusted: root.certificate },
      sign: [
        "certificate",
        "--private_key",
        file("leaf.key"),
        "--signing_certificate",
        file("leaf.pem"),
        "--certificate_chain",
        file("intermediate.pem"),
      ],
      verify: ["certificate", "--certificate_chain", file("root.pem")],
    },
  ];

  for (const { name, files, options = {}, certificates = false } of MODELS) {
    it(`verifies what we sign, and rejects it once it is altered: ${name}`, async () => {
      for (const { method, verify } of methods().slice(0, certificates ? 2 : 1)) {
        const { path, alter } = make(files);
        const signature = `${path}.sig`;
        writeFileSync(signature, (await signModel(path, method, options)).bundle);
        const ask = options.method === "shards" ? verifyShards : verifyByCommand;
        const answer = ask(path, signature, verify);
        assert.ok(answer.ok, answer.said);
        alter();
        assert.ok(!ask(path, signature, verify).ok);
      }
    });

    it(`is verified by us, and rejected once the model is altered: ${name}`, async () => {
      for (const { trust, sign } of methods().slice(0, certificates ? 2 : 1)) {
        const { path, alter } = make(files);
        const signature = `${path}.sig`;
        const signed =
          options.method === "shards"
            ? signShards(path, signature, sign, options.shardSize ?? 1_000_000_000)
            : modelSigning("sign", ...sign, "--signature", signature, path);
        assert.ok(signed.ok, signed.said);
        const bundle = readFileSync(signature);
        assert.deepEqual((await verifyModel(path, bundle, trust)).problems, []);
        alter();
        const [problem, ...others] = (await verifyModel(path, bundle, trust)).problems;
        assert.deepEqual([problem?.code, others], ["models.signed-file-changed", []]);
      }
    });
  }

  function verifyByCommand(path: string, signature: string, verify: string[]): ReturnType<typeof runPython> {
    return modelSigning("verify", ...verify, "--signature", signature, path);
  }

  /** The command of the Python tool has no shards, its library does. */
  function verifyShards(path: string, signature: string, verify: string[]): ReturnType<typeof runPython> {
    return runPython(
      "-c",
      "import model_signing, pathlib\n" +
        `config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=${JSON.stringify(verify[2])})\n` +
        `config.verify(pathlib.Path(${JSON.stringify(path)}), ${JSON.stringify(signature)})\n`,
    );
  }

  function signShards(path: string, signature: string, sign: string[], size: number): ReturnType<typeof runPython> {
    const by = `use_elliptic_key_signer(private_key=${JSON.stringify(sign[2])})`;
    const hashing = `model_signing.hashing.Config().use_shard_serialization(shard_size=${size})`;
    return runPython(
      "-c",
      "import model_signing, pathlib\n" +
        `config = model_signing.signing.Config().${by}.set_hashing_config(${hashing})\n` +
        `config.sign(pathlib.Path(${JSON.stringify(path)}), ${JSON.stringify(signature)})\n`,
    );
  }

  it("ignores what we ignore, also the signature inside of the model", async () => {
    const { path } = make({ "weights.bin": "w", "cache/x": "1" });
    const signature = join(path, "model.sig");
    const method = { method: "key", privateKey: key.privateKey } as const;
    writeFileSync(signature, (await signModel(path, method, { ignorePaths: ["cache", "model.sig"] })).bundle);
    const answer = modelSigning("verify", "key", "--public_key", file("key.pub"), "--signature", signature, path);
    assert.ok(answer.ok, answer.said);
  });

  for (const [python, ours] of [
    ["blake2", "blake2b"],
    ["blake3", "blake3"],
  ] as const)
    it(`is verified by us when it hashed with ${ours}`, async () => {
      const { path } = make({ "weights.bin": BYTES });
      const signature = `${path}.sig`;
      const signed = runPython(
        "-c",
        "import model_signing, pathlib\n" +
          `config = model_signing.signing.Config().use_elliptic_key_signer(private_key=${JSON.stringify(file("key.pem"))})\n` +
          `config.set_hashing_config(model_signing.hashing.Config().use_file_serialization(hashing_algorithm='${python}'))\n` +
          `config.sign(pathlib.Path(${JSON.stringify(path)}), ${JSON.stringify(signature)})\n`,
      );
      assert.ok(signed.ok, signed.said);
      const report = await verifyModel(path, readFileSync(signature), { method: "key", publicKey: key.publicKey });
      assert.deepEqual([report.problems, report.signed?.serialization.hashType], [[], ours]);
    });

  it("reads a key with a passphrase as we do", async () => {
    const { createPrivateKey } = await import("node:crypto");
    const encrypted = createPrivateKey(key.privateKey.reveal()).export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "open sesame",
    });
    const { path } = make({ "weights.bin": "w" });
    const privateKey = new Secret(encrypted.toString());
    await assert.rejects(signModel(path, { method: "key", privateKey }), { code: "models.key-unusable" });
    const wrong = { method: "key", privateKey, passphrase: new Secret("open") } as const;
    await assert.rejects(signModel(path, wrong), { code: "models.key-unusable" });
    const passphrase = new Secret("open sesame");
    writeFileSync(`${path}.sig`, (await signModel(path, { method: "key", privateKey, passphrase })).bundle);
    const answer = modelSigning("verify", "key", "--public_key", file("key.pub"), "--signature", `${path}.sig`, path);
    assert.ok(answer.ok, answer.said);
  });
});
