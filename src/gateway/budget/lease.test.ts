import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Exchange } from "../receipt/receipt.ts";
import type { ParsedRequest } from "../wire/index.ts";
import type { Grant } from "./account.ts";
import type { Accounts } from "./accounts.ts";
import { budgetsConfig } from "./config.ts";
import { BudgetLease } from "./lease.ts";

const [requests, tokens, money] = budgetsConfig.parse(
  (["requests", "tokens", "money"] as const).map((what) => ({ name: what, what, limit: 100, window: "day" })),
) as [never, never, never];
const text = "a request of some twenty tokens or so, to be estimated ".repeat(4);
const parsed: ParsedRequest = {
  model: "m",
  stream: true,
  spans: [{ pointer: "/messages/0/content", text, origin: "user" }],
  unscanned: [],
  media: [],
  messages: 1,
  maxTokens: 100,
  inputChars: text.length,
};

/** A lease over one budget of each kind, and what it settled. */
function leaseOf(more: { readonly granted?: boolean } = {}) {
  const settled: (readonly number[])[] = [];
  const grant = { id: "g" } as Grant;
  const accounts = { settle: async (_: Grant, amounts: readonly number[]) => void settled.push(amounts) };
  const cheap = { names: ["m"], input: 1_000_000, output: 1_000_000, surcharges: [] };
  const dear = { names: ["m-large"], input: 10_000_000, output: 10_000_000, surcharges: [] };
  const lease = new BudgetLease({
    accounts: accounts as unknown as Accounts,
    grant: more.granted === false ? undefined : grant,
    bindings: [requests, tokens, money].map((budget) => ({ budget, counter: "c", limit: 100, policy: "" })),
    amounts: [1, 400, 4_000],
    fromEscrow: false,
    headers: {},
    request: {
      capped: { worst: { input: 300, output: 100, audio: false }, body: Buffer.alloc(0), dropUsage: false },
      pricing: new Map([[money, [cheap, dear]]]),
      value: {},
      parsed,
    },
  });
  return { lease, settled };
}

const exchange = (more: Partial<Exchange>): Exchange => ({
  id: "x",
  receivedAt: 0,
  startedAt: 0,
  outcome: "failed",
  status: 0,
  stream: true,
  ...more,
});

const usage = { inputTokens: 11, outputTokens: 7 };
const answering = { name: "u", status: 200 };

describe("what an exchange is charged", () => {
  const table: readonly (readonly [string, Partial<Exchange>, readonly number[], string])[] = [
    ["nothing was asked", {}, [1, 0, 0], "nothing"],
    ["no connection", { upstream: { name: "u", error: "gateway.upstream-unreachable" } }, [1, 0, 0], "nothing"],
    ["no place", { upstream: { name: "u" }, error: "gateway.upstream-busy" }, [1, 0, 0], "nothing"],
    ["refused", { upstream: { name: "u", status: 400 } }, [1, 0, 0], "nothing"],
    ["failed", { upstream: { name: "u", status: 503 } }, [1, 0, 0], "nothing"],
    ["no answer", { upstream: { name: "u", error: "gateway.upstream-timeout" } }, [1, 400, 4_000], "reservation"],
    ["left by its client", { upstream: { name: "u" }, outcome: "cancelled" }, [1, 400, 4_000], "reservation"],
    [
      "one lost, one refusing",
      { attempts: [{ name: "u", error: "gateway.upstream-broken" }], upstream: { name: "v", status: 500 } },
      [1, 400, 4_000],
      "reservation",
    ],
    [
      "one unreachable, one refusing",
      { attempts: [{ name: "u", error: "gateway.upstream-unreachable" }], upstream: { name: "v", status: 500 } },
      [1, 0, 0],
      "nothing",
    ],
    ["served", { upstream: answering, outcome: "served", usage }, [1, 18, 18], "usage"],
    [
      "served by another model",
      { upstream: { ...answering, asked: "m-large" }, outcome: "served", usage },
      [1, 18, 180],
      "usage",
    ],
    [
      "served by who knows which",
      { upstream: { ...answering, asked: "m-2026-01-01" }, outcome: "served", usage },
      [1, 18, 180],
      "usage",
    ],
    ["an answer that cannot be read", { upstream: answering, stream: false }, [1, 400, 4_000], "reservation"],
    [
      "more than was reserved",
      { upstream: answering, outcome: "served", usage: { inputTokens: 500, outputTokens: 500 } },
      [1, 1_000, 1_000],
      "usage",
    ],
  ];
  for (const [what, more, amounts, by] of table) {
    it(`${what}: ${by}`, async () => {
      const { lease, settled } = leaseOf();
      await lease.settle(exchange(more));
      await lease.settle(exchange({}));
      assert.deepEqual(settled, [amounts]);
      assert.deepEqual(
        lease.records.map((record) => [record.by, record.reserved, record.settled]),
        [
          ["usage", 1, amounts[0]],
          [by, 400, amounts[1]],
          [by, 4_000, amounts[2]],
        ],
      );
    });
  }

  it("of a stream that broke off, is what was written rather than what was said of it so far", async () => {
    const { lease, settled } = leaseOf();
    const guard = { push: () => ({ emit: "", blocked: false }), end: () => ({ emit: "", blocked: false }) };
    const channel = lease.meter.watch(
      { ...guard, verdict: { action: "allow", findings: [], runs: [] } },
      "assistant",
      "/a",
    );
    for (let piece = 0; piece < 60; piece++) void channel.push("word ");
    await lease.settle(exchange({ upstream: answering, usage: { inputTokens: 11, outputTokens: 1 } }));
    const [amounts = []] = settled;
    assert.ok((amounts[1] ?? 0) >= 11 + 60 && (amounts[1] ?? 0) <= 11 + 300, String(amounts));
    assert.equal(lease.records[1]?.by, "estimate");
  });

  it("without usage, is an estimate of both sides that errs high, of the input never above its reservation", async () => {
    const { lease, settled } = leaseOf();
    lease.answered([{ pointer: "/a", origin: "assistant", text: "word ".repeat(20) }]);
    await lease.settle(exchange({ upstream: answering, outcome: "served", stream: false }));
    const [amounts = []] = settled;
    // Forty words went in, twenty came out.
    assert.ok((amounts[1] ?? 0) >= 60 && (amounts[1] ?? 0) <= 300 + 60, String(amounts));
  });

  it("of a whole answer that a guard blocked, is what its upstream says", async () => {
    const { lease, settled } = leaseOf();
    lease.answered([]);
    await lease.settle(exchange({ upstream: answering, outcome: "blocked", stream: false, usage }));
    assert.deepEqual(settled, [[1, 18, 18]]);
  });

  it("is nothing where the budgets refused it", async () => {
    const { lease, settled } = leaseOf({ granted: false });
    await lease.settle(exchange({}));
    assert.deepEqual(settled, []);
    assert.deepEqual(lease.records[0], {
      by: null,
      counter: "shared",
      name: "requests",
      reserved: 1,
      settled: null,
      what: "requests",
    });
  });
});
