/**
 * What gateways of this kind commonly leave open, probe by probe: a forbidden word in every place where guards were found
 * not to look, a guard that fails, a way round the table of routes. The same attack each time, and that it gets nowhere.
 * Streams are in `gaps-streams.test.ts`; where a gap is a subject of its own, its test has a file of its own beside this one.
 */

import assert from "node:assert/strict";
import { request as httpRequest, type ServerResponse } from "node:http";
import { after, before, describe, it } from "node:test";

import { gatewayConfig } from "../../src/gateway/index.ts";
import { sql } from "../../src/storage/index.ts";
import { chatCompletion, chatEvents } from "../upstreams/answers.ts";
import { fakeItems, response as wholeResponse, responseEvents } from "../upstreams/responses.ts";
import { chat, message, OTHER_GUARDS_OFF, raw, startHarness, type Answer, type Harness } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const WORD = "zebrafish";
/** The word with a character in it that nobody sees. */
const HIDDEN = `zebra\u200bfish`;

const rules = [{ id: "word", message: "says what is not said here", words: [WORD] }];
const GUARDS = { ...OTHER_GUARDS_OFF, custom: { request: "block", response: "block", rules } };

describe("a rule about a word", () => {
  let harness: Harness;
  let says: ((response: ServerResponse, stream: boolean) => void) | undefined;
  before(async () => {
    harness = await startHarness({
      config: { guards: GUARDS },
      script: {
        answer({ json: body }, response) {
          if (says === undefined) return false;
          says(response, body?.["stream"] === true);
          return true;
        },
      },
    });
  });
  after(async () => {
    await harness.close();
  });

  const json = (response: ServerResponse, value: unknown): void => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  const sse = (response: ServerResponse, events: Iterable<string>): void => {
    response.writeHead(200, { "content-type": "text/event-stream" }).end([...events].join(""));
  };
  const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
  const pieces = ["the ze", "braf", "ish swims"];
  const call = { name: "f", arguments: ['{"a":"ze', 'brafish"}'] };
  const chunk = (choice: object): string =>
    data({ id: "c", object: "chat.completion.chunk", created: 0, model: "m", choices: [choice] });

  const answers: Readonly<
    Record<string, readonly [string, object, (response: ServerResponse, stream: boolean) => void]>
  > = {
    "an answer": [
      CHAT,
      chat("hi"),
      (response, stream) => {
        if (stream) sse(response, chatEvents("m", pieces, undefined, true));
        else json(response, chatCompletion("m", pieces.join("")));
      },
    ],
    "the second of two answers": [
      CHAT,
      chat("hi", { n: 2 }),
      (response, stream) => {
        if (!stream) {
          const { choices, ...rest } = chatCompletion("m", "fine") as { choices: { message: object }[] };
          const second = { ...choices[0], index: 1, message: { role: "assistant", content: pieces.join("") } };
          json(response, { ...rest, choices: [...choices, second] });
          return;
        }
        sse(response, [
          chunk({ index: 0, delta: { role: "assistant", content: "fine" }, finish_reason: null }),
          ...pieces.map((content) => chunk({ index: 1, delta: { content }, finish_reason: null })),
          chunk({ index: 0, delta: {}, finish_reason: "stop" }),
          chunk({ index: 1, delta: {}, finish_reason: "stop" }),
          "data: [DONE]\n\n",
        ]);
      },
    ],
    "the arguments of a tool call": [
      CHAT,
      chat("hi"),
      (response, stream) => {
        if (stream) sse(response, chatEvents("m", ["calling"], call, true));
        else json(response, chatCompletion("m", "calling", call));
      },
    ],
    "an answer of the Responses API": [
      "/v1/responses",
      { model: "m", input: "hi" },
      (response, stream) => {
        const items = fakeItems(pieces, undefined);
        if (stream) sse(response, responseEvents("m", items));
        else json(response, wholeResponse("m", items));
      },
    ],
  };
  for (const [what, [path, body, answer]] of Object.entries(answers)) {
    for (const stream of [false, true]) {
      it(`holds in ${what}${stream ? ", streamed" : ""}: no piece of it is delivered`, async () => {
        says = answer;
        const got = await harness.post(path, { ...body, stream });
        says = undefined;
        assert.equal(got.status, stream ? 200 : 403, got.text);
        assert.match(got.text, /gateway\.answer-blocked/);
        // The denial names the rule, and neither the word nor what stands in its rule.
        assert.equal(/zebra|brafish|fish|not said here/.test(got.text), false, got.text);
        assert.equal((await harness.receipt(got.headers.get("x-request-id"))).outcome, "blocked");
      });
    }
  }

  const user = { role: "user", content: "hi" };
  const requests: Readonly<Record<string, (word: string) => readonly [string, object]>> = {
    "the last message": (word) => [CHAT, chat(word)],
    "an earlier message": (word) => [CHAT, chat("", { messages: [{ role: "user", content: word }, user] })],
    "the system's message": (word) => [CHAT, chat("", { messages: [{ role: "system", content: word }, user] })],
    "what a tool said": (word) => [
      CHAT,
      chat("", { messages: [user, { role: "tool", tool_call_id: "c", content: word }] }),
    ],
    "the input of the Responses API": (word) => ["/v1/responses", { model: "m", input: word }],
    "its instructions": (word) => ["/v1/responses", { model: "m", input: "hi", instructions: word }],
    "a result of a tool, for Anthropic": (word) => [
      "/v1/messages",
      message([{ type: "tool_result", tool_use_id: "t", content: word }]),
    ],
  };
  for (const [what, make] of Object.entries(requests)) {
    it(`holds in ${what}, also with a character in it that nobody sees`, async () => {
      const asked = harness.upstream.requests.length;
      for (const word of [`the ${WORD} swims`, `the ${HIDDEN} swims`]) {
        for (const stream of [false, true]) {
          const [path, body] = make(word);
          const got = await harness.post(path, { ...body, stream });
          assert.equal(got.status, 403, `${word}: ${got.text}`);
          assert.equal(/zebra|fish|not said here/.test(got.text), false, got.text);
        }
      }
      // What was blocked is not asked, and nobody pays for it.
      assert.equal(harness.upstream.requests.length, asked);
    });
  }

  it("leaves what does not say it as it is, streamed too", async () => {
    for (const stream of [false, true]) {
      const got = await harness.post(CHAT, chat("hi", { stream }));
      assert.equal(got.status, 200);
      assert.ok(got.text.includes("afar."), "a stream is delivered where answers are judged");
    }
  });
});

describe("a guard that cannot check", () => {
  // Too little time for what it is given: the same as one that throws or hangs.
  const long = chat(`${"word after word ".repeat(200_000)}.`);
  for (const onError of ["block", "allow"] as const) {
    it(`is no guard that found nothing: ${onError}, and the receipt says that it could not`, async () => {
      const custom = { ...GUARDS.custom, onError, timeoutMs: 1 };
      const harness = await startHarness({
        config: { guards: { ...GUARDS, custom }, limits: { inputTokens: 10_000_000 } },
      });
      try {
        const got = await harness.post(CHAT, long);
        assert.equal(got.status, onError === "block" ? 403 : 200, got.text.slice(0, 200));
        assert.equal(harness.upstream.requests.length, onError === "block" ? 0 : 1);
        const { guards } = await harness.receipt(got.headers.get("x-request-id"));
        const run = guards.request?.runs.find(({ detector }) => detector === "custom");
        assert.equal(run?.outcome, "error");
        assert.equal(guards.request?.action, onError === "block" ? "block" : "allow");
      } finally {
        await harness.close();
      }
    });
  }
});

describe("a way round", () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness({ config: { guards: GUARDS, limits: { requestsPerMinute: 100_000 } } });
  });
  after(async () => {
    await harness.close();
  });

  it("by a route for everything there is none: 404 before anything is asked", async () => {
    for (const path of [
      "/v1/proxy/chat/completions",
      "/v1/chat/completions/x",
      "/openai/v1/chat/completions",
      "/anthropic/v1/messages",
      "/bedrock/model/x/invoke",
      "/vertex_ai/v1/models/x:predict",
      "/gemini/v1beta/models/x:generateContent",
      "/v1/realtime",
      "/v1/audio/speech",
      "/v1/images/generations",
      "/v1/completions",
      "/v1/moderations",
      "/v1/rerank",
      "/v1/files",
      "/v1/batches",
      "/v1/fine_tuning/jobs",
      "/v1/responses/compact",
      "/v1/responses/input_tokens",
      "/a2a/x",
    ]) {
      for (const headers of [
        {},
        { "x-portkey-custom-host": "http://127.0.0.1:1/v1", "x-portkey-provider": "openai" },
      ] as Record<string, string>[]) {
        const got = await harness.post(path, chat(WORD), headers);
        assert.ok([404, 405].includes(got.status), `${path}: ${got.status}`);
      }
    }
    assert.equal(harness.upstream.requests.length, 0);
  });

  it("by another protocol on the same connection there is none: no upgrade, no tunnel", async () => {
    const head = (line: string, more: readonly string[]): string =>
      [line, "host: x", `authorization: Bearer ${harness.key}`, ...more, "", ""].join("\r\n");
    const websocket = [
      "connection: upgrade",
      "upgrade: websocket",
      "sec-websocket-version: 13",
      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-protocol: realtime",
    ];
    const settings = ["connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__"];
    for (const [what, bytes] of [
      ["realtime", head("GET /v1/realtime?model=m HTTP/1.1", websocket)],
      ["a route that there is", head("GET /v1/models HTTP/1.1", websocket)],
      ["responses by socket", head("GET /v1/responses HTTP/1.1", websocket)],
      ["MCP", head("GET /mcp/tools HTTP/1.1", websocket)],
      ["HTTP/2 by upgrade", head("GET /v1/models HTTP/1.1", settings)],
      ["HTTP/2 at once", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
      ["a tunnel", head("CONNECT 127.0.0.1:1 HTTP/1.1", [])],
      ["a tunnel by name", head("CONNECT internal.example:443 HTTP/1.1", ["content-length: 0"])],
    ] as const) {
      const got = await raw(harness.port, (socket) => socket.write(bytes), 500);
      assert.equal(/^HTTP\/1\.1 (?:101|2\d\d Connection)/m.test(got), false, `${what}: ${got}`);
      if (what.includes("tunnel")) assert.doesNotMatch(got, /^HTTP\/1\.1 2/, what);
    }
    assert.equal((await harness.get("/v1/models")).status, 200, "it goes on");
  });

  it("by a key that is a piece of SQL, or of another key, there is none", async () => {
    const keys = async (): Promise<number> => (await harness.db.query(sql`select id from api_keys`)).length;
    const before_ = await keys();
    const [prefix = "", id = "", secret = ""] = harness.key.split("_");
    for (const key of [
      "' or '1'='1",
      "hf_' or 1=1 --_x",
      `${prefix}_${id}' or '1'='1_${secret}`,
      `${prefix}_${id}'--_${secret}`,
      `${prefix}_${id}_${secret}' or '1'='1`,
      `${prefix}_%_${secret}`,
      `${prefix}_${id.slice(0, -1)}__${secret}`,
      `${prefix}_${id}_`,
      `${prefix}_${id}_${secret.slice(0, -1)}`,
      `${prefix}_${id}_${secret}x`,
      harness.key.toUpperCase(),
      `${harness.key}; drop table api_keys`,
      "hf_'; drop table api_keys; --",
    ]) {
      const got = await harness.post(CHAT, chat("hi"), { authorization: `Bearer ${key}` });
      assert.equal(got.status, 401, `${key}: ${got.text}`);
      assert.match(got.json.error?.code ?? "", /^gateway\.key-(?:invalid|missing)$/, key);
    }
    assert.equal(await keys(), before_);
    assert.equal((await harness.post(CHAT, chat("hi"))).status, 200);
  });
});

describe("what the gateway says of itself", () => {
  it("listens on this machine alone, unless it is told otherwise", () => {
    assert.match(gatewayConfig.parse(undefined).listen, /^127\.0\.0\.1:\d+$/);
  });

  it("is kept by no cache: answers, streams, refusals, listings, states", async () => {
    const harness = await startHarness();
    try {
      const answers: readonly (readonly [string, Promise<Answer>])[] = [
        ["an answer", harness.post(CHAT, chat("hi"))],
        ["a stream", harness.post(CHAT, chat("hi", { stream: true }))],
        ["a refusal", harness.post(CHAT, "{")],
        ["no key", harness.post(CHAT, chat("hi"), { authorization: "" })],
        ["no route", harness.get("/v1/nothing")],
        ["a listing", harness.get("/v1/models")],
        ["a state", harness.get("/healthz")],
        ["another state", harness.get("/readyz")],
      ];
      for (const [what, asked] of answers) {
        const { headers } = await asked;
        assert.equal(headers.get("cache-control"), "no-store", what);
        assert.equal(headers.get("access-control-allow-origin"), null, what);
      }
    } finally {
      await harness.close();
    }
  });

  it("asks nothing of an upstream before its own refusals: a key's rate comes before any judge", async () => {
    const harness = await startHarness({
      key: { requestsPerMinute: 1 },
      config: { guards: { ...GUARDS, custom: { ...GUARDS.custom, timeoutMs: 1 } } },
    });
    try {
      assert.equal((await harness.post(CHAT, chat("hi"))).status, 200);
      // A body that no guard would get through in its time: it is not read at all.
      const got = await new Promise<number | undefined>((resolve, reject) => {
        const { port } = harness;
        const headers = { authorization: `Bearer ${harness.key}`, "content-type": "application/json" };
        const asked = httpRequest({ port, host: "127.0.0.1", method: "POST", path: CHAT, headers }, (response) => {
          resolve(response.statusCode);
          asked.destroy();
        });
        asked.on("error", reject);
        asked.write('{"model": "m", "messages": [');
      });
      assert.equal(got, 429);
      assert.equal(harness.upstream.requests.length, 1);
    } finally {
      await harness.close();
    }
  });
});
