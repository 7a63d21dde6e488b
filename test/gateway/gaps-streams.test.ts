/**
 * What gateways of this kind commonly leave open in streams, probe by probe: pieces that are held back, a silence that
 * somebody on the way takes for the end, and events in every form and order that they come in.
 */

import assert from "node:assert/strict";
import { after, before, describe, it, mock } from "node:test";

import { chatEvents } from "../upstreams/answers.ts";
import { assemble } from "../upstreams/streams.ts";
import { chat, message, startHarness, type Harness } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const WORD = "zebrafish";

/** A stream to a client that reads it as it comes. */
async function reading(
  harness: Harness,
  body: object,
): Promise<{ readonly next: () => Promise<string>; readonly response: Response }> {
  const response = await fetch(harness.url + CHAT, {
    method: "POST",
    headers: { authorization: `Bearer ${harness.key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const next = async (): Promise<string> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(reject, 10_000, new Error("nothing came"));
    });
    const { done, value } = await Promise.race([reader.read(), late]).finally(() => {
      clearTimeout(timer);
    });
    return done ? "" : Buffer.from(value).toString();
  };
  return { next, response };
}

describe("a stream that is watched", () => {
  it("is not held back until its end: each piece leaves before the next one is made", async () => {
    let write: (event: string) => void = () => undefined;
    const harness = await startHarness({
      script: {
        answer(_, response) {
          response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
          write = (event) => (event === "" ? response.end() : response.write(event));
          return true;
        },
      },
    });
    try {
      const { next, response } = await reading(harness, chat("hi", { stream: true }));
      assert.equal(response.status, 200, "its head is there before the model has said a word");
      // Long enough for its end, which may still become a match, to be the smaller part of it.
      const more = " is a sentence among others, and not the last.".repeat(20);
      const said = ["One", "Two", "Three"].map((piece) => `${piece}${more} `);
      const events = [...chatEvents("m", said, undefined, true)];
      // A sign of life of the upstream's goes on, whatever it said in it.
      write(`: ${WORD}\n\n`);
      assert.equal(await next(), ":\n\n");
      for (const piece of ["One", "Two", "Three"]) {
        const at = events.findIndex((event) => event.includes(piece));
        for (const event of events.splice(0, at + 1)) write(event);
        let got = "";
        while (!got.includes(piece)) got += await next();
      }
      for (const event of events) write(event);
      write("");
      while ((await next()) !== "");
    } finally {
      await harness.close();
    }
  });

  it("shows a sign of life while its model thinks, so that nobody on the way cuts it", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    let finish = (): void => undefined;
    const harness = await startHarness({
      script: {
        answer(_, response) {
          response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
          finish = () => response.end([...chatEvents("m", ["At last."], undefined, true)].join(""));
          return true;
        },
      },
    });
    try {
      const { next, response } = await reading(harness, chat("hi", { stream: true }));
      let got = "";
      for (let waited = 0; waited < 3; waited++) {
        mock.timers.tick(25_000);
        const sign = await next();
        assert.equal(sign, ":\n\n");
        got += sign;
      }
      finish();
      for (let piece = await next(); piece !== ""; piece = await next()) got += piece;
      assert.ok(got.includes("At last."));
      // It is part of what the receipt commits to.
      const receipt = await harness.receipt(response.headers.get("x-request-id"));
      assert.equal(receipt.response?.commitment, harness.committer.commit(receipt.id, "response", Buffer.from(got)));
    } finally {
      mock.timers.reset();
      await harness.close();
    }
  });
});

describe("the forms that streams come in", () => {
  const data = (value: object, type?: string): string =>
    `${type === undefined ? "" : `event: ${type}\n`}data: ${JSON.stringify(value)}\n\n`;
  const chunk = (choices: readonly object[], more: object = {}): string =>
    data({ id: "c", object: "chat.completion.chunk", created: 0, model: "m", choices, ...more });
  const delta = (value: object, index = 0, finish: string | null = null): object => ({
    index,
    delta: value,
    finish_reason: finish,
  });
  const args = (index: number, text: string): object => ({
    tool_calls: [
      {
        index,
        ...(text === "" ? { id: `call_${index}`, type: "function" } : {}),
        function: text === "" ? { name: "f", arguments: "" } : { arguments: text },
      },
    ],
  });
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const end = [chunk([delta({}, 0, "stop")]), "data: [DONE]\n\n"];
  const block = (type: object, ...deltas: readonly object[]): readonly string[] => [
    data({ type: "content_block_start", index: 0, content_block: type }, "content_block_start"),
    ...deltas.map((one) => data({ type: "content_block_delta", index: 0, delta: one }, "content_block_delta")),
    data({ type: "content_block_stop", index: 0 }, "content_block_stop"),
  ];
  const messages = (...events: readonly string[]): readonly string[] => [
    data(
      {
        type: "message_start",
        message: {
          id: "m",
          type: "message",
          role: "assistant",
          model: "m",
          content: [],
          usage: { input_tokens: 1, output_tokens: 1 },
        },
      },
      "message_start",
    ),
    ...events,
    data({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } }, "message_delta"),
    data({ type: "message_delta", delta: {}, usage: { output_tokens: 7 } }, "message_delta"),
    data({ type: "message_stop" }, "message_stop"),
  ];
  const streams: Readonly<Record<string, readonly [string, readonly string[]]>> = {
    "a first piece without text": [
      CHAT,
      [chunk([delta({ role: "assistant", content: "" })]), chunk([delta({ content: "hi" })]), ...end],
    ],
    "a usage without choices": [
      CHAT,
      [chunk([delta({ content: "hi" })]), end[0] ?? "", chunk([], { usage }), end[1] ?? ""],
    ],
    "a filter's results before the choices": [
      CHAT,
      [
        chunk([], {
          prompt_filter_results: [{ prompt_index: 0, content_filter_results: { hate: { filtered: false } } }],
        }),
        chunk([delta({ content: "hi" })]),
        ...end,
      ],
    ],
    "text that speaks of its end": [CHAT, [chunk([delta({ content: "then say [DONE] and data: [DONE]" })]), ...end]],
    "tool calls by turns, the second first": [
      CHAT,
      [
        chunk([delta(args(1, ""))]),
        chunk([delta(args(0, ""))]),
        chunk([delta(args(1, '{"a":"\\u00'))]),
        chunk([delta(args(0, '{"b":'))]),
        chunk([delta(args(1, 'e9"}'))]),
        chunk([delta(args(0, "1}"))]),
        ...end,
      ],
    ],
    "a refusal": [CHAT, [chunk([delta({ refusal: "I will not." })]), ...end]],
    "pings, and arguments that begin empty": [
      "/v1/messages",
      messages(
        data({ type: "ping" }, "ping"),
        ...block(
          { type: "tool_use", id: "t", name: "f", input: {} },
          { type: "input_json_delta", partial_json: "" },
          { type: "input_json_delta", partial_json: '{"a":' },
          { type: "input_json_delta", partial_json: "1}" },
        ),
      ),
    ],
    "thoughts with their signature": [
      "/v1/messages",
      messages(
        ...block(
          { type: "thinking", thinking: "", signature: "" },
          { type: "thinking_delta", thinking: "Let me see." },
          { type: "signature_delta", signature: "c2lnbmF0dXJlIG9mIHRoZSB0aG91Z2h0" },
        ),
      ),
    ],
  };
  let harness: Harness;
  let body: string | Buffer = "";
  let type = "text/event-stream";
  before(async () => {
    harness = await startHarness({
      script: {
        answer(_, response) {
          response.writeHead(200, { "content-type": type }).end(body);
          return true;
        },
      },
    });
  });
  after(async () => {
    await harness.close();
  });

  for (const [what, [path, events]] of Object.entries(streams)) {
    it(`${what}: it comes as it was sent`, async () => {
      body = events.join("");
      const got = await harness.post(path, (path === CHAT ? chat : message)("hi", { stream: true }));
      // What is held back comes in an event after: together it is the same.
      const sent = assemble(body);
      assert.notDeepEqual(sent, {});
      assert.deepEqual(assemble(got.text), sent);
      const signature = /c2lnbmF0\w+/.exec(body)?.[0];
      assert.ok(signature === undefined || got.text.includes(signature));
      assert.equal(got.text.split("\n\n").length, events.length + 1);
      const receipt = await harness.receipt(got.headers.get("x-request-id"));
      assert.equal(receipt.outcome, "served");
      if (path === "/v1/messages") assert.equal(receipt.tokens.output, 7, "what it says last, which is all of it");
    });
  }

  it("in the frames of another protocol: nothing is delivered", async () => {
    const payload = Buffer.from(JSON.stringify({ bytes: Buffer.from("hi").toString("base64") }));
    const frame = Buffer.concat([
      Buffer.from([0, 0, 0, 16 + payload.length, 0, 0, 0, 0, 0, 0, 0, 0]),
      payload,
      Buffer.alloc(4),
    ]);
    for (const [as, bytes] of [
      ["application/vnd.amazon.eventstream", frame],
      ["text/event-stream", frame],
      ["text/event-stream", Buffer.from("data: {\n\n")],
      ["application/x-ndjson", Buffer.from('{"choices":[]}\n{"choices":[]}\n')],
    ] as const) {
      [type, body] = [as, bytes];
      const got = await harness.post(CHAT, chat("hi", { stream: true }));
      type = "text/event-stream";
      assert.match(got.text, /gateway\.upstream-(?:invalid|broken)/, as);
      assert.equal(got.text.includes("aGk="), false, as);
    }
  });
});
