/** The life of an issuer's keys: discovery, rotation, failure, and keys that must not be used. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";

import { exportJWK, generateKeyPair, type JWK } from "jose";

import { fakeClock, isHoldfastError, type FakeClock } from "../../core/index.ts";
import { issuerConfig } from "./config.ts";
import { FRESH_MS, issuerKeys, RETRY_MS, STALE_MS, UNKNOWN_MS, type IssuerKeys } from "./jwks.ts";

const ISSUER = "https://login.example/tenant";
const JWKS = "https://login.example/keys";

const code =
  (expected: string, detail = /./) =>
  (error: unknown) =>
    isHoldfastError(error, expected) && detail.test(error.detail ?? "");
const invalid = code("gateway.token-invalid");
const unavailable = code("gateway.issuer-unavailable");

async function publicJwk(alg: string, more: object = {}): Promise<JWK> {
  return { ...(await exportJWK((await generateKeyPair(alg, { extractable: true })).publicKey)), ...more };
}

interface Scene {
  readonly keys: IssuerKeys;
  readonly clock: FakeClock;
  readonly asked: string[];
  documents: Record<string, unknown>;
  down: boolean;
}

function scene(keys: readonly unknown[], more: object = {}): Scene {
  const clock = fakeClock();
  const config = issuerConfig.parse({ name: "corp", issuer: ISSUER, audience: ["us"], app: "portal", ...more });
  const made: Scene = {
    clock,
    asked: [],
    down: false,
    documents: {
      [`${ISSUER}/.well-known/openid-configuration`]: { issuer: ISSUER, jwks_uri: JWKS },
      [JWKS]: { keys },
    },
    keys: issuerKeys(
      config,
      async (url) => {
        made.asked.push(url);
        await Promise.resolve();
        if (made.down || !Object.hasOwn(made.documents, url)) throw new Error("down");
        return made.documents[url];
      },
      clock,
    ),
  };
  return made;
}

describe("discovery", () => {
  it("reads the keys where the issuer's document says, once", async () => {
    const { keys, asked } = scene([await publicJwk("ES256", { kid: "a" })]);
    await Promise.all([keys.find("ES256", "a"), keys.find("ES256", "a"), keys.find("ES256", undefined)]);
    assert.deepEqual(asked, [`${ISSUER}/.well-known/openid-configuration`, JWKS]);
  });

  it("asks nobody where the configuration names the place", async () => {
    const { keys, asked } = scene([await publicJwk("ES256", { kid: "a" })], { jwks: JWKS });
    await keys.find("ES256", "a");
    assert.deepEqual(asked, [JWKS]);
  });

  const wrong: readonly (readonly [string, unknown])[] = [
    ["names another issuer", { issuer: "https://evil.example", jwks_uri: JWKS }],
    ["differs in a slash", { issuer: `${ISSUER}/`, jwks_uri: JWKS }],
    ["names no place", { issuer: ISSUER }],
    ["names a place on another host", { issuer: ISSUER, jwks_uri: "https://evil.example/keys" }],
    ["names a place on another port", { issuer: ISSUER, jwks_uri: "https://login.example:8443/keys" }],
    ["names a place without TLS", { issuer: ISSUER, jwks_uri: "http://login.example/keys" }],
    ["names a file", { issuer: ISSUER, jwks_uri: "file:///etc/passwd" }],
    ["names a place with a user", { issuer: ISSUER, jwks_uri: "https://a:b@login.example/keys" }],
    ["names a place with a query", { issuer: ISSUER, jwks_uri: "https://login.example/keys?to=evil" }],
    ["is a list", []],
    ["is nothing", null],
  ];
  for (const [what, document] of wrong) {
    it(`of a document that ${what}: refused, and no key is read`, async () => {
      const made = scene([await publicJwk("ES256", { kid: "a" })]);
      made.documents[`${ISSUER}/.well-known/openid-configuration`] = document;
      await assert.rejects(made.keys.find("ES256", "a"), unavailable);
      assert.equal(made.asked.length, 1);
    });
  }
});

describe("rotation", () => {
  it("finds a new key by its id, and asks for unknown ids only so often", async () => {
    const made = scene([await publicJwk("ES256", { kid: "a" })], { jwks: JWKS });
    await made.keys.find("ES256", "a");
    made.documents[JWKS] = { keys: [await publicJwk("ES256", { kid: "b" })] };
    for (let tried = 0; tried < 50; tried++) await assert.rejects(made.keys.find("ES256", `made-up-${tried}`), invalid);
    await assert.rejects(made.keys.find("ES256", "b"), invalid);
    assert.equal(made.asked.length, 1);
    made.clock.advance(UNKNOWN_MS);
    await made.keys.find("ES256", "b");
    assert.equal(made.asked.length, 2);
    // The old key went with the old set.
    await assert.rejects(made.keys.find("ES256", "a"), invalid);
    assert.equal(made.asked.length, 2);
  });

  it("drops a withdrawn key when the keys are no longer fresh", async () => {
    const made = scene([await publicJwk("ES256", { kid: "a" })], { jwks: JWKS });
    await made.keys.find("ES256", "a");
    made.documents[JWKS] = { keys: [] };
    made.clock.advance(FRESH_MS - 1);
    await made.keys.find("ES256", "a");
    made.clock.advance(1);
    await assert.rejects(made.keys.find("ES256", "a"), invalid);
  });
});

describe("an issuer that is away", () => {
  it("lets nobody in before its keys were ever read, and is not asked for every token", async () => {
    const made = scene([await publicJwk("ES256", { kid: "a" })], { jwks: JWKS });
    made.down = true;
    for (let tried = 0; tried < 20; tried++) await assert.rejects(made.keys.find("ES256", "a"), unavailable);
    assert.equal(made.asked.length, 1);
    made.down = false;
    made.clock.advance(RETRY_MS);
    await made.keys.find("ES256", "a");
  });

  it("has its last keys count for a while, and no longer", async () => {
    const made = scene([await publicJwk("ES256", { kid: "a" })], { jwks: JWKS });
    await made.keys.find("ES256", "a");
    made.down = true;
    made.clock.advance(FRESH_MS);
    await made.keys.find("ES256", "a");
    await made.keys.find("ES256", "a");
    assert.equal(made.asked.length, 2);
    made.clock.advance(STALE_MS - 1);
    await made.keys.find("ES256", "a");
    made.clock.advance(1);
    await assert.rejects(made.keys.find("ES256", "a"), unavailable);
  });

  it("is believed again as soon as it is back", async () => {
    const made = scene([await publicJwk("ES256", { kid: "a" })], { jwks: JWKS });
    await made.keys.find("ES256", "a");
    made.down = true;
    made.clock.advance(FRESH_MS);
    await made.keys.find("ES256", "a");
    made.down = false;
    made.documents[JWKS] = { keys: [await publicJwk("ES256", { kid: "b" })] };
    made.clock.advance(Math.max(RETRY_MS, UNKNOWN_MS));
    await made.keys.find("ES256", "b");
    await assert.rejects(made.keys.find("ES256", "a"), invalid);
  });
});

describe("a key", () => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1_024 }).publicKey.export({ format: "jwk" });

  it("is taken only where it may verify signatures of its own family", async () => {
    const ec = await publicJwk("ES256");
    const rsa = await publicJwk("RS256");
    const refused: readonly (readonly [string, object, "ES256" | "RS256" | "EdDSA"])[] = [
      ["of an HMAC", { kty: "oct", k: "c2VjcmV0" }, "RS256"],
      ["for encryption", { ...ec, use: "enc" }, "ES256"],
      ["that may only sign", { ...ec, key_ops: ["sign"] }, "ES256"],
      ["of another algorithm", { ...ec, alg: "ES384" }, "ES256"],
      ["of another curve", await publicJwk("ES384"), "ES256"],
      ["that is too short", weak, "RS256"],
      ["that is endless", { ...rsa, n: Buffer.alloc(1_025, 255).toString("base64url") }, "RS256"],
      ["that lacks a member", { ...ec, y: undefined }, "ES256"],
      ["of an unknown kind", { kty: "constructor" }, "ES256"],
      [
        "of another curve of its kind",
        { kty: "OKP", crv: "X25519", x: Buffer.alloc(32, 9).toString("base64url") },
        "EdDSA",
      ],
    ];
    for (const [what, key, alg] of refused) {
      await assert.rejects(scene([{ ...key, kid: "a" }]).keys.find(alg, "a"), invalid, what);
    }
    for (const junk of [null, 7, "key", []]) {
      await scene([junk, { ...ec, kid: "a" }]).keys.find("ES256", "a");
    }
  });

  it("is one: of two with the same id nothing is certain", async () => {
    const two = [await publicJwk("ES256", { kid: "a" }), await publicJwk("ES256", { kid: "a" })];
    await assert.rejects(scene(two).keys.find("ES256", "a"), code("gateway.token-invalid", /which key/));
    await assert.rejects(scene(two).keys.find("ES256", undefined), code("gateway.token-invalid", /which key/));
    // The same id for keys of two families, or of two curves, is common and clear.
    await scene([two[0], await publicJwk("RS256", { kid: "a" })]).keys.find("ES256", "a");
    await scene([await publicJwk("ES384", { kid: "a" }), two[0]]).keys.find("ES256", "a");
  });

  it("is never private", async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const key = await scene([{ ...(await exportJWK(privateKey)), kid: "a" }]).keys.find("ES256", "a");
    assert.equal(key.type, "public");
  });

  it("of a point that is not on its curve cannot be used", async () => {
    const bad = {
      kty: "EC",
      crv: "P-256",
      x: Buffer.alloc(32, 1).toString("base64url"),
      y: Buffer.alloc(32, 2).toString("base64url"),
      kid: "a",
    };
    await assert.rejects(scene([bad]).keys.find("ES256", "a"), code("gateway.token-invalid", /cannot be used/));
  });

  it("comes in a set of bounded size", async () => {
    const ec = await publicJwk("ES256");
    const many = Array.from({ length: 101 }, (_, at) => ({ ...ec, kid: `k${at}` }));
    await assert.rejects(scene(many).keys.find("ES256", "k0"), unavailable);
    await scene(many.slice(1)).keys.find("ES256", "k1");
    for (const keys of [undefined, "keys", { a: ec }]) {
      await assert.rejects(scene(keys as never).keys.find("ES256", "a"), unavailable);
    }
  });
});
