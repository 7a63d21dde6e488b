/**
 * A secret in every place where one can stand: none of them may come back in what the gateway writes of a request
 * (logs, receipts, metrics, traces), whatever becomes of it, nor in an error that it answers with.
 *
 * The table is the test: each row puts a text of its own into one slot. What no detector knows is used wherever it can
 * be; in the two slots whose text is shown on purpose when it is harmless (the names of models), the form of a key.
 */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, describe, it, mock } from "node:test";
import { inspect } from "node:util";

import { gatewayConfig } from "../../src/gateway/index.ts";
import { openTargets } from "../../src/gateway/upstream/target.ts";
import { chatCompletion, chatEvents } from "../upstreams/answers.ts";
import { startFakeUpstream, type FakeUpstream } from "../upstreams/fake.ts";
import { startCollector, type Collector } from "./collector.ts";
import { chat, message, raw, startHarness, type Answer, type Harness } from "./harness.ts";
import { hitsOf, writtenBy } from "./planted.ts";

const CHAT = "/v1/chat/completions";
const MESSAGES = "/v1/messages";

/** A text that no detector takes for anything, different for each slot. */
const opaque = (slot: string): string => `canary${slot.replaceAll(/[^a-z]/gi, "")}zq7x`.toLowerCase();
/** In the form of a key of AWS, and of nobody. */
const KEY = ["AKIA", "Z3MGNQ4WTRKXUVYB"].join("");
const UPSTREAM_KEY = opaque("upstream key of the environment");
const COLLECTOR_TOKEN = opaque("token of the collector");

interface Slot {
  readonly slot: string;
  /** What is planted. Default: a text that no detector knows. */
  readonly secret?: string;
  /** The request. Default: a harmless one, so that the upstream's part is what counts. */
  readonly send?: (harness: Harness, secret: string) => Promise<Answer | string>;
  /** What the upstream answers. Default: a right answer. */
  readonly answer?: (response: ServerResponse, secret: string) => void;
  /** The client may see it: it is the model's own text to the client, or that of its provider. */
  readonly delivered?: boolean;
}

const json = (response: ServerResponse, status: number, body: unknown, headers = {}): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
};
const sse = (response: ServerResponse, events: readonly string[]): void => {
  response.writeHead(200, { "content-type": "text/event-stream" }).end(events.join(""));
};
const header = (name: string, more: Record<string, string> = {}, path = CHAT): Slot => ({
  slot: `header ${name}`,
  send: (harness, secret) =>
    harness.post(path, path === CHAT ? chat("hi") : message("hi"), { ...more, [name]: secret }),
});
const body = (slot: string, make: (secret: string) => unknown, path = CHAT): Slot => ({
  slot: `body ${slot}`,
  send: (harness, secret) => harness.post(path, make(secret)),
});
const upstream = (slot: string, answer: NonNullable<Slot["answer"]>, more: Partial<Slot> = {}): Slot => ({
  slot: `upstream ${slot}`,
  answer,
  ...more,
});

const SLOTS: readonly Slot[] = [
  // Headers: keys that are wrong, and what a client sends along.
  header("authorization"),
  { ...header("x-api-key"), send: (h, secret) => h.post(CHAT, chat("hi"), { authorization: "", "x-api-key": secret }) },
  header("x-api-key", {}),
  header("x-goog-api-key"),
  header("cookie"),
  header("proxy-authorization"),
  header("x-forwarded-for"),
  header("forwarded"),
  header("user-agent"),
  header("referer"),
  header("traceparent"),
  header("tracestate"),
  header("baggage"),
  header("x-request-id"),
  header("anthropic-version", {}, MESSAGES),
  header("anthropic-beta", {}, MESSAGES),
  header("content-type"),
  header("content-encoding"),
  header("openai-organization"),
  header("x-own-secret"),
  header("x-holdfast-guards"),
  header("x-holdfast-app"),
  header("idempotency-key"),
  header("accept"),
  header("if-none-match"),
  header("x-stainless-helper-method"),
  // The request line.
  { slot: "path", send: (h, secret) => h.get(`/v1/${secret}`) },
  { slot: "query", send: (h, secret) => h.post(`${CHAT}?x=${secret}`, chat("hi")) },
  { slot: "query key", send: (h, secret) => h.post(`${CHAT}?key=${secret}`, chat("hi")) },
  { slot: "query api_key", send: (h, secret) => h.post(`${CHAT}?api_key=${secret}`, chat("hi")) },
  {
    slot: "absolute target",
    send: (h, secret) =>
      raw(h.port, (socket) => socket.end(`GET http://u:${secret}@h/v1/models HTTP/1.1\r\nhost: h\r\n\r\n`)),
  },
  {
    slot: "method",
    send: (h, secret) => raw(h.port, (socket) => socket.end(`${secret} / HTTP/1.1\r\nhost: h\r\n\r\n`)),
  },
  { slot: "no HTTP", send: (h, secret) => raw(h.port, (socket) => socket.end(`${secret}\r\n\r\n`)) },
  // Bodies: what is passed on, what is refused, and what cannot be read.
  body("content", (secret) => chat(secret)),
  body("system", (secret) => chat("hi", { messages: [{ role: "system", content: secret }] })),
  body("name of a member", (secret) => chat("hi", { [secret]: 1 })),
  body("model", () => chat("hi", { model: KEY })),
  body("user", (secret) => chat("hi", { user: secret })),
  body("metadata", (secret) => chat("hi", { metadata: { secret } })),
  body("tool", (secret) => chat("hi", { tools: [{ type: "function", function: { name: secret, parameters: {} } }] })),
  body("wrong type", (secret) => ({ model: "m", messages: { secret } })),
  body("wrong role", (secret) => ({ model: "m", messages: [{ role: secret, content: 1 }] })),
  body("broken JSON", (secret) => `{"model": "${secret}`),
  body("name twice", (secret) => `{"model": "m", "${secret}": 1, "${secret}": 2}`),
  body("not UTF-8", (secret) => Buffer.concat([Buffer.from(`{"model":"${secret}`), Buffer.from([0xff, 0xfe])])),
  body("blocked", (secret) => chat(`${secret} ${String.fromCodePoint(0xe0041, 0xe0042, 0xe0043)}`)),
  body("found by a guard", () => chat(`my key is ${KEY}`)),
  body("of messages", (secret) => message(secret, { system: secret }), MESSAGES),
  body("of a response", (secret) => ({ model: "m", input: secret, instructions: secret }), "/v1/responses"),
  body("earlier answer", (secret) => ({ model: "m", input: "hi", previous_response_id: secret }), "/v1/responses"),
  body("file", (secret) => chat([{ type: "file", file: { file_id: secret } }])),
  body("item by its id alone", (secret) => ({ model: "m", input: [{ id: secret }] }), "/v1/responses"),
  body("container", (secret) => message("hi", { container: secret }), MESSAGES),
  body("text to embed", (secret) => ({ model: "m", input: [secret], user: secret }), "/v1/embeddings"),
  body("encoding", (secret) => ({ model: "m", input: "hi", encoding_format: secret }), "/v1/embeddings"),
  // What an upstream says of a failure, its own key among it.
  ...[400, 401, 403, 404, 422, 429, 500, 503, 529].map((status) =>
    upstream(
      `error ${status} with its key`,
      (response) => json(response, status, { error: { message: `wrong key: ${UPSTREAM_KEY}`, code: UPSTREAM_KEY } }),
      { secret: UPSTREAM_KEY },
    ),
  ),
  upstream("error with a key", (response) => json(response, 400, { error: { message: `see ${KEY}` } }), {
    secret: KEY,
  }),
  upstream("error message", (response, secret) => json(response, 400, { error: { message: secret } }), {
    delivered: true,
  }),
  upstream("error code", (response, secret) =>
    json(response, 400, { error: { message: "no", code: secret, type: secret } }),
  ),
  upstream("error page", (response, secret) => void response.writeHead(500).end(`<h1>${secret}</h1>`)),
  upstream("status line", (response, secret) => void response.writeHead(500, secret).end()),
  upstream("header", (response, secret) => json(response, 500, {}, { "x-debug": secret, "set-cookie": secret })),
  upstream("header of an answer", (response, secret) =>
    json(response, 200, chatCompletion("fake-model", "hi"), { "x-debug": secret, "set-cookie": secret }),
  ),
  upstream("retry-after", (response, secret) => json(response, 400, {}, { "retry-after": secret })),
  upstream("redirect", (response, secret) => void response.writeHead(302, { location: `http://h/${secret}` }).end()),
  upstream("content type", (response, secret) => json(response, 200, {}, { "content-type": secret })),
  upstream("content encoding", (response, secret) => json(response, 200, {}, { "content-encoding": secret })),
  upstream("no JSON", (response, secret) => void response.writeHead(200).end(secret)),
  upstream("no answer", (response, secret) => json(response, 200, { [secret]: secret })),
  // What an upstream answers.
  upstream("text", (response, secret) => json(response, 200, chatCompletion("fake-model", secret)), {
    delivered: true,
  }),
  upstream("model", (response) => json(response, 200, chatCompletion(KEY, "hi")), { secret: KEY }),
  upstream(
    "fingerprint",
    (response, secret) =>
      json(response, 200, { ...(chatCompletion("fake-model", "hi") as object), system_fingerprint: secret }),
    { delivered: true },
  ),
  ...["finish_reason", "id", "object"].map((name) =>
    upstream(
      name,
      (response, secret) => json(response, 200, { ...(chatCompletion("fake-model", "hi") as object), [name]: secret }),
      { delivered: true },
    ),
  ),
  ...(
    [
      ["text", (secret) => [...chatEvents("fake-model", [secret], undefined, true)], true],
      ["model", () => [...chatEvents(KEY, ["hi"], undefined, true)], false],
      ["error", (secret) => [`data: {"error":{"message":"${secret}","code":"${secret}"}}\n\n`], false],
      ["error with its key", () => [`data: {"error":{"message":"${UPSTREAM_KEY}"}}\n\n`], false],
      ["event name", (secret) => [`event: ${secret}\ndata: {"object":"x","choices":[]}\n\n`], true],
      ["broken event", (secret) => [`data: {"${secret}\n\n`], false],
      ["half", (secret) => [...chatEvents("fake-model", [secret], undefined, true)].slice(0, 2), true],
    ] as readonly (readonly [string, (secret: string) => readonly string[], boolean])[]
  ).map(([name, events, delivered]): Slot => ({
    ...upstream(`stream: ${name}`, (response, secret) => sse(response, events(secret)), { delivered }),
    send: (h) => h.post(CHAT, chat("hi", { stream: true })),
    ...(name === "model" ? { secret: KEY } : name === "error with its key" ? { secret: UPSTREAM_KEY } : {}),
  })),
];

const secretOf = ({ slot, secret }: Slot): string => secret ?? opaque(slot);

describe("a secret in a slot", () => {
  let harness: Harness;
  let model: FakeUpstream;
  let collector: Collector;
  let current: Slot | undefined;
  let asked = 0;
  const written: string[] = [];

  before(async () => {
    mock.method(process.stderr, "write", (text: string | Uint8Array): boolean => {
      written.push(Buffer.from(text).toString());
      return true;
    });
    collector = await startCollector();
    model = await startFakeUpstream({
      answer(request, response) {
        asked++;
        if (current?.answer === undefined) return false;
        current.answer(response, secretOf(current));
        return true;
      },
    });
    harness = await startHarness({
      upstreams: (["openai", "anthropic"] as const).map((protocol) => ({
        name: `the-${protocol}`,
        protocol,
        url: model.url,
        key: { env: "UPSTREAM_KEY" },
      })),
      config: {
        retries: { attempts: 1 },
        circuit: { failures: 10_000 },
        guards: { secrets: { request: "block", response: "block" } },
      },
      key: { requestsPerMinute: 100_000 },
      telemetry: { metrics: true, traces: { endpoint: `${collector.url}?token=${COLLECTOR_TOKEN}` } },
      env: { UPSTREAM_KEY },
    });
  });

  after(async () => {
    mock.restoreAll();
    await harness.close();
    await model.close();
    collector.close();
  });

  for (const slot of SLOTS) {
    it(`${slot.slot}: is not in what the client gets`, async () => {
      current = slot;
      const secret = secretOf(slot);
      const before = asked;
      const send = slot.send ?? ((one: Harness) => one.post(CHAT, chat("hi")));
      const got = await send(harness, secret);
      if (slot.answer !== undefined) assert.equal(asked, before + 1, "the upstream's part did not come about");
      const shown = typeof got === "string" ? got : `${got.text}\n${JSON.stringify([...got.headers])}`;
      if (slot.delivered === true) return;
      assert.equal(shown.includes(secret), false, shown);
    });
  }

  it("was really there: in what the upstream got, and in what the client may get", async () => {
    current = undefined;
    await harness.post(CHAT, chat(opaque("seen")));
    assert.ok(model.requests.at(-1)?.body.includes(opaque("seen")));
    assert.equal(model.requests.at(-1)?.headers.authorization, `Bearer ${UPSTREAM_KEY}`);
    current = SLOTS.find(({ slot }) => slot === "upstream text");
    assert.ok((await harness.post(CHAT, chat("hi"))).text.includes(opaque("upstream text")));
  });

  it("is in no log, receipt, metric or trace, whatever became of its request", async () => {
    const { places, receipts } = await writtenBy(harness, { collector, stderr: written });
    // Each of them was there to be searched.
    assert.ok(receipts.length >= SLOTS.length - ANONYMOUS);
    assert.ok(places.metric.includes("holdfast_requests_total"));
    assert.ok(collector.bodies.join("").split("holdfast.request.id").length > SLOTS.length - ANONYMOUS);
    const planted = SLOTS.map((slot) => [slot.slot, secretOf(slot)] as const);
    const own = [
      ["the gateway's own key", harness.key],
      ["the collector's token", COLLECTOR_TOKEN],
    ] as const;
    assert.deepEqual(hitsOf([...planted, ...own], places), []);
  });
});

/** Slots whose request never becomes one: what Node's parser refuses has no receipt. */
const ANONYMOUS = 10;

describe("a secret that an error of the gateway's own carries", () => {
  it("stays out of logs and answers", async () => {
    const secret = opaque("error of the ledger");
    const harness = await startHarness({
      wrapLedger: (ledger) => {
        let appended = 0;
        return {
          append: async (entry) => {
            if (appended++ > 0) throw Object.assign(new Error(`postgres://u:${secret}@h/db`), { code: secret });
            return await ledger.append(entry);
          },
        };
      },
    });
    try {
      const answers = [await harness.post(CHAT, chat("hi")), await harness.post(CHAT, chat("hi"))];
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 503],
      );
      const everything = [...answers.map(({ text }) => text), ...harness.logged, ...(await harness.entries())].join(
        "\n",
      );
      assert.match(everything, /ledger/);
      assert.equal(everything.includes(secret), false, everything);
    } finally {
      await harness.close();
    }
  });
});

describe("a secret in the configuration", () => {
  const secret = opaque("configuration");
  const { circuit, timeouts } = gatewayConfig.parse(undefined);
  const said = (run: () => unknown): string => {
    try {
      return inspect(run(), { depth: 8, showHidden: true, getters: true });
    } catch (error) {
      return inspect(error, { depth: 8, showHidden: true });
    }
  };

  it("is not in what is thrown for a key in the wrong place, or made of the wrong characters", () => {
    const one = { name: "u", protocol: "openai", url: "http://127.0.0.1:1/v1" };
    const wrong = (more: object): string => said(() => gatewayConfig.parse({ upstreams: [{ ...one, ...more }] }));
    for (const text of [
      wrong({ key: secret }),
      wrong({ key: { value: secret } }),
      wrong({ url: `http://u:${secret}@127.0.0.1/v1` }),
      wrong({ url: `http://127.0.0.1/v1?key=${secret}` }),
      wrong({ url: `http://127.0.0.1/v1#${secret}` }),
      wrong({ protocol: secret }),
      said(() =>
        openTargets(gatewayConfig.parse({ upstreams: [{ ...one, key: { env: "K" } }] }).upstreams, {
          circuit,
          timeouts,
          env: { K: `${secret}\n\nx` },
        }),
      ),
    ]) {
      assert.match(text, /Error/);
      assert.equal(text.includes(secret), false, text);
    }
  });

  it("does not print with what holds it", async () => {
    const { upstreams } = gatewayConfig.parse({
      upstreams: [{ name: "u", protocol: "openai", url: "http://127.0.0.1:1/v1", key: { env: "K" } }],
    });
    const targets = openTargets(upstreams, { circuit, timeouts, env: { K: secret } });
    assert.equal(targets[0]?.key?.reveal(), secret);
    assert.equal(said(() => targets).includes(secret), false);
    assert.equal(JSON.stringify({ ...targets[0], pool: undefined }).includes(secret), false);
    await targets[0]?.pool.destroy();
  });
});
