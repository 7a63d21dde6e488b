/** Upstreams that misbehave, and clients that leave: every case ends soon, says what happened, and leaks nothing. */

import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { describe, it } from "node:test";

import { misbehaviours, startHostileUpstream, type MisbehaviourName } from "../upstreams/hostile.ts";
import { chat, message, startHarness, type Answer, type Harness, type HarnessOptions } from "./harness.ts";

/** The key that the gateway holds for its upstream; misbehaving upstreams give it away in what they answer. */
const UPSTREAM_KEY = "sk-upstream-0123456789abcdef";

const quick: HarnessOptions = {
  config: {
    limits: { responseBytes: 1_048_576, answerBytes: 1_048_576 },
    timeouts: { connectMs: 500, firstByteMs: 300, idleMs: 300, totalMs: 4_000 },
    retries: { attempts: 1 },
  },
  env: { UPSTREAM_KEY },
};

/** What may become of a request, by the upstream's misbehaviour; an entry for both ways where they agree. */
const expected: Readonly<Record<MisbehaviourName, { readonly whole: RegExp; readonly stream?: RegExp }>> = {
  refused: { whole: /^gateway\.upstream-unreachable$/ },
  "slow-headers": { whole: /^gateway\.upstream-timeout$/ },
  // An answer that calls itself a stream, to a client that asked for none, is read whole and then makes no sense.
  stall: { whole: /^gateway\.upstream-timeout$/ },
  "stall-body": { whole: /^gateway\.upstream-timeout$/ },
  garbage: { whole: /^gateway\.upstream-invalid$/ },
  html: { whole: /^gateway\.upstream-invalid$/ },
  "html-as-json": { whole: /^gateway\.upstream-invalid$/ },
  "invalid-json": { whole: /^gateway\.upstream-invalid$/ },
  "other-json": { whole: /^gateway\.upstream-invalid$/ },
  "other-lists": { whole: /^gateway\.upstream-invalid$/ },
  "empty-body": { whole: /^gateway\.upstream-invalid$/ },
  "invalid-utf8": { whole: /^gateway\.upstream-invalid$/ },
  "short-body": { whole: /^gateway\.upstream-broken$/ },
  "truncated-chunks": { whole: /^gateway\.upstream-broken$/ },
  "truncated-stream": { whole: /^gateway\.upstream-(?:invalid|broken)$/, stream: /^gateway\.upstream-broken$/ },
  oversized: { whole: /^gateway\.upstream-too-large$/ },
  "infinite-stream": { whole: /^gateway\.upstream-too-large$/ },
  "infinite-event": { whole: /^gateway\.upstream-too-large$/, stream: /^gateway\.upstream-(?:too-large|invalid)$/ },
  "infinite-comments": { whole: /^gateway\.upstream-too-large$/ },
  "error-in-stream": { whole: /^gateway\.upstream-(?:invalid|error)$/, stream: /^gateway\.upstream-error$/ },
  "error-status": { whole: /^gateway\.upstream-error$/ },
  gzip: { whole: /^gateway\.upstream-invalid$/ },
  "huge-headers": { whole: /^gateway\.upstream-invalid$/ },
  redirect: { whole: /^gateway\.upstream-invalid$/ },
  "early-hints": { whole: /^$/ },
  "two-lengths": { whole: /^gateway\.upstream-(?:invalid|broken)$/ },
  "reset-early": { whole: /^gateway\.upstream-broken$/ },
  "reset-late": { whole: /^gateway\.upstream-broken$/ },
};

async function withHostile(
  name: MisbehaviourName,
  use: (harness: Harness) => Promise<void>,
  options: Parameters<typeof startHostileUpstream>[1] = {},
): Promise<void> {
  const upstream = await startHostileUpstream(name, { bytes: 4 * 1_048_576, ...options });
  const harness = await startHarness({
    ...quick,
    upstreams: (["openai", "anthropic"] as const).map((protocol) => ({
      name: `hostile-${protocol}`,
      protocol,
      url: upstream.url,
      key: { env: "UPSTREAM_KEY" },
    })),
  });
  try {
    await use(harness);
  } finally {
    await harness.close();
    await upstream.close();
  }
}

async function judge(harness: Harness, answer: Answer, code: RegExp): Promise<void> {
  const receipt = await harness.receipt(answer.headers.get("x-request-id"));
  assert.match(receipt.error ?? "", code, answer.text.slice(0, 300));
  const everything = [answer.text, ...(await harness.entries()), ...harness.logged].join("\n");
  assert.equal(everything.includes(UPSTREAM_KEY), false, "the upstream's key leaked");
  assert.doesNotMatch(
    answer.text,
    /at .*\.(?:ts|js):\d+|node:internal|ECONN|UND_ERR/,
    "a stack or an internal code leaked",
  );
  if (receipt.error === undefined) return;
  assert.equal(receipt.outcome, "failed");
  // Before the first byte it is an HTTP error; afterwards an error event, and never a regular end.
  if (answer.status === 200) {
    assert.match(answer.text, /"error"/);
    assert.equal(answer.text.includes("[DONE]") || answer.text.includes("message_stop"), false);
  } else {
    assert.ok(answer.status >= 400);
    assert.ok(answer.json.error?.message);
  }
}

describe("an upstream that misbehaves", () => {
  it("is in the table with every way it can", () => {
    assert.deepEqual(Object.keys(expected).toSorted(), [...Object.keys(misbehaviours), "refused"].toSorted());
  });

  for (const name of Object.keys(expected) as MisbehaviourName[]) {
    it(`${name}: named to the client and in the receipt`, async () => {
      await withHostile(name, async (harness) => {
        const { whole, stream = whole } = expected[name];
        for (const [path, body] of [
          ["/v1/chat/completions", chat("hi")],
          ["/v1/messages", message("hi")],
        ] as const) {
          const started = performance.now();
          await judge(harness, await harness.post(path, body), whole);
          await judge(harness, await harness.post(path, { ...body, stream: true }), stream);
          // Time-outs here are 300 ms; a hang would take for ever. The bound leaves room for a busy machine.
          assert.ok(performance.now() - started < 20_000);
        }
      });
    });
  }

  for (const [status, code, answered] of [
    [400, "gateway.upstream-rejected", 400],
    [401, "gateway.upstream-credentials", 502],
    [403, "gateway.upstream-credentials", 502],
    [404, "gateway.upstream-rejected", 404],
    [429, "gateway.upstream-rate-limited", 429],
    [500, "gateway.upstream-error", 502],
    [503, "gateway.upstream-error", 503],
    [529, "gateway.upstream-error", 503],
  ] as const) {
    it(`status ${status}: answered with ${answered}, without the upstream's key`, async () => {
      await withHostile(
        "error-status",
        async (harness) => {
          const answer = await harness.post("/v1/chat/completions", chat("hi"));
          assert.equal(answer.status, answered);
          await judge(harness, answer, new RegExp(`^${code.replace(".", "\\.")}$`));
        },
        { status },
      );
    });
  }
});

describe("a client that goes away", () => {
  const leave = async (harness: Harness, body: object): Promise<number> => {
    const text = JSON.stringify(body);
    const disconnected = harness.upstream.disconnected();
    const left = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(
        {
          port: harness.port,
          host: "127.0.0.1",
          method: "POST",
          path: "/v1/chat/completions",
          headers: {
            authorization: `Bearer ${harness.key}`,
            "content-type": "application/json",
            "content-length": Buffer.byteLength(text),
          },
        },
        (response) => {
          response.once("data", () => {
            resolve(performance.now());
            request.destroy();
          });
        },
      );
      request.on("error", () => undefined);
      if ((body as { stream?: boolean }).stream !== true) {
        const wait = setInterval(() => {
          if (harness.upstream.requests.length === 0) return;
          clearInterval(wait);
          resolve(performance.now());
          request.destroy();
        }, 5);
      }
      setTimeout(reject, 10_000, new Error("nothing came")).unref();
      request.end(text);
    });
    const gone = await disconnected;
    return (gone.disconnectedAt ?? Number.NaN) - left;
  };

  for (const [how, body] of [
    ["in mid-stream", chat("hi", { stream: true })],
    ["while it waits for a whole answer", chat("hi")],
  ] as const) {
    it(`${how}: the upstream is cancelled within 100 ms`, async () => {
      const delays: number[] = [];
      for (let round = 0; round < 3; round++) {
        const harness = await startHarness({
          script: {
            text: ["word "],
            repeat: 10_000,
            delayMs: 5,
            answer: async (request) => {
              if (request.json?.["stream"] === true) return false;
              await new Promise(() => undefined);
              return true;
            },
          },
        });
        try {
          delays.push(await leave(harness, body));
          while (harness.gateway.tally().inFlight > 0) await new Promise(setImmediate);
          const [receipt] = await harness.receipts();
          assert.equal(receipt?.outcome, "cancelled");
        } finally {
          await harness.close();
        }
      }
      // The best of three: one round may be held up by the machine, not by the gateway.
      assert.ok(Math.min(...delays) < 100, `${delays.map((ms) => ms.toFixed(1)).join(", ")} ms`);
    });
  }
});

describe("closing the gateway", () => {
  it("lets a request in flight end, and takes no new one", async () => {
    let answerNow: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      answerNow = resolve;
    });
    const harness = await startHarness({
      script: {
        answer: async () => {
          await held;
          return false;
        },
      },
    });
    const inFlight = harness.post("/v1/chat/completions", chat("hi"));
    while (harness.upstream.requests.length === 0) await new Promise(setImmediate);
    const closed = harness.gateway.close(5_000);
    await assert.rejects(harness.post("/v1/chat/completions", chat("late")));
    answerNow();
    assert.equal((await inFlight).status, 200);
    await closed;
    assert.equal((await harness.receipts()).length, 1);
    await harness.close();
  });
});
