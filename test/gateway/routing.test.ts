/** Several upstreams behind one model: which is asked, who may, what the client, the receipt and the metrics get to see. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { chatCompletion, chatEvents } from "../upstreams/answers.ts";
import { startFakeUpstream, type FakeScript, type FakeUpstream } from "../upstreams/fake.ts";
import { chat, message, startHarness, type Answer, type Harness, type HarnessOptions } from "./harness.ts";

const CHAT = "/v1/chat/completions";
/** In the form of a key of AWS, and of nobody. */
const AWS_KEY = ["AKIA", "Z3MGNQ4WTRKXUVYB"].join("");

/** Runs with several fake upstreams of these scripts, named a, b, c, … in the configuration. */
async function withUpstreams(
  scripts: readonly FakeScript[],
  options: Omit<HarnessOptions, "upstreams"> & { readonly more?: readonly Readonly<Record<string, unknown>>[] },
  use: (harness: Harness, upstreams: readonly FakeUpstream[]) => Promise<void>,
): Promise<void> {
  const upstreams = await Promise.all(scripts.map((script) => startFakeUpstream(script)));
  const { config, more = [], ...rest } = options;
  const harness = await startHarness({
    ...rest,
    config: { retries: { backoffMs: 1 }, ...config },
    upstreams: upstreams.map(({ url }, index) => ({
      name: "abcdef"[index],
      protocol: "openai",
      // Where its API begins, Gemini has another version in its path.
      url: more[index]?.["protocol"] === "gemini" ? `${url}beta` : url,
      ...more[index],
    })),
  });
  try {
    await use(harness, upstreams);
  } finally {
    await harness.close();
    for (const upstream of upstreams) await upstream.close();
  }
}

const failing = (status: number): FakeScript => ({
  answer(_, response) {
    response.writeHead(status, { "content-type": "application/json" });
    response.end('{"error":{"message":"out of order"}}');
    return true;
  },
});
const idOf = (answer: Answer): string | null => answer.headers.get("x-request-id");
const counts = (upstreams: readonly FakeUpstream[]): number[] => upstreams.map(({ requests }) => requests.length);
const modelsAsked = ({ requests }: FakeUpstream): unknown[] => requests.map(({ json }) => json?.["model"]);

describe("a model that several upstreams serve", () => {
  it("is asked of the first, and of the next when that fails, streamed or not", async () => {
    await withUpstreams(
      [failing(503), failing(500), { text: ["from c"] }],
      { telemetry: { metrics: true } },
      async (harness, upstreams) => {
        for (const stream of [false, true]) {
          const answer = await harness.post(CHAT, chat("hi", { stream }));
          assert.equal(answer.status, 200);
          assert.match(answer.text, /from c/);
          const receipt = await harness.receipt(idOf(answer));
          assert.deepEqual(receipt.upstream, {
            attempts: [
              { error: "gateway.upstream-error", name: "a", status: 503 },
              { error: "gateway.upstream-error", name: "b", status: 500 },
            ],
            model: "fake-model",
            name: "c",
            status: 200,
          });
          assert.equal(receipt.outcome, "served");
        }
        assert.deepEqual(counts(upstreams), [2, 2, 2]);
        const metrics = (await harness.gateway.metricsText?.()) ?? "";
        const attempts = "holdfast_upstream_attempts_total";
        assert.ok(metrics.includes(`${attempts}{upstream="a",error="gateway.upstream-error"} 2`), metrics);
        assert.ok(metrics.includes(`${attempts}{upstream="c",error=""} 2`));
        assert.ok(metrics.includes('holdfast_upstream_circuit_state{upstream="a"} 0'));
        assert.ok(metrics.includes('holdfast_upstream_in_flight{upstream="c"} 0'));
        assert.ok(metrics.includes('holdfast_upstream_waiting{upstream="c"} 0'));
      },
    );
  });

  it("is asked of each in turn within the bound, and the last failure is told", async () => {
    await withUpstreams([failing(503), failing(500)], {}, async (harness, upstreams) => {
      const answer = await harness.post(CHAT, chat("hi"));
      assert.equal(answer.status, 503);
      assert.equal(answer.json.error?.code, "gateway.upstream-error");
      assert.deepEqual(counts(upstreams), [2, 1]);
      const { upstream } = await harness.receipt(idOf(answer));
      assert.deepEqual(
        [...(upstream?.attempts ?? []), upstream].map((one) => [one?.name, one?.status]),
        [
          ["a", 503],
          ["b", 500],
          ["a", 503],
        ],
      );
    });
  });

  it("is never asked of a second one once the first has begun to answer", async () => {
    const half: FakeScript = {
      answer(request, response) {
        const stream = request.json?.["stream"] === true;
        response.writeHead(200, { "content-type": stream ? "text/event-stream" : "application/json" });
        const [first = ""] = chatEvents("fake-model", ["from a"], undefined, false);
        response.write(stream ? first : '{"id":"half', () => response.destroy());
        return true;
      },
    };
    await withUpstreams([half, {}], {}, async (harness, upstreams) => {
      for (const stream of [false, true]) {
        const answer = await harness.post(CHAT, chat("hi", { stream }));
        const receipt = await harness.receipt(idOf(answer));
        assert.equal(receipt.error, "gateway.upstream-broken");
        assert.equal(receipt.upstream?.attempts, undefined);
      }
      assert.deepEqual(counts(upstreams), [2, 0]);
    });
  });

  it("sends each upstream its own key, and none the other's", async () => {
    await withUpstreams(
      [failing(503), {}],
      { more: [{ key: { env: "KEY_A" } }, { key: { env: "KEY_B" } }], env: { KEY_A: "sk-a", KEY_B: "sk-b" } },
      async (harness, upstreams) => {
        await harness.post(CHAT, chat("hi"));
        assert.deepEqual(
          upstreams.map(({ requests }) => requests.map(({ headers }) => headers.authorization)),
          [["Bearer sk-a"], ["Bearer sk-b"]],
        );
      },
    );
  });

  it("is not asked of an upstream whose circuit is open, and a client learns when to come back", async () => {
    await withUpstreams(
      [failing(500)],
      { config: { retries: { attempts: 1 }, circuit: { failures: 3, openMs: 60_000 } }, telemetry: { metrics: true } },
      async (harness, upstreams) => {
        for (let round = 0; round < 5; round++) await harness.post(CHAT, chat("hi"));
        assert.deepEqual(counts(upstreams), [3]);
        assert.equal(
          harness.logged.filter((line) => line.includes('left alone for a while {"upstream":"a"}')).length,
          1,
        );
        const answer = await harness.post(CHAT, chat("hi"));
        assert.equal(answer.status, 503);
        assert.equal(answer.json.error?.code, "gateway.upstream-circuit-open");
        const seconds = Number(answer.headers.get("retry-after"));
        assert.ok(seconds > 50 && seconds <= 60, `${seconds}`);
        assert.match(
          (await harness.gateway.metricsText?.()) ?? "",
          /^holdfast_upstream_circuit_state\{upstream="a"\} 2$/m,
        );
      },
    );
  });

  it("waits for a place at a busy upstream, in a queue that has an end", async () => {
    const held: (() => void)[] = [];
    const slow: FakeScript = {
      answer: () =>
        new Promise((resolve) => {
          held.push(() => resolve(false));
        }),
    };
    await withUpstreams([slow], { more: [{ concurrency: 1, queue: 1 }] }, async (harness, [upstream]) => {
      const first = harness.post(CHAT, chat("hi"));
      while (held.length === 0) await new Promise(setImmediate);
      // One of the two waits, and the other one is told at once that it need not.
      const two = [harness.post(CHAT, chat("hi")), harness.post(CHAT, chat("hi"))];
      const refused = await Promise.race(two);
      assert.equal(refused.status, 503);
      assert.equal(refused.json.error?.code, "gateway.upstream-busy");
      assert.equal(refused.headers.get("retry-after"), "1");
      assert.equal(upstream?.requests.length, 1);
      held[0]?.();
      assert.equal((await first).status, 200);
      while (held.length < 2) await new Promise(setImmediate);
      held[1]?.();
      assert.deepEqual(
        (await Promise.all(two)).map(({ status }) => status).toSorted((one, other) => one - other),
        [200, 503],
      );
    });
  });
});

describe("a model under a name of the gateway's own", () => {
  const config = {
    models: {
      fast: [
        { upstream: "a", model: "small-1", weight: 3 },
        { upstream: "b", model: "vendor/small", weight: 1 },
        { upstream: "c", model: "old", weight: 0 },
      ],
      claude: [{ upstream: "d", model: "claude-x" }],
    },
  };
  const four: readonly FakeScript[] = [{}, {}, {}, {}];
  const more = [{}, {}, {}, { protocol: "anthropic" }];

  it("is asked of its upstreams by weight, each by its own name; weight 0 only when the others fail", async () => {
    await withUpstreams(four, { config, more, key: { requestsPerMinute: 10_000 } }, async (harness, upstreams) => {
      const rounds = 80;
      for (let round = 0; round < rounds; round++) {
        const answer = await harness.post(CHAT, chat("hi", { model: "fast", temperature: 0.25, stream: round === 0 }));
        assert.equal(answer.status, 200);
      }
      const [a = 0, b = 0, c = 0, d = 0] = counts(upstreams);
      assert.deepEqual([a + b, c, d], [rounds, 0, 0]);
      // 60 expected of 80, with a standard deviation of 3.9: beyond five of these is no chance.
      assert.ok(a > 40 && a < 80, `${a} of ${rounds}`);
      assert.deepEqual(new Set(upstreams.flatMap(modelsAsked)), new Set(["small-1", "vendor/small"]));
      assert.equal(upstreams[0]?.requests[0]?.json?.["temperature"], 0.25);
      const receipts = await harness.receipts();
      for (const { model, upstream } of receipts) {
        assert.equal(model, "fast");
        assert.equal(upstream?.asked, upstream?.name === "a" ? "small-1" : "vendor/small");
        assert.equal(upstream?.model, upstream?.asked);
      }
    });
  });

  it("falls back over all of them, and keeps what was masked masked", async () => {
    const failingFirst = [failing(503), failing(503), {}, {}];
    const guards = { secrets: { request: "mask" } };
    await withUpstreams(failingFirst, { config: { ...config, guards }, more }, async (harness, upstreams) => {
      const secret = AWS_KEY;
      const answer = await harness.post(CHAT, chat(`key ${secret}`, { model: "fast" }));
      assert.equal(answer.status, 200);
      assert.deepEqual(counts(upstreams), [1, 1, 1, 0]);
      assert.deepEqual(modelsAsked(upstreams[2] as FakeUpstream), ["old"]);
      for (const { requests } of upstreams) {
        for (const { body } of requests) assert.equal(body.includes(secret), false, "a masked text went out");
      }
    });
  });

  it("is served only over the protocol of its upstreams, and listed where it is", async () => {
    await withUpstreams(four, { config, more }, async (harness) => {
      assert.equal((await harness.post("/v1/messages", message("hi", { model: "claude" }))).status, 200);
      assert.equal(
        (await harness.post(CHAT, chat("hi", { model: "claude" }))).json.error?.code,
        "gateway.model-unknown",
      );
      const listing = await harness.get("/v1/models");
      const ids = (listing.json["data"] as { id: string }[]).map(({ id }) => id);
      assert.ok(ids.includes("fast"));
      assert.equal(ids.includes("claude"), false);
    });
  });

  it("takes the place of a model that stands in the path", async () => {
    const models = {
      fast: [{ upstream: "a", model: "gemini-2.0-flash" }],
      odd: [{ upstream: "a", model: "tuned/../x?y" }],
    };
    await withUpstreams([{}], { config: { models }, more: [{ protocol: "gemini" }] }, async (harness, [upstream]) => {
      const body = { contents: [{ role: "user", parts: [{ text: "hi" }] }] };
      const answer = await harness.post("/v1beta/models/fast:generateContent", body);
      assert.equal(answer.status, 200);
      const receipt = await harness.receipt(idOf(answer));
      assert.deepEqual([receipt.model, receipt.upstream?.asked], ["fast", "gemini-2.0-flash"]);
      await harness.post("/v1beta/models/odd:generateContent", body);
      assert.deepEqual(
        upstream?.requests.map(({ path }) => path),
        ["/v1beta/models/gemini-2.0-flash:generateContent", "/v1beta/models/tuned%2F..%2Fx%3Fy:generateContent"],
      );
      assert.deepEqual(upstream?.requests[0]?.json, body);
    });
  });

  it("widens nothing: a key must cover the name and what is behind it, an app the upstream", async () => {
    const cases = [
      [["fast"], [0, 0, 0, 0]],
      [["small-1"], [0, 0, 0, 0]],
      [
        ["fast", "old"],
        [0, 0, 1, 0],
      ],
      [
        ["fast", "vendor/*"],
        [0, 1, 0, 0],
      ],
    ] as const;
    for (const [models, expected] of cases) {
      await withUpstreams(four, { config, more, key: { models: [...models] } }, async (harness, upstreams) => {
        const answer = await harness.post(CHAT, chat("hi", { model: "fast" }));
        const served = expected.some((count) => count > 0);
        assert.equal(answer.status, served ? 200 : 403, models.join());
        if (!served) assert.equal(answer.json.error?.code, "gateway.model-forbidden");
        assert.deepEqual(counts(upstreams), expected, models.join());
        const ids = ((await harness.get("/v1/models")).json["data"] as { id: string }[]).map(({ id }) => id);
        assert.equal(ids.includes("fast"), served);
      });
    }
    const onlyOthers = [{ apps: ["other"] }, { apps: ["other"] }, { apps: ["test"] }, { protocol: "anthropic" }];
    await withUpstreams(four, { config, more: onlyOthers }, async (harness, upstreams) => {
      assert.equal((await harness.post(CHAT, chat("hi", { model: "fast" }))).status, 200);
      assert.deepEqual(counts(upstreams), [0, 0, 1, 0]);
    });
  });
});

describe("an upstream that answers with another model", () => {
  let model = "";
  let fingerprint = "fp_fake";
  const swapping: FakeScript = {
    answer(request, response) {
      if (request.json?.["stream"] === true) {
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (const event of chatEvents(model, ["Hello", " you"], undefined, false)) response.write(event);
        response.end();
      } else {
        const body = { ...(chatCompletion(model, "Hello you") as object), system_fingerprint: fingerprint };
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
      }
      return true;
    },
  };
  let flagging: Harness;
  before(async () => {
    flagging = await startHarness({ script: swapping, telemetry: { metrics: true } });
  });
  after(() => flagging.close());

  const rulesOf = async (harness: Harness, answer: Answer): Promise<string[]> => {
    const { guards } = await harness.receipt(idOf(answer));
    return (guards.response?.findings ?? []).map(({ rule }) => rule).filter((rule) => rule.startsWith("gateway."));
  };

  it("raises a finding, with what was asked for and what answered, streamed or not", async () => {
    for (const stream of [false, true]) {
      model = "cheap-model";
      const answer = await flagging.post(CHAT, chat("hi", { model: "big-model", stream }));
      assert.equal(answer.status, 200);
      assert.deepEqual(await rulesOf(flagging, answer), ["gateway.model-swapped"]);
      const receipt = await flagging.receipt(idOf(answer));
      assert.equal(receipt.guards.response?.action, "flag");
      assert.deepEqual([receipt.model, receipt.upstream?.model], ["big-model", "cheap-model"]);
      model = "big-model-2026-01-01";
      assert.deepEqual(
        await rulesOf(flagging, await flagging.post(CHAT, chat("hi", { model: "big-model", stream }))),
        [],
      );
    }
    const metrics = (await flagging.gateway.metricsText?.()) ?? "";
    assert.match(metrics, /^holdfast_guard_findings_total\{direction="response",rule="gateway\.model-swapped"\} 2$/m);
  });

  it("raises one finding for a fingerprint that was not there before", async () => {
    model = "steady";
    const seen: string[][] = [];
    for (fingerprint of ["fp_1", "fp_1", "fp_2", "fp_2", "fp_1"]) {
      seen.push(await rulesOf(flagging, await flagging.post(CHAT, chat("hi", { model: "steady" }))));
    }
    assert.deepEqual(seen, [[], [], ["gateway.fingerprint-changed"], [], []]);
  });

  it("is kept from the client where policy says so, to the last byte", async () => {
    const harness = await startHarness({ script: swapping });
    const strict = await startHarness({
      upstreams: [{ name: "u", protocol: "openai", url: harness.upstream.url, onModelSwap: "block" }],
    });
    try {
      for (const stream of [false, true]) {
        model = "cheap-model";
        const answer = await strict.post(CHAT, chat("hi", { model: "big-model", stream }));
        assert.equal(answer.text.includes("Hello"), false, answer.text);
        assert.match(answer.text, /gateway\.model-swapped/);
        const receipt = await strict.receipt(idOf(answer));
        assert.deepEqual([receipt.outcome, receipt.error], ["blocked", "gateway.answer-blocked"]);
        assert.equal(receipt.guards.response?.action, "block");
        model = "big-model";
        assert.match((await strict.post(CHAT, chat("hi", { model: "big-model", stream }))).text, /Hello/);
      }
    } finally {
      await strict.close();
      await harness.close();
    }
  });

  it("says nothing where the upstream has names of its own", async () => {
    const harness = await startHarness({ script: swapping });
    const lax = await startHarness({
      upstreams: [{ name: "u", protocol: "openai", url: harness.upstream.url, onModelSwap: "off" }],
    });
    try {
      model = "deployment-7";
      assert.deepEqual(await rulesOf(lax, await lax.post(CHAT, chat("hi"))), []);
    } finally {
      await lax.close();
      await harness.close();
    }
  });

  it("names itself in public only where its name holds no secret", async () => {
    model = AWS_KEY;
    const answer = await flagging.post(CHAT, chat("hi", { model: "big-model" }));
    const everything = [answer.text, ...(await flagging.entries()), ...flagging.logged].join("\n");
    assert.equal(everything.includes(AWS_KEY), false);
  });
});

describe("a listing of models", () => {
  it("that is none is refused", async () => {
    let data: unknown;
    const script: FakeScript = {
      answer(_, response) {
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ object: "list", data }));
        return true;
      },
    };
    await withUpstreams([script], {}, async (harness) => {
      for (data of [[null], [{}], [{ id: 7 }], ["m"], {}, null]) {
        const answer = await harness.get("/v1/models");
        assert.equal(answer.json.error?.code, "gateway.upstream-invalid", JSON.stringify(data));
      }
      data = [{ id: "m" }];
      assert.equal((await harness.get("/v1/models")).status, 200);
    });
  });
});
