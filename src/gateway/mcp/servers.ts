/**
 * The MCP servers of the configuration, connected. Sockets open in `upstream/` alone, by its rules: the addresses that a
 * server may have, no redirects, so many connections, so long a wait.
 *
 * Each server has two pools: one for calls, one for the streams of its notifications, which last as long as their
 * sessions and would else take the calls' places.
 *
 * @module
 */

import type { LookupFunction } from "node:net";

import type { Clock, Secret } from "../../core/index.ts";
import { upstreamConfig, type GatewayConfig } from "../config.ts";
import { openTargets, type Target } from "../upstream/target.ts";
import { argumentPolicy, type ArgumentPolicy } from "./arguments.ts";
import type { McpServerConfig } from "./config.ts";

export interface McpServer {
  readonly name: string;
  readonly config: McpServerConfig;
  readonly calls: Target;
  readonly streams: Target;
  /** What follows the target's base path: the trailing slash of the URL, where it has one. */
  readonly path: "" | "/";
  readonly key: Secret | undefined;
  readonly checkArguments: ArgumentPolicy;
}

export interface ServersOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly lookup?: LookupFunction | undefined;
  /** Targets of an earlier configuration, to be taken over where they would be made alike. */
  readonly kept?: readonly Target[];
}

/**
 * Connects the servers, by their names. Connections are made when first needed.
 *
 * @throws `gateway.upstream-secret`, `gateway.upstream-address`, `gateway.mcp-rule-invalid`
 */
export function openServers(config: GatewayConfig, options: ServersOptions): ReadonlyMap<string, McpServer> {
  const { firstByteMs, idleMs } = config.mcp.timeouts;
  return new Map(
    config.mcp.servers.map((server) => {
      const { concurrency, name, streams, url } = server;
      const { pathname } = new URL(url);
      const calls = open(server, "calls", concurrency, { ...config.timeouts, firstByteMs, idleMs });
      // Nobody need say anything for as long as a stream may last.
      const listening = open(server, "streams", streams, {
        ...config.timeouts,
        firstByteMs,
        idleMs: config.timeouts.totalMs,
      });
      const path = pathname.endsWith("/") && (calls.basePath !== "" || pathname === "/") ? "/" : "";
      const checkArguments = argumentPolicy(server);
      return [name, { name, config: server, calls, streams: listening, path, key: calls.key, checkArguments }];
    }),
  );

  function open(
    server: McpServerConfig,
    purpose: "calls" | "streams",
    concurrency: number,
    timeouts: GatewayConfig["timeouts"],
  ): Target {
    const { apps, key, name, network, url } = server;
    // The protocol of a target decides about headers and models of model APIs, none of which are asked for here.
    const upstream = upstreamConfig.parse({ name, protocol: "openai", url, key, network, apps, concurrency });
    const [target] = openTargets([upstream], {
      ...options,
      purpose: `mcp ${purpose}`,
      timeouts,
      circuit: config.circuit,
    });
    return target as Target;
  }
}

/** Where their connections are. */
export function targetsOf(servers: ReadonlyMap<string, McpServer>): readonly Target[] {
  return [...servers.values()].flatMap(({ calls, streams }) => [calls, streams]);
}
