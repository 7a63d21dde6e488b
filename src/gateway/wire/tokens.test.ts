import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { estimateTokens } from "./index.ts";

const estimate = (text: string): number => estimateTokens([{ pointer: "", text, origin: "user" }]);

describe("the estimate of tokens", () => {
  // Counts of cl100k_base and o200k_base, made with their own tokenizer.
  const counted: readonly (readonly [text: string, cl100k: number, o200k: number])[] = [
    ["The gateway holds the text back until every guard has judged it, and then lets it go on its way.", 22, 22],
    ["function add(left: number, right: number): number {\n  return left + right; // the sum\n}\n", 23, 23],
    ['{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}', 20, 21],
    ["q1W8zLr0pK3vXy7NnB5tGh2JdFsA9cEuM4iOoQeRwTyUiPlKjHgFdSaZxCvBnM==", 55, 50],
    ["1234567890 2718281828 3141592653", 14, 14],
    ["THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG", 14, 13],
    ["Die Sicherheit des Systems muss ausdrücklich geschützt werden.", 15, 9],
    ["Безопасность системы должна быть защищена от первой записи.", 21, 12],
    ["人工智能系统的安全性需要得到保护。", 17, 10],
    ["인공지능 시스템의 보안은 보호되어야 합니다.", 22, 13],
  ];
  for (const [text, cl100k, o200k] of counted) {
    it(`is near the count of ${JSON.stringify(text.slice(0, 24))}`, () => {
      const ratio = estimate(text) / Math.max(cl100k, o200k);
      assert.ok(ratio >= 0.8 && ratio <= 3.5, `${estimate(text)} for ${cl100k} and ${o200k}`);
    });
  }

  it("is never under a fifth of the bytes, nor over five times the UTF-16 units", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.string({ unit: fc.constantFrom(" ", "a", "B") })),
        (text) => {
          const bytes = Buffer.byteLength(text.toWellFormed());
          assert.ok(estimate(text) >= bytes / 5, text);
          assert.ok(estimate(text) <= 5 * text.length);
        },
      ),
    );
  });

  it("grows with the text, span by span", () => {
    const span = { pointer: "", text: "some words", origin: "user" } as const;
    assert.equal(estimateTokens([]), 0);
    assert.equal(estimateTokens([span, span]), 2 * estimateTokens([span]));
  });

  it("counts token ids, and nothing else that is not text", () => {
    assert.equal(estimateTokens([], [{ pointer: "/input", why: "", size: 7, kind: "token-ids" }]), 7);
    assert.equal(estimateTokens([], [{ pointer: "/x", why: "", size: 7_000, kind: "base64" }]), 0);
  });
});
