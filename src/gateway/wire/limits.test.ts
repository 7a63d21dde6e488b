/**
 * What a message may cost: the walk over its values is bounded by name, and a stream lets others have their turn and
 * holds on to nothing that has ended.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import type { GuardStream, Origin } from "../../guard/index.ts";
import {
  DONE,
  SECRET,
  call,
  chunk,
  cut,
  finish,
  guardThat,
  message,
  run,
  sse,
} from "../../../test/upstreams/streams.ts";
import { operations, type Operation, type ResponseStream } from "./index.ts";

const VALUES = 65_536;
const UNSCANNED = 8_192;

function operation(id: string): Operation {
  return operations.find((one) => one.id === id) as Operation;
}

function errorOf(read: () => unknown): string | undefined {
  try {
    read();
  } catch (error) {
    return isHoldfastError(error) ? `${error.code}: ${error.detail ?? ""}` : String(error);
  }
  return undefined;
}

function request(rest: object): unknown {
  return { model: "m", messages: [{ role: "user", content: "hi" }], ...rest };
}

describe("the values of a message", () => {
  // The body's three members, the message in its list, and the message's two.
  const own = 6;
  const fillings: Readonly<Record<string, (amount: number) => unknown>> = {
    strings: (count) => Array.from({ length: count }, () => "a"),
    "empty lists": (count) => Array.from({ length: count }, () => []),
    members: (count) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 1])),
    "lists in lists": (count) => Array.from({ length: count / 4 }, () => ["a", "b", "c"]),
  };
  for (const [name, fill] of Object.entries(fillings)) {
    it(`are counted and refused over the limit: ${name}`, () => {
      const chat = operation("openai.chat");
      const most = Math.floor((VALUES - own) / 4) * 4;
      assert.equal(
        errorOf(() => chat.parseRequest(request({ novel: fill(most) }))),
        undefined,
      );
      assert.equal(
        errorOf(() => chat.parseRequest(request({ novel: fill(most + 4) }))),
        "gateway.request-invalid: the body: expected at most 65536 values",
      );
    });
  }

  it("are counted in the JSON of tool calls, in answers and in events too", async () => {
    const many = Array.from({ length: VALUES }, () => "\u00e9");
    const escaped = JSON.stringify(many).replaceAll("\u00e9", "\\u00e9");
    const tool_calls = [{ id: "i", type: "function", function: { name: "f", arguments: escaped } }];
    assert.match(
      errorOf(() =>
        operation("openai.chat").parseRequest(request({ messages: [{ role: "assistant", tool_calls }] })),
      ) ?? "",
      /^gateway\.request-invalid: .*65536 values/,
    );
    assert.match(
      errorOf(() => operation("openai.chat").parseResponse({ choices: [], novel: many })) ?? "",
      /^gateway\.upstream-invalid: .*65536 values/,
    );
    const events = sse({ choices: [], novel: Array.from({ length: VALUES }, () => []) });
    await assert.rejects(
      run("openai.chat", guardThat("block"), [Buffer.from(events)]),
      /more than 65536 values of one event/,
    );
  });

  it("do not count the numbers of an embedding", () => {
    const data = [{ embedding: Array.from({ length: 2 * VALUES }, () => 0.5), index: 0 }];
    assert.equal(
      errorOf(() => operation("openai.embeddings").parseResponse({ data, model: "m" })),
      undefined,
    );
  });

  it("may hold a limited number of parts that are not text", () => {
    const input = Array.from({ length: UNSCANNED + 1 }, () => [1]);
    const embeddings = operation("openai.embeddings");
    assert.equal(embeddings.parseRequest({ model: "m", input: input.slice(1) }).unscanned.length, UNSCANNED);
    assert.match(
      errorOf(() => embeddings.parseRequest({ model: "m", input })) ?? "",
      /^gateway\.request-invalid: .*at most 8192 parts that are not text/,
    );
  });
});

describe("a stream", () => {
  /** How many rounds of the event loop others got before the stream had taken `event`. */
  async function roundsDuring(event: string): Promise<number> {
    const guard = guardThat("block");
    const stream = operation("openai.chat").responseStream?.({
      openChannel: (origin, pointer) => guard.stream("response", origin, pointer),
    }) as ResponseStream;
    let rounds = 0;
    let done = false;
    const next = (): void => {
      rounds += 1;
      if (!done) setImmediate(next);
    };
    setImmediate(next);
    await stream.push(Buffer.from(event));
    done = true;
    return rounds;
  }

  it("lets others have their turn within one event of many texts, and of one tangled text", async () => {
    assert.ok((await roundsDuring(sse({ choices: [], novel: Array.from({ length: 1_000 }, () => "a") }))) >= 7);
    assert.ok((await roundsDuring(call([`[${'"a",'.repeat(1_000)}`]))) >= 7);
    assert.ok((await roundsDuring(call([`{"a":"${"\\u0041".repeat(20_000)}`]))) >= 7);
  });

  it("is not made to wait by an answer of ordinary size", async () => {
    assert.equal(await roundsDuring(call(['{"city":"Oslo","unit":', '"C"}'])), 0);
  });

  it("tells once of each guard that has ended, and at its end of all", async () => {
    const word = fc.constantFrom("a", "CAN", 'x": "', '\\u0041", "', "[1", `"b"]`);
    // Whose choice it is, whether that ends with it, and the bytes.
    type Event = readonly [index: number | undefined, last: boolean, bytes: string];
    const event: fc.Arbitrary<Event> = fc.oneof(
      fc.tuple(fc.nat(2), word).map(([index, content]): Event => [index, false, chunk(index, { content })]),
      fc.tuple(fc.nat(2), word).map(([index, novel]): Event => [index, false, chunk(index, { novel })]),
      fc
        .tuple(fc.nat(1), fc.nat(1), word)
        .map(([index, tool, args]): Event => [
          index,
          false,
          chunk(index, { tool_calls: [{ index: tool, function: { arguments: args } }] }),
        ]),
      fc
        .tuple(fc.nat(2), word)
        .map(([index, token]): Event => [index, false, chunk(index, {}, { logprobs: { content: [{ token }] } })]),
      fc.nat(2).map((index): Event => [index, true, finish(index)]),
      fc.string().map((id): Event => [undefined, false, sse({ id, choices: [] })]),
    );
    /** No choice goes on after its end: that would be refused. */
    const orderly = (events: readonly Event[]): string => {
      const over = new Set<number | undefined>();
      let text = "";
      for (const [index, last, bytes] of events) {
        if (over.has(index)) continue;
        if (last) over.add(index);
        text += bytes;
      }
      return text;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 25 }), fc.array(fc.nat(5_000)), async (events, places) => {
        const ends = new Map<GuardStream, number>();
        const ended = new Set<GuardStream>();
        const guard = guardThat("block");
        const stream = operation("openai.chat").responseStream?.({
          openChannel(origin, pointer) {
            const channel = guard.stream("response", origin, pointer);
            const watched: GuardStream = {
              push(text) {
                assert.equal(ended.has(watched), false);
                return channel.push(text);
              },
              end() {
                ended.add(watched);
                return channel.end();
              },
              get verdict() {
                return channel.verdict;
              },
            };
            ends.set(watched, 0);
            return watched;
          },
          closed(channel) {
            assert.equal(ended.has(channel), true);
            ends.set(channel, (ends.get(channel) ?? Number.NaN) + 1);
          },
        }) as ResponseStream;
        for (const bytes of cut(orderly(events) + DONE, places)) await stream.push(bytes);
        assert.deepEqual(new Set(ends.values()), new Set(ends.size === 0 ? [] : [1]));
      }),
      { numRuns: 100 },
    );
  });

  it("lets go of a choice, a tool call's strings and whole texts as they end, not at the end of all", async () => {
    const open = new Set<GuardStream>();
    const guard = guardThat("block");
    const hooks = {
      openChannel: (origin: Origin, pointer: string): GuardStream => {
        const channel = guard.stream("response", origin, pointer);
        open.add(channel);
        return channel;
      },
      closed: (channel: GuardStream) => void open.delete(channel),
    };
    const stream = operation("openai.chat").responseStream?.(hooks) as ResponseStream;
    let most = 0;
    for (let at = 0; at < 500; at++) {
      const events =
        sse({ id: `id ${at}`, choices: [] }) +
        chunk(at, { content: "text" }) +
        chunk(at, { tool_calls: [{ index: 0, function: { arguments: '{"a":"b","c":"d"}' } }] }) +
        finish(at);
      await stream.push(Buffer.from(events));
      most = Math.max(most, open.size);
    }
    assert.equal(most, 0);
    const anthropic = operation("anthropic.messages").responseStream?.(hooks) as ResponseStream;
    await anthropic.push(Buffer.from(message([{ type: "text_delta", text: "hi" }])));
    assert.equal(open.size, 0);
  });

  it("keeps the guard that blocked with those that had not ended", async () => {
    const opened: GuardStream[] = [];
    const closed: GuardStream[] = [];
    const guard = guardThat("block");
    const stream = operation("openai.chat").responseStream?.({
      openChannel(origin, pointer) {
        const channel = guard.stream("response", origin, pointer);
        opened.push(channel);
        return channel;
      },
      closed: (channel) => void closed.push(channel),
    }) as ResponseStream;
    const output = await stream.push(Buffer.from(chunk(0, { content: "a" }) + chunk(1, { content: SECRET + SECRET })));
    assert.equal(output.blocked, true);
    const left = opened.filter((channel) => !closed.includes(channel));
    assert.equal(left.filter(({ verdict }) => verdict.action === "block").length, 1);
  });
});
