/**
 * One exchange with the MCP endpoint: who asks which server, with what, and in which session.
 *
 * @module
 */

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

import type { Clock } from "../../core/index.ts";
import type { Committer } from "../../ledger/index.ts";
import type { Counters } from "../../storage/index.ts";
import type { Authorizer } from "../authorize/authorizer.ts";
import type { Budgets } from "../budget/budgets.ts";
import type { GatewayConfig } from "../config.ts";
import type { Ending } from "../ending.ts";
import { gatewayError } from "../errors.ts";
import type { AuthenticateRequest } from "../identity/authenticate.ts";
import type { Principal } from "../identity/principal.ts";
import type { Exchange } from "../receipt/receipt.ts";
import type { Reply } from "../reply.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Flow } from "./flow.ts";
import type { Judge } from "./judge.ts";
import type { Conversation } from "./rpc-error.ts";
import type { McpServer } from "./servers.ts";
import type { Session, Sessions } from "./session.ts";

/** What the endpoint works with. */
export interface McpServices {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly committer: Committer;
  readonly counters: Counters;
  readonly authenticate: AuthenticateRequest;
  readonly budgets: Pick<Budgets, "reserveCall">;
  /** Undefined where no policies are configured. */
  readonly authorizer: Authorizer | undefined;
  readonly servers: ReadonlyMap<string, McpServer>;
  readonly catalogue: Catalogue;
  readonly flow: Flow;
  readonly judge: Judge;
  readonly sessions: Sessions;
}

/** One exchange with the endpoint. */
export interface Asked {
  readonly exchange: Exchange;
  readonly http: IncomingMessage;
  readonly ending: Ending;
  readonly reply: Reply;
  readonly conversation: Conversation;
  readonly principal: Principal;
  readonly server: McpServer;
  /** The client asked for every finding to be blocked. */
  readonly tightened: boolean;
}

/**
 * The session that a legacy request belongs to.
 *
 * @throws `gateway.mcp-session-missing`, `gateway.mcp-session-unknown`
 */
export async function sessionOf({ http, principal, server }: Asked, services: McpServices): Promise<Session> {
  const id = http.headers["mcp-session-id"];
  if (typeof id !== "string" || id === "") throw gatewayError("gateway.mcp-session-missing");
  return await services.sessions.find(principal, server.name, id);
}

/** The headers by which a server knows the session. */
export function sessionHeaders({ upstream, version }: Session): Record<string, string> {
  return { "mcp-protocol-version": version, ...(upstream === undefined ? {} : { "mcp-session-id": upstream }) };
}

/** @throws `gateway.mcp-not-acceptable` */
export function checkAccept({ accept }: IncomingHttpHeaders, types: readonly string[]): void {
  const accepted = (accept ?? "")
    .toLowerCase()
    .split(",")
    .map((part) => part.split(";", 1)[0]?.trim());
  if (!types.every((type) => accepted.includes(type))) {
    throw gatewayError("gateway.mcp-not-acceptable", { detail: types.join(" and ") });
  }
}
