import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Exit, type CommandInput, type CommandResult, type CommandRun, type Style } from "../../core/index.ts";
import { AUTHORITY, issue, SIGNER } from "../../../test/models/authority.ts";
import { run as keygen } from "./command-keygen.ts";
import { run as sign } from "./command-sign.ts";
import { run as verify } from "./command-verify.ts";

const same = (text: string): string => text;
const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same };

type Options = CommandInput<unknown>["options"];

let home = "";
before(async () => {
  home = mkdtempSync(join(tmpdir(), "command-"));
  await call(keygen, undefined, { out: join(home, "release"), curve: "P-384" });
});
after(() => rmSync(home, { recursive: true, force: true }));

function call(run: CommandRun<unknown>, path: string | undefined, options: Options = {}): Promise<CommandResult> {
  const args = path === undefined ? {} : { path };
  return run({ services: {}, args, rest: [], options, progress: () => undefined });
}

let made = 0;
function make(): string {
  const folder = join(home, `model-${made++}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "weights.bin"), "weights");
  return folder;
}
const file = (name: string): string => join(home, name);
const KEY = (): Options => ({ key: file("release.key") });
const PUB = (): Options => ({ key: file("release.pub") });

describe("holdfast model sign and verify", () => {
  it("put the signature into the folder, or beside the file, and find it there", async () => {
    const folder = make();
    const signed = await call(sign, folder, KEY());
    assert.ok(existsSync(join(folder, "model.sig")));
    assert.match(signed.text(PLAIN), /^signed +.*: 1 files, 7 bytes\nroot +[0-9a-f]{64}\nsignature .*model\.sig$/);
    const verified = await call(verify, folder, PUB());
    assert.equal(verified.exit, Exit.clean);
    assert.match(verified.text(PLAIN), /^verified .*: 1 files, 7 bytes\nroot .*\nsigned by  the key [0-9a-f]{64}$/);
    assert.deepEqual(readdirSync(folder).toSorted(), ["model.sig", "weights.bin"], "nothing is left behind");

    const single = join(make(), "weights.bin");
    await call(sign, single, KEY());
    assert.ok(existsSync(`${single}.sig`));
    assert.equal((await call(verify, single, PUB())).exit, Exit.clean);
  });

  it("say every reason, once each what to do, and exit with 1", async () => {
    const folder = make();
    await call(sign, folder, KEY());
    writeFileSync(join(folder, "weights.bin"), "others");
    writeFileSync(join(folder, "a\nverified"), "");
    const result = await call(verify, folder, PUB());
    assert.equal(result.exit, Exit.findings);
    const lines = result.text(PLAIN).split("\n");
    assert.equal(lines[0], `rejected   ${folder}: 2 reasons`);
    assert.equal(lines[1], String.raw`  "a\nverified": a file is not signed`);
    assert.equal(lines[2], "  weights.bin: a file is not the one that was signed");
    assert.equal(lines.filter((line) => line.startsWith("hint: ")).length, 2);
    const { problems } = result.data as { problems: { code: string; file: string; what: string; hint: string }[] };
    assert.deepEqual(
      problems.map(({ code, file }) => [code, file]),
      [
        ["models.file-unsigned", "a\nverified"],
        ["models.signed-file-changed", "weights.bin"],
      ],
    );
  });

  it("show some of many reasons, and how many more there are", async () => {
    const folder = make();
    await call(sign, folder, KEY());
    for (let index = 0; index < 25; index++) writeFileSync(join(folder, `extra-${index}`), "");
    const text = (await call(verify, folder, PUB())).text(PLAIN);
    assert.match(text, /25 reasons/);
    assert.match(text, /and 5 more: --format json has all/);
  });

  it("ignore paths as one names them from where one is", async () => {
    const folder = make();
    mkdirSync(join(folder, "cache"));
    writeFileSync(join(folder, "cache", "x"), "1");
    const signed = await call(sign, folder, { ...KEY(), ignorePath: [join(folder, "cache")] });
    assert.match(signed.text(PLAIN), /left out +"cache"/);
    writeFileSync(join(folder, "cache", "x"), "2");
    const verified = await call(verify, folder, PUB());
    assert.equal(verified.exit, Exit.clean);
    assert.match(verified.text(PLAIN), /ignored +cache$/);
    await assert.rejects(call(sign, folder, { ...KEY(), ignorePath: [home] }), { code: "models.ignore-path-invalid" });
    writeFileSync(join(folder, "log"), "");
    assert.equal((await call(verify, folder, PUB())).exit, Exit.findings);
    assert.equal((await call(verify, folder, { ...PUB(), ignorePath: [join(folder, "log")] })).exit, Exit.clean);
    const lax = await call(verify, folder, { ...PUB(), ignoreUnsignedFiles: true });
    assert.equal(lax.exit, Exit.clean);
    assert.match(lax.text(PLAIN), /not signed log/);
  });

  it("hash in the way that is asked for", async () => {
    const folder = make();
    for (const [options, expected] of [
      [{ hash: "blake2b" }, { method: "files", hashType: "blake2b" }],
      [{ shards: true }, { method: "shards", shardSize: 1_000_000_000 }],
      [{ shardSize: "3" }, { method: "shards", shardSize: 3 }],
    ] as const) {
      const { serialization } = (await call(sign, folder, { ...KEY(), ...options })).data as { serialization: object };
      assert.partialDeepStrictEqual(serialization, expected);
      assert.equal((await call(verify, folder, PUB())).exit, Exit.clean);
    }
    await assert.rejects(call(sign, folder, { ...KEY(), hash: "md5" }), { code: "models.hash-unsupported" });
    for (const shardSize of ["0", "1.5", "-1", "x", "1e3"]) {
      await assert.rejects(call(sign, folder, { ...KEY(), shardSize }), { code: "models.shard-size-invalid" });
    }
  });

  it("use certificates", async () => {
    const root = issue("root", AUTHORITY);
    const intermediate = issue("intermediate", AUTHORITY, root);
    const leaf = issue("Release Team", SIGNER, intermediate);
    for (const { name, certificate, key } of [root, intermediate, leaf]) {
      writeFileSync(file(`${name}.pem`), certificate);
      writeFileSync(file(`${name}.key`), key.reveal());
    }
    const folder = make();
    await call(sign, folder, {
      key: file("Release Team.key"),
      certificate: file("Release Team.pem"),
      chain: [file("intermediate.pem")],
    });
    const result = await call(verify, folder, { trust: [file("root.pem")] });
    assert.match(result.text(PLAIN), /signed by  CN=Release Team, certificate [0-9A-F:]{95}$/);
    const rejected = await call(verify, folder, PUB());
    assert.match(rejected.text(PLAIN), /made by another method .*: it was made by the method certificate, not key/);
  });

  it("say what is missing or cannot be used", async () => {
    const folder = make();
    const rejects = async (promise: Promise<unknown>, code: string): Promise<void> => {
      await assert.rejects(promise, { code: `models.${code}` });
    };
    await rejects(call(sign, folder), "key-unusable");
    await rejects(call(sign, folder, { key: file("absent") }), "key-unusable");
    await rejects(call(sign, folder, PUB()), "key-unusable");
    await rejects(call(sign, file("absent"), KEY()), "model-missing");
    await rejects(call(sign, folder, { ...KEY(), signature: join(folder, "absent", "x") }), "signature-unwritable");
    await rejects(call(sign, folder, { ...KEY(), certificate: file("absent") }), "certificate-unusable");
    await rejects(call(verify, folder), "trust-missing");
    await rejects(call(verify, folder, { identity: "a@b.example" }), "trust-missing");
    await rejects(call(verify, folder, { ...PUB(), trust: [file("x.pem")] }), "trust-missing");
    await rejects(call(verify, folder, PUB()), "signature-missing");
    await rejects(call(verify, file("absent"), PUB()), "model-missing");
    writeFileSync(file("large.sig"), "");
    truncateSync(file("large.sig"), 2 ** 40);
    await rejects(call(verify, folder, { ...PUB(), signature: file("large.sig") }), "signature-malformed");
    await rejects(call(verify, folder, { key: file("large.sig"), signature: file("x") }), "key-unusable");
    await rejects(
      call(verify, folder, { identity: "a", issuer: "b", trustedRoot: file("absent"), signature: file("x") }),
      "trusted-root-unusable",
    );
  });

  it("sign by identity only with a token", async () => {
    const before = process.env["SIGSTORE_ID_TOKEN"];
    delete process.env["SIGSTORE_ID_TOKEN"];
    try {
      for (const options of [{ sigstore: true }, { sigstore: true, identityToken: file("absent") }]) {
        await assert.rejects(call(sign, make(), options), { code: "models.sigstore-failed" });
      }
    } finally {
      if (before !== undefined) process.env["SIGSTORE_ID_TOKEN"] = before;
    }
  });

  it("leave the old signature when the new one cannot be made", async () => {
    const folder = make();
    await call(sign, folder, KEY());
    const old = readFileSync(join(folder, "model.sig"));
    await assert.rejects(call(sign, folder, { key: file("absent") }));
    assert.deepEqual(readFileSync(join(folder, "model.sig")), old);
  });
});

describe("holdfast model keygen", () => {
  it("keeps the private key to its owner, and replaces nothing", async () => {
    assert.equal(statSync(file("release.key")).mode & 0o777, 0o600);
    const before = readFileSync(file("release.key"));
    await assert.rejects(call(keygen, undefined, { out: file("release") }), { code: "models.signature-unwritable" });
    assert.deepEqual(readFileSync(file("release.key")), before);
    await assert.rejects(call(keygen, undefined, { out: file("x"), curve: "P-192" }), { code: "models.key-unusable" });
    const result = await call(keygen, undefined, { out: file("second") });
    assert.match(result.text(PLAIN), /private key +.*second\.key: keep it secret/);
    assert.ok(!JSON.stringify(result.data).includes("PRIVATE"));
  });
});
