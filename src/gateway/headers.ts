/**
 * Headers that decide who acts, what the body is or where it ends. Two of one of them are two stories, and whoever reads
 * the other one is deceived (RFC 9110, 5.3; RFC 9112, 6.3).
 *
 * @module
 */

import { REQUEST_HEADERS } from "./authorize/tighten.ts";
import { gatewayError } from "./errors.ts";

const SINGLE: readonly string[] = [
  "authorization",
  "x-api-key",
  "x-goog-api-key",
  "content-type",
  "content-length",
  "content-encoding",
  "transfer-encoding",
  "host",
  REQUEST_HEADERS.guards,
];

/** The headers of which a request may have one, those of its protocol among them. */
export function singleHeaders(...own: readonly string[]): ReadonlySet<string> {
  return new Set([...SINGLE, ...own]);
}

/** Refuses a request with two of one of `single`. @throws `gateway.header-duplicate` */
export function checkSingle(rawHeaders: readonly string[], single: ReadonlySet<string>): void {
  // No more than there are single ones: a list is quicker than a set.
  const seen: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (!single.has(name)) continue;
    if (seen.includes(name)) throw gatewayError("gateway.header-duplicate", { detail: name });
    seen.push(name);
  }
}
