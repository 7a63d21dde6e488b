/** Users with tokens, before a real gateway: who they are, their limits, and what of them is written down. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { AUDIENCE, startIssuer, type TestIssuer } from "../identity/issuer.ts";
import { chat, startHarness, type Answer, type Harness } from "./harness.ts";

/** The trained model decides nothing here, and takes seconds to load. */
const RULES_ONLY = { guards: { injection: { request: "off" } } };

let harness: Harness;
let issuer: TestIssuer;

before(async () => {
  issuer = await startIssuer();
  const one = {
    name: "corp",
    issuer: issuer.url,
    audience: [AUDIENCE],
    app: "portal",
    models: ["fake-*"],
    requestsPerMinute: 3,
  };
  harness = await startHarness({ config: { ...RULES_ONLY, identity: { issuers: [one] } } });
});

after(async () => {
  await harness.close();
  await issuer.close();
});

const as = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const ask = (token: string, model = "fake-model"): Promise<Answer> =>
  harness.post("/v1/chat/completions", chat("hi", { model }), as(token));

describe("a user with a token", () => {
  it("is let in as the app of the issuer, under a pseudonym that is always the same", async () => {
    const receipts = [];
    for (const sub of ["maria@example.com", "maria@example.com", "bob@example.com"]) {
      const answer = await ask(await issuer.token({ sub }));
      assert.equal(answer.status, 200, answer.text);
      receipts.push(await harness.receipt(answer.headers.get("x-request-id")));
    }
    const [one, again, other] = receipts.map(({ principal }) => principal);
    assert.match(one?.key ?? "", /^user:corp:[0-9a-f]{32}$/);
    assert.deepEqual([one?.app, again], ["portal", one]);
    assert.notEqual(other?.key, one?.key);
  });

  it("is bound by the models and limits of the issuer's entry, each user alone", async () => {
    const carol = await issuer.token({ sub: "carol" });
    assert.equal((await ask(carol, "other-model")).status, 403);
    assert.deepEqual(
      [(await ask(carol)).status, (await ask(carol)).status, (await ask(carol)).status],
      [200, 200, 429],
    );
    // A new token does not make a new user.
    assert.equal((await ask(await issuer.token({ sub: "carol", jti: "2" }))).status, 429);
    assert.equal((await ask(await issuer.token({ sub: "dave" }))).status, 200);
  });

  it("is turned away with a bad token, and the receipt says so", async () => {
    for (const [token, code] of [
      [await issuer.token({ aud: "other" }), "gateway.token-invalid"],
      [await issuer.token({ exp: 1 }), "gateway.token-expired"],
      [`${await issuer.token()}x`, "gateway.token-invalid"],
    ] as const) {
      const answer = await ask(token);
      assert.equal(answer.status, 401);
      const receipt = await harness.receipt(answer.headers.get("x-request-id"));
      assert.deepEqual([receipt.error, receipt.principal, receipt.outcome], [code, null, "refused"]);
    }
  });

  it("never has a token travel on", async () => {
    const token = await issuer.token({ sub: "erin" });
    await ask(token);
    for (const request of harness.upstream.requests) {
      assert.equal(JSON.stringify([request.headers, request.body]).includes(token), false);
    }
  });

  it("leaves no name, no token and no piece of one in receipts and logs", async () => {
    const token = await issuer.token({ sub: "frank@example.com" });
    await ask(token);
    await ask(`${token.slice(0, -6)}AAAAAA`);
    const everything = [...(await harness.entries()), ...harness.logged].join("\n");
    for (const part of ["frank", "maria", "carol", ...token.split(".").slice(1)]) {
      assert.equal(everything.includes(part), false, part);
    }
  });

  it("is told that the issuer is away, and not that the token is wrong", async () => {
    const away = await startIssuer();
    const one = { name: "away", issuer: away.url, audience: [AUDIENCE], app: "portal" };
    const token = await away.token();
    const second = await startHarness({ config: { ...RULES_ONLY, identity: { issuers: [one] } } });
    await away.close();
    try {
      const answer = await second.post("/v1/chat/completions", chat("hi"), as(token));
      assert.equal(answer.status, 503);
      assert.equal(answer.json.error?.code, "gateway.issuer-unavailable");
      // Keys let in all the same.
      assert.equal((await second.post("/v1/chat/completions", chat("hi"))).status, 200);
    } finally {
      await second.close();
    }
  });
});
