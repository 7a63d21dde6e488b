/**
 * Errors in the caller's own protocol, so that an official client raises them as the error class that it would raise
 * for its own API.
 *
 * Sources: OpenAI API reference, «Error codes» (`{error: {message, type, param, code}}`); Anthropic API reference,
 * «Errors» (`{type: "error", error: {type, message}, request_id}`, and `error.details.error_code` for a stable code);
 * Gemini API, «Errors» and google.rpc.Status (`{error: {code, message, status, details}}`); Open Inference Protocol 2.0,
 * «Inference Response JSON Error Object» (`{error: message}`).
 * In mid-stream the clients raise what comes as data with an `error` member (openai, Gemini, whose `code` is a number) or
 * as `event: error` (Anthropic, and the Responses API of OpenAI, whose event says the same at its top level).
 *
 * Only the table's sentence, the occurrence's detail and the hint are written: never a cause, a stack, or what an
 * upstream said.
 *
 * @module
 */

import type { GatewayError } from "../errors.ts";
import { encodeEvent } from "../sse/index.ts";
import type { ErrorFormat } from "./operation.ts";

const OPENAI: ReadonlyMap<number, string> = new Map([
  [401, "authentication_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [429, "rate_limit_error"],
]);

/** The protocol's name for a kind of error, by HTTP status. */
const TYPES: Readonly<Record<ErrorFormat, ReadonlyMap<number, string>>> = {
  openai: OPENAI,
  "openai-responses": OPENAI,
  anthropic: new Map([
    [401, "authentication_error"],
    [403, "permission_error"],
    [404, "not_found_error"],
    [413, "request_too_large"],
    [429, "rate_limit_error"],
    [503, "overloaded_error"],
    [504, "timeout_error"],
    [529, "overloaded_error"],
  ]),
  gemini: new Map([
    [401, "UNAUTHENTICATED"],
    [403, "PERMISSION_DENIED"],
    [404, "NOT_FOUND"],
    [429, "RESOURCE_EXHAUSTED"],
    [500, "INTERNAL"],
    [503, "UNAVAILABLE"],
    [504, "DEADLINE_EXCEEDED"],
  ]),
  "open-inference": new Map(),
};

/** For every other status: below 500, and from there on. */
const OTHER: Readonly<Record<ErrorFormat, readonly [client: string, server: string]>> = {
  openai: ["invalid_request_error", "server_error"],
  "openai-responses": ["invalid_request_error", "server_error"],
  anthropic: ["invalid_request_error", "api_error"],
  gemini: ["INVALID_ARGUMENT", "UNAVAILABLE"],
  "open-inference": ["", ""],
};

/** The form of errors where no route is known: what the path and the headers tell of the client. */
export function formatFor(path: string, headers: Readonly<Record<string, unknown>>): ErrorFormat {
  if (path.startsWith("/v1beta/") || headers["x-goog-api-key"] !== undefined) return "gemini";
  if (path === "/v2" || path.startsWith("/v2/")) return "open-inference";
  return headers["anthropic-version"] === undefined ? "openai" : "anthropic";
}

/**
 * The answer to a request that failed: the status and the JSON body of the caller's protocol.
 *
 * @param requestId the gateway's id of the exchange; the Anthropic format carries it in the body
 *
 * @example
 * ```ts
 * errorBody("openai", gatewayError("gateway.key-missing")).body;
 * // {"error":{"message":"the request carries no API key; send …","type":"authentication_error","param":null,"code":"gateway.key-missing"}}
 * ```
 */
export function errorBody(
  format: ErrorFormat,
  error: GatewayError,
  requestId?: string,
): { status: number; body: string } {
  return { status: error.status, body: JSON.stringify(errorValue(format, error, requestId)) };
}

/** One server-sent event that the official clients raise as an API error, for a stream that has begun. */
export function errorEvent(format: ErrorFormat, error: GatewayError, requestId?: string): string {
  const value = errorValue(format, error, requestId);
  if (format === "openai-responses") {
    const { code, message, param } = value["error"] as Record<string, unknown>;
    return encodeEvent({ type: "error", data: JSON.stringify({ type: "error", code, message, param, ...value }) });
  }
  return encodeEvent({ type: format === "anthropic" ? "error" : undefined, data: JSON.stringify(value) });
}

function errorValue(
  format: ErrorFormat,
  error: GatewayError,
  requestId: string | undefined,
): Readonly<Record<string, unknown>> {
  const type = TYPES[format].get(error.status) ?? OTHER[format][error.status < 500 ? 0 : 1];
  const message = `${error.message}; ${error.hint}`;
  switch (format) {
    case "openai":
    case "openai-responses":
      return { error: { message, type, param: null, code: error.code } };
    case "anthropic":
      return {
        type: "error",
        error: { type, message, details: { error_code: error.code } },
        ...(requestId === undefined ? {} : { request_id: requestId }),
      };
    case "gemini":
      return { error: { code: error.status, message, status: type, details: [geminiDetail(error.code)] } };
    default:
      return { error: `${error.code}: ${message}` };
  }
}

/** What carries a stable code in google.rpc.Status (AIP-193). */
function geminiDetail(reason: string): Readonly<Record<string, unknown>> {
  return { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "holdfast" };
}
