import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../../core/index.ts";
import { createGuard, type Detector, type Guard, type GuardAction } from "../../../guard/index.ts";
import { createSseDecoder, encodeEvent } from "../../sse/index.ts";
import { operations, type ResponseStream } from "../index.ts";

const SECRET = "CANARY";
const MASK = "[masked:canary.word]";

/** Finds one word, over a window, so that it always holds back. */
const canaryDetector: Detector = {
  id: "canary",
  version: "1",
  directions: ["request", "response"],
  longestMatch: SECRET.length,
  cost: "cheap",
  detect: (text, { pointer }) =>
    [...text.matchAll(/CANARY/g)].map(({ index }) => ({
      rule: "canary.word",
      severity: "high",
      location: { pointer, start: index, end: index + SECRET.length },
      message: "the word was said",
      remedy: "do not say it",
      references: [],
    })),
};

/** The same, as a promise. */
const slowDetector: Detector = {
  ...canaryDetector,
  detect: async (text, context) => {
    await Promise.resolve();
    return await canaryDetector.detect(text, context);
  },
};

function guardThat(action: GuardAction, detector = canaryDetector): Guard {
  return createGuard({
    detectors: [detector],
    settings: { canary: { request: action, response: action, onError: "block" } },
  });
}

interface Seen {
  text: string;
  blocked: boolean;
  stream: ResponseStream;
  pointers: string[];
}

/** Runs a stream whole. Throws what it throws. */
async function run(id: string, guard: Guard, chunks: readonly Uint8Array[]): Promise<Seen> {
  const operation = operations.find((one) => one.id === id);
  const pointers: string[] = [];
  const stream = operation?.responseStream?.({
    openChannel(origin, pointer) {
      pointers.push(pointer);
      return guard.stream("response", origin, pointer);
    },
  }) as ResponseStream;
  const decoder = new TextDecoder();
  let text = "";
  for (const chunk of chunks) {
    const { bytes, blocked, ended } = await stream.push(chunk);
    text += typeof bytes === "string" ? bytes : decoder.decode(bytes);
    if (ended) return { text, blocked, stream, pointers };
  }
  const { bytes, blocked } = await stream.end();
  text += typeof bytes === "string" ? bytes : decoder.decode(bytes);
  return { text, blocked, stream, pointers };
}

const utf8 = new TextEncoder();
const sse = (value: unknown, type?: string): string => encodeEvent({ type, data: JSON.stringify(value) });
const named = (value: { type: string }): string => sse(value, value.type);

function cut(text: string, places: readonly number[]): Uint8Array[] {
  const bytes = utf8.encode(text);
  const at = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])].toSorted(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

function split(text: string, places: readonly number[]): string[] {
  const at = [...new Set([0, ...places.map((place) => place % (text.length + 1)), text.length])].toSorted(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}

/** What the parts of an answer are, put together as a client does. */
function assemble(text: string): Record<string, string> {
  const parts: Record<string, string> = {};
  const add = (name: string, piece: unknown): void => {
    if (typeof piece === "string") parts[name] = (parts[name] ?? "") + piece;
  };
  for (const { data } of createSseDecoder().push(utf8.encode(text)).events) {
    if (data === undefined || data === "[DONE]") continue;
    const event = JSON.parse(data) as Record<string, never> & { choices?: Choice[]; index?: number; delta?: Delta };
    for (const { index, delta } of event.choices ?? []) {
      for (const field of ["content", "refusal", "reasoning_content", "novel"]) add(`${index}.${field}`, delta[field]);
      for (const call of delta.tool_calls ?? []) {
        add(`${index}.${call.index}.name`, call.function?.name);
        add(`${index}.${call.index}.arguments`, call.function?.arguments);
      }
    }
    const block = (event as { content_block?: { text?: string } }).content_block;
    add(`${event.index}.text`, block?.text);
    for (const field of ["text", "thinking", "partial_json"]) add(`${event.index}.${field}`, event.delta?.[field]);
  }
  return parts;
}

type Delta = Record<string, unknown> & {
  tool_calls?: { index: number; function?: { name?: string; arguments?: string } }[];
};
interface Choice {
  index: number;
  delta: Delta;
}

const chunk = (index: number, delta: unknown, rest: object = {}): string =>
  sse({
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index, delta, finish_reason: null, ...rest }],
  });
const finish = (index: number, reason = "stop"): string => chunk(index, {}, { finish_reason: reason });
const DONE = "data: [DONE]\n\n";

const chat = (pieces: readonly string[]): string =>
  [
    chunk(0, { role: "assistant", content: "" }),
    ...pieces.map((content) => chunk(0, { content })),
    finish(0),
    DONE,
  ].join("");
const call = (pieces: readonly string[]): string =>
  [
    chunk(0, { tool_calls: [{ index: 0, id: "i", type: "function", function: { name: "f", arguments: "" } }] }),
    ...pieces.map((piece) => chunk(0, { tool_calls: [{ index: 0, function: { arguments: piece } }] })),
    finish(0, "tool_calls"),
    DONE,
  ].join("");
const message = (deltas: readonly unknown[], block: unknown = { type: "text", text: "" }): string =>
  [
    {
      type: "message_start",
      message: {
        id: "i",
        type: "message",
        role: "assistant",
        model: "m",
        content: [],
        usage: { input_tokens: 3, output_tokens: 1 },
      },
    },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "ping" },
    ...deltas.map((delta) => ({ type: "content_block_delta", index: 0, delta })),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: "message_stop" },
  ]
    .map(named)
    .join("");
const messageText = (pieces: readonly string[]): string =>
  message(pieces.map((text) => ({ type: "text_delta", text })));

/** One streamed text in each protocol: how to send it, and where a client finds it. */
const texts: readonly { name: string; id: string; send: (pieces: readonly string[]) => string; at: string }[] = [
  { name: "OpenAI content", id: "openai.chat", send: chat, at: "0.content" },
  {
    name: "OpenAI reasoning",
    id: "openai.chat",
    send: (pieces) => [...pieces.map((piece) => chunk(0, { reasoning_content: piece })), finish(0), DONE].join(""),
    at: "0.reasoning_content",
  },
  {
    name: "OpenAI refusal of another choice",
    id: "openai.chat",
    send: (pieces) => [...pieces.map((refusal) => chunk(3, { refusal })), finish(3), DONE].join(""),
    at: "3.refusal",
  },
  {
    name: "an unknown field of an OpenAI delta",
    id: "openai.chat",
    send: (pieces) => [...pieces.map((novel) => chunk(0, { novel })), finish(0), DONE].join(""),
    at: "0.novel",
  },
  { name: "Anthropic text", id: "anthropic.messages", send: messageText, at: "0.text" },
];

const word = fc.oneof(
  { weight: 1, arbitrary: fc.constant(SECRET) },
  { weight: 3, arbitrary: fc.string({ maxLength: 8 }) },
);
const phrase = fc.array(word, { maxLength: 6 }).map((words) => words.join(""));
const innocent = fc.string({ unit: "grapheme", maxLength: 60 }).filter((text) => !text.includes(SECRET));
const places = fc.array(fc.nat(5_000), { maxLength: 12 });

describe("a streamed answer", () => {
  for (const { name, id, send, at } of texts) {
    it(`passes ${name} on byte for byte while nothing is found, wherever it is cut`, async () => {
      await fc.assert(
        fc.asyncProperty(innocent, places, places, async (text, pieces, chunks) => {
          const sent = send(split(text, pieces));
          const { text: got, blocked, stream } = await run(id, guardThat("block"), cut(sent, chunks));
          assert.equal(got, sent);
          assert.equal(blocked, false);
          assert.equal(stream.complete, true);
        }),
        { numRuns: 60 },
      );
    });

    it(`masks ${name}, wherever it is cut`, async () => {
      await fc.assert(
        fc.asyncProperty(phrase, places, places, async (text, pieces, chunks) => {
          const { text: got } = await run(id, guardThat("mask"), cut(send(split(text, pieces)), chunks));
          assert.equal(assemble(got)[at] ?? "", text.replaceAll(SECRET, MASK));
          assert.ok(got.endsWith(id === "openai.chat" ? DONE : named({ type: "message_stop" })));
        }),
        { numRuns: 100 },
      );
    });

    it(`blocks ${name} with nothing of the match let out, wherever it is cut`, async () => {
      await fc.assert(
        fc.asyncProperty(innocent, innocent, places, places, async (before, after, pieces, chunks) => {
          const text = `${before}${SECRET}${after}`;
          const {
            text: got,
            blocked,
            stream,
          } = await run(id, guardThat("block"), cut(send(split(text, pieces)), chunks));
          assert.equal(blocked, true);
          assert.equal(stream.complete, false);
          assert.ok(before.startsWith(assemble(got)[at] ?? ""));
        }),
        { numRuns: 60 },
      );
    });
  }

  it("waits for guards that are asynchronous", async () => {
    const sent = chat(split(`a ${SECRET} b`, [3, 5]));
    const { text } = await run("openai.chat", guardThat("mask", slowDetector), cut(sent, [100, 200]));
    assert.equal(assemble(text)["0.content"], `a ${MASK} b`);
  });

  it("returns the very bytes of a clean chunk when nothing is held back", () => {
    const guard = createGuard({ detectors: [], settings: {} });
    const stream = operations[0]?.responseStream?.({
      openChannel: (origin, pointer) => guard.stream("response", origin, pointer),
    });
    const bytes = utf8.encode(chunk(0, { content: "hi" }));
    const output = stream?.push(bytes);
    assert.ok(!(output instanceof Promise));
    assert.equal(output?.bytes, bytes);
  });

  it("judges every choice and tool call on its own, also when they come interleaved", async () => {
    const lanes = fc.array(fc.tuple(fc.nat(2), fc.constantFrom("content", "refusal", "tool"), phrase), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(lanes, places, async (sequence, chunks) => {
        const expected: Record<string, string> = {};
        const events = sequence.map(([index, kind, text]) => {
          const at = kind === "tool" ? `${index}.1.arguments` : `${index}.${kind}`;
          expected[at] = (expected[at] ?? "") + text;
          return chunk(
            index,
            kind === "tool" ? { tool_calls: [{ index: 1, function: { arguments: text } }] } : { [kind]: text },
          );
        });
        const sent = [...events, finish(0), finish(1), finish(2), DONE].join("");
        for (const at of Object.keys(expected)) {
          // Outside of strings a mask in tool arguments is a block, which has its own test.
          if (at.endsWith("arguments") && expected[at]?.includes(SECRET) === true) return;
        }
        const { text } = await run("openai.chat", guardThat("mask"), cut(sent, chunks));
        const got = assemble(text);
        for (const [at, whole] of Object.entries(expected))
          assert.equal(got[at] ?? "", whole.replaceAll(SECRET, MASK), at);
      }),
      { numRuns: 150 },
    );
  });

  it("lets another field's text go on while the end of one is held back", async () => {
    const sent = [
      chunk(0, { reasoning_content: "thought CAN" }),
      chunk(0, { content: "answer" }),
      chunk(0, { content: " goes on, far on" }),
    ];
    const operation = operations[0];
    const guard = guardThat("block");
    const stream = operation?.responseStream?.({
      openChannel: (origin, pointer) => guard.stream("response", origin, pointer),
    });
    const push = async (event: string): Promise<string> => {
      const output = await stream?.push(utf8.encode(event));
      return typeof output?.bytes === "string" ? output.bytes : new TextDecoder().decode(output?.bytes);
    };
    let text = "";
    for (const event of sent) text += await push(event);
    assert.match(assemble(text)["0.content"] ?? "", /^answer/);
    text += await push(finish(0) + DONE);
    assert.deepEqual(assemble(text), { "0.reasoning_content": "thought CAN", "0.content": "answer goes on, far on" });
  });
});

describe("a streamed tool call", () => {
  /** Arguments with the strings escaped in every way that JSON allows. */
  const escaped = fc
    .tuple(phrase, fc.string({ unit: "grapheme", maxLength: 50 }), fc.infiniteStream(fc.nat(2)))
    .map(([secret, rest, how]) => {
      const value = {
        a: secret,
        [`k${rest.replaceAll(SECRET, "")}`]: [rest.replaceAll(SECRET, ""), 1, true, null, ""],
      };
      const json = JSON.stringify(value).replaceAll(/[a-zA-Z]/g, (char) =>
        how.next().value === 0 ? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}` : char,
      );
      // Escaping the words true and null would make them something else.
      return {
        value,
        json: json.replaceAll(/\[.*\]/g, () => JSON.stringify(value[`k${rest.replaceAll(SECRET, "")}`])),
      };
    })
    .filter(({ json, value }) => isSame(json, value));

  it("stays JSON and says the same with its secrets masked, however it is escaped and cut", async () => {
    await fc.assert(
      fc.asyncProperty(escaped, places, places, async ({ json, value }, pieces, chunks) => {
        const { text, blocked } = await run("openai.chat", guardThat("mask"), cut(call(split(json, pieces)), chunks));
        assert.equal(blocked, false);
        const got = JSON.parse(assemble(text)["0.0.arguments"] ?? "") as unknown;
        assert.deepEqual(got, { ...value, a: value.a.replaceAll(SECRET, MASK) });
        assert.equal(assemble(text)["0.0.name"], "f");
      }),
      { numRuns: 150 },
    );
  });

  it("passes byte for byte what is clean, also what is not JSON", async () => {
    const fragment = fc.constantFrom('"', "\\", "\\u00", "e9", "{", "a", "\n", '":"', "é", "x".repeat(40));
    await fc.assert(
      fc.asyncProperty(fc.array(fragment, { maxLength: 20 }), places, async (pieces, chunks) => {
        const sent = call(pieces);
        assert.equal((await run("openai.chat", guardThat("block"), cut(sent, chunks))).text, sent);
      }),
      { numRuns: 150 },
    );
  });

  it("blocks an escaped secret with nothing of it let out", async () => {
    for (const json of [
      '{"k":"\\u0043ANARY"}',
      '{"k":"CAN\\u0041RY and more"}',
      '{"k\\u0043ANARY":1}',
      `{"k":"${"x".repeat(50)}CANAR\\u0059"}`,
    ]) {
      for (let at = 0; at <= json.length; at++) {
        const { text, blocked } = await run("openai.chat", guardThat("block"), cut(call(split(json, [at])), []));
        assert.equal(blocked, true, json);
        assert.doesNotMatch(assemble(text)["0.0.arguments"] ?? "", /C(AN)?$|CAN|0043|RY/);
      }
    }
  });

  it("blocks where a mask would tear the JSON", async () => {
    const { blocked, text } = await run("openai.chat", guardThat("mask"), cut(call(["{CAN", "ARY:1}"]), []));
    assert.equal(blocked, true);
    assert.equal(assemble(text)["0.0.arguments"] ?? "", "");
  });

  // Work that grew with the square of the escapes would never end in time.
  it("is read in linear time, however many escapes it has", { timeout: 60_000 }, async () => {
    const sent = call([`"${"\\n".repeat(400_000)}`, `${"\\n".repeat(400_000)}"`]);
    assert.equal((await run("openai.chat", guardThat("block"), cut(sent, []))).text, sent);
  });

  it("is read in Anthropic's form", async () => {
    const pieces = ["", '{"city": "CAN', "AR", 'Y", "n": "\\u0043ANARY"}'];
    const sent = message(
      pieces.map((partial_json) => ({ type: "input_json_delta", partial_json })),
      { type: "tool_use", id: "i", name: "n", input: {} },
    );
    const { text } = await run("anthropic.messages", guardThat("mask"), cut(sent, [50, 300, 600]));
    assert.deepEqual(JSON.parse(assemble(text)["0.partial_json"] ?? ""), { city: MASK, n: MASK });
  });
});

describe("what a stream says beside its text", () => {
  const blockedBy = async (sent: string, id = "openai.chat"): Promise<boolean> =>
    (await run(id, guardThat("block"), [utf8.encode(sent)])).blocked;

  it("is read: ids, names, unknown fields, names of fields", async () => {
    const withTop = (field: object): string => sse({ id: "c", choices: [], ...field });
    for (const sent of [
      withTop({ id: SECRET }),
      withTop({ model: `x${SECRET}` }),
      withTop({ novel: { deep: [SECRET] } }),
      withTop({ [SECRET]: 1 }),
      withTop({ usage: { prompt_tokens: 1, note: SECRET } }),
      chunk(0, { role: SECRET }),
      chunk(0, { tool_calls: [{ index: 0, id: SECRET, function: { name: "f" } }] }),
      chunk(0, { tool_calls: [{ index: 0, function: { name: SECRET } }] }),
      chunk(0, {}, { finish_reason: SECRET }),
      chunk(0, { content: [{ type: "text", text: SECRET }] }) + finish(0),
      sse({ id: "c", choices: [] }, SECRET),
    ]) {
      assert.equal(await blockedBy(sent + DONE), true, sent);
    }
    for (const event of [
      { type: SECRET },
      { type: "message_start", message: { id: SECRET, content: [] } },
      { type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "i", name: SECRET, input: {} } },
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "web_search_tool_result", content: [{ title: SECRET }] },
      },
      { type: "content_block_start", index: 0, content_block: SECRET },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" }, novel: SECRET },
      { type: "content_block_delta", index: 0, delta: { type: "citations_delta", citation: { cited_text: SECRET } } },
      { type: "message_delta", delta: { stop_sequence: SECRET }, usage: {} },
    ]) {
      assert.equal(await blockedBy(named(event), "anthropic.messages"), true, JSON.stringify(event));
    }
  });

  it("is masked where it can be, and blocked where it cannot", async () => {
    const masked = await run("openai.chat", guardThat("mask"), [
      utf8.encode(sse({ id: `a ${SECRET}`, choices: [] }) + finish(0) + DONE),
    ]);
    assert.match(masked.text, /"id":"a \[masked:canary\.word\]"/);
    assert.doesNotMatch(masked.text, /CANARY/);
    const top = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" }, novel: SECRET };
    for (const [id, sent] of [
      ["openai.chat", sse({ [SECRET]: 1, choices: [] })],
      ["anthropic.messages", named(top)],
      [
        "anthropic.messages",
        message([{ type: "thinking_delta", thinking: `a ${SECRET} b` }], { type: "thinking", thinking: "" }),
      ],
    ] as const) {
      const seen = await run(id, guardThat("mask"), [utf8.encode(sent)]);
      assert.equal(seen.blocked, true, sent);
      assert.doesNotMatch(seen.text, /CANARY/);
    }
  });

  it("loses its comments, ids and unknown lines", async () => {
    const sent = `: ${SECRET}\nid: ${SECRET}\nfoo: ${SECRET}\n${chunk(0, { content: "hi" })}: ${SECRET}\n\n${finish(0)}${DONE}`;
    const { text } = await run("openai.chat", guardThat("block"), [utf8.encode(sent)]);
    assert.equal(text, `${chunk(0, { content: "hi" })}:\n\n${finish(0)}${DONE}`);
  });

  it("has padding of the same length that says nothing", async () => {
    const { text } = await run("openai.chat", guardThat("block"), [
      utf8.encode(sse({ choices: [], obfuscation: SECRET }) + DONE),
    ]);
    assert.equal(text, sse({ choices: [], obfuscation: "xxxxxx" }) + DONE);
  });

  it("is followed in an unknown form too, whose labels stay whole", async () => {
    const thought = (text: string): string =>
      chunk(0, { content: [{ type: "thinking", thinking: [{ type: "text", text }] }] });
    const sent = [thought("a CAN"), thought("ARY b"), chunk(0, { content: "said" }), finish(0), DONE].join("");
    const { text } = await run("openai.chat", guardThat("mask"), cut(sent, [200]));
    const texts = [...text.matchAll(/"text":"([^"]*)"/g)].map(([, one]) => one).join("");
    assert.equal(texts, `a ${MASK} b`);
    assert.equal(text.match(/"type":"thinking"/g)?.length, 2);
    assert.equal((await run("openai.chat", guardThat("block"), [utf8.encode(sent)])).blocked, true);
    // The same field is followed wherever it stands in its object, and no label's text hides a piece.
    const roaming = [{ novel: "CAN" }, { other: "x", novel: "ARY" }].map((delta) => chunk(0, delta)).join("");
    assert.equal((await run("openai.chat", guardThat("block"), [utf8.encode(roaming + finish(0))])).blocked, true);
    const disguised = [{ type: "CAN" }, { novel: "CAN" }, { novel: "ARY" }].map((delta) => chunk(0, delta)).join("");
    assert.equal((await run("openai.chat", guardThat("block"), [utf8.encode(disguised + finish(0))])).blocked, true);
    const compacted = message(
      [
        { type: "compaction_delta", content: "a CAN" },
        { type: "compaction_delta", content: "ARY" },
      ],
      { type: "compaction", content: null },
    );
    assert.equal((await run("anthropic.messages", guardThat("block"), cut(compacted, []))).blocked, true);
  });

  it("starts a block with text as its first delta", async () => {
    const sent = message([{ type: "text_delta", text: "ARY" }], { type: "text", text: "CAN" });
    assert.equal((await run("anthropic.messages", guardThat("block"), cut(sent, []))).blocked, true);
    const clean = message([{ type: "text_delta", text: " you" }], { type: "text", text: "hi" });
    assert.equal(
      assemble((await run("anthropic.messages", guardThat("block"), cut(clean, []))).text)["0.text"],
      "hi you",
    );
  });

  it("asks the guard about what every event repeats once", async () => {
    const { pointers } = await run("openai.chat", guardThat("block"), [utf8.encode(chat(["a", "b", "c", "d"]))]);
    assert.equal(pointers.filter((pointer) => pointer === "/id").length, 1);
    assert.equal(pointers.filter((pointer) => pointer === "/choices/0/delta/content").length, 1);
  });

  it("reports what was not read", async () => {
    const data = "QUJD".repeat(2_000);
    const { stream } = await run("openai.chat", guardThat("block"), [
      utf8.encode(chunk(0, { audio: { data } }).repeat(2) + DONE),
    ]);
    assert.deepEqual(
      stream.unscanned.map(({ pointer, size, kind }) => ({ pointer, size, kind })),
      [{ pointer: "/choices/0/delta/audio/data", size: 16_000, kind: "base64" }],
    );
  });
});

describe("log probabilities in a stream", () => {
  const entry = (token: string, others: readonly string[] = []): object => ({
    token,
    logprob: -1,
    bytes: [...utf8.encode(token)],
    top_logprobs: [token, ...others].map((one) => ({ token: one, logprob: -2, bytes: [...utf8.encode(one)] })),
  });
  const said = (tokens: readonly string[], others: readonly string[] = []): string =>
    [
      ...tokens.map((content, at) =>
        chunk(0, { content }, { logprobs: { content: [entry(content, others.slice(at, at + 1))], refusal: null } }),
      ),
      finish(0),
      DONE,
    ].join("");

  it("pass byte for byte with clean text", async () => {
    const sent = said(["The", " cat", " sat", " down"]);
    assert.equal((await run("openai.chat", guardThat("block"), cut(sent, [7, 500]))).text, sent);
  });

  it("go where the text is masked, and nothing of the secret is left in them", async () => {
    const { text } = await run("openai.chat", guardThat("mask"), [
      utf8.encode(said(["Say", " CAN", "ARY", " now", " please", " ok"])),
    ]);
    assert.equal(assemble(text)["0.content"], `Say ${MASK} now please ok`);
    assert.doesNotMatch(text, /"token":"( CAN|ARY)"/);
  });

  it("are read as text of their own: a secret that only the alternatives or the bytes spell", async () => {
    assert.equal(
      (await run("openai.chat", guardThat("block"), [utf8.encode(said(["a", "b"], ["CAN", "ARY"]))])).blocked,
      true,
    );
    const bytes =
      chunk(0, {}, { logprobs: { content: [{ token: "x", bytes: [...utf8.encode(SECRET)] }] } }) + finish(0);
    assert.equal((await run("openai.chat", guardThat("block"), [utf8.encode(bytes)])).blocked, true);
    const novel = chunk(0, {}, { logprobs: { novel: [SECRET] } }) + finish(0);
    assert.equal((await run("openai.chat", guardThat("block"), [utf8.encode(novel)])).blocked, true);
  });
});

describe("the end of a stream", () => {
  const throwsCode = async (code: string, id: string, sent: string): Promise<void> => {
    await assert.rejects(run(id, guardThat("block"), [utf8.encode(sent)]), (error) => {
      assert.ok(isHoldfastError(error, code as never), String(error));
      assert.doesNotMatch(String(error), /sk-upstream/);
      return true;
    });
  };

  it("is [DONE] exactly; what follows is dropped", async () => {
    const sent = chat(["say [DONE]"]);
    const seen = await run("openai.chat", guardThat("block"), [utf8.encode(`${sent}${chunk(0, { content: SECRET })}`)]);
    assert.equal(seen.text, sent);
    await throwsCode("gateway.upstream-invalid", "openai.chat", "data: [DONE] \n\n");
  });

  it("may lack [DONE] when all choices have ended", async () => {
    const { stream, text } = await run("openai.chat", guardThat("block"), [
      utf8.encode(chunk(0, { content: "hi" }) + finish(0)),
    ]);
    assert.equal(stream.complete, true);
    assert.equal(assemble(text)["0.content"], "hi");
  });

  it("is not complete when the upstream breaks off, and what is judged still comes", async () => {
    for (const [id, sent] of [
      ["openai.chat", chunk(0, { content: "hi" })],
      ["openai.chat", chunk(0, { content: "hi" }) + finish(0) + chunk(1, { content: "x" })],
      ["openai.chat", ""],
      [
        "anthropic.messages",
        named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hi" } } as never),
      ],
    ] as const) {
      const { stream, text, blocked } = await run(id, guardThat("block"), [utf8.encode(sent)]);
      assert.equal(stream.complete, false);
      assert.equal(blocked, false);
      assert.equal(text, sent);
    }
  });

  it("is an error for what no guard can read", async () => {
    const deep = `${"[".repeat(200)}${"]".repeat(200)}`;
    for (const data of ["hello", "{", "[]", "1", "null", '{"a":1,"a":2}', `{"a":${deep}}`]) {
      await throwsCode("gateway.upstream-invalid", "openai.chat", `data: ${data}\n\n`);
      await throwsCode("gateway.upstream-invalid", "anthropic.messages", `event: ping\ndata: ${data}\n\n`);
    }
    await throwsCode("gateway.upstream-invalid", "anthropic.messages", sse({ type: "content_block_delta" }, "ping"));
  });

  it("is an error that keeps the upstream's own words to itself", async () => {
    const error = { message: "bad key sk-upstream-1234", type: "server_error", code: null };
    await throwsCode("gateway.upstream-error", "openai.chat", sse({ error }));
    await throwsCode("gateway.upstream-error", "openai.chat", sse({ anything: "sk-upstream" }, "error"));
    await throwsCode("gateway.upstream-error", "anthropic.messages", named({ type: "error", error } as never));
    await throwsCode("gateway.upstream-rate-limited", "openai.chat", sse({ error: { type: "rate_limit_error" } }));
  });

  it("is reached by every stream of random events without a foreign error", async () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.record({
        choices: fc.jsonValue({ maxDepth: 3 }),
        type: fc.constantFrom("content_block_start", "content_block_delta", "message_start"),
        delta: fc.jsonValue(),
        content_block: fc.jsonValue(),
        index: fc.jsonValue(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("openai.chat", "anthropic.messages"),
        fc.array(value, { maxLength: 5 }),
        async (id, values) => {
          try {
            await run(id, guardThat("mask"), [utf8.encode(values.map((one) => sse(one)).join(""))]);
          } catch (error) {
            assert.ok(isHoldfastError(error) && error.code.startsWith("gateway.upstream-"), String(error));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("counts tokens as the upstream does", async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 6 };
    const openai = await run("openai.chat", guardThat("block"), [
      utf8.encode(chunk(0, {}) + sse({ model: "m2", choices: [], usage }) + DONE),
    ]);
    assert.deepEqual(openai.stream.usage, { inputTokens: 5, outputTokens: 6 });
    assert.equal(openai.stream.model, "m2");
    const anthropic = await run("anthropic.messages", guardThat("block"), [utf8.encode(messageText(["a"]))]);
    assert.deepEqual(anthropic.stream.usage, { inputTokens: 3, outputTokens: 9 });
    assert.equal(anthropic.stream.model, "m");
  });
});

function isSame(json: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(json)) === JSON.stringify(value);
  } catch {
    return false;
  }
}
