import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../../../core/index.ts";
import {
  MASK,
  SECRET,
  cut,
  guardThat,
  named,
  run,
  slowDetector,
  split,
  utf8,
} from "../../../../../test/upstreams/streams.ts";
import { responseEvents, type FakeItem } from "../../../../../test/upstreams/responses.ts";

const ID = "openai.responses";

type Event = Record<string, unknown> & { type: string };
const eventsOf = (text: string): Event[] =>
  text
    .split("\n\n")
    .filter((block) => block.includes("data: "))
    .map((block) => JSON.parse(block.slice(block.indexOf("data: ") + 6)) as Event);

const send = (...items: readonly FakeItem[]): string => [...responseEvents("m", items)].join("");

/** Everything that a client may take for the text of the first item: pieces put together, and each time it is said whole. */
function said(text: string): { spelt: string; whole: string[] } {
  let spelt = "";
  const whole: string[] = [];
  const inItem = (item: unknown): void => {
    const { content, summary, arguments: args, input } = item as Record<string, { text?: string; refusal?: string }[]>;
    for (const part of [...(content ?? []), ...(summary ?? [])]) whole.push(part.text ?? part.refusal ?? "?");
    for (const one of [args, input]) if (one !== undefined) whole.push(one as unknown as string);
  };
  for (const event of eventsOf(text)) {
    if (event.type.endsWith(".delta")) spelt += event["delta"] as string;
    else if (event.type === "response.output_item.done") inItem(event["item"]);
    else if (event.type === "response.completed") inItem((event["response"] as { output: unknown[] }).output[0]);
    else if (event.type.endsWith("_part.done")) inItem({ content: [event["part"]] });
    else if (event.type.endsWith(".done")) {
      whole.push((event["text"] ?? event["refusal"] ?? event["arguments"] ?? event["input"]) as string);
    }
  }
  return { spelt, whole };
}

const word = fc.oneof(
  { weight: 1, arbitrary: fc.constant(SECRET) },
  { weight: 3, arbitrary: fc.string({ maxLength: 8 }) },
);
const phrase = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(""));
const innocent = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !text.includes(SECRET));
const places = fc.array(fc.nat(9_000), { maxLength: 12 });

const kinds: readonly { is: "message" | "refusal" | "reasoning" | "custom"; times: number }[] = [
  { is: "message", times: 4 },
  { is: "refusal", times: 4 },
  { is: "reasoning", times: 4 },
  { is: "custom", times: 3 },
];

describe("a streamed response", () => {
  for (const { is, times } of kinds) {
    it(`passes a ${is} on byte for byte while nothing is found, wherever it is cut`, async () => {
      await fc.assert(
        fc.asyncProperty(innocent, places, places, async (text, pieces, chunks) => {
          const sent = send({ is, pieces: split(text, pieces) });
          const { text: got, blocked, stream } = await run(ID, guardThat("block"), cut(sent, chunks));
          assert.equal(got, sent);
          assert.deepEqual([blocked, stream.complete, stream.model], [false, true, "m"]);
          assert.deepEqual(stream.usage, { inputTokens: 11, outputTokens: 7, cacheReadTokens: 0 });
        }),
        { numRuns: 25 },
      );
    });

    it(`masks a ${is} in every event that says it, wherever it is cut`, async () => {
      await fc.assert(
        fc.asyncProperty(phrase, places, places, async (text, pieces, chunks) => {
          const { text: got } = await run(
            ID,
            guardThat("mask"),
            cut(send({ is, pieces: split(text, pieces) }), chunks),
          );
          const masked = text.replaceAll(SECRET, MASK);
          const { spelt, whole } = said(got);
          assert.equal(spelt, masked);
          assert.deepEqual(
            whole,
            Array.from({ length: times }, () => masked),
          );
          assert.doesNotMatch(got, /CANARY/);
        }),
        { numRuns: 40 },
      );
    });

    it(`blocks a ${is} with nothing of the match let out, wherever it is cut`, async () => {
      await fc.assert(
        fc.asyncProperty(innocent, innocent, places, places, async (before, after, pieces, chunks) => {
          const sent = send({ is, pieces: split(`${before}${SECRET}${after}`, pieces) });
          const { text: got, blocked, stream } = await run(ID, guardThat("block"), cut(sent, chunks));
          assert.deepEqual([blocked, stream.complete], [true, false]);
          const { spelt, whole } = said(got);
          assert.ok(before.startsWith(spelt));
          assert.deepEqual(whole, []);
        }),
        { numRuns: 25 },
      );
    });
  }

  it("masks the arguments of a tool call in every event, and the JSON stays JSON", async () => {
    await fc.assert(
      fc.asyncProperty(phrase, fc.string(), places, places, async (value, other, pieces, chunks) => {
        const args = JSON.stringify({ value, list: [other, { n: 1 }] });
        if (JSON.stringify({ list: [other] }).includes(SECRET)) return;
        const sent = send({ is: "call", name: "f", pieces: split(args, pieces) });
        const { text: got } = await run(ID, guardThat("mask"), cut(sent, chunks));
        const { spelt, whole } = said(got);
        for (const text of [spelt, ...whole]) {
          assert.deepEqual(JSON.parse(text), { value: value.replaceAll(SECRET, MASK), list: [other, { n: 1 }] });
        }
        assert.equal(whole.length, 3);
      }),
      { numRuns: 50 },
    );
    const hidden = send({ is: "call", name: "f", pieces: ['{"k":"\\u0043ANARY"}'] });
    assert.equal((await run(ID, guardThat("block"), [utf8.encode(hidden)])).blocked, true);
  });

  it("waits for guards that are asynchronous", async () => {
    const sent = send({ is: "message", pieces: ["a CAN", "ARY b"] });
    const { spelt, whole } = said((await run(ID, guardThat("mask", slowDetector), cut(sent, [900, 2_000]))).text);
    assert.deepEqual(
      [spelt, ...whole],
      Array.from({ length: 5 }, () => `a ${MASK} b`),
    );
  });

  it("asks the guard once about a text that is said five times", async () => {
    const text = "a long text of an answer ".repeat(40);
    let read = 0;
    const guard = guardThat("block");
    const counting: typeof guard = {
      ...guard,
      stream: (...args) => {
        const stream = guard.stream(...args);
        return {
          get verdict() {
            return stream.verdict;
          },
          push: (piece) => {
            read += piece.length;
            return stream.push(piece);
          },
          end: () => stream.end(),
        };
      },
    };
    await run(ID, counting, [utf8.encode(send({ is: "message", pieces: split(text, [100, 333, 700]) }))]);
    assert.ok(read >= text.length && read < 1.6 * text.length, String(read));
  });
});

describe("what a streamed response says beside its pieces", () => {
  const clean = eventsOf(send({ is: "message", pieces: ["hello"] }));
  const changed = (type: string, change: (event: Event) => void): string =>
    clean
      .map((event) => {
        const copy = structuredClone(event);
        if (copy.type === type) change(copy);
        return named(copy);
      })
      .join("");
  const part = (event: Event): Record<string, unknown> => event["part"] as Record<string, unknown>;
  const item = (event: Event): { content: Record<string, unknown>[] } => event["item"] as never;
  const response = (event: Event): { output: { content: Record<string, unknown>[] }[] } & Record<string, unknown> =>
    event["response"] as never;

  it("is judged for itself where it is another text", async () => {
    for (const sent of [
      changed("response.output_text.done", (event) => (event["text"] = SECRET)),
      changed("response.content_part.added", (event) => (part(event)["text"] = SECRET)),
      changed("response.content_part.done", (event) => (part(event)["text"] = SECRET)),
      changed("response.content_part.done", (event) => (part(event)["annotations"] = [{ title: SECRET }])),
      changed(
        "response.content_part.done",
        (event) => (part(event)["logprobs"] = [{ token: "CAN" }, { token: "ARY" }]),
      ),
      changed("response.output_item.added", (event) => (item(event).content = [{ type: "output_text", text: SECRET }])),
      changed("response.output_item.done", (event) => (item(event).content[0] = { type: "novel", deep: [SECRET] })),
      changed("response.output_item.done", (event) => ((event["item"] as Event)["novel"] = SECRET)),
      changed("response.completed", (event) =>
        response(event).output[0]?.content.push({ type: "refusal", refusal: SECRET }),
      ),
      changed("response.completed", (event) => (response(event)["metadata"] = { [SECRET]: "x" })),
      changed("response.created", (event) => (response(event)["instructions"] = SECRET)),
      changed("response.in_progress", (event) => (event["novel"] = { deep: SECRET })),
    ]) {
      const { blocked, text } = await run(ID, guardThat("block"), [utf8.encode(sent)]);
      assert.equal(blocked, true, sent);
      assert.doesNotMatch(text, /CANARY/);
    }
  });

  it("is followed where its kind is not known", async () => {
    const novel = (delta: string): string =>
      named({ type: "response.novel.delta", output_index: 0, delta } as { type: string });
    const sent = `${novel("CAN")}${novel("ARY")}`;
    assert.equal((await run(ID, guardThat("block"), cut(sent, []))).blocked, true);
    const apart = novel("CAN") + named({ type: "response.other", a: "x" } as { type: string }) + novel("ARY");
    assert.equal((await run(ID, guardThat("block"), cut(apart, []))).blocked, true);
  });

  it("has log probabilities of its pieces, which go where the text is masked", async () => {
    const deltas = ["a CAN", "ARY b"].map((delta) =>
      named({
        type: "response.output_text.delta",
        item_id: "i",
        output_index: 0,
        content_index: 0,
        delta,
        logprobs: [{ token: delta, logprob: -1, top_logprobs: [{ token: delta, logprob: -1 }] }],
      } as { type: string }),
    );
    const { text } = await run(ID, guardThat("mask"), cut(deltas.join(""), []));
    assert.equal(said(text).spelt, `a ${MASK} b`);
    assert.ok(
      eventsOf(text).every(
        (event) => (event["logprobs"] as unknown[] | undefined)?.length !== 1 || !JSON.stringify(event).includes("ARY"),
      ),
    );
    const others = ["CAN", "ARY"].map((token) =>
      named({
        type: "response.output_text.delta",
        output_index: 0,
        content_index: 0,
        delta: "x",
        logprobs: [{ token: "x", logprob: -1, top_logprobs: [{ token, logprob: -1 }] }],
      } as { type: string }),
    );
    assert.equal((await run(ID, guardThat("block"), cut(others.join(""), []))).blocked, true);
  });

  it("has padding that says nothing", async () => {
    const sent = changed("response.output_text.delta", (event) => (event["obfuscation"] = SECRET));
    const { text, blocked } = await run(ID, guardThat("block"), [utf8.encode(sent)]);
    assert.equal(blocked, false);
    assert.match(text, /"obfuscation":"xxxxxx"/);
  });
});

describe("a streamed response that tells different stories", () => {
  const delta = (fields: object, kind = "output_text"): string =>
    named({
      type: `response.${kind}.delta`,
      item_id: "i",
      output_index: 0,
      content_index: 0,
      delta: "x",
      ...fields,
    } as never);
  const done = named({
    type: "response.output_text.done",
    item_id: "i",
    output_index: 0,
    content_index: 0,
    text: "x",
  } as never);

  for (const [what, sent] of [
    ["an event under another name", `event: response.created\ndata: {"type":"response.in_progress"}\n\n`],
    ["an event without a type", `event: response.created\ndata: {"x":1}\n\n`],
    ["another item at one index", delta({}) + delta({ item_id: "j" })],
    ["one item at two indices", delta({}) + delta({ output_index: 1 })],
    ["another kind of text at one place", delta({}) + delta({}, "reasoning_text")],
    ["a text that goes on after its end", delta({}) + done + delta({})],
    [
      "a text that goes on after it came whole",
      named({
        type: "response.content_part.added",
        output_index: 0,
        content_index: 0,
        part: { type: "output_text", text: "a" },
      } as never) + delta({}),
    ],
    [
      "an item that goes on after it came whole",
      named({
        type: "response.output_item.added",
        output_index: 0,
        item: { id: "i", content: [{ type: "output_text", text: "a" }] },
      } as never) + delta({}),
    ],
    [
      "a text that begins twice",
      named({ type: "response.content_part.added", content_index: 0, part: { text: "CAN" } } as never) +
        named({ type: "response.content_part.added", content_index: 0, part: { text: "ARY" } } as never),
    ],
    ["an answer that begins with its end", named({ type: "response.created", response: { output: [{}] } } as never)],
  ] as const) {
    it(`is refused: ${what}`, async () => {
      await assert.rejects(run(ID, guardThat("block"), [utf8.encode(sent)]), (error) =>
        isHoldfastError(error, "gateway.upstream-invalid"),
      );
    });
  }

  it("is an error of the upstream where it says so, without what it says", async () => {
    for (const sent of [
      named({ type: "error", code: "server_error", message: "sk-upstream" } as never),
      named({ type: "error", error: { type: "server_error", message: "sk-upstream" } } as never),
      named({
        type: "response.failed",
        response: { error: { code: "server_error", message: "sk-upstream" } },
      } as never),
    ]) {
      await assert.rejects(run(ID, guardThat("block"), [utf8.encode(sent)]), (error) => {
        assert.ok(isHoldfastError(error, "gateway.upstream-error"), String(error));
        assert.doesNotMatch(String(error), /sk-upstream/);
        return true;
      });
    }
  });

  it("is not complete without its last event, which may say that the answer is not", async () => {
    const events = [...responseEvents("m", [{ is: "message", pieces: ["hi"] }])];
    const cutOff = await run(ID, guardThat("block"), [utf8.encode(events.slice(0, -1).join(""))]);
    assert.deepEqual([cutOff.stream.complete, cutOff.blocked], [false, false]);
    assert.equal(cutOff.text, events.slice(0, -1).join(""));
    const incomplete = events.join("").replaceAll("response.completed", "response.incomplete");
    assert.equal((await run(ID, guardThat("block"), [utf8.encode(incomplete)])).stream.complete, true);
  });
});

describe("any sequence of events", () => {
  const kinds = ["output_text", "reasoning_text"] as const;
  const text = fc.constantFrom("CAN", "ARY", "x");
  const index = fc.constantFrom(0, 1);
  const place = fc.record({
    output_index: index,
    content_index: fc.constant(0),
    item_id: fc.constantFrom("i0", "i1"),
  });
  const event = fc
    .tuple(
      fc.constantFrom(...kinds),
      fc.constantFrom("delta", "delta", "delta", "done", "added", "item", "novel"),
      place,
      text,
    )
    .map(([kind, what, at, said]): Event => {
      switch (what) {
        case "delta":
        case "done":
          return { type: `response.${kind}.${what}`, ...at, [what === "delta" ? "delta" : "text"]: said };
        case "added":
          return { type: "response.content_part.added", ...at, part: { type: kind, text: said } };
        case "item":
          return {
            type: "response.output_item.added",
            ...at,
            item: { type: "message", id: at.item_id, content: [{ type: kind, text: said }] },
          };
        default:
          return { type: "response.novel.delta", ...at, delta: said };
      }
    });

  /** What clients may make of it: they put together what has one kind and one place, or one kind and one item. */
  function views(got: string): string[] {
    const found = new Map<string, string>();
    const add = (key: string, piece: unknown): void => {
      if (typeof piece === "string") found.set(key, (found.get(key) ?? "") + piece);
    };
    for (const one of eventsOf(got)) {
      const at = String(one["output_index"]);
      add(`${one.type} ${at}`, one["delta"]);
      if (one["item_id"] !== undefined) add(`${one.type} of ${JSON.stringify(one["item_id"])}`, one["delta"]);
      const item = one["item"] as { content: Record<string, unknown>[] } | undefined;
      const part = (one["part"] as Record<string, unknown> | undefined) ?? item?.content[0];
      const kind = one.type.replace(/^response\.|\.delta$/g, "");
      add(`${kind} ${at}`, one["delta"]);
      if (part !== undefined) add(`${String(part["type"])} ${at}`, part["text"]);
    }
    return [...found.values(), got];
  }

  it("delivers no match to any client, or is refused", async () => {
    let judged = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 2, maxLength: 5 }),
        fc.constantFrom("mask", "block"),
        async (events, action) => {
          let got: string;
          try {
            const sent = events.map((one) => named(JSON.parse(JSON.stringify(one)) as Event)).join("");
            got = (await run(ID, guardThat(action), cut(sent, [100, 333]))).text;
            judged++;
          } catch (error) {
            assert.ok(isHoldfastError(error, "gateway.upstream-invalid"), String(error));
            return;
          }
          for (const view of views(got)) assert.ok(!view.includes(SECRET), view);
        },
      ),
      { numRuns: 1_500 },
    );
    assert.ok(judged > 40, String(judged));
  });
});
