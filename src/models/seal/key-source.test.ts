import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isHoldfastError, Secret } from "../../core/index.ts";
import { generateKey } from "./age/keys.ts";
import { readIdentities, readRecipients } from "./key-source.ts";

const AWS = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret", AWS_REGION: "eu-central-1" };
const VAULT = { VAULT_ADDR: "https://vault.example.com", VAULT_TOKEN: "token" };

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-keys-"));
});
after(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

async function rejects(promise: Promise<unknown>, code: string, message = /./): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isHoldfastError(error), String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.doesNotMatch(`${error.message} ${error.hint}`, /AGE-SECRET-KEY/);
    return true;
  });
}

describe("the words for keys", () => {
  it("name recipients and identities, in files with comments and empty lines", async () => {
    const [one, two] = [await generateKey(), await generateKey({ postQuantum: true })];
    assert.deepEqual(await readRecipients(one.recipient, {}), [one.recipient]);
    const recipients = await file("recipients", `# us\r\n${one.recipient}\r\n\n  ${two.recipient}  \n`, 0o644);
    assert.deepEqual(await readRecipients(recipients, {}), [one.recipient, two.recipient]);
    const identities = await file(
      "identities",
      `# created: today\n${one.identity.reveal()}\n${two.identity.reveal()}\n`,
    );
    const read = await readIdentities(identities, {});
    assert.deepEqual(
      read.map((identity) => identity instanceof Secret && identity.reveal()),
      [one.identity.reveal(), two.identity.reveal()],
    );
  });

  it("name keys in services, with what the environment says", async () => {
    for (const word of ["vault:transit/models", "vault:a/b/models"]) {
      assert.equal((await readRecipients(word, VAULT)).length, 1);
      assert.equal((await readIdentities(word, { ...VAULT, VAULT_NAMESPACE: "team" })).length, 1);
    }
    assert.equal((await readRecipients("aws-kms:alias/models", AWS)).length, 1);
    const { AWS_REGION: _, ...noRegion } = AWS;
    const arn = "aws-kms:arn:aws:kms:eu-west-1:111122223333:key/0b6c2f0e-5d5c-4c39-9a52-3a6b2f1c9d10";
    assert.equal((await readIdentities(arn, { ...noRegion, AWS_SESSION_TOKEN: "session" })).length, 1);
    await rejects(readRecipients("aws-kms:alias/models", noRegion), "seal.setting-missing", /AWS_REGION/);
    await rejects(readRecipients("vault:transit/models", {}), "seal.setting-missing", /VAULT_ADDR/);
    await rejects(
      readRecipients("vault:transit/models", { ...VAULT, VAULT_TOKEN: "" }),
      "seal.setting-missing",
      /VAULT_TOKEN/,
    );
    await rejects(readRecipients("vault:models", VAULT), "seal.recipient-invalid");
    await rejects(
      readIdentities("vault:transit/models", { ...VAULT, VAULT_ADDR: "http://vault.example.com" }),
      "seal.setting-invalid",
      /VAULT_ADDR/,
    );
  });

  it("are refused where they are secrets, or give one away", async () => {
    const { identity, recipient } = await generateKey();
    await rejects(readIdentities(identity.reveal(), {}), "seal.key-invalid");
    await rejects(readRecipients(identity.reveal(), {}), "seal.recipient-invalid", /a secret key on the command line/);
    // A file of identities where one of recipients was meant.
    await rejects(readRecipients(await file("secret", identity.reveal()), {}), "seal.recipient-invalid");
    await rejects(readIdentities(await file("public", recipient), {}), "seal.key-invalid");
    await rejects(readIdentities(await file("none", "# nothing\n"), {}), "seal.key-invalid");
    await rejects(readIdentities(join(folder, "gone"), {}), "seal.key-invalid");
    await rejects(readRecipients(folder, {}), "seal.recipient-invalid");
    await rejects(readIdentities(`passphrase:${await file("empty", "\nsecond")}`, {}), "seal.key-invalid");
  });

  it("are refused where others could have read them", { skip: process.platform === "win32" }, async () => {
    const { identity } = await generateKey();
    await rejects(readIdentities(await file("open", identity.reveal(), 0o644), {}), "seal.key-exposed");
    await rejects(readRecipients(`passphrase:${await file("open-pass", "secret", 0o640)}`, {}), "seal.key-exposed");
  });
});
