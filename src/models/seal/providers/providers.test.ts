import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startKms, startVault, type Answer, type KeyService } from "../../../../test/key-services/server.ts";
import { isHoldfastError, Secret } from "../../../core/index.ts";
import type { Identity, Recipient } from "../age/keys.ts";
import { sealStream, unsealStream } from "../stream.ts";
import { awsKmsKey } from "./kms.ts";
import { providerIdentity, providerRecipient, type KeyProvider } from "./provider.ts";
import { signRequest } from "./sigv4.ts";
import { vaultKey } from "./vault.ts";

const TOKEN = "hvs.secret-token";
const CREDENTIALS = { id: "AKIDEXAMPLE", secret: "aws-secret-key", session: "session-token" };

const vault = (service: KeyService, more: Partial<Parameters<typeof vaultKey>[0]> = {}): KeyProvider =>
  vaultKey({ address: service.url, token: new Secret(TOKEN), key: "models", timeoutMs: 5_000, ...more });
const kms = (service: KeyService, more: Partial<Parameters<typeof awsKmsKey>[0]> = {}): KeyProvider =>
  awsKmsKey({
    key: "alias/models",
    region: "eu-central-1",
    endpoint: service.url,
    credentials: {
      accessKeyId: CREDENTIALS.id,
      secretAccessKey: new Secret(CREDENTIALS.secret),
      sessionToken: new Secret(CREDENTIALS.session),
    },
    timeoutMs: 5_000,
    ...more,
  });

async function seal(recipients: readonly Recipient[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of sealStream([Buffer.from("weights")], { recipients })) parts.push(part);
  return Buffer.concat(parts);
}

async function unseal(sealed: Uint8Array, identities: readonly Identity[]): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of unsealStream([sealed], { identities })) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** The error has this code, and no secret is anywhere in it. */
async function rejects(promise: Promise<unknown>, code: string, message = /./): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isHoldfastError(error), String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.doesNotMatch(
      `${error.stack} ${String(error.cause)}`,
      new RegExp(`${TOKEN}|${CREDENTIALS.secret}|${CREDENTIALS.session}`),
    );
    return true;
  });
}

const services: readonly {
  readonly name: string;
  readonly start: () => Promise<KeyService>;
  readonly make: (service: KeyService) => KeyProvider;
  readonly other: (service: KeyService) => KeyProvider;
  readonly stranger: (service: KeyService) => KeyProvider;
  readonly answer: (fileKey: string) => string;
}[] = [
  {
    name: "vault",
    start: () => startVault(TOKEN),
    make: vault,
    other: (service) => vault(service, { key: "others" }),
    stranger: (service) => vault(service, { token: new Secret("hvs.stranger") }),
    answer: (plaintext) => JSON.stringify({ data: { plaintext } }),
  },
  {
    name: "aws kms",
    start: () => startKms(CREDENTIALS, ["alias/models", "alias/others"]),
    make: kms,
    other: (service) => kms(service, { key: "alias/others" }),
    stranger: (service) =>
      kms(service, { credentials: { accessKeyId: CREDENTIALS.id, secretAccessKey: new Secret("wrong") } }),
    answer: (Plaintext) => JSON.stringify({ Plaintext }),
  },
];

for (const { name, start, make, other, stranger, answer } of services) {
  describe(`a key in ${name}`, () => {
    it("opens what was sealed to it, and nothing else does", async () => {
      await using service = await start();
      const sealed = await seal([providerRecipient(make(service))]);
      assert.equal(await unseal(sealed, [providerIdentity(make(service))]), "weights");
      await rejects(unseal(sealed, [providerIdentity(other(service))]), "seal.no-match");
      const both = await seal([providerRecipient(other(service)), providerRecipient(make(service))]);
      assert.equal(await unseal(both, [providerIdentity(make(service))]), "weights");
      // The key of the file alone goes to the service, never its content.
      assert.ok(service.requests.every((body) => body.length < 1000 && !body.includes("weights")));
    });

    it("says that it was refused, without its secrets", async () => {
      await using service = await start();
      const sealed = await seal([providerRecipient(make(service))]);
      await rejects(unseal(sealed, [providerIdentity(stranger(service))]), "seal.service-refused");
      await rejects(seal([providerRecipient(stranger(service))]), "seal.service-refused");
    });

    it("tells a ciphertext that was made with another key of the same name from a refusal", async () => {
      await using service = await start();
      const sealed = await seal([providerRecipient(make(service))]);
      await using renewed = await start();
      await rejects(unseal(sealed, [providerIdentity(make(renewed))]), "seal.no-match");
    });

    it("is asked again while it is busy, and not for ever", async () => {
      await using service = await start();
      const busy: Answer = { status: 503, body: "{}" };
      const sealed = await seal([providerRecipient(make(service))]);
      service.misbehave(busy, { status: 429, body: "" });
      assert.equal(await unseal(sealed, [providerIdentity(make(service))]), "weights");
      service.misbehave(busy, busy, busy);
      await rejects(unseal(sealed, [providerIdentity(make(service))]), "seal.service-refused", /503/);
    });

    it("is believed nothing that is not of its protocol", async () => {
      await using service = await start();
      const sealed = await seal([providerRecipient(make(service))]);
      const bad: readonly [Answer, string][] = [
        [{ status: 200, body: "" }, "seal.service-answer"],
        [{ status: 200, body: "null" }, "seal.service-answer"],
        [{ status: 200, body: "[]" }, "seal.service-answer"],
        [{ status: 200, body: '{"data":null}' }, "seal.service-answer"],
        [{ status: 200, body: answer("!!!!") }, "seal.service-answer"],
        // A file key of another length.
        [{ status: 200, body: answer(Buffer.alloc(32).toString("base64")) }, "seal.service-answer"],
        // One that is not the file's.
        [{ status: 200, body: answer(Buffer.alloc(16).toString("base64")) }, "seal.header-mac"],
        [{ status: 200, body: `{"a":1,"a":2}` }, "seal.service-answer"],
        [{ status: 200, body: "x".repeat(70_000) }, "seal.service-answer"],
        [{ status: 302, body: "", headers: { location: "http://127.0.0.1:1/elsewhere" } }, "seal.service-refused"],
      ];
      for (const [reply, code] of bad) {
        service.misbehave(reply);
        await rejects(unseal(sealed, [providerIdentity(make(service))]), code);
      }
      service.misbehave({ status: 200, body: '{"data":{"ciphertext":"vault:v1:\\n-> X25519"},"CiphertextBlob":"*"}' });
      await rejects(seal([providerRecipient(make(service))]), "seal.service-answer");
    });

    it("has an end in time, and may not be there", async () => {
      await using service = await start();
      const quick = name === "vault" ? vault(service, { timeoutMs: 50 }) : kms(service, { timeoutMs: 50 });
      service.misbehave("hang");
      await rejects(seal([providerRecipient(quick)]), "seal.service-unreachable", /50 ms/);
      const gone =
        name === "vault"
          ? vault(service, { address: "http://127.0.0.1:1" })
          : kms(service, { endpoint: "http://127.0.0.1:1" });
      await rejects(seal([providerRecipient(gone)]), "seal.service-unreachable");
    });
  });
}

describe("the settings of key services", () => {
  it("send keys nowhere but over TLS, or to the machine itself", async () => {
    await using service = await startVault(TOKEN);
    for (const address of [
      "http://vault.example.com",
      "ftp://127.0.0.1",
      "https://user:pw@vault.example.com",
      "http://2130706433",
      "http://127.1",
      "https://１２７.０.０.１",
      "https://169.254.169.254",
      "https://[fd00:ec2::254]",
      "https://[::ffff:7f00:1]",
      "vault",
      "",
    ]) {
      assert.throws(() => vault(service, { address }), { code: "seal.setting-invalid" }, address);
      assert.throws(() => kms(service, { endpoint: address }), { code: "seal.setting-invalid" }, address);
    }
    assert.ok(vault(service, { address: "https://vault.example.com:8200/" }));
  });

  it("hold no names that would lead elsewhere", async () => {
    await using service = await startVault(TOKEN);
    for (const key of ["", "..", "a/b", "a?b", "a b", "a\n", "%2e%2e", "x".repeat(129)]) {
      assert.throws(() => vault(service, { key }), { code: "seal.recipient-invalid" }, key);
    }
    for (const mount of ["", "/", "..", "a/../b", "a//b", "a/"]) {
      assert.throws(() => vault(service, { mount }), { code: "seal.recipient-invalid" }, mount);
    }
    assert.throws(() => kms(service, { key: "a b" }), { code: "seal.recipient-invalid" });
    assert.throws(() => kms(service, { region: "evil.example.com/" }), { code: "seal.setting-invalid" });
  });
});

it("signature version 4 is that of the documentation's example", () => {
  // «Signature Version 4 test suite», post-vanilla: the example credentials, service and time.
  const headers = signRequest(
    { accessKeyId: "AKIDEXAMPLE", secretAccessKey: new Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") },
    {
      region: "us-east-1",
      service: "service",
      host: "example.amazonaws.com",
      now: Date.UTC(2015, 7, 30, 12, 36, 0),
      headers: {},
      body: "",
    },
  );
  assert.equal(
    headers["authorization"],
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
      "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  );
});
