/**
 * The official clients of OpenAI and Anthropic, guarded: the same client with a `fetch` that has a guard in it
 * (`fetch.ts`).
 *
 * Covered is what goes over HTTP: chat completions, responses, embeddings, messages and every other endpoint that speaks
 * JSON, streamed or not, with the client's helpers for parsing and tools. Uploads of files are refused unless
 * `unread: "pass"` lets them through unread. Sockets (realtime) do not use `fetch` and are not covered.
 *
 * @module
 */

import type { Guard } from "../guard.ts";
import { guardFetch, type GuardFetchOptions } from "./fetch.ts";

/** What the clients of OpenAI and Anthropic have in common: options of which `fetch` is one. */
export interface FetchingClient {
  withOptions(options: { readonly fetch: typeof globalThis.fetch }): FetchingClient;
}

/**
 * A copy of `client` whose every request and answer the guard reads. The client itself is left as it is.
 *
 * A call that the guard blocks rejects with `guard.blocked` (`isGuardBlocked` narrows it); a stream throws it where it
 * was blocked. Masked text is what the model, and the application, sees.
 *
 * @example
 * ```ts
 * import OpenAI from "openai";
 * import { createGuard, guardOpenAI, secretsDetector } from "holdfast/guard";
 *
 * const guard = createGuard({
 *   detectors: [secretsDetector],
 *   settings: { secrets: { request: "block", response: "mask", onError: "block" } },
 * });
 * const openai = guardOpenAI(new OpenAI({ apiKey: "sk-…" }), guard);
 * ```
 */
export function guardOpenAI<Client extends FetchingClient>(
  client: Client,
  guard: Guard,
  options: GuardFetchOptions = {},
): Client {
  return withGuard(client, guard, options);
}

/**
 * The same for the official Anthropic client: messages, streamed or not, with its helpers.
 *
 * @example
 * ```ts
 * import Anthropic from "@anthropic-ai/sdk";
 * import { createGuard, guardAnthropic, secretsDetector } from "holdfast/guard";
 *
 * const guard = createGuard({
 *   detectors: [secretsDetector],
 *   settings: { secrets: { request: "block", response: "mask", onError: "block" } },
 * });
 * const anthropic = guardAnthropic(new Anthropic({ apiKey: "sk-…" }), guard);
 * ```
 */
export function guardAnthropic<Client extends FetchingClient>(
  client: Client,
  guard: Guard,
  options: GuardFetchOptions = {},
): Client {
  return withGuard(client, guard, options);
}

function withGuard<Client extends FetchingClient>(client: Client, guard: Guard, options: GuardFetchOptions): Client {
  // The client's own `fetch`, which its caller may have chosen, still does the sending.
  const own = (client as { readonly fetch?: unknown }).fetch;
  const send = options.fetch ?? (typeof own === "function" ? (own as typeof globalThis.fetch) : globalThis.fetch);
  return client.withOptions({ fetch: guardFetch(guard, { ...options, fetch: send }) }) as Client;
}
