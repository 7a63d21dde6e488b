/**
 * The guard as middleware for language models of the Vercel AI SDK (`wrapLanguageModel`), of its specification v4.
 *
 * What goes in (messages, tool results, tools) is judged before the model sees it, what comes out before the application
 * does: texts, reasoning, tool calls and their arguments, whole or streamed. Types are structural, so that `ai` is no
 * dependency of the guard.
 *
 * @module
 */

import type { Guard } from "../guard.ts";
import { guardEvents } from "./events.ts";
import { openExchange, type Exchange, type UseOptions } from "./exchange.ts";
import { readPart } from "./protocol.ts";

/** What the middleware needs of a result (`LanguageModelV4GenerateResult`). */
interface GenerateResult {
  readonly content: readonly unknown[];
  readonly structuredOutputText?: string;
  readonly request?: unknown;
  readonly response?: { readonly body?: unknown };
}

/** What the middleware needs of a streamed result (`LanguageModelV4StreamResult`). */
interface StreamResult {
  readonly stream: ReadableStream<{ readonly type: string }>;
}

/** The middleware: give it to `wrapLanguageModel`. */
export interface GuardMiddleware {
  readonly specificationVersion: "v4";
  transformParams<Params extends object>(options: { readonly params: Params }): Promise<Params>;
  wrapGenerate<Result extends GenerateResult>(options: {
    readonly doGenerate: () => PromiseLike<Result>;
    readonly params: object;
  }): Promise<Result>;
  wrapStream<Result extends StreamResult>(options: {
    readonly doStream: () => PromiseLike<Result>;
    readonly params: object;
  }): Promise<Result>;
}

/**
 * Middleware that guards a language model of the AI SDK.
 *
 * A call that the guard blocks rejects with `guard.blocked` (`isGuardBlocked` narrows it); a stream fails with it where
 * it was blocked. Raw chunks of the provider are left out of streams: they spell what was masked.
 *
 * @example
 * ```ts
 * import { wrapLanguageModel } from "ai";
 * import { MockLanguageModelV4 } from "ai/test";
 * import { createGuard, guardMiddleware, secretsDetector } from "holdfast/guard";
 *
 * const guard = createGuard({
 *   detectors: [secretsDetector],
 *   settings: { secrets: { request: "mask", response: "mask", onError: "block" } },
 * });
 * const model = wrapLanguageModel({ model: new MockLanguageModelV4(), middleware: guardMiddleware(guard) });
 * ```
 */
export function guardMiddleware(guard: Guard, options: UseOptions = {}): GuardMiddleware {
  // The SDK hands the params that were transformed on to the call, as the same object.
  const exchanges = new WeakMap<object, Exchange>();
  const exchangeOf = (params: object): Exchange => exchanges.get(params) ?? openExchange(guard, options);
  return {
    specificationVersion: "v4",
    transformParams: async ({ params }) => {
      const exchange = openExchange(guard, options);
      const guarded = (await exchange.request(params, { origin: "user" })) as typeof params;
      exchanges.set(guarded, exchange);
      return guarded;
    },
    wrapGenerate: async ({ doGenerate, params }) => {
      const result = await doGenerate();
      const { content, structuredOutputText } = result;
      const judged = { content, structuredOutputText };
      const guarded = (await exchangeOf(params).response(judged, { origin: "assistant" })) as typeof judged;
      if (guarded === judged) return result;
      const response = result.response === undefined ? {} : { response: { ...result.response, body: undefined } };
      return { ...result, ...guarded, ...response };
    },
    wrapStream: async ({ doStream, params }) => {
      const result = await doStream();
      const parts = guardEvents(withoutRaw(result.stream), readPart, exchangeOf(params));
      return { ...result, stream: streamOf(parts) };
    },
  };
}

async function* withoutRaw<Part extends { readonly type: string }>(
  parts: AsyncIterable<Part>,
): AsyncGenerator<Part, void, undefined> {
  for await (const part of parts) if (part.type !== "raw") yield part;
}

function streamOf<Part>(parts: AsyncGenerator<Part, void, undefined>): ReadableStream<Part> {
  return new ReadableStream<Part>({
    async pull(controller) {
      const next = await parts.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await parts.return();
    },
  });
}
