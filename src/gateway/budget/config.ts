/**
 * The `budgets` and `prices` of the `gateway` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

import { WINDOWS } from "../../storage/index.ts";

/** Names of models, keys, apps and users: exact, or a prefix followed by `*`. */
const patterns = z.array(z.string().min(1).max(256)).min(1).max(200).default(["*"]);

const whoConfig = z
  .strictObject({
    key: patterns.describe("ids of keys"),
    app: patterns.describe("names of apps"),
    user: patterns.describe("users, as their issuer names them; who shows a key has none, and is in * alone"),
    model: patterns.describe(
      "models, as they are asked for; of MCP mcp:<server>/<tool>, and mcp:<server> for what is no tool",
    ),
  })
  .prefault({})
  .describe("which requests it binds: exact names, or a prefix followed by *; all of the four must fit");

/** Most of a limit, in requests, tokens or millionths of the currency. */
const MOST = 1_000_000_000_000_000;

const budgetConfig = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "lower-case letters, digits and hyphens")
      .describe("the name in refusals, receipts and metrics"),
    what: z.enum(["requests", "tokens", "money"]).describe("what is counted: money in the currency of the price table"),
    limit: z
      .number()
      .positive()
      .max(MOST)
      .describe("how much of it in one window; money with up to six decimals, the others whole"),
    window: z.enum(WINDOWS).describe("how long it is for, by the calendar in UTC; total: for ever"),
    who: whoConfig,
    per: z
      .array(z.enum(["key", "app", "user", "model"]))
      .max(4)
      .default([])
      .describe("whose limit it is: one for each of these; empty: one for all that it binds"),
    onUnknownPrice: z
      .enum(["refuse", "default"])
      .default("refuse")
      .describe("money only: what a model without a known price does; default: it costs gateway.prices.default"),
    onLost: z
      .enum(["free", "charge"])
      .default("free")
      .describe(
        "what was reserved by a gateway that died: free again, or counted as spent, since the upstream may have been paid",
      ),
  })
  .superRefine(({ what, limit }, context) => {
    const units = what === "money" ? limit * MICRO : limit;
    // Of a product in floating point the last digits say nothing.
    if (Math.abs(units - Math.round(units)) < 1e-3 && units >= 1 && units <= MOST) return;
    const message = what === "money" ? "0.000001 to 1000000000, with at most six decimals" : "a whole number";
    context.addIssue({ code: "custom", path: ["limit"], message });
  });

export const budgetsConfig = z
  .array(budgetConfig)
  .max(32)
  .default([])
  .superRefine((budgets, context) => {
    budgets.forEach(({ name }, index) => {
      if (budgets.findIndex((other) => other.name === name) !== index) {
        context.addIssue({ code: "custom", path: [index, "name"], message: "another budget has this name" });
      }
    });
  })
  .describe("how much may be used of requests, tokens and money; several may bind one request, and all must have room");

const micro = z.int().min(0).max(1_000_000_000_000);
const price = {
  input: micro.describe("millionths of the currency for a million tokens of input"),
  output: micro.describe("the same of output"),
};

export const pricesConfig = z
  .strictObject({
    default: z.strictObject(price).optional().describe("of models that have no known price, for budgets that say so"),
    models: z
      .array(z.strictObject({ model: z.string().min(1).describe("exact name, or a prefix followed by *"), ...price }))
      .default([])
      .describe("prices of your own, before those of catalog/prices"),
  })
  .prefault({})
  .describe("what models cost, beyond what catalog/prices knows");

export type BudgetConfig = z.output<typeof budgetConfig>;
export type PricesConfig = z.output<typeof pricesConfig>;

/** Millionths in one unit of a currency. */
export const MICRO = 1_000_000;
