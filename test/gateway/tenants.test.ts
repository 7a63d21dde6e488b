/**
 * Two tenants on one gateway: whatever one of them sends, it reads nothing that is the other's, uses up nothing of the
 * other's, and learns nothing of what the other has.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { systemClock } from "../../src/core/index.ts";
import { createKey, listKeys } from "../../src/gateway/index.ts";
import { AUDIENCE, startIssuer, type TestIssuer } from "../identity/issuer.ts";
import { startFakeUpstream, type FakeUpstream } from "../upstreams/fake.ts";
import { chat, startHarness, type Answer, type Harness } from "./harness.ts";

let harness: Harness;
let issuer: TestIssuer;
let ofShop: FakeUpstream;
let ofBank: FakeUpstream;
/** Credentials of the two, by the ways there are. */
let shop: Record<string, string>;
let bank: Record<string, string>;

before(async () => {
  issuer = await startIssuer();
  // Each says the last text that it was sent back: what one tenant's upstream knows of, a leak would show.
  const echo = (request: { json: Record<string, unknown> | undefined }): string[] => {
    const messages = (request.json?.["messages"] ?? []) as { content: string }[];
    return [messages.at(-1)?.content ?? ""];
  };
  ofShop = await startFakeUpstream({ models: ["shop-model", "shared"], text: echo });
  ofBank = await startFakeUpstream({ models: ["bank-model", "shared"], text: echo });
  const user = (name: string, app: string, claim: string) => ({
    name,
    issuer: claim,
    audience: [`${AUDIENCE}-${app}`],
    app,
    jwks: `${issuer.url}/keys`,
  });
  harness = await startHarness({
    upstreams: [
      { name: "shop-only", protocol: "openai", url: ofShop.url, apps: ["shop"] },
      { name: "bank-only", protocol: "openai", url: ofBank.url, apps: ["bank"] },
    ],
    config: {
      guards: { injection: { request: "off" }, pii: { request: "tokenise", response: "flag" } },
      identity: { issuers: [user("shop-users", "shop", issuer.url), user("bank-users", "bank", `${issuer.url}/bank`)] },
      models: {
        "shop-fast": [{ upstream: "shop-only", model: "shop-model" }],
        "bank-fast": [{ upstream: "bank-only", model: "bank-model" }],
      },
      limits: { requestsPerMinute: 100_000 },
    },
  });
  const key = async (app: string, more: object = {}): Promise<string> =>
    (await createKey(harness.db, { app, ...more }, systemClock)).key.reveal();
  shop = { key: await key("shop"), token: await issuer.token({ aud: `${AUDIENCE}-shop` }) };
  bank = {
    key: await key("bank"),
    token: await issuer.token({ aud: `${AUDIENCE}-bank`, iss: `${issuer.url}/bank` }),
  };
});

after(async () => {
  await harness.close();
  await Promise.all([issuer.close(), ofShop.close(), ofBank.close()]);
});

const as = (credential: string | undefined): Record<string, string> => ({
  authorization: `Bearer ${credential ?? ""}`,
});
const ask = (credential: string | undefined, model: string, content = "hi", more: object = {}): Promise<Answer> =>
  harness.post("/v1/chat/completions", chat(content, { model, ...more }), as(credential));

describe("models", () => {
  for (const way of ["key", "token"]) {
    it(`by ${way}: only the tenant's own are listed and asked`, async () => {
      const listed = async (credential: string | undefined): Promise<string[]> =>
        ((await harness.get("/v1/models", as(credential))).json["data"] as { id: string }[])
          .map(({ id }) => id)
          .toSorted();
      assert.deepEqual(await listed(shop[way]), ["shared", "shop-fast", "shop-model"]);
      assert.deepEqual(await listed(bank[way]), ["bank-fast", "bank-model", "shared"]);
      for (const stream of [false, true]) {
        assert.equal((await ask(shop[way], "shop-fast", "hi", { stream })).status, 200);
        const before = ofBank.requests.length;
        assert.equal((await ask(shop[way], "bank-fast", "hi", { stream })).status, 403);
        assert.equal((await ask(shop[way], "shared", "hi", { stream })).status, 200);
        assert.equal((await ask(shop[way], "bank-model", "hi", { stream })).status, 200);
        // The name went to the tenant's own upstream, which is asked for anything; never to the other's.
        assert.equal(ofBank.requests.length, before);
      }
    });
  }
});

describe("tokens", () => {
  it("of one tenant's issuer are not the other's, with the same key behind both", async () => {
    for (const claims of [
      { aud: `${AUDIENCE}-bank` },
      { aud: `${AUDIENCE}-shop`, iss: `${issuer.url}/bank` },
      { aud: `${AUDIENCE}-shop`, iss: [issuer.url, `${issuer.url}/bank`] },
    ]) {
      assert.equal((await ask(await issuer.token(claims), "shared")).status, 401, JSON.stringify(claims));
    }
  });

  it("name the app only as the configuration does", async () => {
    const token = await issuer.token({
      aud: `${AUDIENCE}-shop`,
      app: "bank",
      azp: "bank",
      client_id: "bank",
      tenant: "bank",
    });
    const answer = await ask(token, "shared");
    assert.equal((await harness.receipt(answer.headers.get("x-request-id"))).principal?.app, "shop");
  });
});

describe("what was hidden for one tenant", () => {
  it("is not turned back for the other, who sends its placeholder", async () => {
    const secret = "maria.schmidt@example.com";
    const own = await ask(shop["key"], "shared", `write to ${secret}`);
    const sent = JSON.stringify(ofShop.requests.at(-1)?.json);
    const placeholder = /write to ([^"\\]+)/.exec(sent)?.[1] ?? "";
    assert.equal(sent.includes(secret), false);
    assert.ok(placeholder.length > 0);
    assert.ok(own.text.includes(secret), "turned back for who sent it");
    for (const credential of [bank["key"], bank["token"], shop["key"]]) {
      const answer = await ask(credential, "shared", `write to ${placeholder}`);
      assert.equal(answer.text.includes(secret), false, "nor in any later request");
    }
  });
});

describe("limits", () => {
  it("of one key are used up by nobody else", async () => {
    const made = await Promise.all(
      ["shop", "bank", "shop"].map((app) => createKey(harness.db, { app, requestsPerMinute: 1 }, systemClock)),
    );
    const [one, two, three] = made.map(({ key }) => key.reveal());
    const statuses = [];
    for (const key of [one, one, two, three, two]) statuses.push((await ask(key, "shared")).status);
    assert.deepEqual(statuses, [200, 429, 200, 200, 429]);
  });
});

describe("everything else that is kept", () => {
  const paths = [
    "/v1/keys",
    "/api/keys",
    "/v1/receipts",
    "/api/receipts",
    "/ledger/checkpoint",
    "/v1/budgets",
    "/v1/usage",
    "/v1/organization/usage/completions",
    "/v1/organization/costs",
    "/v1/files",
    "/v1/files/file-1/content",
    "/v1/responses/resp_1",
    "/v1/responses/resp_1/input_items",
    "/v1/conversations/conv_1/items",
    "/v1/batches",
    "/v1/vector_stores",
    "/v1/chat/completions/chatcmpl_1",
    "/v1/messages/batches",
    "/v1beta/files",
    "/v1beta/cachedContents",
    "/metrics",
    "/debug",
    "/admin",
    "/config",
  ];
  it("has no route here, for anyone", async () => {
    for (const path of paths) {
      for (const credential of [shop["key"], bank["token"], undefined]) {
        const answer = await harness.get(path, as(credential));
        assert.ok([404, 405].includes(answer.status), `${path}: ${answer.status}`);
        assert.equal(/hf_|shop|bank/.test(answer.text), false, answer.text);
      }
    }
  });

  it("is named in no refusal", async () => {
    const keys = (await listKeys(harness.db)).map(({ id }) => id);
    const others = [...keys, "bank-only", "bank-users", "bank-fast", ofBank.url];
    for (const [credential, model] of [
      [shop["key"], "bank-fast"],
      [shop["key"], "unheard-of"],
      [bank["token"]?.slice(0, -2), "shared"],
      ["hf_x", "shared"],
    ] as const) {
      const { text } = await ask(credential, model);
      const named = others.filter((name) => name !== model && text.includes(name));
      assert.deepEqual(named, [], text);
    }
  });

  it("leaves each tenant's receipts to itself: no other app, key or upstream is in them", async () => {
    const receipts = await harness.receipts();
    for (const { principal, upstream } of receipts) {
      if (upstream === null) continue;
      assert.equal(upstream.name, `${principal?.app ?? "?"}-only`);
    }
    assert.ok(receipts.some(({ principal }) => principal?.app === "bank"));
  });
});
