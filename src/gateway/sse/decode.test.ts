import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { createSseDecoder, encodeEvent, type SseEvent } from "./index.ts";

const utf8 = new TextEncoder();

/** Every event of `chunks`, the cut-off last one included. */
function decodeAll(chunks: readonly Uint8Array[]): SseEvent[] {
  const decoder = createSseDecoder();
  return [...chunks.flatMap((chunk) => decoder.push(chunk).events), ...decoder.end()];
}

function decode(text: string): SseEvent[] {
  return decodeAll([utf8.encode(text)]);
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set([0, ...at.map((place) => place % (bytes.length + 1)), bytes.length])].toSorted(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const isInvalid = (error: unknown): boolean => isHoldfastError(error, "gateway.upstream-invalid");

describe("server-sent events, decoding", () => {
  const cases: readonly (readonly [name: string, text: string, events: readonly SseEvent[]])[] = [
    ["one event", "data: a\n\n", [{ type: undefined, data: "a" }]],
    ["a named event", "event: ping\ndata: {}\n\n", [{ type: "ping", data: "{}" }]],
    ["CRLF", "event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n", [event("a", "x"), event("b")]],
    ["CR alone", "data: a\r\rdata: b\r\r", [event("a"), event("b")]],
    ["line ends of all kinds", "data: a\ndata: b\r\ndata: c\r\n\n", [event("a\nb\nc")]],
    ["a byte order mark", "\uFEFFdata: a\n\n", [event("a")]],
    ["no space after the colon", "data:a\n\n", [event("a")]],
    ["only one space is taken away", "data:  a \n\n", [event(" a ")]],
    ["several data lines", "data: a\ndata:\ndata: b\n\n", [event("a\n\nb")]],
    ["a field without a colon", "data\n\n", [event("")]],
    ["a comment among fields", ": hi\ndata: a\n\n", [event("a")]],
    ["a comment alone is a sign of life", ": hi\n\n", [{ type: undefined, data: undefined }]],
    ["id, retry and unknown fields are dropped", "id: 1\nretry: 5\nfoo: bar\ndata: a\n\n", [event("a")]],
    ["an event without data is dropped", "event: x\n\ndata: a\n\n", [event("a")]],
    ["an empty name is no name", "event: \ndata: a\n\n", [event("a")]],
    ["blank lines", "\n\n\ndata: a\n\n\n\n", [event("a")]],
    ["an event that the end cuts off", "data: a\n\ndata: [DONE]", [event("a"), event("[DONE]")]],
    ["nothing", "", []],
  ];
  for (const [name, text, events] of cases) it(name, () => assert.deepEqual(decode(text), events));

  it("gives the same events for any cut of the bytes", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "data: ",
        "data:",
        "event: x",
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        ": c",
        "id: 1",
        "é",
        "😀",
        "{}",
        "\uFEFF",
      ),
      fc.string({ unit: "binary", maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(500), { maxLength: 30 }), (pieces, places) => {
        const bytes = utf8.encode(pieces.join(""));
        assert.deepEqual(decodeAll(cut(bytes, places)), decodeAll([bytes]));
        assert.deepEqual(decodeAll([...bytes].map((byte) => Uint8Array.of(byte))), decodeAll([bytes]));
      }),
      { numRuns: 300 },
    );
  });

  it("never fails on random bytes but with its own error", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 10 }), (chunks) => {
        try {
          decodeAll(chunks);
        } catch (error) {
          assert.ok(isInvalid(error));
        }
      }),
    );
  });

  it("refuses bytes that are not UTF-8, also when the end cuts a character", () => {
    assert.throws(() => decodeAll([Uint8Array.of(0x64, 0xff)]), isInvalid);
    assert.throws(() => decodeAll([utf8.encode("data: é").subarray(0, 7)]), isInvalid);
  });

  it("refuses an event over the limit, however it grows", () => {
    const limit = 100;
    for (const text of ["x".repeat(200), "data: a\n".repeat(50), ":\n".repeat(300), "event: a\n".repeat(50)]) {
      const decoder = createSseDecoder(limit);
      assert.throws(() => {
        for (const byte of utf8.encode(text)) decoder.push(Uint8Array.of(byte));
      }, isInvalid);
    }
    const decoder = createSseDecoder(limit);
    for (let index = 0; index < 1_000; index++) decoder.push(utf8.encode(`data: ${"x".repeat(50)}\n\n`));
  });

  // Work that grew with the square of an event's pieces would be half a terabyte of copying, and never end in time.
  it("looks at each byte once: an event in a million pieces", { timeout: 60_000 }, () => {
    const pieces = 1_000_000;
    const byte = Uint8Array.of(0x61);
    const decoder = createSseDecoder();
    decoder.push(utf8.encode("data: "));
    for (let index = 0; index < pieces; index++) decoder.push(byte);
    assert.equal(decoder.push(utf8.encode("\n\n")).events[0]?.data?.length, pieces);
  });
});

describe("server-sent events, verbatim", () => {
  it("is what the encoder writes, whole", () => {
    const decoder = createSseDecoder();
    const text = encodeEvent({ type: "a", data: "1\n2" }) + encodeEvent({ type: undefined, data: "x" });
    assert.equal(decoder.push(utf8.encode(text)).verbatim, true);
    assert.equal(decoder.push(utf8.encode("data: a\n")).verbatim, false);
    assert.equal(decoder.push(utf8.encode("\n")).verbatim, false);
    assert.equal(decoder.push(utf8.encode("data: b\n\n")).verbatim, true);
  });

  for (const text of [
    "data:a\n\n",
    "data: a\r\n\r\n",
    ": c\n\n",
    "id: 1\ndata: a\n\n",
    "data: a\nevent: x\n\n",
    "\n",
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(createSseDecoder().push(utf8.encode(text)).verbatim, false);
    });
  }

  it("holds for any chunk: what is verbatim is what the encoder writes", () => {
    const piece = fc.constantFrom("data: a", "event: x", "\n", "\r", "\n\n", ":", "data:b", "é", "id: 1");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(200), { maxLength: 8 }), (pieces, places) => {
        const decoder = createSseDecoder();
        for (const chunk of cut(utf8.encode(pieces.join("")), places)) {
          const { events, verbatim } = decoder.push(chunk);
          if (verbatim) assert.equal(new TextDecoder().decode(chunk), events.map(encodeEvent).join(""));
        }
      }),
    );
  });

  it("survives the way out and in again", () => {
    const line = fc.string().map((text) => text.replaceAll(/[\r\n]/g, ""));
    const one = fc.record({
      type: fc.option(
        line.filter((text) => text !== ""),
        { nil: undefined },
      ),
      data: fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join("\n")),
    });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1 }), (events) => {
        const expected = events.map(({ type, data }) => ({ type, data }));
        assert.deepEqual(decode(events.map(encodeEvent).join("")), expected);
      }),
    );
  });
});

function event(data: string, type?: string): SseEvent {
  return { type, data };
}
