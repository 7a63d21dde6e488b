/** Policies in front of real requests: the model that is really asked counts, over aliases, fallbacks and listings. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { isHoldfastError, systemClock } from "../../src/core/index.ts";
import { createKey } from "../../src/gateway/index.ts";
import { AUDIENCE, startIssuer, type TestIssuer } from "../identity/issuer.ts";
import { startFakeUpstream, type FakeUpstream } from "../upstreams/fake.ts";
import { chat, message, startHarness, type Answer, type Harness } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-policies-"));
const POLICIES = `
@id("shop") permit (principal in App::"shop", action, resource) when { resource == Model::"gpt-5" || resource in Upstream::"local" };
@id("fast-name") permit (principal in App::"shop", action == Action::"infer", resource == Model::"fast");
@id("slow-name") permit (principal in App::"shop", action == Action::"infer", resource == Model::"slow");
@id("no-pii-outside") forbid (principal, action, resource) when { context.dataClasses.contains("pii") } unless { resource in Upstream::"local" };
@id("no-tools") forbid (principal, action, resource) when { context.origins.contains("tool") };
@id("portal-dev") permit (principal in Group::"dev", action == Action::"infer", resource == Model::"gpt-5") when { principal is User && principal.issuer == "corp" };
@id("breaks") forbid (principal in App::"broken", action, resource) when { context.weekday + 9223372036854775807 > 0 };
`;

/** The trained model decides nothing here, and takes seconds to load. */
const RULES_ONLY = { guards: { injection: { request: "off" } } };

let harness: Harness;
let issuer: TestIssuer;
let local: FakeUpstream;
let down = false;
const keys: Record<string, string> = {};

before(async () => {
  writeFileSync(join(folder, "gateway.cedar"), POLICIES);
  issuer = await startIssuer();
  local = await startFakeUpstream({ models: ["gpt-5", "llama"] });
  // The upstream outside, which fails when it is told to.
  const outside = await startFakeUpstream({
    models: ["gpt-5", "gpt-5-pro"],
    answer: (_, response) => {
      if (!down) return false;
      response.writeHead(500, { "content-type": "application/json" }).end("{}");
      return true;
    },
  });
  harness = await startHarness({
    upstreams: [
      { name: "outside", protocol: "openai", url: outside.url },
      { name: "local", protocol: "openai", url: local.url },
      { name: "claude", protocol: "anthropic", url: outside.url },
    ],
    config: {
      ...RULES_ONLY,
      authorization: { policies: folder },
      identity: {
        issuers: [{ name: "corp", issuer: issuer.url, audience: [AUDIENCE], app: "portal", groups: "groups" }],
      },
      models: {
        fast: [{ upstream: "outside", model: "gpt-5" }],
        // The name is permitted, and what stands behind it is not.
        slow: [{ upstream: "outside", model: "gpt-5-pro" }],
        unnamed: [{ upstream: "outside", model: "gpt-5" }],
      },
      retries: { backoffMs: 1 },
      limits: { requestsPerMinute: 1_000_000 },
    },
  });
  for (const app of ["shop", "nobody", "broken"]) {
    keys[app] = (await createKey(harness.db, { app }, systemClock)).key.reveal();
  }
  closing.push(() => outside.close());
});

const closing: (() => Promise<void>)[] = [];

after(async () => {
  await harness.close();
  await Promise.all([issuer.close(), local.close(), ...closing.map((close) => close())]);
  rmSync(folder, { recursive: true, force: true });
});

const as = (who: string): Record<string, string> => ({ authorization: `Bearer ${keys[who] ?? who}` });
const ask = (who: string, model: string, more: object = {}): Promise<Answer> =>
  harness.post("/v1/chat/completions", chat("hi", { model, ...more }), as(who));

async function decided(answer: Answer): Promise<unknown> {
  const receipt = await harness.receipt(answer.headers.get("x-request-id"));
  return [
    answer.status,
    receipt.error ?? receipt.outcome,
    receipt.authorization?.decision,
    receipt.authorization?.policies,
  ];
}

describe("a request", () => {
  it("is served where a policy permits it, and the receipt names the policy", async () => {
    assert.deepEqual(await decided(await ask("shop", "gpt-5")), [200, "served", "allow", ["shop"]]);
    assert.deepEqual(await decided(await ask("shop", "gpt-5", { stream: true })), [200, "served", "allow", ["shop"]]);
    const embedding = await harness.post("/v1/embeddings", { model: "gpt-5", input: "hi" }, as("shop"));
    assert.deepEqual(await decided(embedding), [200, "served", "allow", ["shop"]]);
  });

  it("is denied where none does, without being asked of any upstream, and the client learns no policy", async () => {
    const before = local.requests.length + harness.upstream.requests.length;
    for (const stream of [false, true]) {
      const answer = await ask("nobody", "gpt-5", { stream });
      assert.deepEqual(await decided(answer), [403, "gateway.policy-denied", "deny", []]);
      assert.equal(/shop|pii|cedar/i.test(answer.text), false, answer.text);
    }
    const claude = await harness.post("/v1/messages", message("hi"), as("shop"));
    assert.deepEqual(await decided(claude), [403, "gateway.policy-denied", "deny", []]);
    assert.equal(local.requests.length + harness.upstream.requests.length, before);
  });

  it("is denied by name where a policy fails", async () => {
    assert.deepEqual(await decided(await ask("broken", "gpt-5")), [403, "gateway.policy-error", "error", ["breaks"]]);
  });

  it("with personal data goes only where policy lets it, and with a tool's text nowhere", async () => {
    const messages = [{ role: "user", content: "write to maria.schmidt@example.com please" }];
    const answer = await ask("shop", "gpt-5", { messages });
    assert.deepEqual(await decided(answer), [200, "served", "allow", ["shop"]]);
    assert.equal((await harness.receipt(answer.headers.get("x-request-id"))).upstream?.name, "local");
    const tool = [
      { role: "user", content: "hi" },
      { role: "tool", tool_call_id: "c", content: "done" },
    ];
    assert.deepEqual(await decided(await ask("shop", "gpt-5", { messages: tool })), [
      403,
      "gateway.policy-denied",
      "deny",
      ["no-tools"],
    ]);
  });

  it("of a user is decided by the groups that the issuer signed, not by what the request says", async () => {
    const dev = await issuer.token({ groups: ["dev"] });
    assert.deepEqual(await decided(await ask(dev, "gpt-5")), [200, "served", "allow", ["portal-dev"]]);
    const other = await issuer.token({ groups: ["sales"] });
    assert.deepEqual(await decided(await ask(other, "gpt-5", { user: "corp/alice", metadata: { groups: "dev" } })), [
      403,
      "gateway.policy-denied",
      "deny",
      [],
    ]);
  });
});

describe("a name of the gateway's own", () => {
  it("is served where the name and the model are permitted", async () => {
    assert.deepEqual(await decided(await ask("shop", "fast")), [200, "served", "allow", ["shop", "fast-name"]]);
  });

  it("opens no way to a model that is not permitted, nor a model to a name", async () => {
    assert.deepEqual(await decided(await ask("shop", "slow")), [403, "gateway.policy-denied", "deny", []]);
    assert.deepEqual(await decided(await ask("shop", "unnamed")), [403, "gateway.policy-denied", "deny", []]);
  });
});

describe("a fallback", () => {
  it("goes on only to upstreams that are permitted", async () => {
    down = true;
    try {
      const answer = await ask("shop", "gpt-5");
      assert.equal((await harness.receipt(answer.headers.get("x-request-id"))).upstream?.name, "local");
      // The users of the portal may ask the model by policy anywhere; the pro model is permitted nowhere.
      assert.deepEqual(await decided(await ask("shop", "gpt-5-pro")), [200, "served", "allow", ["shop"]]);
      const before = local.requests.length;
      assert.equal((await ask("shop", "fast")).status, 502);
      assert.equal(local.requests.length, before);
    } finally {
      down = false;
    }
  });
});

describe("a listing", () => {
  it("shows only what may be asked", async () => {
    const listed = async (who: string): Promise<unknown> => {
      const answer = await harness.get("/v1/models", as(who));
      assert.equal(answer.status, 200, answer.text);
      return (answer.json["data"] as { id: string }[]).map(({ id }) => id).toSorted();
    };
    assert.deepEqual(await listed("shop"), ["fast", "gpt-5", "gpt-5", "llama"]);
    assert.deepEqual(await listed("nobody"), []);
    assert.deepEqual(await listed(await issuer.token({ groups: ["dev"] })), ["gpt-5", "gpt-5"]);
  });
});

describe("the gateway", () => {
  it("does not start with policies that are wrong", async () => {
    const wrong = mkdtempSync(join(tmpdir(), "holdfast-policies-"));
    try {
      writeFileSync(join(wrong, "a.cedar"), 'permit (principal, action == Action::"infre", resource);');
      await assert.rejects(startHarness({ config: { ...RULES_ONLY, authorization: { policies: wrong } } }), (error) =>
        isHoldfastError(error, "gateway.policy-invalid"),
      );
    } finally {
      rmSync(wrong, { recursive: true, force: true });
    }
  });

  it("says in its receipts which policies were in force", async () => {
    const id = (answer: Answer): string | null => answer.headers.get("x-request-id");
    const one = await harness.receipt(id(await ask("shop", "gpt-5")));
    writeFileSync(join(folder, "more.cedar"), '@id("more") permit (principal in App::"more", action, resource);');
    const second = await startHarness({ config: { ...RULES_ONLY, authorization: { policies: folder } } });
    const third = await startHarness({ config: RULES_ONLY });
    try {
      const digests = [one];
      for (const other of [second, third]) {
        digests.push(await other.receipt(id(await other.post("/v1/chat/completions", chat("hi")))));
      }
      assert.equal(new Set(digests.map(({ policy }) => policy.digest.sha256)).size, 3);
    } finally {
      await second.close();
      await third.close();
      rmSync(join(folder, "more.cedar"));
    }
  });
});
