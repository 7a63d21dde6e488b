/**
 * An error that an upstream reports in the middle of its answer. Only its kind is believed, and only if it is one of
 * the protocols' own words: the message may quote the gateway's key, or be written by anyone.
 *
 * @module
 */

import { gatewayError, type GatewayError } from "../../errors.ts";
import { isObject } from "../walk.ts";

const RATE_LIMITS: ReadonlySet<unknown> = new Set([
  "rate_limit_error",
  "rate_limit_exceeded",
  "insufficient_quota",
  "RESOURCE_EXHAUSTED",
]);

const KNOWN: ReadonlySet<unknown> = new Set([
  "api_error",
  "overloaded_error",
  "server_error",
  "timeout_error",
  "invalid_request_error",
  "content_filter",
  "INTERNAL",
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
]);

/** The error for the `error` member of an event, whatever it is. */
export function upstreamError(error: unknown): GatewayError {
  const kinds = isObject(error) ? [error["type"], error["code"], error["status"]] : [];
  if (kinds.some((kind) => RATE_LIMITS.has(kind))) return gatewayError("gateway.upstream-rate-limited");
  const known = kinds.find((kind) => KNOWN.has(kind));
  return gatewayError("gateway.upstream-error", {
    detail: typeof known === "string" ? `in the middle of its answer: ${known}` : "in the middle of its answer",
  });
}
