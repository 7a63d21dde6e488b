/**
 * The MCP endpoint of the gateway: `POST`, `GET` and `DELETE` of `/mcp/<server>`, streamable HTTP in both of its eras.
 *
 *     Origin -> Principal -> Lease -> message -> session -> policy -> server -> Verdict -> Receipt
 *
 * This file is who may speak and about what: the origin, the principal, its limits, the server, the session. What a
 * request asks for is `call.ts`. Nothing of the client's headers goes on: those of a request to a server are made anew.
 *
 * Sources: MCP 2026-07-28 and 2025-11-25, «Streamable HTTP», «Security Best Practices».
 *
 * @module
 */

import type { IncomingMessage } from "node:http";

import { takePlace, takeRate } from "../admission/lease.ts";
import { tightening } from "../authorize/tighten.ts";
import type { Ending } from "../ending.ts";
import { gatewayError } from "../errors.ts";
import { checkSingle, singleHeaders } from "../headers.ts";
import { clientCertificate } from "../identity/certificate.ts";
import { covers, presentedKey } from "../identity/principal.ts";
import type { Exchange } from "../receipt/receipt.ts";
import type { Reply } from "../reply.ts";
import type { Target } from "../upstream/target.ts";
import { checkAccept, sessionHeaders, sessionOf, type Asked, type McpServices } from "./asked.ts";
import { answerPost } from "./call.ts";
import { askServer, refused } from "./forward.ts";
import { checkPermitted } from "./permitted.ts";
import { LEGACY } from "./protocol.ts";
import { listen } from "./relay.ts";
import type { Conversation } from "./rpc-error.ts";
import { targetsOf } from "./servers.ts";

export interface McpEndpoint {
  /**
   * Serves one exchange. Rejects with what is to be told to the client.
   *
   * @param where the path and the query
   */
  serve(
    exchange: Exchange,
    http: IncomingMessage,
    where: { readonly path: string; readonly query: string },
    ending: Ending,
    reply: Reply,
    conversation: Conversation,
  ): Promise<void>;
  /** Where its servers' connections are; whoever opened the endpoint closes them. */
  readonly targets: readonly Target[];
}

const PREFIX = "/mcp/";

/** Whether a path is the endpoint's, whatever stands after it. */
export function isMcpPath(path: string): boolean {
  return path.startsWith(PREFIX);
}

const SINGLE_HEADERS = singleHeaders(
  "origin",
  "last-event-id",
  "mcp-session-id",
  "mcp-protocol-version",
  "mcp-method",
  "mcp-name",
);

/** The endpoint. */
export function mcpEndpoint(services: McpServices): McpEndpoint {
  const { config, counters } = services;
  return {
    async serve(exchange, http, { path, query }, ending, reply, conversation) {
      checkHeaders(http, query, config.mcp.origins);
      const method = http.method ?? "";
      if (!METHODS.has(method)) throw gatewayError("gateway.method-not-allowed", { detail: "use POST, GET or DELETE" });
      const shown = { credential: presentedKey(http.headers), certificate: clientCertificate(http.socket) };
      const principal = await services.authenticate(shown);
      exchange.principal = principal;
      await takeRate(counters, principal, config.limits);
      const { clientMs, totalMs } = config.timeouts;
      const place = await takePlace(counters, principal, config.limits, totalMs + clientMs);
      try {
        const server = services.servers.get(path.slice(PREFIX.length));
        if (server === undefined || !covers(server.config.apps, principal.app)) {
          throw gatewayError("gateway.mcp-server-unknown");
        }
        const tightened = tightening(http.headers).block;
        const asked = { exchange, http, ending, reply, conversation, principal, server, tightened };
        exchange.mcp = { server: server.name };
        if (method === "POST") await answerPost(asked, services);
        else if (method === "GET") await answerGet(asked, services);
        else await answerDelete(asked, services);
      } finally {
        place.release();
      }
    },
    targets: targetsOf(services.servers),
  };
}

const METHODS: ReadonlySet<string> = new Set(["POST", "GET", "DELETE"]);

/** @throws `gateway.header-duplicate`, `gateway.key-in-url`, `gateway.query-unknown`, `gateway.mcp-origin` */
function checkHeaders({ headers, rawHeaders }: IncomingMessage, query: string, origins: readonly string[]): void {
  checkSingle(rawHeaders, SINGLE_HEADERS);
  // Whoever sends one is a browser, whose page may be anybody's.
  const { origin } = headers;
  if (origin !== undefined && !origins.includes(origin)) throw gatewayError("gateway.mcp-origin");
  if (/(?:^|&)(?:key|api_key|access_token)=/.test(query)) throw gatewayError("gateway.key-in-url");
  if (query !== "") throw gatewayError("gateway.query-unknown");
}

/** A stream of what a server says unasked. Only legacy sessions have one. */
async function answerGet(asked: Asked, services: McpServices): Promise<void> {
  const { exchange, http, server } = asked;
  exchange.route = "mcp.stream";
  exchange.stream = true;
  checkAccept(http.headers, ["text/event-stream"]);
  if (http.headers["last-event-id"] !== undefined) throw gatewayError("gateway.mcp-resumption");
  const version = http.headers["mcp-protocol-version"];
  if (version !== undefined && !LEGACY.includes(String(version))) {
    throw gatewayError("gateway.method-not-allowed", { detail: "use POST: this revision has no stream of its own" });
  }
  const session = await sessionOf(asked, services);
  checkPermitted(asked, undefined, services);
  const attempt = (exchange.upstream = { name: server.name });
  const request = { method: "GET", headers: sessionHeaders(session), body: null, listens: true } as const;
  const answer = await askServer(server, request, asked.ending.cancellation, attempt, services.clock);
  if (answer.status === 200) {
    await listen(asked, session, answer, services);
    return;
  }
  answer.abort();
  if (answer.status === 405)
    throw gatewayError("gateway.method-not-allowed", { detail: "the server has no such stream" });
  if (answer.status === 404) {
    await services.sessions.end(session);
    throw gatewayError("gateway.mcp-session-unknown");
  }
  throw refused(server.name, answer.status);
}

/** The end of a session, here in any case; at the server as far as it takes part. */
async function answerDelete(asked: Asked, services: McpServices): Promise<void> {
  const { exchange, reply, server } = asked;
  exchange.route = "mcp.end";
  const session = await sessionOf(asked, services);
  await services.sessions.end(session);
  if (session.upstream !== undefined) {
    const attempt = (exchange.upstream = { name: server.name });
    const request = { method: "DELETE", headers: sessionHeaders(session), body: null, listens: false } as const;
    const answer = await askServer(server, request, asked.ending.cancellation, attempt, services.clock);
    answer.abort();
  }
  exchange.outcome = "served";
  await reply.whole(200, {}, "{}");
}
