/**
 * Which changes of the configuration a running gateway takes up, and which need a restart. A section that is not named
 * here needs one: what nobody thought of is refused, and never half taken up.
 *
 * @module
 */

import type { GatewayConfig } from "./config.ts";

/** A configuration that was checked and opened, and is not in use yet. Exactly one of the two is called, once. */
export interface PreparedReload {
  /** New exchanges begin on it from now on. */
  commit(): void;
  abort(): Promise<void>;
}

const SWAPPED: ReadonlySet<string> = new Set<keyof GatewayConfig>([
  "upstreams",
  "models",
  "admission",
  "releases",
  "retries",
  "circuit",
  "limits",
  "budgets",
  "prices",
  "media",
  "timeouts",
  "guards",
  "extraction",
  "predict",
  "mcp",
  "authorization",
  "identity",
]);

/**
 * The changed parts that a running gateway cannot take up, by their names in `holdfast.yaml`. Of TLS it takes up other
 * certificates and versions; whether it is spoken, and whether clients are asked for a certificate, is the listener's.
 */
export function restartNeeded(now: GatewayConfig, next: GatewayConfig): readonly string[] {
  const needed: string[] = [];
  for (const name of new Set([...Object.keys(now), ...Object.keys(next)]) as Set<keyof GatewayConfig>) {
    if (SWAPPED.has(name) || JSON.stringify(now[name]) === JSON.stringify(next[name])) continue;
    if (name !== "tls") needed.push(`gateway.${name}`);
    else if (now.tls === undefined || next.tls === undefined) needed.push("gateway.tls");
    else if ((now.tls.clientCa === undefined) !== (next.tls.clientCa === undefined))
      needed.push("gateway.tls.clientCa");
  }
  return needed;
}
