import assert from "node:assert/strict";
import { test } from "node:test";

import type { ExchangeContext, Guard, TextSpan } from "../guard/index.ts";
import { clear, judgeAnswer, type Cleared, type Leased, type PipelineServices } from "./pipeline.ts";

test("what guards remember of a request and of its answer is its app's alone", async () => {
  const scopes: (string | undefined)[] = [];
  const see = (context: ExchangeContext | undefined): void => void scopes.push(context?.scope);
  const guard: Pick<Guard, "inspect" | "prepare"> = {
    inspect: (_spans, _direction, context) => {
      see(context);
      return Promise.resolve({ verdict: { action: "allow", findings: [], runs: [] }, masked: [], restored: [] });
    },
    prepare: (_direction, context) => {
      see(context);
      return undefined;
    },
  };
  const services = {
    guard,
    references: { allow: () => Promise.resolve([]) },
    admitting: { candidates: () => [] },
  } as unknown as PipelineServices;
  const spans: readonly TextSpan[] = [{ pointer: "/messages/0/content", text: "hello", origin: "user" }];
  const leased = {
    exchange: {},
    principal: { app: "shop" },
    route: { policy: { guards: ["request", "response"], actions: [] }, operation: { method: "POST" } },
    tightened: { block: false },
    parsed: { model: "tiny", spans, unscanned: [] },
    candidates: [],
    body: Buffer.from("{}"),
    value: {},
  } as unknown as Leased;

  const cleared: Cleared = await clear(leased, services);
  await judgeAnswer(cleared, { value: {}, bytes: Buffer.from("{}"), spans }, [], services);
  assert.deepEqual(scopes, ["shop", "shop", "shop"]);
});
