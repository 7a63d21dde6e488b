/** Who acts, by what a request shows: keys, tokens and certificates beside each other. */

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { fakeClock, isHoldfastError, type FakeClock } from "../../core/index.ts";
import { migrate, openDb, storageModule, type Db } from "../../storage/index.ts";
import { testAuthority } from "../../../test/identity/certificates.ts";
import { AUDIENCE, startIssuer, type TestIssuer } from "../../../test/identity/issuer.ts";
import { gatewayMigrations } from "../migrations.ts";
import { requestAuthenticator } from "./authenticate.ts";
import { thumbprint } from "./certificate.ts";
import { principalOfClaims } from "./claims.ts";
import { identityConfig, issuerConfig } from "./config.ts";
import { newKey } from "./key.ts";
import type { Principal } from "./principal.ts";
import { createKey } from "./store.ts";

let home: string;
let db: Db;
let issuer: TestIssuer;
let other: TestIssuer;
const pseudonym = (kind: string, who: string): string => `<${kind}|${who}>`;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "holdfast-authenticate-"));
  db = await openDb({ url: "sqlite", home });
  await migrate(db, [storageModule, { name: "gateway", migrations: gatewayMigrations }]);
  issuer = await startIssuer();
  other = await startIssuer();
});

after(async () => {
  await issuer.close();
  await other.close();
  await db.close();
  await rm(home, { recursive: true });
});

/** Over the real network of this machine, with a clock that the test moves. */
function scene(more: object = {}, certificates: readonly unknown[] = []) {
  const clock = fakeClock(Date.now());
  const one = { name: "corp", issuer: issuer.url, audience: [AUDIENCE], app: "portal", groups: "groups", ...more };
  const two = { name: "other", issuer: other.url, audience: [AUDIENCE], app: "elsewhere" };
  const config = identityConfig.parse({ issuers: [one, two], certificates });
  const authenticate = requestAuthenticator({ db, clock, config, pseudonym });
  const who = async (credential: string | undefined, certificate?: X509Certificate): Promise<Principal | string> => {
    try {
      return await authenticate({ credential, certificate });
    } catch (error) {
      assert.ok(isHoldfastError(error), String(error));
      return error.code;
    }
  };
  const app = async (credential: string | undefined, certificate?: X509Certificate): Promise<string> => {
    const found = await who(credential, certificate);
    return typeof found === "string" ? found : found.app;
  };
  return { clock, who, app };
}

const key = async (app: string, clock: FakeClock): Promise<string> =>
  (await createKey(db, { app }, clock)).key.reveal();

describe("keys and tokens", () => {
  it("let in side by side, each for its own app", async () => {
    const { app, clock, who } = scene();
    assert.equal(await app(await key("shop", clock)), "shop");
    assert.equal(await app(await issuer.token()), "portal");
    assert.equal(await app(await other.token()), "elsewhere");
    assert.deepEqual(await who(await issuer.token({ groups: ["dev", "ops", "dev"] })), {
      keyId: `user:corp:<user of ${issuer.url}|alice>`,
      app: "portal",
      models: ["*"],
      requestsPerMinute: undefined,
      concurrency: undefined,
      via: "token",
      user: "corp/alice",
      groups: ["dev", "ops"],
    });
    assert.equal(await app(undefined), "gateway.key-missing");
    assert.equal(await app("eyJ.."), "gateway.token-invalid");
    assert.equal(await app(newKey().key.reveal()), "gateway.key-invalid");
  });

  it("do not mix two issuers: each signs for itself alone", async () => {
    const { app } = scene();
    assert.equal(await app(await other.token({ iss: issuer.url })), "gateway.token-invalid");
    assert.equal(await app(await issuer.token({ iss: other.url })), "gateway.token-invalid");
  });

  it("with no issuer configured, no token is more than a wrong key", async () => {
    const clock = fakeClock();
    const authenticate = requestAuthenticator({ db, clock, config: identityConfig.parse({}), pseudonym });
    const token = await issuer.token();
    await assert.rejects(
      async () => await authenticate({ credential: token, certificate: undefined }),
      (error) => isHoldfastError(error, "gateway.key-invalid"),
    );
  });
});

describe("a token that was seen before", () => {
  it("is recognised by its whole text, and by nothing less", async () => {
    const { who } = scene();
    // Two tokens that differ only at their ends: one issuer, one key, one header.
    const tokens = await Promise.all(["alice", "alicf"].map((sub) => issuer.token({ sub })));
    for (const round of [1, 2]) {
      for (const [at, sub] of ["alice", "alicf"].entries()) {
        const found = await who(tokens[at]);
        assert.equal(typeof found === "string" ? found : found.user, `corp/${sub}`, `round ${round}`);
      }
    }
    // A known head and body under another signature is another token.
    const [head, body] = (tokens[0] as string).split(".");
    const [, , signature] = (tokens[1] as string).split(".");
    assert.equal(await who(`${head}.${body}.${signature}`), "gateway.token-invalid");
  });

  it("ends when it ends", async () => {
    const { app, clock } = scene();
    const now = Math.floor(clock.now() / 1_000);
    const token = await issuer.token({ iat: now, exp: now + 10 });
    assert.equal(await app(token), "portal");
    clock.advance(39_000);
    assert.equal(await app(token), "portal");
    clock.advance(2_000);
    assert.equal(await app(token), "gateway.token-expired");
  });

  it("ends when its key was withdrawn, within the time that keys are fresh", async () => {
    const { app, clock } = scene();
    const kid = await issuer.rotate();
    const token = await issuer.token({ exp: Math.floor(clock.now() / 1_000) + 7_200 });
    assert.equal(await app(token), "portal");
    issuer.withdraw(kid);
    await issuer.rotate();
    clock.advance(600_000);
    assert.equal(await app(token), "gateway.token-invalid");
  });
});

describe("the claims of a token", () => {
  const read = (claims: object, more: object = {}): Principal | string => {
    const config = issuerConfig.parse({
      name: "corp",
      issuer: "https://login.example",
      audience: ["us"],
      app: "portal",
      groups: "groups",
      ...more,
    });
    try {
      return principalOfClaims({ sub: "alice", ...claims }, config, pseudonym);
    } catch (error) {
      return isHoldfastError(error) ? error.code : String(error);
    }
  };
  const appOf = (claims: object, more: object = {}): unknown => {
    const found = read(claims, more);
    return typeof found === "string" ? found : found.app;
  };

  it("stand only for apps that the configuration names", () => {
    const more = { app: { claim: "azp", apps: { "client-1": "shop" } } };
    assert.equal(appOf({ azp: "client-1" }, more), "shop");
    for (const azp of ["client-2", "shop", "constructor", "__proto__", "", undefined, null, 7, ["client-1"]]) {
      assert.equal(appOf({ azp }, more), "gateway.token-forbidden", String(azp));
    }
    assert.throws(() => appOf({}, { app: "holdfast-probe" }));
    assert.throws(() => appOf({}, { app: { claim: "azp", apps: { x: "holdfast-probe" } } }));
    // A claim called app, key or models means nothing.
    assert.deepEqual(read({ app: "shop", keyId: "x", models: ["y"], via: "z" }), read({}));
  });

  it("are read at the end of a way of names", () => {
    const found = read(
      { realm_access: { roles: ["a"] }, profile: { name: "bob" } },
      {
        groups: ["realm_access", "roles"],
        user: ["profile", "name"],
      },
    );
    assert.deepEqual(typeof found === "string" ? found : [found.user, found.groups], ["corp/bob", ["a"]]);
    assert.equal(read({ realm_access: [] }, { user: ["realm_access", "length"] }), "gateway.token-invalid");
    assert.equal(read({}, { user: ["constructor", "name"] }), "gateway.token-invalid");
  });

  it("of another form are refused: a group that is not read is a rule that does not bind", () => {
    for (const groups of [
      "admin",
      [7],
      [""],
      ["x".repeat(257)],
      ["\ud800"],
      Array.from({ length: 201 }, (_, at) => `g${at}`),
      { a: 1 },
      null,
    ]) {
      assert.equal(read({ groups }), "gateway.token-invalid", JSON.stringify(groups).slice(0, 40));
    }
    assert.equal(read({ _claim_names: { groups: "src1" } }), "gateway.token-invalid");
    assert.deepEqual((read({}) as Principal).groups, []);
    for (const sub of [undefined, "", 7, "x".repeat(256), "\ud800", ["alice"]]) {
      assert.equal(read({ sub }), "gateway.token-invalid", String(sub));
    }
  });
});

const authority = testAuthority();
describe("certificates", { skip: authority === undefined && "openssl is not installed" }, () => {
  if (authority === undefined) return;
  after(() => {
    authority.close();
  });
  const shop = new X509Certificate(authority.client("URI:spiffe://a/shop").cert);
  const portal = new X509Certificate(authority.client("URI:spiffe://a/portal").cert);
  const nobody = new X509Certificate(authority.client("URI:spiffe://a/nobody").cert);
  const known = [
    { name: "shop", match: { uri: "spiffe://a/shop" }, app: "shop" },
    { name: "portal", match: { uri: "spiffe://a/portal" }, app: "portal" },
  ];

  it("decide alone, and must agree with a key or a token beside them", async () => {
    const { app, clock } = scene({}, known);
    const text = await key("shop", clock);
    assert.equal(await app(undefined, shop), "shop");
    assert.equal(await app(undefined, nobody), "gateway.certificate-unknown");
    assert.equal(await app(text, shop), "shop");
    assert.equal(await app(text, nobody), "shop");
    assert.equal(await app(text, portal), "gateway.credentials-disagree");
    assert.equal(await app(await issuer.token(), portal), "portal");
    assert.equal(await app(await issuer.token(), shop), "gateway.credentials-disagree");
    // A bad key is a bad key, whatever certificate stands beside it.
    assert.equal(await app("hf_bad", shop), "gateway.key-invalid");
    assert.equal(await app("", shop), "gateway.key-missing");
  });

  it("hold tokens that are bound to them, at every use", async () => {
    const { app } = scene({}, known);
    const bound = await issuer.token({ cnf: { "x5t#S256": thumbprint(portal) } });
    assert.equal(await app(bound, portal), "portal");
    assert.equal(await app(bound), "gateway.token-invalid");
    assert.equal(await app(bound, nobody), "gateway.token-invalid");
    assert.equal(await app(bound, portal), "portal");
  });
});
