import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Principal } from "../identity/principal.ts";
import { bindingsFor, limitOf } from "./bind.ts";
import { budgetsConfig, pricesConfig } from "./config.ts";
import { budgetHeaders, policyOf, secondsUntil } from "./headers.ts";

const principal: Principal = {
  keyId: "k1",
  app: "shop",
  models: ["*"],
  requestsPerMinute: undefined,
  concurrency: undefined,
};
const budgets = (...all: object[]): ReturnType<typeof budgetsConfig.parse> =>
  budgetsConfig.parse(all.map((one, at) => ({ name: `b${at}`, what: "tokens", limit: 10, window: "day", ...one })));
const names = (list: ReturnType<typeof bindingsFor>): string[] => list.map(({ budget }) => budget.name);

describe("the budgets that bind a request", () => {
  it("are those whose patterns all fit", () => {
    const all = budgets(
      {},
      { who: { app: ["shop"], model: ["gpt-*"] } },
      { who: { app: ["shops"] } },
      { who: { key: ["k*"], model: ["claude"] } },
      { who: { user: ["anyone"] } },
      { who: { user: ["https://idp/*"] } },
    );
    assert.deepEqual(names(bindingsFor(all, principal, "gpt-5")), ["b0", "b1"]);
    const user = { ...principal, user: "https://idp/u1", keyId: "p7" };
    assert.deepEqual(names(bindingsFor(all, user, "gpt-5")), ["b0", "b1", "b5"]);
  });

  it("count requests alone where no model is asked", () => {
    const all = budgets({}, { what: "requests" }, { what: "money" });
    assert.deepEqual(names(bindingsFor(all, principal, "")), ["b1"]);
  });

  it("have a counter for each of those whose limit it is, and no other text makes the same", () => {
    const counter = (per: string[], who: Principal, model: string): string | undefined =>
      bindingsFor(budgets({ per }), who, model)[0]?.counter;
    assert.equal(counter([], principal, "m"), "b0|tokens|day");
    assert.equal(counter(["model", "app"], principal, "m"), "b0|tokens|day|app=shop|model=m");
    assert.equal(counter(["app", "model"], principal, "m"), counter(["model", "app", "app"], principal, "m"));
    const odd = ["a|app=x", "a%7C", "é", "\ud800", "a=b", "", "__proto__"];
    const counters = odd.map((model) => counter(["model"], principal, `x${model}`));
    assert.equal(new Set(counters).size, odd.length);
    for (const one of counters) assert.match(one ?? "", /^b0\|tokens\|day\|model=[\w%.~!'()*-]+$/);
    // Users by their pseudonym; those who have none share one.
    assert.equal(counter(["user"], principal, "m"), "b0|tokens|day|user=");
    assert.equal(counter(["user"], { ...principal, user: "jo@x", keyId: "p7" }, "m"), "b0|tokens|day|user=p7");
  });
});

describe("the configuration of budgets", () => {
  const refused = (more: object, path: readonly (string | number)[]): void => {
    const budget = { name: "a", what: "tokens", limit: 10, window: "day", ...more };
    const result = budgetsConfig.safeParse([budget]);
    assert.deepEqual(result.error?.issues[0]?.path, [0, ...path], JSON.stringify(more));
  };

  it("takes whole tokens, and money to the millionth", () => {
    const units = (what: string, limit: number): number => limitOf(budgets({ what, limit })[0] as never);
    assert.deepEqual(
      [units("tokens", 7), units("money", 0.1), units("money", 12.345678), units("money", 0.000001)],
      [7, 100_000, 12_345_678, 1],
    );
    refused({ limit: 1.5 }, ["limit"]);
    refused({ limit: 0 }, ["limit"]);
    refused({ limit: -1 }, ["limit"]);
    refused({ limit: 2e15 }, ["limit"]);
    refused({ what: "money", limit: 0.0000001 }, ["limit"]);
    refused({ what: "money", limit: 1.0000005 }, ["limit"]);
    refused({ what: "money", limit: 2e9 }, ["limit"]);
  });

  it("refuses what it does not know, and a name twice", () => {
    refused({ window: "week" }, ["window"]);
    refused({ what: "euros" }, ["what"]);
    refused({ per: ["team"] }, ["per", 0]);
    refused({ who: { app: [] } }, ["who", "app"]);
    refused({ name: "A b" }, ["name"]);
    refused({ windows: "day" }, []);
    const twice = budgetsConfig.safeParse([1, 2].map(() => ({ name: "a", what: "tokens", limit: 1, window: "day" })));
    assert.deepEqual(twice.error?.issues[0]?.path, [1, "name"]);
    assert.equal(pricesConfig.safeParse({ models: [{ model: "m", input: 0.5, output: 1 }] }).success, false);
  });
});

describe("the header fields", () => {
  it("say each budget by its name, as structured fields", () => {
    const now = 1_000_000;
    const bound = (name: string, what: "tokens" | "money" | "requests", window: "day" | "total") => {
      const budget = { name, what, window };
      return { budget, policy: policyOf(budget, 100) };
    };
    const standing = (endsAt: number) => ({ left: 2.7, endsAt });
    assert.deepEqual(
      budgetHeaders(
        [bound("a", "tokens", "day"), bound("b", "money", "total")],
        [standing(now + 1), standing(Infinity)],
        now,
      ),
      {
        "ratelimit-policy": '"a";q=100;qu="tokens";w=86400, "b";q=100;qu="micro-usd"',
        ratelimit: '"a";r=2;t=1, "b";r=2',
      },
    );
    assert.deepEqual(budgetHeaders([], [], now), {});
    assert.deepEqual(
      [1, 1_000, 1_001, -5].map((ms) => secondsUntil(now + ms, now)),
      [1, 1, 2, 1],
    );
  });
});
