import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { isHoldfastError, Secret } from "../../core/index.ts";
import { parseHeader } from "./age/header.ts";
import { generateKey, type KeyPair, type Recipient } from "./age/keys.ts";
import { passphraseIdentity, passphraseRecipient } from "./age/passphrase.ts";
import { sealFile, unsealFile } from "./file.ts";
import { rotateFile } from "./rotate.ts";

let folder = "";
let [old, next, strong]: [KeyPair?, KeyPair?, KeyPair?] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-rotate-"));
  [old, next, strong] = [await generateKey(), await generateKey(), await generateKey({ postQuantum: true })];
});
after(() => rm(folder, { recursive: true, force: true }));

const keys = (): { old: KeyPair; next: KeyPair; strong: KeyPair } => {
  assert.ok(old && next && strong);
  return { old, next, strong };
};
const content = randomBytes(150_000);
let made = 0;

async function sealed(recipients: readonly Recipient[], bytes: Uint8Array = content): Promise<string> {
  const path = join(folder, `${made++}`);
  await writeFile(path, bytes);
  await sealFile(path, `${path}.age`, { recipients });
  return `${path}.age`;
}

async function opens(path: string, key: KeyPair, bytes: Uint8Array = content): Promise<void> {
  const to = join(folder, `${made++}.back`);
  await unsealFile(path, to, { identities: [key.identity] });
  assert.ok((await readFile(to)).equals(bytes));
}

async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => isHoldfastError(error, code));
}

function payloadOf(bytes: Buffer): Buffer {
  return bytes.subarray(parseHeader(bytes)?.bytes.length);
}

describe("a sealed file that is rotated", () => {
  it("opens with the new keys and not with the old, and its payload is the same bytes", async () => {
    const { old, next } = keys();
    const path = await sealed([old.recipient]);
    await chmod(path, 0o640);
    const before = await readFile(path);
    const recipients = [next.recipient, (await generateKey()).recipient];
    const seen: number[] = [];
    const progress = (done: number): void => void seen.push(done);
    const { bytes, sha256 } = await rotateFile(path, { identities: [old.identity], recipients, progress });
    const after = await readFile(path);
    assert.deepEqual([after.length, hash("sha256", after)], [bytes, sha256]);
    assert.equal(seen.at(-1), before.length);
    assert.ok(payloadOf(after).equals(payloadOf(before)));
    if (process.platform !== "win32") assert.equal((await stat(path)).mode & 0o777, 0o640);
    await opens(path, next);
    await rejects(unsealFile(path, join(folder, "x"), { identities: [old.identity] }), "seal.no-match");
  });

  it("opens whatever its size and whomever it was sealed to", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(200_000), fc.integer({ min: 1, max: 4 }), async (size, count) => {
        const { old, next } = keys();
        const bytes = randomBytes(size);
        const path = await sealed([old.recipient], bytes);
        const recipients = Array<string>(count).fill(next.recipient);
        await rotateFile(path, { identities: [old.identity], recipients });
        await opens(path, next, bytes);
      }),
      { numRuns: 10 },
    );
    const { next } = keys();
    const secret = new Secret("horse");
    const path = await sealed([passphraseRecipient(secret, { workFactor: 4 })]);
    await rotateFile(path, { identities: [passphraseIdentity(secret)], recipients: [next.recipient] });
    await opens(path, next);
    const back = [passphraseRecipient(secret, { workFactor: 4 })];
    await rotateFile(path, { identities: [next.identity], recipients: back });
    await unsealFile(path, join(folder, "phrase"), { identities: [passphraseIdentity(secret)] });
  });

  it("is not called post-quantum once its key lay open", async () => {
    const { old, strong, next } = keys();
    const path = await sealed([old.recipient]);
    const rotate = (from: KeyPair, to: KeyPair): Promise<unknown> =>
      rotateFile(path, { identities: [from.identity], recipients: [to.recipient] });
    await rejects(rotate(old, strong), "seal.quantum-mixed");
    await opens(path, old);
    const other = await sealed([strong.recipient]);
    const again = await generateKey({ postQuantum: true });
    await rotateFile(other, { identities: [strong.identity], recipients: [again.recipient] });
    await opens(other, again);
    await rotateFile(other, { identities: [again.identity], recipients: [next.recipient] });
    await opens(other, next);
  });

  it("stays as it is where it cannot be rotated", async () => {
    const { old, next } = keys();
    const path = await sealed([old.recipient]);
    const before = await readFile(path);
    const options = { identities: [old.identity], recipients: [next.recipient] };
    await rejects(rotateFile(path, { ...options, identities: [next.identity] }), "seal.no-match");
    await rejects(rotateFile(path, { ...options, recipients: [] }), "seal.recipient-missing");
    await rejects(rotateFile(path, { ...options, recipients: ["age1no"] }), "seal.recipient-invalid");
    const broken = {
      wrapFileKey: () => {
        throw new Error("service away");
      },
    };
    await assert.rejects(rotateFile(path, { ...options, recipients: [broken] }), /service away/);
    const stop = AbortSignal.abort(new Error("enough"));
    await assert.rejects(rotateFile(path, { ...options, signal: stop }), /enough/);
    await rejects(rotateFile(folder, options), "seal.source-kind");
    assert.ok((await readFile(path)).equals(before));
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes("partial")),
      [],
    );
    await truncate(path, before.length - 1);
    await rejects(rotateFile(path, options), "seal.payload-invalid");
    const armored = join(folder, "armored");
    const lines = before.toString("base64").replaceAll(/.{64}/g, "$&\n");
    await writeFile(armored, `-----BEGIN AGE ENCRYPTED FILE-----\n${lines}\n-----END AGE ENCRYPTED FILE-----\n`);
    await rejects(rotateFile(armored, options), "seal.source-kind");
  });
});
