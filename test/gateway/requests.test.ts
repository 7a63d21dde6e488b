/** Requests from end to end: what is served, what is refused, and what the receipts say of it. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createKey, revokeKey } from "../../src/gateway/index.ts";
import { systemClock } from "../../src/core/index.ts";
import { verifyCommitment } from "../../src/ledger/index.ts";
import { chat, message, startHarness, type Harness } from "./harness.ts";

let harness: Harness;

before(async () => {
  harness = await startHarness();
});

after(async () => {
  await harness.close();
});

const idOf = (answer: { headers: Headers }): string | null => answer.headers.get("x-request-id");

describe("a served request", () => {
  it("reaches the upstream byte for byte, and the answer comes back byte for byte", async () => {
    const body = JSON.stringify(chat("hello", { unknown_field: [1, { deep: "x" }], temperature: 1.0 }), null, 3);
    const answer = await harness.post("/v1/chat/completions", body);
    assert.equal(answer.status, 200);
    const seen = harness.upstream.requests.at(-1);
    assert.equal(seen?.body, body);
    assert.equal(seen?.headers.authorization, undefined);
    assert.equal(JSON.stringify(seen?.headers).includes(harness.key), false);
  });

  it("leaves a receipt that commits to both without containing them", async () => {
    const body = JSON.stringify(chat("a very recognisable prompt"));
    const answer = await harness.post("/v1/chat/completions", body);
    const id = idOf(answer);
    const receipt = await harness.receipt(id);
    assert.equal(receipt.outcome, "served");
    assert.equal(receipt.route, "openai.chat");
    assert.equal(receipt.model, "fake-model");
    assert.equal(receipt.principal?.app, "test");
    assert.equal(receipt.upstream?.name, "fake-openai");
    assert.equal(receipt.upstream?.status, 200);
    assert.equal(receipt.upstream?.model, "fake-model");
    assert.equal(receipt.status, 200);
    assert.equal(typeof receipt.tokens.output, "number");
    assert.equal(typeof receipt.tokens.input, "number");
    assert.ok(receipt.timing.totalMs > 0);
    assert.deepEqual(
      receipt.guards.request?.runs.map((run) => [run.detector, run.outcome]),
      [
        ["unicode", "ran"],
        ["secrets", "ran"],
        ["injection", "ran"],
        ["pii", "ran"],
        ["moderation", "not-scanned"],
        ["leak", "not-scanned"],
        ["exfiltration", "ran"],
      ],
    );
    assert.deepEqual([receipt.guards.request?.action, receipt.guards.response?.action], ["allow", "allow"]);
    const salt = harness.committer.salt(receipt.id);
    for (const [field, content] of [
      ["request", body],
      ["response", answer.text],
    ] as const) {
      const commitment = receipt[field]?.commitment ?? "";
      assert.equal(verifyCommitment({ salt, field, content: Buffer.from(content), commitment }), true);
      assert.equal(verifyCommitment({ salt, field, content: Buffer.from(`${content} `), commitment }), false);
    }
    assert.equal(receipt.response?.bytes, Buffer.byteLength(answer.text));
    assert.equal((await harness.entries()).join("").includes("recognisable"), false);
  });

  it("works for every route", async () => {
    const embeddings = await harness.post("/v1/embeddings", { model: "fake-model", input: ["a", "b"] });
    assert.equal(embeddings.status, 200);
    const models = await harness.get("/v1/models");
    assert.deepEqual(
      (models.json as unknown as { data: { id: string }[] }).data.map((model) => model.id),
      ["fake-model"],
    );
    const messages = await harness.post("/v1/messages", message("hi"), { "anthropic-version": "2023-06-01" });
    assert.equal(messages.status, 200);
    for (const [answer, route] of [
      [embeddings, "openai.embeddings"],
      [models, "openai.models"],
      [messages, "anthropic.messages"],
    ] as const) {
      assert.equal((await harness.receipt(idOf(answer))).route, route);
    }
  });

  for (const path of ["/v1/chat/completions", "/v1/messages"]) {
    it(`streams ${path}, and the receipt counts what the client got`, async () => {
      const body = path.endsWith("messages") ? message("hi", { stream: true }) : chat("hi", { stream: true });
      const answer = await harness.post(path, body);
      assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
      assert.ok(answer.text.includes("afar."));
      const receipt = await harness.receipt(idOf(answer));
      assert.equal(receipt.stream, true);
      assert.equal(receipt.outcome, "served");
      assert.equal(receipt.upstream?.model, "fake-model");
      assert.equal(receipt.response?.bytes, Buffer.byteLength(answer.text));
      assert.equal(
        receipt.response?.commitment,
        harness.committer.commit(receipt.id, "response", Buffer.from(answer.text)),
      );
    });
  }
});

describe("a listing of models", () => {
  it("shows a key only what it may use", async () => {
    const other = await startHarness({ script: { models: ["gpt-a", "gpt-b", "llama"] }, key: { models: ["gpt-*"] } });
    try {
      const listed = (await other.get("/v1/models")).json as unknown as { data: { id: string }[] };
      assert.deepEqual(
        listed.data.map((model) => model.id),
        ["gpt-a", "gpt-b"],
      );
    } finally {
      await other.close();
    }
  });
});

describe("a request without a right", () => {
  const routes = [
    ["POST", "/v1/chat/completions", "openai"],
    ["POST", "/v1/embeddings", "openai"],
    ["GET", "/v1/models", "openai"],
    ["POST", "/v1/messages", "anthropic"],
  ] as const;

  it("gets 401 or 403 in its own protocol's format, and a receipt", async () => {
    const wrong = harness.key.slice(0, -1) + (harness.key.endsWith("0") ? "1" : "0");
    const expired = await createKey(harness.db, { app: "test", expiresAt: systemClock.now() + 1 }, systemClock);
    const revoked = await createKey(harness.db, { app: "test" }, systemClock);
    await revokeKey(harness.db, revoked.id, systemClock);
    const scoped = await createKey(harness.db, { app: "test", models: ["other"] }, systemClock);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    const attempts = [
      ["", 401, "gateway.key-missing"],
      ["hf_nonsense", 401, "gateway.key-invalid"],
      [wrong, 401, "gateway.key-invalid"],
      [expired.key.reveal(), 401, "gateway.key-expired"],
      [revoked.key.reveal(), 401, "gateway.key-revoked"],
      [scoped.key.reveal(), 403, "gateway.model-forbidden"],
    ] as const;
    const before = harness.upstream.requests.length;
    for (const [method, path, protocol] of routes) {
      for (const [key, status, code] of attempts) {
        if (method === "GET" && status === 403) continue;
        const headers = { authorization: `Bearer ${key}` };
        const input = path.endsWith("embeddings") ? { model: "fake-model", input: "x" } : message("hi");
        const answer = method === "GET" ? await harness.get(path, headers) : await harness.post(path, input, headers);
        assert.equal(answer.status, status, `${path} ${code}: ${answer.text}`);
        assert.ok(answer.json.error?.message);
        if (protocol === "anthropic") assert.equal(answer.json["type"], "error");
        else assert.ok("param" in (answer.json.error as object));
        const receipt = await harness.receipt(idOf(answer));
        assert.equal(receipt.outcome, "refused");
        assert.equal(receipt.error, code);
      }
    }
    assert.equal(harness.upstream.requests.length, before, "nothing reached the upstream");
  });

  it("is kept from another app's upstream", async () => {
    const other = await startHarness({
      upstreams: [{ name: "theirs", protocol: "openai", url: "http://127.0.0.1:9", apps: ["theirs"] }],
    });
    try {
      const answer = await other.post("/v1/chat/completions", chat("hi"));
      assert.equal(answer.status, 403);
      assert.equal((await other.receipt(idOf(answer))).error, "gateway.model-forbidden");
    } finally {
      await other.close();
    }
  });
});

describe("the limits", () => {
  it("refuse with their name and number, and never truncate", async () => {
    const small = await startHarness({
      config: { limits: { bodyBytes: 2_000, jsonDepth: 8, messages: 3, inputTokens: 100 } },
    });
    try {
      const many = { model: "m", messages: Array.from({ length: 4 }, () => ({ role: "user", content: "x" })) };
      const deep = JSON.stringify(chat([[[[[[[["x"]]]]]]]]));
      const cases = [
        [chat("x".repeat(3_000)), 413, "limit 2000 bytes"],
        [deep, 400, "limit 8 levels (jsonDepth)"],
        [many, 413, "limit 3 (messages)"],
        [chat("word ".repeat(300)), 413, "limit 100 (inputTokens)"],
        [{ model: "m", input: ["a", "b", "c", "d"] }, 413, "limit 3 (messages)"],
      ] as const;
      for (const [body, status, words] of cases) {
        const path = typeof body === "object" && "input" in body ? "/v1/embeddings" : "/v1/chat/completions";
        const answer = await small.post(path, body);
        assert.equal(answer.status, status, answer.text);
        assert.ok(answer.json.error?.message.includes(words), answer.text);
        assert.equal((await small.receipt(idOf(answer))).outcome, "refused");
      }
      assert.equal(small.upstream.requests.length, 0);
    } finally {
      await small.close();
    }
  });

  it("stop a key at its rate, with retry-after", async () => {
    const limited = await startHarness({ key: { requestsPerMinute: 3 } });
    try {
      const answers = [];
      for (let sent = 0; sent < 5; sent++) answers.push(await limited.get("/v1/models"));
      assert.deepEqual(
        answers.map((answer) => answer.status),
        [200, 200, 200, 429, 429],
      );
      const refused = answers[4] as (typeof answers)[number];
      assert.ok(Number(refused.headers.get("retry-after")) >= 1);
      assert.ok(refused.json.error?.message.includes("limit 3 requests a minute"));
      assert.equal((await limited.receipt(idOf(refused))).error, "gateway.rate-limited");
    } finally {
      await limited.close();
    }
  });

  it("stop a key at its requests in flight, and give the place back", async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const busy = await startHarness({
      key: { concurrency: 2 },
      script: {
        answer: async () => {
          await held;
          return false;
        },
      },
    });
    try {
      const first = [busy.post("/v1/chat/completions", chat("1")), busy.post("/v1/chat/completions", chat("2"))];
      while (busy.upstream.requests.length < 2) await new Promise(setImmediate);
      const third = await busy.post("/v1/chat/completions", chat("3"));
      assert.equal(third.status, 429);
      assert.ok(third.json.error?.message.includes("limit 2 requests at a time"));
      release();
      assert.deepEqual(
        (await Promise.all(first)).map((answer) => answer.status),
        [200, 200],
      );
      assert.equal((await busy.post("/v1/chat/completions", chat("4"))).status, 200);
    } finally {
      release();
      await busy.close();
    }
  });
});

describe("the gateway's own state", () => {
  it("is told without a key, and without a receipt", async () => {
    const before = (await harness.receipts()).length;
    for (const path of ["/healthz", "/readyz"]) {
      const answer = await harness.get(path, { authorization: "" });
      assert.equal(answer.status, 200);
      assert.equal(answer.json["status"], "ok");
    }
    assert.equal((await harness.receipts()).length, before);
  });

  it("is not ready without an upstream, and says so to a client too", async () => {
    const bare = await startHarness({ upstreams: [] });
    try {
      const ready = await bare.get("/readyz");
      assert.equal(ready.status, 503);
      const answer = await bare.post("/v1/chat/completions", chat("hi"));
      assert.equal(answer.status, 503);
      assert.match(answer.json.error?.message ?? "", /no model is configured/);
      assert.equal((await bare.receipt(idOf(answer))).error, "gateway.no-upstream");
      const hidden = String.fromCodePoint(0xe0041, 0xe0042, 0xe0043, 0xe0044, 0xe0045);
      assert.equal((await bare.post("/v1/chat/completions", chat(`hi${hidden}`))).status, 403, "protection works");
    } finally {
      await bare.close();
    }
  });

  it("is alive and not ready while the database is away", async () => {
    let away = false;
    const lone = await startHarness({ wrapDb: (db) => ({ ...db, away: () => away }) });
    try {
      assert.equal((await lone.get("/readyz")).status, 200);
      away = true;
      const ready = await lone.get("/readyz");
      assert.deepEqual([ready.status, ready.json["why"]], [503, "the database does not answer"]);
      assert.equal((await lone.get("/healthz")).status, 200);
      away = false;
      assert.equal((await lone.get("/readyz")).status, 200);
    } finally {
      await lone.close();
    }
  });

  it("serves nothing when the ledger takes no receipts", async () => {
    let broken = false;
    const failing = await startHarness({
      wrapLedger: (ledger) => ({
        append: async (entry) => {
          if (broken) throw new Error("disk full");
          return await ledger.append(entry);
        },
      }),
    });
    try {
      assert.equal((await failing.post("/v1/chat/completions", chat("hi"))).status, 200);
      broken = true;
      for (const body of [chat("hi"), chat("hi", { stream: true })]) {
        const answer = await failing.post("/v1/chat/completions", body);
        assert.equal(answer.status === 503 || answer.text.includes("error"), true, answer.text);
        assert.equal(answer.text.includes("[DONE]"), false);
        assert.equal(answer.text.includes("disk full"), false);
      }
      assert.equal((await failing.get("/readyz")).status, 503);
      assert.ok(failing.gateway.tally().lost > 0);
    } finally {
      await failing.close();
    }
  });

  it("counts every request that ended", async () => {
    const { received, recorded, unrecorded, lost, inFlight } = harness.gateway.tally();
    assert.deepEqual([lost, inFlight], [0, 0]);
    assert.equal(received, recorded + unrecorded);
    assert.equal((await harness.receipts()).length, recorded);
  });
});
