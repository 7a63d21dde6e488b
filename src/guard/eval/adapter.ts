/**
 * Adapter: anybody's detector in an evaluation, as one small ES module.
 *
 *     export const name = "my detector";
 *     export const threshold = 0.5;                      // optional: from this score on a text is flagged
 *     export async function detect(text, { origin }) {   // a number, or { score, flagged }
 *       return { score: await myDetector(text) };
 *     }
 *
 * An adapter is told the text and where it came from, never its label. It is code that the caller chose to run, with the
 * caller's rights.
 *
 * @module
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import type { Origin } from "../detector.ts";
import { checkScore, type Contestant, type Stopwatch } from "./contestant.ts";
import { evalError } from "./errors.ts";

/** What `detect` of an adapter may answer. */
type AdapterAnswer = number | { readonly score: number; readonly flagged?: boolean };

/** What an adapter module exports. */
export interface Adapter {
  readonly name: string;
  readonly version?: string;
  /** Default 0.5. */
  readonly threshold?: number;
  detect(text: string, context: { readonly origin: Origin }): AdapterAnswer | Promise<AdapterAnswer>;
}

/** A text that an adapter has not judged after so long is an error. */
const ADAPTER_TIMEOUT_MS = 60_000;
const DEFAULT_THRESHOLD = 0.5;

/** Loads the adapter at `path`. @throws `guard.eval-adapter-invalid` */
export async function loadAdapter(
  path: string,
  options: { readonly threshold: number | undefined; readonly stopwatch: Stopwatch },
): Promise<Contestant> {
  let module: unknown;
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    throw evalError("guard.eval-adapter-invalid", { detail: `${path} does not load`, cause });
  }
  return adapterContestant(asAdapter(module, path), options);
}

/** An adapter as a contestant. */
export function adapterContestant(
  adapter: Adapter,
  {
    threshold = adapter.threshold ?? DEFAULT_THRESHOLD,
    stopwatch,
  }: { readonly threshold: number | undefined; readonly stopwatch: Stopwatch },
): Contestant {
  return {
    name: adapter.name,
    version: adapter.version ?? "unknown",
    threshold,
    judge: async (text, origin) => {
      const started = stopwatch();
      const pending = adapter.detect(text, { origin });
      const answer = pending instanceof Promise ? await inTime(pending) : pending;
      const ms = stopwatch() - started;
      const { score, flagged } = typeof answer === "number" ? { score: answer, flagged: undefined } : answer;
      return { score: checkScore(score), flagged: flagged ?? score >= threshold, ms };
    },
  };
}

function asAdapter(module: unknown, path: string): Adapter {
  const { name, version, threshold, detect } = module as Readonly<Record<string, unknown>>;
  const refuse = (why: string): Error => evalError("guard.eval-adapter-invalid", { detail: `${path}: ${why}` });
  if (typeof name !== "string" || name === "") throw refuse("exports no `name`");
  if (typeof detect !== "function") throw refuse("exports no function `detect`");
  if (version !== undefined && typeof version !== "string") throw refuse("`version` is not a string");
  if (threshold !== undefined && typeof threshold !== "number") throw refuse("`threshold` is not a number");
  return {
    name,
    ...(version === undefined ? {} : { version }),
    ...(threshold === undefined ? {} : { threshold }),
    detect: detect as Adapter["detect"],
  };
}

async function inTime<T>(pending: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(evalError("guard.eval-row-failed", { detail: `no answer in ${ADAPTER_TIMEOUT_MS} ms` })),
      ADAPTER_TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([pending, late]);
  } finally {
    clearTimeout(timer);
  }
}
