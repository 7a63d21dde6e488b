/** Tokens that must not let anyone in, one rule of the verification at a time. */

import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";

import fc from "fast-check";
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type CryptoKey, type JWK } from "jose";

import { fakeClock, isHoldfastError } from "../../core/index.ts";
import { signed } from "../../../test/identity/issuer.ts";
import { issuerConfig, type IssuerConfig } from "./config.ts";
import { issuerKeys } from "./jwks.ts";
import { checkTimes, looksLikeToken, TOKEN_CHARS, verifyToken, type Claims } from "./jwt.ts";

const ISSUER = "https://login.example";
const NOW = Date.UTC(2026, 10, 27);
const SECONDS = NOW / 1_000;
const clock = fakeClock(NOW);

const config = (more: object = {}): IssuerConfig =>
  issuerConfig.parse({ name: "corp", issuer: ISSUER, audience: ["us", "also-us"], app: "portal", ...more });

const pair = await generateKeyPair("ES256", { extractable: true });
const rsa = await generateKeyPair("RS256", { extractable: true });
const ed = await generateKeyPair("EdDSA", { extractable: true });
const stranger = await generateKeyPair("ES256", { extractable: true });
const keySet: JWK[] = [
  { ...(await exportJWK(pair.publicKey)), kid: "ec" },
  { ...(await exportJWK(rsa.publicKey)), kid: "rsa" },
  { ...(await exportJWK(ed.publicKey)), kid: "ed" },
];

function issuers(more: object = {}) {
  const own = config(more);
  const fetchJson = async (url: string): Promise<unknown> =>
    url.endsWith("/keys") ? { keys: keySet } : { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` };
  return [{ config: own, keys: issuerKeys(own, fetchJson, clock) }];
}

const good = { iss: ISSUER, aud: "us", sub: "alice", iat: SECONDS - 10, exp: SECONDS + 300 };
const head = { alg: "ES256", kid: "ec", typ: "JWT" };
const token = (claims: object = {}, header: object = {}, key: CryptoKey = pair.privateKey): Promise<string> =>
  signed({ ...good, ...claims }, { ...head, ...header }, key);
const part = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

async function refusal(text: string, more: object = {}): Promise<string> {
  try {
    await verifyToken(text, issuers(more), NOW);
    return "accepted";
  } catch (error) {
    assert.ok(isHoldfastError(error), String(error));
    assert.equal(error.status, 401);
    return `${error.code}: ${error.detail ?? ""}`;
  }
}

describe("a token", () => {
  it("is accepted when everything is right, with each kind of key", async () => {
    assert.equal(await refusal(await token()), "accepted");
    assert.equal(await refusal(await token({ aud: ["them", "also-us"] })), "accepted");
    assert.equal(await refusal(await token({}, { typ: "application/AT+JWT" })), "accepted");
    assert.equal(await refusal(await token({ nbf: SECONDS })), "accepted");
    for (const alg of ["RS256", "PS256"]) {
      const key = await importPKCS8(await exportPKCS8(rsa.privateKey), alg);
      assert.equal(await refusal(await token({}, { alg, kid: "rsa" }, key)), "accepted", alg);
    }
    assert.equal(await refusal(await token({}, { alg: "EdDSA", kid: "ed" }, ed.privateKey)), "accepted");
    // One key of the algorithm's family: no key id is needed to know which.
    assert.equal(await refusal(await token({}, { kid: undefined })), "accepted");
  });

  const wrong: readonly (readonly [string, () => Promise<string> | string, RegExp])[] = [
    ["signed by someone else under a known key id", () => token({}, {}, stranger.privateKey), /signature/],
    ["signed by a key that nobody knows", () => token({}, { kid: "other" }, stranger.privateKey), /its key/],
    ["of another issuer", () => token({ iss: "https://evil.example" }), /\(iss\)/],
    ["of an issuer that differs in a slash", () => token({ iss: `${ISSUER}/` }), /\(iss\)/],
    ["of an issuer that differs in case", () => token({ iss: "https://LOGIN.example" }), /\(iss\)/],
    ["without an issuer", () => token({ iss: undefined }), /\(iss\)/],
    ["of a list of issuers", () => token({ iss: [ISSUER] }), /\(iss\)/],
    ["for another audience", () => token({ aud: "them" }), /\(aud\)/],
    ["for no audience", () => token({ aud: undefined }), /\(aud\)/],
    ["for an audience that contains ours", () => token({ aud: "us-too" }), /\(aud\)/],
    ["for an audience that is not a text", () => token({ aud: ["us", 7] }), /\(aud\)/],
    ["for an audience that is an object", () => token({ aud: { us: true } }), /\(aud\)/],
    ["without an end", () => token({ exp: undefined }), /exp/],
    ["with an end that is a text", () => token({ exp: String(SECONDS + 300) }), /exp/],
    ["with an end beyond all dates", () => token({ exp: 1e18 }), /exp/],
    ["without a beginning", () => token({ iat: undefined }), /iat/],
    ["that has expired", () => token({ exp: SECONDS - 31 }), /token-expired/],
    ["that is too old, whatever it says", () => token({ iat: SECONDS - 86_431, exp: SECONDS + 9e9 }), /token-expired/],
    ["that is not valid yet", () => token({ nbf: SECONDS + 31 }), /\(nbf\)/],
    ["that was issued in the future", () => token({ iat: SECONDS + 31 }), /\(iat\)/],
    ["of a type for something else", () => token({}, { typ: "logout+jwt" }), /\(typ\)/],
    ["of no type", () => token({}, { typ: undefined }), /\(typ\)/],
    ["of a type that is not a text", () => token({}, { typ: ["JWT"] }), /\(typ\)/],
    ["with a key id that is not a text", () => token({}, { kid: 7 }), /\(kid\)/],
    ["bound to a key by DPoP", () => token({ cnf: { jkt: "x" } }), /\(cnf\)/],
    ["bound to two things", () => token({ cnf: { "x5t#S256": "x", jkt: "y" } }), /\(cnf\)/],
    ["bound to nothing that is understood", () => token({ cnf: "x" }), /\(cnf\)/],
    [
      "of an algorithm off the list",
      () => token({}, { alg: "ES384", kid: "ec" }, pair.privateKey).catch(() => unsigned({ alg: "ES384" })),
      /\(alg\)/,
    ],
    ["that names none as its algorithm", () => `${part({ ...head, alg: "none" })}.${part(good)}.`, /\(alg\)/],
    ["that names nOnE as its algorithm", () => `${part({ ...head, alg: "nOnE" })}.${part(good)}.`, /\(alg\)/],
    ["without a signature", () => unsigned({}), /signature/],
    ["without an algorithm", () => unsigned({ alg: undefined }), /\(alg\)/],
    ["that demands an extension", () => unsigned({ crit: ["b64"], b64: false }), /\(crit\)/],
    [
      "with a claim twice",
      () => signed(`{"iss":"${ISSUER}","aud":"us","aud":"them"}`, head, pair.privateKey),
      /a name twice/,
    ],
    [
      "with a claim twice, once escaped",
      () => signed(`{"iss":"${ISSUER}","sub":"a","s\\u0075b":"b"}`, head, pair.privateKey),
      /a name twice/,
    ],
    [
      "with a header twice",
      () => `${part(`{"alg":"ES256","alg":"none","kid":"ec","typ":"JWT"}`)}.${part(good)}.AA`,
      /a name twice/,
    ],
    ["with claims that are a list", () => signed("[]", head, pair.privateKey), /not a JSON object/],
    ["with claims that are not JSON", () => signed("alice", head, pair.privateKey), /not JSON/],
    ["in five parts", async () => `${await token()}.AA.AA`, /compact form/],
    ["with padding", async () => `${await token()}=`, /compact form/],
    ["with a line break", async () => `${await token()}\n`, /compact form/],
    ["of an empty claim set", () => "eyJ9..AA", /compact form/],
    ["over the limit of size", () => token({ pad: "x".repeat(TOKEN_CHARS) }), /longer than/],
  ];
  for (const [what, make, why] of wrong) {
    it(`${what} is refused`, async () => {
      assert.match(await refusal(await make()), why);
    });
  }

  const unsigned = (header: object): string => `${part({ ...head, ...header })}.${part(good)}.`;

  it("signed by HMAC with the public key as the secret is refused", async () => {
    const spki = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "pem" });
    for (const secret of [spki, JSON.stringify(keySet[1]), keySet[1]?.n ?? ""]) {
      const input = `${part({ ...head, alg: "HS256", kid: "rsa" })}.${part(good)}`;
      const forged = `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
      assert.match(await refusal(forged), /\(alg\)/);
    }
    assert.throws(() => config({ algorithms: ["HS256"] }));
    assert.throws(() => config({ algorithms: ["none"] }));
  });

  it("never has the keys believed that it brings along", async () => {
    const jwk = await exportJWK(stranger.publicKey);
    for (const header of [
      { jwk },
      { jwk, kid: undefined },
      { jku: "https://evil.example/keys", kid: "evil" },
      { x5u: "https://evil.example" },
    ]) {
      assert.match(await refusal(await token({}, header, stranger.privateKey)), /token-invalid: its (?:signature|key)/);
    }
  });

  it("lets a key serve no algorithm of another family", async () => {
    // The key id of an RSA key under an EC algorithm, and the other way round.
    assert.match(await refusal(await token({}, { kid: "rsa" })), /its key/);
    const input = `${part({ ...head, alg: "RS256" })}.${part(good)}.AA`;
    assert.match(await refusal(input), /its key/);
  });

  it("changed in any one character is refused", async () => {
    const text = await token();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 1),
        fc.constantFrom("A", "Z", "a", "z", "0", "9", "-", "_", "."),
        async (at, char) => {
          const changed = text.slice(0, at) + char + text.slice(at + 1);
          // The last character of a part carries bits that no decoder reads: such a text may pass, as the same token.
          if (changed === text || Buffer.from(changed.split(".")[2] ?? "", "base64url").equals(signatureOf(text)))
            return;
          assert.notEqual(await refusal(changed), "accepted");
        },
      ),
      { numRuns: 150 },
    );
  });

  it("of any text never throws anything else", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.stringMatching(/^eyJ[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,9}$/)),
        async (text) => {
          assert.match(await refusal(text), /^gateway\.token-invalid: /);
        },
      ),
    );
  });
});

function signatureOf(text: string): Buffer {
  return Buffer.from(text.split(".")[2] ?? "", "base64url");
}

describe("the times of a token", () => {
  const at = (claims: Claims, now: number, more: object = {}): string => {
    try {
      checkTimes(claims, config(more), now * 1_000);
      return "holds";
    } catch (error) {
      return isHoldfastError(error) ? error.code : "?";
    }
  };

  it("bind to the second, with the skew of the configuration", () => {
    const claims = { iat: 1_000, nbf: 1_100, exp: 2_000 };
    assert.equal(at(claims, 1_069), "gateway.token-invalid");
    assert.equal(at(claims, 1_070), "holds");
    assert.equal(at(claims, 2_029), "holds");
    assert.equal(at(claims, 2_030), "gateway.token-expired");
    assert.equal(at(claims, 1_099, { clockSkewSeconds: 0 }), "gateway.token-invalid");
    assert.equal(at(claims, 2_000, { clockSkewSeconds: 0 }), "gateway.token-expired");
    assert.equal(at(claims, 1_999, { clockSkewSeconds: 0, maxAgeSeconds: 999 }), "gateway.token-expired");
    assert.equal(at(claims, 1_998, { clockSkewSeconds: 0, maxAgeSeconds: 999 }), "holds");
    assert.throws(() => config({ clockSkewSeconds: 301 }));
  });
});

describe("what looks like a token", () => {
  it("is no key, and a key is none", () => {
    assert.equal(looksLikeToken("hf_abc_def_ghi"), false);
    assert.equal(looksLikeToken("sk-live"), false);
    assert.equal(looksLikeToken("eyJhbGciOiJFUzI1NiJ9.e30.AA"), true);
  });
});
