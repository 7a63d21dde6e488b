import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { readEvents, writeEvent, type ServerEvent } from "./sse.ts";

async function read(bytes: Uint8Array, cuts: readonly number[] = []): Promise<readonly ServerEvent[]> {
  const places = [0, ...cuts.filter((cut) => cut <= bytes.length).toSorted((a, b) => a - b), bytes.length];
  const body = (async function* () {
    for (const [index, end] of places.slice(1).entries()) yield bytes.subarray(places[index], end);
  })();
  const events: ServerEvent[] = [];
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("events have their data, whatever ends the lines", async () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const text = [": ping", "", "event: x", "data: one", "data:two", "id: 3", "", "data", "", "retry: 1", ""].join(end);
    assert.deepEqual(
      (await read(bytes(text + end))).map(({ data }) => data),
      [undefined, "one\ntwo", "", undefined],
    );
  }
});

test("the last event counts without its empty line", async () => {
  assert.deepEqual(
    (await read(bytes("data: a\n\ndata: b"))).map(({ data }) => data),
    ["a", "b"],
  );
  assert.deepEqual(await read(bytes("")), []);
});

test("bytes cut anywhere are the same events", async () => {
  const line = fc.constantFrom("data: é😀", "data:", "event: x", ": c", "", "", 'data: {"a":1}', "id");
  const ends = fc.constantFrom("\n", "\r\n", "\r");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(line, ends), { maxLength: 12 }), fc.array(fc.nat(80)), async (lines, cuts) => {
      const all = bytes(lines.map((parts) => parts.join("")).join(""));
      const everywhere = Array.from({ length: all.length }, (_, at) => at);
      const whole = await read(all);
      assert.deepEqual(await read(all, everywhere), whole);
      assert.deepEqual(await read(all, cuts), whole);
    }),
    { numRuns: 200 },
  );
});

test("an event is written as it came, or with other data and its other fields", async () => {
  const [event] = await read(bytes("event: x\r\ndata: a\r\ndata: b\r\nid: 1\r\n\r\n"));
  assert.ok(event !== undefined);
  const text = (data?: string): string => new TextDecoder().decode(writeEvent(event, data));
  assert.equal(text(), "event: x\ndata: a\ndata: b\nid: 1\n\n");
  assert.equal(text("c\nd"), "event: x\nid: 1\ndata: c\ndata: d\n\n");
});

test("an event over the limit is refused", async () => {
  const most = 16 * 1024 * 1024;
  assert.equal((await read(bytes(`data:${"a".repeat(most - 6)}`))).length, 1);
  await assert.rejects(read(bytes(`data:${"a".repeat(most)}`)), (error) => isHoldfastError(error, "guard.body-unread"));
  await assert.rejects(read(bytes(`data:a\n`.repeat(most / 6))), (error) =>
    isHoldfastError(error, "guard.body-unread"),
  );
});

test("a long line in many small pieces costs what its length says", { timeout: 60_000 }, async () => {
  const all = bytes(`data: ${"a".repeat(400_000)}\n\n`);
  const everyEight = Array.from({ length: all.length >> 3 }, (_, at) => 8 * at);
  const [event] = await read(all, everyEight);
  assert.equal(event?.data?.length, 400_000);
});
