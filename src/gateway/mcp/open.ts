/**
 * Puts the MCP endpoint together from the gateway's configuration and services.
 *
 * @module
 */

import type { PipelineServices } from "../pipeline.ts";
import type { GatewayOptions } from "../serving.ts";
import type { Target } from "../upstream/target.ts";
import { openCatalogue } from "./catalogue.ts";
import { mcpEndpoint, type McpEndpoint } from "./endpoint.ts";
import { openFlow } from "./flow.ts";
import { openJudge } from "./judge.ts";
import { openServers } from "./servers.ts";
import { openSessions } from "./session.ts";

/** The endpoint of a gateway. @throws `gateway.upstream-secret`, `gateway.upstream-address`, `gateway.mcp-rule-invalid` */
export function openMcp(
  options: GatewayOptions,
  shared: Pick<PipelineServices, "authenticate" | "authorizer" | "blockingGuard" | "budgets" | "counters" | "guard">,
  kept: readonly Target[],
): McpEndpoint {
  const { clock, committer, config, db, env = process.env, log, lookup } = options;
  const { mcp } = config;
  const judge = openJudge(config, shared.guard, shared.blockingGuard);
  return mcpEndpoint({
    config,
    clock,
    committer,
    counters: shared.counters,
    authenticate: shared.authenticate,
    budgets: shared.budgets,
    authorizer: shared.authorizer,
    servers: openServers(config, { env, clock, lookup, kept }),
    catalogue: openCatalogue(db, clock, mcp, judge, log),
    flow: openFlow(db, clock, mcp),
    judge,
    sessions: openSessions(db, clock, mcp),
  });
}
