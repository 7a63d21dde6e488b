import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { GuardStream } from "../../guard/index.ts";
import { Meter } from "./meter.ts";

const verdict = { action: "allow", findings: [], runs: [] } as const;
/** A guard that lets everything through, and says what it was given. */
function channel(): GuardStream & { readonly got: string[] } {
  const got: string[] = [];
  return {
    got,
    push: (emit) => (got.push(emit), { emit, blocked: false }),
    end: () => ({ emit: "", blocked: false }),
    verdict,
  };
}

function written(pieces: readonly string[], meter = new Meter(), pointer = "/choices/0/delta/content"): Meter {
  const watched = meter.watch(channel(), "assistant", pointer);
  for (const piece of pieces) void watched.push(piece);
  void watched.end();
  return meter;
}

describe("the meter of a stream", () => {
  it("passes everything on", () => {
    const inner = channel();
    const watched = new Meter().watch(inner, "assistant", "/a");
    assert.deepEqual(watched.push("one"), { emit: "one", blocked: false });
    assert.deepEqual([inner.got, watched.verdict], [["one"], verdict]);
  });

  it("takes each event of a text that goes on for a token, but not each letter", () => {
    assert.equal(written(Array.from({ length: 30 }, () => "tok")).least, 30);
    const letters = written("the quick brown fox jumps over the lazy dog".split(""));
    assert.ok(letters.least <= 15, `${letters.least}`);
  });

  it("takes large events for as many tokens as they must be", () => {
    const { least } = written(["", "The quick brown fox jumps over the lazy dog. ".repeat(20)]);
    assert.ok(least >= 140 && least <= 200, `${least}`);
    assert.equal(written(["a", " ".repeat(5_000)]).least, 2);
  });

  it("does not cut by what came whole: it may repeat what came in pieces", () => {
    const meter = written(["said ", "in ", "pieces"]);
    const before = meter.least;
    written(["said in pieces"], meter, "/output/0/text");
    assert.equal(meter.least, before);
    assert.ok(meter.estimate >= 6);
  });

  it("counts a tool call's arguments once, though two guards read them", () => {
    const meter = new Meter();
    const raw = meter.watch(channel(), "assistant", "/a/arguments");
    const inner = channel();
    assert.equal(meter.watch(inner, "assistant", "/a/arguments"), inner);
    void raw.end();
    assert.notEqual(meter.watch(inner, "assistant", "/a/arguments"), inner);
  });

  it("does not count what is not the model's", () => {
    const inner = channel();
    assert.equal(new Meter().watch(inner, "metadata", "/id"), inner);
  });

  it("estimates rather too high", () => {
    const words = Array.from({ length: 100 }, () => "word ");
    const { estimate } = written(words);
    assert.ok(estimate >= 100 && estimate <= 300, `${estimate}`);
    const whole = new Meter();
    whole.whole([
      { pointer: "/a", origin: "assistant", text: "word ".repeat(100) },
      { pointer: "/b", origin: "metadata", text: "word ".repeat(100) },
    ]);
    assert.ok(whole.estimate >= 100 && whole.estimate <= 300, `${whole.estimate}`);
  });
});
