/**
 * Errors in the caller's own protocol, so that an official client raises them as the error class that it would raise
 * for its own API.
 *
 * Sources: OpenAI API reference, «Error codes» (`{error: {message, type, param, code}}`); Anthropic API reference,
 * «Errors» (`{type: "error", error: {type, message}, request_id}`, and `error.details.error_code` for a stable code).
 * In mid-stream both clients raise what comes as data with an `error` member (openai) or as `event: error` (Anthropic).
 *
 * Only the table's sentence, the occurrence's detail and the hint are written: never a cause, a stack, or what an
 * upstream said.
 *
 * @module
 */

import type { GatewayError } from "../errors.ts";
import { encodeEvent } from "../sse/index.ts";
import type { ProtocolId } from "./operation.ts";

/** The protocol's name for a kind of error, by HTTP status; the last row is for every other status from 500 on. */
const TYPES: Readonly<Record<ProtocolId, ReadonlyMap<number, string>>> = {
  openai: new Map([
    [401, "authentication_error"],
    [403, "permission_error"],
    [404, "not_found_error"],
    [429, "rate_limit_error"],
  ]),
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
};

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
  protocol: ProtocolId,
  error: GatewayError,
  requestId?: string,
): { status: number; body: string } {
  return { status: error.status, body: JSON.stringify(errorValue(protocol, error, requestId)) };
}

/** One server-sent event that the official clients raise as an API error, for a stream that has begun. */
export function errorEvent(protocol: ProtocolId, error: GatewayError, requestId?: string): string {
  const data = JSON.stringify(errorValue(protocol, error, requestId));
  return encodeEvent(protocol === "anthropic" ? { type: "error", data } : { type: undefined, data });
}

function errorValue(protocol: ProtocolId, error: GatewayError, requestId: string | undefined): unknown {
  const type =
    TYPES[protocol].get(error.status) ??
    (error.status < 500 ? "invalid_request_error" : protocol === "openai" ? "server_error" : "api_error");
  const message = `${error.message}; ${error.hint}`;
  if (protocol === "openai") return { error: { message, type, param: null, code: error.code } };
  return {
    type: "error",
    error: { type, message, details: { error_code: error.code } },
    ...(requestId === undefined ? {} : { request_id: requestId }),
  };
}
