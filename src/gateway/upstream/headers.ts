/**
 * The headers that go to an upstream: made from an allow-list, never copied.
 *
 * @module
 */

import type { IncomingHttpHeaders } from "node:http";

import { gatewayError } from "../errors.ts";
import type { Target } from "./target.ts";

const USER_AGENT = "holdfast";
/** What Anthropic's API has demanded of every request since 2023-06-01. */
const ANTHROPIC_VERSION = "2023-06-01";

/**
 * The headers of a request to `target`: the gateway's own key, and of the client's headers only those that the
 * protocol needs, each checked. A client's own key never travels on.
 *
 * @throws `gateway.header-invalid`
 */
export function upstreamHeaders(
  target: Target,
  client: IncomingHttpHeaders,
  options: { readonly body: boolean; readonly stream: boolean },
): Record<string, string> {
  const headers: Record<string, string> = {
    accept: options.stream ? "text/event-stream" : "application/json",
    "accept-encoding": "identity",
    "user-agent": USER_AGENT,
  };
  if (options.body) headers["content-type"] = "application/json";
  const key = target.key?.reveal();
  switch (target.protocol) {
    case "openai":
      if (key !== undefined) headers["authorization"] = `Bearer ${key}`;
      break;
    case "gemini":
      if (key !== undefined) headers["x-goog-api-key"] = key;
      break;
    case "anthropic": {
      if (key !== undefined) headers["x-api-key"] = key;
      headers["anthropic-version"] = checked(client, "anthropic-version", /^[\d-]{1,32}$/) ?? ANTHROPIC_VERSION;
      const beta = checked(client, "anthropic-beta", /^[\w.,: -]{1,512}$/);
      if (beta !== undefined) headers["anthropic-beta"] = beta;
      break;
    }
  }
  return headers;
}

function checked(client: IncomingHttpHeaders, name: string, form: RegExp): string | undefined {
  const value = client[name];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || !form.test(value)) throw gatewayError("gateway.header-invalid", { detail: name });
  return value;
}
