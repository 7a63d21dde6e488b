/**
 * What a client may ask of the gateway itself: to be stricter with this request than policy demands, and nothing else.
 *
 *     x-holdfast-guards: block     whatever a guard finds that is on, in the request or its answer, is blocked
 *
 * Every other header that begins so, and every other value, is refused by name: one that was ignored would leave a client
 * believing in a protection that it does not have, or trying for a right that nobody has.
 *
 * @module
 */

import type { IncomingHttpHeaders } from "node:http";

import { gatewayError } from "../errors.ts";
import type { GuardsConfig } from "../guards.ts";

export interface Tightening {
  /** Every finding blocks. */
  readonly block: boolean;
}

const PREFIX = "x-holdfast-";
/** The headers that there are; each may come once. */
export const REQUEST_HEADERS = { guards: "x-holdfast-guards" } as const;

/** Reads what a client asks for. @throws `gateway.header-invalid` */
export function tightening(headers: IncomingHttpHeaders): Tightening {
  for (const name in headers) {
    if (name.startsWith(PREFIX) && name !== REQUEST_HEADERS.guards) {
      throw gatewayError("gateway.header-invalid", { detail: `${PREFIX}… other than ${REQUEST_HEADERS.guards}` });
    }
  }
  const value = headers[REQUEST_HEADERS.guards];
  if (value !== undefined && value !== "block") {
    throw gatewayError("gateway.header-invalid", { detail: `${REQUEST_HEADERS.guards} takes block` });
  }
  return value === "block" ? BLOCKING : ORDINARY;
}

const BLOCKING: Tightening = { block: true };
const ORDINARY: Tightening = { block: false };

/** The guards with every finding blocked, and every failure. What is off stays off: there is nothing that would find. */
export function blocking(guards: GuardsConfig): GuardsConfig {
  const stricter = Object.entries(guards).map(([name, section]) => [
    name,
    {
      ...section,
      request: section.request === "off" ? "off" : "block",
      response: section.response === "off" ? "off" : "block",
      onError: "block",
    },
  ]);
  return Object.fromEntries(stricter) as GuardsConfig;
}
