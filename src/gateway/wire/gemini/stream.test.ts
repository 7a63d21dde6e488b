import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../../core/index.ts";
import {
  MASK,
  SECRET,
  cut,
  guardThat,
  run,
  slowDetector,
  split,
  sse,
  utf8,
} from "../../../../test/upstreams/streams.ts";
import { geminiEvents, type FakePart } from "../../../../test/upstreams/gemini.ts";

const ID = "gemini.stream";

const send = (pieces: readonly FakePart[]): string => [...geminiEvents("m", pieces, undefined)].join("");
const event = (parts: readonly unknown[], rest: object = {}): string =>
  sse({ candidates: [{ content: { parts, role: "model" }, index: 0, ...rest }] });
const last = event([], { finishReason: "STOP" });

/** The texts and thoughts of each candidate, as the official client puts them together. */
function said(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const block of text.split("\n\n").filter(Boolean)) {
    const value = JSON.parse(block.slice(6)) as { candidates?: { content?: { parts?: FakePart[] } }[] };
    for (const [index, { content }] of (value.candidates ?? []).entries()) {
      for (const part of content?.parts ?? []) {
        const name = `${index}.${part["thought"] === true ? "thought" : "text"}`;
        if (typeof part["text"] === "string") found[name] = (found[name] ?? "") + part["text"];
      }
    }
  }
  return found;
}

const word = fc.oneof(
  { weight: 1, arbitrary: fc.constant(SECRET) },
  { weight: 3, arbitrary: fc.string({ maxLength: 8 }) },
);
const phrase = fc.array(word, { maxLength: 6 }).map((words) => words.join(""));
const innocent = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !text.includes(SECRET));
const places = fc.array(fc.nat(4_000), { maxLength: 12 });

for (const [what, at, piece] of [
  ["text", "0.text", (text: string) => ({ text })],
  ["thought", "0.thought", (text: string) => ({ text, thought: true })],
] as const) {
  describe(`a streamed ${what}`, () => {
    it("passes byte for byte while nothing is found, wherever it is cut", async () => {
      await fc.assert(
        fc.asyncProperty(innocent, places, places, async (text, pieces, chunks) => {
          const sent = send(split(text, pieces).map(piece));
          const { text: got, blocked, stream } = await run(ID, guardThat("block"), cut(sent, chunks));
          assert.equal(got, sent);
          assert.deepEqual([blocked, stream.complete, stream.model], [false, true, "m"]);
          assert.deepEqual(stream.usage, { inputTokens: 11, outputTokens: 7 });
        }),
        { numRuns: 30 },
      );
    });

    it("is masked, wherever it is cut, and its last event stays the last", async () => {
      await fc.assert(
        fc.asyncProperty(phrase, places, places, async (text, pieces, chunks) => {
          const sent = send(split(text, pieces).map(piece));
          const { text: got } = await run(ID, guardThat("mask"), cut(sent, chunks));
          assert.equal(said(got)[at] ?? "", text.replaceAll(SECRET, MASK));
          assert.doesNotMatch(got, /CANARY/);
          assert.match(got.trimEnd().split("\n\n").at(-1) ?? "", /"finishReason":"STOP"/);
        }),
        { numRuns: 50 },
      );
    });

    it("is blocked with nothing of the match let out, wherever it is cut", async () => {
      await fc.assert(
        fc.asyncProperty(innocent, innocent, places, places, async (before, after, pieces, chunks) => {
          const sent = send(split(`${before}${SECRET}${after}`, pieces).map(piece));
          const { text: got, blocked, stream } = await run(ID, guardThat("block"), cut(sent, chunks));
          assert.deepEqual([blocked, stream.complete], [true, false]);
          assert.ok(before.startsWith(said(got)[at] ?? ""));
        }),
        { numRuns: 30 },
      );
    });
  });
}

describe("a streamed answer of the Gemini API", () => {
  const blockedBy = async (sent: string): Promise<boolean> => {
    const { blocked, text } = await run(ID, guardThat("block"), cut(sent, []));
    assert.doesNotMatch(text, /CANARY/);
    return blocked;
  };

  it("is one text wherever its parts stand, and its thoughts are another", async () => {
    const call = { functionCall: { name: "f", args: {} } };
    assert.equal(await blockedBy(event([{ text: "CAN" }]) + event([call, { text: "ARY" }]) + last), true);
    assert.equal(await blockedBy(event([{ text: "CAN" }, call, { text: "ARY" }]) + last), true);
    assert.equal(
      await blockedBy(event([{ text: "CAN" }, { text: "x", thought: true }]) + event([{ text: "ARY" }])),
      true,
    );
    const apart = event([{ text: "CAN" }]) + event([{ text: "ARY", thought: true }]) + last;
    const { text } = await run(ID, guardThat("mask"), cut(apart, [30]));
    assert.deepEqual(said(text), { "0.text": "CAN", "0.thought": "ARY" });
  });

  it("moves a thought as a thought", async () => {
    const sent = event([{ text: "a CAN", thought: true }]) + event([{ text: "said" }]) + last;
    const { text } = await run(ID, guardThat("mask"), cut(sent, []));
    assert.deepEqual(said(text), { "0.thought": "a CAN", "0.text": "said" });
  });

  it("may say with every event that it finished", async () => {
    const stop = { finishReason: "STOP" };
    const sent = event([{ text: "a CAN" }], stop) + event([{ text: "ARY b" }], stop);
    const { text, stream } = await run(ID, guardThat("mask"), cut(sent, []));
    assert.deepEqual([said(text)["0.text"], stream.complete], [`a ${MASK} b`, true]);
  });

  it("waits for guards that are asynchronous", async () => {
    const sent = send([{ text: "a CAN" }, { text: "ARY b" }]);
    assert.equal(said((await run(ID, guardThat("mask", slowDetector), cut(sent, [99]))).text)["0.text"], `a ${MASK} b`);
  });

  it("is read beside its texts: calls, code, results, citations, feedback, what is not known", async () => {
    for (const sent of [
      event([{ functionCall: { name: "f", args: { deep: [SECRET] } } }]),
      event([{ functionCall: { name: SECRET, args: {} } }]),
      event([{ functionCall: { name: "f", args: { [SECRET]: 1 } } }]),
      event([{ function_call: { name: "f", args: { a: SECRET } } }]),
      event([{ functionCall: { partialArgs: [{ stringValue: "CAN" }] } }]) +
        event([{ functionCall: { partialArgs: [{ stringValue: "ARY" }] } }]),
      event([{ functionResponse: { name: "f", response: { a: SECRET } } }]),
      event([{ executableCode: { language: "PYTHON", code: SECRET } }]),
      event([{ codeExecutionResult: { outcome: "OUTCOME_OK", output: SECRET } }]),
      event([{ novel: { deep: SECRET } }]),
      event([{ thoughtSignature: `${SECRET}!` }]),
      event([{ text: "", inlineData: { mimeType: "text/plain", data: Buffer.from(SECRET).toString("base64") } }]),
      event([{ fileData: { fileUri: `https://example.org/${SECRET}` } }]),
      event([], { groundingMetadata: { webSearchQueries: [SECRET] } }),
      event([], { citationMetadata: { citationSources: [{ uri: SECRET }] } }),
      event([], { finishMessage: SECRET }),
      event([], { finishReason: SECRET }),
      event([], { logprobsResult: { chosenCandidates: [{ token: "CAN" }, { token: "ARY" }] } }),
      event([], {
        logprobsResult: {
          topCandidates: [
            { candidates: [{ token: "x" }, { token: "CAN" }] },
            { candidates: [{ token: "x" }, { token: "ARY" }] },
          ],
        },
      }),
      event([], { novel: SECRET }),
      sse({ promptFeedback: { blockReason: SECRET } }),
      sse({ modelVersion: SECRET }),
      sse({ responseId: SECRET }),
      sse({ [SECRET]: 1 }),
      sse({ candidates: [{ content: { parts: [] } }, { index: 1, content: { parts: [{ text: SECRET }] } }] }),
      sse({ candidates: [] }, SECRET),
    ]) {
      assert.equal(await blockedBy(sent), true, sent);
    }
  });

  it("loses its log probabilities where its text is masked", async () => {
    const logprobsResult = {
      chosenCandidates: [
        { token: "CAN", logProbability: -1 },
        { token: "ARY", logProbability: -1 },
      ],
    };
    const sent = event([{ text: `a ${SECRET}` }], { logprobsResult }) + last;
    const { text } = await run(ID, guardThat("mask"), cut(sent, []));
    assert.equal(said(text)["0.text"], `a ${MASK}`);
    assert.match(text, /"logprobsResult":null/);
  });

  it("is no answer where clients would read it differently", async () => {
    for (const sent of [
      sse({ candidates: [{ index: 1, content: { parts: [{ text: "x" }] } }] }),
      event([{ text: "x", thought: "true" }]),
    ]) {
      await assert.rejects(run(ID, guardThat("block"), [utf8.encode(sent)]), (error) =>
        isHoldfastError(error, "gateway.upstream-invalid"),
      );
    }
  });

  it("is an error of the upstream where it says so, without what it says", async () => {
    const failing = (status: string): string => sse({ error: { code: 500, message: "sk-upstream", status } });
    for (const [status, code] of [
      ["INTERNAL", "gateway.upstream-error"],
      ["RESOURCE_EXHAUSTED", "gateway.upstream-rate-limited"],
    ] as const) {
      await assert.rejects(run(ID, guardThat("block"), [utf8.encode(failing(status))]), (error) => {
        assert.ok(isHoldfastError(error, code), String(error));
        assert.doesNotMatch(String(error), /sk-upstream/);
        return true;
      });
    }
  });

  it("is not complete while a candidate has not finished, unless the prompt was refused", async () => {
    const complete = async (sent: string): Promise<boolean> =>
      (await run(ID, guardThat("block"), cut(sent, []))).stream.complete;
    assert.equal(await complete(event([{ text: "hi" }])), false);
    assert.equal(await complete(""), false);
    assert.equal(await complete(event([{ text: "hi" }], { finishReason: "FINISH_REASON_UNSPECIFIED" })), false);
    assert.equal(await complete(event([{ text: "hi" }]) + last), true);
    assert.equal(await complete(sse({ promptFeedback: { blockReason: "SAFETY" } })), true);
  });
});
