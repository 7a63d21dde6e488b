import assert from "node:assert/strict";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { describe, it } from "node:test";
import { encodeStatement, signEnvelope, statement, STATEMENT_MEDIA_TYPE } from "../../core/index.ts";
import {
  checkDigest,
  openManifest,
  publicKeyOf,
  sha256,
  signManifest,
  WEIGHT_FILES,
  WEIGHTS_PREDICATE,
} from "./manifest.ts";
import { TRUSTED_KEYS } from "./trusted-keys.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const KEYS = [publicKeyOf(privateKey)];
const FILES = WEIGHT_FILES.map((name) => ({ name, sha256: sha256(Buffer.from(name)) }));
const UNTRUSTED = { code: "guard.model-untrusted" };

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** An envelope that `key` signs, whatever is in it. */
async function signed(subjects: readonly object[], predicateType: string, key: KeyObject): Promise<Uint8Array> {
  const payload = encodeStatement(statement(subjects, predicateType, {}));
  return bytesOf(
    await signEnvelope(STATEMENT_MEDIA_TYPE, payload, { keyid: "", sign: (bytes) => sign(null, bytes, key) }),
  );
}

const subjectsOf = (files: readonly { name: string; sha256: string }[]): readonly object[] =>
  files.map(({ name, sha256 }) => ({ name, digest: { sha256 } }));

describe("the manifest of the weights", () => {
  it("vouches for every file", async () => {
    const manifest = bytesOf(await signManifest([...FILES, { name: "README.md", sha256: "0" }], "1", privateKey));
    const digests = await openManifest(manifest, [
      "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
      ...KEYS,
    ]);
    assert.deepEqual(digests, Object.fromEntries(FILES.map(({ name, sha256 }) => [name, sha256])));
    checkDigest("cheap.bin", Buffer.from("cheap.bin"), digests["cheap.bin"]);
    assert.throws(() => checkDigest("cheap.bin", Buffer.from("cheap.bin "), digests["cheap.bin"]), UNTRUSTED);
  });

  it("is refused when it was changed, or signed by someone else", async () => {
    const envelope = await signManifest(FILES, "1", privateKey);
    const other = Buffer.from(envelope.payload, "base64").toString().replace("model.onnx", "model.onny");
    const another = generateKeyPairSync("ed25519").privateKey;
    for (const manifest of [
      bytesOf({ ...envelope, payload: Buffer.from(other).toString("base64") }),
      bytesOf({ ...envelope, payloadType: "text/plain" }),
      bytesOf({ ...envelope, signatures: [] }),
      bytesOf(await signManifest(FILES, "1", another)),
      Buffer.from("{}"),
      Buffer.from("nonsense"),
    ]) {
      await assert.rejects(openManifest(manifest, KEYS), UNTRUSTED);
    }
    await assert.rejects(openManifest(bytesOf(envelope), []), UNTRUSTED);
    await assert.rejects(openManifest(bytesOf(envelope), TRUSTED_KEYS), UNTRUSTED);
  });

  it("is refused when it is about something else, or not about every file, or unclear about one", async () => {
    const first = FILES[0] as (typeof FILES)[number];
    for (const [subjects, predicate] of [
      [FILES, "https://holdfast.dev/receipt/v1"],
      [FILES.slice(1), WEIGHTS_PREDICATE],
      [[...FILES, first], WEIGHTS_PREDICATE],
      [[...FILES.slice(1), { ...first, sha256: first.sha256.toUpperCase() }], WEIGHTS_PREDICATE],
    ] as const) {
      await assert.rejects(openManifest(await signed(subjectsOf(subjects), predicate, privateKey), KEYS), UNTRUSTED);
    }
    const bare = FILES.map(({ name }) => ({ name }));
    await assert.rejects(openManifest(await signed(bare, WEIGHTS_PREDICATE, privateKey), KEYS), UNTRUSTED);
    // The control: what all of these were made from is taken.
    await openManifest(await signed(subjectsOf(FILES), WEIGHTS_PREDICATE, privateKey), KEYS);
  });
});
