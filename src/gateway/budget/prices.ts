/**
 * What models cost: `catalog/prices/*.yaml`, each family and each surcharge with its source and its date, and the prices of the configuration
 * before them.
 *
 * All amounts are whole millionths of the currency. A model that is not in the table has no price, however much its name
 * resembles one: a guess that is too low would overrun a budget. Where a count does not tell two prices apart, the dearer
 * one stands.
 *
 * Not counted: what upstreams charge for tools of their own (search, containers, storage of caches), and images that a
 * model draws.
 *
 * @module
 */

import { readdir, readFile } from "node:fs/promises";

import { parse } from "yaml";
import { z } from "zod";

import { gatewayError } from "../errors.ts";
import { covers } from "../identity/principal.ts";
import type { Usage } from "../wire/index.ts";
import type { PricesConfig } from "./config.ts";

const micro = z.int().min(0).max(1_000_000_000_000);

const rates = {
  input: micro,
  output: micro,
  /** Read from the upstream's cache; left out: as `input`. */
  cachedInput: micro.optional(),
  /** Written to it; left out: as `input`. */
  cacheWrite: micro.optional(),
  /** All input of a request with audio in it. */
  audioInput: micro.optional(),
};

const modelSchema = z.strictObject({
  names: z.array(z.string().min(1)).min(1),
  ...rates,
  /** For the whole request, where its input is longer. */
  longPrompt: z.strictObject({ above: z.int().min(1), ...rates }).optional(),
});

/** The form of `catalog/prices/*.yaml`. */
const tableSchema = z.strictObject({
  currency: z.literal("USD"),
  provider: z.string().regex(/^[a-z0-9-]+$/),
  surcharges: z.array(
    z.strictObject({
      field: z.string().min(1),
      value: z.string().min(1),
      percent: z.int().min(100).max(10_000),
      source: z.url(),
      date: z.iso.date(),
    }),
  ),
  families: z
    .array(
      z.strictObject({
        family: z.string().min(1),
        source: z.url(),
        date: z.iso.date(),
        models: z.array(modelSchema).min(1),
      }),
    )
    .min(1),
});

export type Price = z.output<typeof modelSchema> & { readonly surcharges: readonly Surcharge[] };

/** A field of the request that makes all of it dearer. */
interface Surcharge {
  readonly field: string;
  readonly value: string;
  readonly percent: number;
}

export interface Prices {
  readonly currency: "USD";
  /** The price of a model by the name that its upstream has for it. */
  of(model: string): Price | undefined;
  /** Of models that have none, where the configuration has one. */
  readonly fallback: Price | undefined;
}

const FOLDER = new URL("../../../catalog/prices/", import.meta.url);

/** Reads the price table. @throws `gateway.prices-invalid` */
export async function loadPrices(config: PricesConfig, folder: URL = FOLDER): Promise<Prices> {
  const known = new Map<string, Price>();
  for (const { table, file } of await readTables(folder)) {
    for (const model of table.families.flatMap(({ models }) => models)) {
      for (const name of model.names) {
        if (known.has(name)) throw gatewayError("gateway.prices-invalid", { detail: `${file}: ${name} stands twice` });
        known.set(name, { ...model, surcharges: table.surcharges });
      }
    }
  }
  const plain = (names: string[], { input, output }: { input: number; output: number }): Price => {
    return { names, input, output, surcharges: [] };
  };
  const own = config.models.map((one) => ({ pattern: [one.model], price: plain([one.model], one) }));
  return {
    currency: "USD",
    of: (model) =>
      own.find(({ pattern }) => covers(pattern, model))?.price ?? known.get(model) ?? known.get(undated(model)),
    fallback: config.default === undefined ? undefined : plain([], config.default),
  };
}

/**
 * What a usage costs, rounded up to a whole millionth of the currency.
 *
 * @param percent of the price, from {@link surchargeOf}
 */
export function costOf(price: Price, usage: Usage, percent: number, audio: boolean): number {
  const { longPrompt } = price;
  const rate = longPrompt !== undefined && usage.inputTokens > longPrompt.above ? longPrompt : price;
  const input = audio ? (rate.audioInput ?? rate.input) : rate.input;
  const read = Math.min(usage.cacheReadTokens ?? 0, usage.inputTokens);
  const written = Math.min(usage.cacheWriteTokens ?? 0, usage.inputTokens - read);
  const plain = usage.inputTokens - read - written;
  const ofRead = rate.cachedInput ?? input;
  const ofWritten = rate.cacheWrite ?? input;
  const sum = (plain * input + read * ofRead + written * ofWritten + usage.outputTokens * rate.output) * percent;
  if (sum <= Number.MAX_SAFE_INTEGER) return (sum - (sum % UNIT)) / UNIT + (sum % UNIT > 0 ? 1 : 0);
  // Past 2^53 whole numbers have gaps.
  const exact =
    (BigInt(plain) * BigInt(input) +
      BigInt(read) * BigInt(ofRead) +
      BigInt(written) * BigInt(ofWritten) +
      BigInt(usage.outputTokens) * BigInt(rate.output)) *
    BigInt(percent);
  return Number((exact + BigInt(UNIT) - 1n) / BigInt(UNIT));
}

/** A whole millionth of the currency, in what a price for a million tokens and percent come to. */
const UNIT = 100 * 1_000_000;

/** The most that a request with at most so many tokens can cost: all of its input at the dearest rate. */
export function mostOf(price: Price, input: number, output: number, percent: number, audio: boolean): number {
  const usage = { inputTokens: input, outputTokens: output };
  return Math.max(
    costOf(price, usage, percent, audio),
    costOf(price, { ...usage, cacheWriteTokens: input }, percent, audio),
  );
}

/** What the fields of a request make of the price, in percent: all that apply, one on top of the other. */
export function surchargeOf(price: Price, request: unknown): number {
  const fields = typeof request === "object" && request !== null ? (request as Record<string, unknown>) : {};
  let percent = 100;
  for (const surcharge of price.surcharges) {
    if (Object.hasOwn(fields, surcharge.field) && fields[surcharge.field] === surcharge.value) {
      percent = Math.ceil((percent * surcharge.percent) / 100);
    }
  }
  return percent;
}

async function readTables(folder: URL): Promise<readonly { file: string; table: z.output<typeof tableSchema> }[]> {
  let file = "";
  try {
    const files = (await readdir(folder)).filter((name) => name.endsWith(".yaml")).toSorted();
    const tables = [];
    for (file of files) {
      tables.push({ file, table: tableSchema.parse(parse(await readFile(new URL(file, folder), "utf8"))) });
    }
    return tables;
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const detail = problem === undefined ? file : `${file}: ${problem.path.join(".")}: ${problem.message}`;
    throw gatewayError("gateway.prices-invalid", { detail, cause });
  }
}

/** A snapshot costs what the model costs: `-2025-08-07`, `-20250807`, `-latest`. */
function undated(model: string): string {
  return model.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$/, "");
}
