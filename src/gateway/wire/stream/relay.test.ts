import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../../core/index.ts";
import { createGuard, type GuardStream } from "../../../guard/index.ts";
import { operations } from "../index.ts";
import {
  DONE,
  MASK,
  SECRET,
  assemble,
  chat,
  chunk,
  cut,
  finish,
  guardThat,
  message,
  messageText,
  named,
  run,
  slowDetector,
  split,
  sse,
  utf8,
} from "../../../../test/upstreams/streams.ts";

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

  it("passes events on unchanged again once all the text that was held back has come out", async () => {
    // Holds back no more than what may become the word.
    const openChannel = (): GuardStream => {
      let held = "";
      return {
        push(text) {
          held += text;
          let keep = Math.min(held.length, SECRET.length - 1);
          while (!SECRET.startsWith(held.slice(held.length - keep))) keep--;
          const emit = held.slice(0, held.length - keep);
          held = held.slice(held.length - keep);
          return { emit, blocked: false };
        },
        end: () => ({ emit: held, blocked: false }),
        verdict: { action: "allow", findings: [], runs: [] },
      };
    };
    const [first, other, ...rest] = [
      chunk(0, { content: "a CAN" }),
      chunk(1, { content: "x" }),
      chunk(0, { content: "did" }),
      chunk(0, { content: " CAN" }),
      chunk(0, { content: "dy" }),
      finish(0) + finish(1) + DONE,
    ];
    const stream = operations[0]?.responseStream?.({ openChannel });
    let text = "";
    for (const event of [first, other, ...rest]) {
      const output = await stream?.push(Buffer.from(event ?? ""));
      text += typeof output?.bytes === "string" ? output.bytes : Buffer.from(output?.bytes ?? []).toString();
    }
    const moved = [chunk(0, { content: "a " }), other, chunk(0, { content: "CANdid" })];
    assert.equal(text, [...moved, ...rest.slice(1)].join(""));
  });

  it("is no answer of its protocol when a text goes on after its end, which a client would put together", async () => {
    const delta = (text: string): string =>
      named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } } as { type: string });
    for (const [id, sent] of [
      ["openai.chat", chunk(0, { content: "CAN" }) + finish(0) + chunk(0, { content: "ARY" })],
      [
        "anthropic.messages",
        `${delta("CAN")}${named({ type: "content_block_stop", index: 0 } as { type: string })}${delta("ARY")}`,
      ],
    ] as const) {
      await assert.rejects(run(id, guardThat("block"), cut(sent, [])), (error) =>
        isHoldfastError(error, "gateway.upstream-invalid"),
      );
    }
  });

  it("has not ended with an empty reason, as some servers send with every chunk", async () => {
    const piece = (content: string): string => chunk(0, { content }, { finish_reason: "" });
    const sent = `${piece("a CAN")}${piece("ARY b")}${finish(0)}${DONE}`;
    const { text } = await run("openai.chat", guardThat("mask"), cut(sent, [50, 300]));
    assert.equal(assemble(text)["0.content"], `a ${MASK} b`);
    assert.equal((await run("openai.chat", guardThat("block"), cut(sent, []))).blocked, true);
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
