import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { gatewayConfig } from "../config.ts";
import type { Principal } from "../identity/principal.ts";
import { aliasesFor, candidatesFor, openRouting, type Routing } from "./routing.ts";

const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);
const who = (models: readonly string[] = ["*"], app = "shop"): Principal => ({
  keyId: "k",
  app,
  models,
  requestsPerMinute: undefined,
  concurrency: undefined,
});

const upstreams = [
  { name: "a", protocol: "openai", url: "http://127.0.0.1:1/v1", models: ["gpt-*"] },
  { name: "b", protocol: "openai", url: "http://127.0.0.1:2/v1" },
  { name: "c", protocol: "anthropic", url: "http://127.0.0.1:3" },
  { name: "d", protocol: "openai", url: "http://127.0.0.1:4/v1", apps: ["team-*"] },
];

function routing(models: object): Routing {
  const { circuit, timeouts, ...config } = gatewayConfig.parse({ upstreams, models });
  return openRouting(config.upstreams, config.models, { circuit, timeouts, env: {} });
}

const names = (all: readonly { target: { name: string }; model: string }[]): string[] =>
  all.map(({ target, model }) => `${target.name} ${model}`);

describe("the candidates of a model", () => {
  it("by its own name are those that serve it, in the order of the configuration", () => {
    const none = routing({});
    assert.deepEqual(names(candidatesFor(none, who(), "openai", "gpt-5")), ["a gpt-5", "b gpt-5"]);
    assert.deepEqual(names(candidatesFor(none, who(), "openai", "small")), ["b small"]);
  });

  it("by a name of the gateway's own are those behind it, and the model of that name is no more", () => {
    const some = routing({ "gpt-5": [{ upstream: "b", model: "other" }] });
    assert.deepEqual(names(candidatesFor(some, who(), "openai", "gpt-5")), ["b other"]);
    assert.throws(() => candidatesFor(some, who(), "anthropic", "gpt-5"), code("gateway.model-unknown"));
  });

  it("are cut to what the key and its app cover, one by one", () => {
    const some = routing({
      fast: [
        { upstream: "a", model: "gpt-5-mini" },
        { upstream: "b", model: "small" },
        { upstream: "d", model: "tiny" },
      ],
    });
    const of = (models: readonly string[], app?: string): string[] =>
      names(candidatesFor(some, who(models, app), "openai", "fast", () => 0.5)).toSorted();
    assert.deepEqual(of(["*"]), ["a gpt-5-mini", "b small"]);
    assert.deepEqual(of(["*"], "team-x"), ["a gpt-5-mini", "b small", "d tiny"]);
    assert.deepEqual(of(["fast", "small"]), ["b small"]);
    assert.throws(() => of(["fast"]), code("gateway.model-forbidden"));
    assert.throws(() => of(["small", "gpt-5-mini"]), code("gateway.model-forbidden"));
    assert.throws(() => of(["fast", "tiny"]), code("gateway.model-forbidden"));
    assert.deepEqual(aliasesFor(some, who(), "openai"), ["fast"]);
    assert.deepEqual(aliasesFor(some, who(["fast"]), "openai"), []);
    assert.deepEqual(aliasesFor(some, who(), "anthropic"), []);
  });

  it("come in an order by weight: each is first as often as its share, and weight 0 is always last", () => {
    const weights = [5, 3, 2, 0] as const;
    const some = routing({ x: weights.map((weight, index) => ({ upstream: "b", model: `m${index}`, weight })) });
    let seed = 42;
    // A small generator of our own, so that the counts are the same each time (Park and Miller).
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const first = [0, 0, 0, 0];
    const rounds = 10_000;
    for (let round = 0; round < rounds; round++) {
      const order = candidatesFor(some, who(), "openai", "x", random).map(({ model }) => Number(model[1]));
      assert.equal(order[3], 3);
      (first[order[0] as number] as number)++;
    }
    for (const [index, weight] of weights.entries()) {
      // Four standard deviations of a share of 10,000 are 2 %.
      assert.ok(Math.abs((first[index] as number) / rounds - weight / 10) < 0.02, first.join());
    }
  });

  it("are each of them there once, whatever the weights and the numbers", () => {
    const weight = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1_000_000, noNaN: true }));
    const number = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
    fc.assert(
      fc.property(
        fc.array(weight, { minLength: 1, maxLength: 8 }),
        fc.array(number, { minLength: 8 }),
        (all, numbers) => {
          const some = routing({ x: all.map((one, index) => ({ upstream: "b", model: `m${index}`, weight: one })) });
          let at = 0;
          const order = candidatesFor(some, who(), "openai", "x", () => numbers[at++ % numbers.length] as number);
          assert.deepEqual(
            order.map(({ model }) => model).toSorted(),
            all.map((_, index) => `m${index}`),
          );
          const zeros = all.filter((one) => one === 0).length;
          assert.ok(order.slice(all.length - zeros).every(({ model }) => all[Number(model.slice(1))] === 0));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("a name under gateway.models", () => {
  it("must name an upstream that is there and serves the model", () => {
    assert.throws(() => routing({ x: [{ upstream: "nobody", model: "m" }] }), code("gateway.alias-invalid"));
    assert.throws(() => routing({ x: [{ upstream: "a", model: "claude" }] }), code("gateway.alias-invalid"));
    assert.throws(() => gatewayConfig.parse({ models: { x: [] } }));
    assert.throws(() => gatewayConfig.parse({ models: { x: [{ upstream: "a", model: "m", weight: -1 }] } }));
  });

  it("may be one that objects have already", () => {
    const some = routing({ constructor: [{ upstream: "b", model: "m" }] });
    assert.deepEqual(names(candidatesFor(some, who(), "openai", "constructor")), ["b m"]);
    assert.deepEqual(names(candidatesFor(some, who(), "openai", "toString")), ["b toString"]);
  });
});
