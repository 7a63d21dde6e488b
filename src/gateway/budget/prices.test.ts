import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, it, type TestContext } from "node:test";

import fc from "fast-check";

import { pricesConfig } from "./config.ts";
import { costOf, loadPrices, mostOf, surchargeOf, type Price } from "./prices.ts";

const none = pricesConfig.parse(undefined);
const price = (more: Partial<Price> = {}): Price => ({
  names: ["m"],
  input: 1_000_000,
  output: 5_000_000,
  surcharges: [],
  ...more,
});

describe("the price table", () => {
  it("knows some well-known families, each with its price in whole millionths", async () => {
    const prices = await loadPrices(none);
    assert.deepEqual(
      ["gpt-5-mini", "claude-opus-4-5", "gemini-2.5-flash"].map((model) => prices.of(model)?.output),
      [2_000_000, 25_000_000, 2_500_000],
    );
    assert.equal(prices.of("text-embedding-3-small")?.output, 0);
  });

  it("knows a model's snapshots, and nothing that only resembles it", async () => {
    const prices = await loadPrices(none);
    for (const model of ["gpt-5-2025-08-07", "gpt-5-latest", "claude-opus-4-5-20251101", "gpt-4o-2024-08-06"]) {
      assert.notEqual(prices.of(model), undefined, model);
    }
    // A snapshot that has a price of its own.
    assert.equal(prices.of("gpt-4o-2024-05-13")?.input, 5_000_000);
    const strangers = ["gpt-5-ultra", "gpt-5-", "GPT-5", "gpt-5 ", "my/gpt-5", "gpt-5-2025-08-071", "", "__proto__"];
    for (const model of strangers) assert.equal(prices.of(model), undefined, model);
  });

  it("gives way to the prices of the configuration", async () => {
    const models = [
      { model: "gpt-5", input: 1, output: 2 },
      { model: "llama*", input: 0, output: 0 },
    ];
    const prices = await loadPrices(pricesConfig.parse({ models, default: { input: 9, output: 9 } }));
    assert.deepEqual([prices.of("gpt-5")?.input, prices.of("llama-4")?.output], [1, 0]);
    assert.deepEqual([prices.of("unheard-of"), prices.fallback?.input], [undefined, 9]);
  });

  it("is refused by the file and the field that are wrong", async (context: TestContext) => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-prices-"));
    context.after(() => rm(folder, { recursive: true, force: true }));
    const at = pathToFileURL(`${folder}/`);
    const model = "{ names: [m], input: 1, output: 1 }";
    const table = (models: string): string =>
      `currency: USD\nprovider: p\nsurcharges: []\nfamilies:\n  - { family: F, source: "https://example.com", date: 2026-01-02, models: [${models}] }\n`;
    for (const [text, said] of [
      [table("{ names: [m], input: 1.5, output: 1 }"), /a\.yaml: families\.0\.models\.0\.input/],
      [table("{ names: [m], input: -1, output: 1 }"), /a\.yaml: families\.0\.models\.0\.input/],
      [table("{ names: [m], output: 1 }"), /a\.yaml: families\.0\.models\.0\.input/],
      [table(`${model}, ${model}`), /a\.yaml: m stands twice/],
      [table(model).replace("2026-01-02", "soon"), /a\.yaml: families\.0\.date/],
      [table(model).replace('source: "https://example.com", ', ""), /a\.yaml: families\.0\.source/],
      [
        table(model).replace("surcharges: []", "surcharges: [{ field: f, value: v, percent: 110 }]"),
        /a\.yaml: surcharges\.0\.source/,
      ],
      ["{", /a\.yaml/],
    ] as const) {
      await writeFile(join(folder, "a.yaml"), text);
      await assert.rejects(loadPrices(none, at), (error: Error & { code: string }) => {
        assert.equal(error.code, "gateway.prices-invalid");
        assert.match(error.message, said);
        return true;
      });
    }
    await writeFile(join(folder, "a.yaml"), table(model));
    assert.equal((await loadPrices(none, at)).of("m")?.input, 1);
    await assert.rejects(loadPrices(none, pathToFileURL(join(folder, "nowhere/"))), { code: "gateway.prices-invalid" });
  });
});

describe("what a usage costs", () => {
  it("is rounded up, and exact where floating point is not", () => {
    assert.equal(costOf(price(), { inputTokens: 11, outputTokens: 7 }, 100, false), 46);
    assert.equal(costOf(price({ input: 1, output: 1 }), { inputTokens: 1, outputTokens: 0 }, 100, false), 1);
    assert.equal(costOf(price(), { inputTokens: 0, outputTokens: 0 }, 100, false), 0);
    const huge = price({ input: 999_999_999_999, output: 0 });
    assert.equal(costOf(huge, { inputTokens: 1_000_001, outputTokens: 0 }, 100, false), 1_000_000_999_999);
  });

  it("tells cached input apart, where the price does", () => {
    const usage = { inputTokens: 1_000_000, outputTokens: 0, cacheReadTokens: 400_000, cacheWriteTokens: 100_000 };
    assert.equal(costOf(price({ cachedInput: 100_000, cacheWrite: 2_000_000 }), usage, 100, false), 740_000);
    assert.equal(costOf(price(), usage, 100, false), 1_000_000);
    // Counts that contradict themselves never make it cheaper than nothing.
    const wrong = { ...usage, cacheReadTokens: 5_000_000 };
    assert.equal(costOf(price({ cachedInput: 100_000 }), wrong, 100, false), 100_000);
  });

  it("is dearer for long prompts, audio and what the request asks for", () => {
    const long = price({ longPrompt: { above: 1_000, input: 2_000_000, output: 9_000_000 }, audioInput: 7_000_000 });
    assert.equal(costOf(long, { inputTokens: 1_000, outputTokens: 10 }, 100, false), 1_050);
    assert.equal(costOf(long, { inputTokens: 1_001, outputTokens: 10 }, 100, false), 2_092);
    assert.equal(costOf(long, { inputTokens: 10, outputTokens: 0 }, 100, true), 70);
    const surcharges = [
      { field: "speed", value: "fast", percent: 250 },
      { field: "geo", value: "us", percent: 110 },
    ];
    const fast = price({ surcharges });
    assert.equal(surchargeOf(fast, { speed: "fast", geo: "us" }), 275);
    assert.equal(surchargeOf(fast, { speed: "slow", geo: ["us"] }), 100);
    assert.equal(surchargeOf(fast, null), 100);
    assert.equal(costOf(fast, { inputTokens: 10, outputTokens: 0 }, 275, false), 28);
  });

  it("is never more than what was reserved for as many tokens", () => {
    const count = fc.integer({ min: 0, max: 2_000_000 });
    const rate = fc.integer({ min: 0, max: 100_000_000 });
    const rates = fc.record({ input: rate, output: rate, cachedInput: rate, cacheWrite: rate });
    fc.assert(
      fc.property(rates, rates, count, count, count, count, fc.constantFrom(100, 250), (one, two, above, ...rest) => {
        const [inputTokens, outputTokens, cacheReadTokens, percent] = rest as [number, number, number, number];
        // Tables have long prompts dearer, and reads from the cache cheaper, than the rest.
        const cheapRead = (of: typeof one): typeof one => ({ ...of, cachedInput: Math.min(of.cachedInput, of.input) });
        const high = Object.fromEntries(
          Object.entries(one).map(([name, value]) => [name, value + two[name as keyof typeof two]]),
        ) as typeof one;
        const table = price({ ...cheapRead(one), longPrompt: { above: above + 1, ...cheapRead(high) } });
        const usage = {
          inputTokens,
          outputTokens,
          cacheReadTokens: Math.min(cacheReadTokens, inputTokens),
          cacheWriteTokens: Math.max(0, inputTokens - cacheReadTokens) >> 1,
        };
        const most = mostOf(table, inputTokens, outputTokens, percent, false);
        assert.ok(costOf(table, usage, percent, false) <= most);
      }),
    );
  });
});
