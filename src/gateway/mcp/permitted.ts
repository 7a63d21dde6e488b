/**
 * Whether policies permit what is asked of a server: the server, and of a call its tool. After the guards, as for models,
 * because a policy may ask what they found.
 *
 * @module
 */

import { factsOf, permitTool } from "../authorize/permit.ts";
import type { Asked, McpServices } from "./asked.ts";

/**
 * Passes where no policies are configured, or they permit it.
 *
 * @param tool of a call; undefined for everything else
 * @throws `gateway.policy-denied`, `gateway.policy-error`
 */
export function checkPermitted(
  { exchange, http, principal, server }: Asked,
  tool: string | undefined,
  { authorizer, clock }: McpServices,
): void {
  if (authorizer === undefined) return;
  const { verdict = NOTHING_READ, unscanned = [] } = exchange.requestVerdict ?? {};
  const asked = { model: tool ?? server.name, stream: false, spans: [], unscanned };
  const facts = factsOf(asked, verdict, http.socket.remoteAddress ?? "", clock.now());
  permitTool(authorizer, { principal, server: server.name, tool, facts }, (decided) => {
    exchange.authorization = decided;
  });
}

const NOTHING_READ = { action: "allow", findings: [], runs: [] } as const;
