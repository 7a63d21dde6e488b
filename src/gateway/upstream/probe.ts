/**
 * Whether an upstream can be connected to, as the gateway would do it: with the same judgement of its address, and TLS
 * where its URL says so. No request is sent: that would cost money, and send a key.
 *
 * @module
 */

import type { LookupFunction } from "node:net";

import { hostOf, isHoldfastError, networkOf, type HoldfastError } from "../../core/index.ts";
import type { UpstreamConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import { connector } from "./connect.ts";

/** How long a connection has to come about, in milliseconds. */
const CONNECT_MS = 3_000;

/**
 * Opens a connection and closes it. Resolves with what keeps it from coming about, if anything does:
 * `gateway.upstream-address`, or `gateway.upstream-unreachable` with the system's own code.
 */
export function probeUpstream(
  { name, network, url: text }: UpstreamConfig,
  lookup?: LookupFunction,
): Promise<HoldfastError | undefined> {
  const url = new URL(text);
  const { protocol, port } = url;
  const connect = connector({ name, network: network ?? networkOf(url), timeoutMs: CONNECT_MS, lookup });
  return new Promise((resolve) => {
    connect({ hostname: hostOf(url), host: url.host, protocol, port }, (...[error, socket]) => {
      socket?.destroy();
      if (error === null) resolve(undefined);
      else if (isHoldfastError(error)) resolve(error);
      else {
        const code = "code" in error && typeof error.code === "string" ? error.code : "unknown error";
        resolve(gatewayError("gateway.upstream-unreachable", { detail: `${name} (${code})` }));
      }
    });
  });
}
