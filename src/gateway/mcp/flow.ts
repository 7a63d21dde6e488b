/**
 * The flow rule: untrusted text must not reach a tool with side effects without approval.
 *
 * Nobody outside of a model can tell what in its context led to a call. So it is the context that counts: once it has
 * taken in a result of a server that is not to be trusted, calls of tools with side effects wait for an operator, for as
 * long as that result may be in it. A context is a principal, over all servers, since one agent talks to several: text
 * that one server gave is sent away by another's tool. Or it is a session, where the configuration says so.
 *
 * What an operator allows is one call: this tool of this server with these very arguments, once.
 *
 * Sources: S. Willison, «The lethal trifecta», 2025; E. Debenedetti et al., «Defeating Prompt Injections by Design»
 * (CaMeL), 2025; MCP 2026-07-28, «Tools», security considerations.
 *
 * @module
 */

import { hash } from "node:crypto";

import { canonicalJson, type Clock } from "../../core/index.ts";
import { sql, type Db } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import type { Principal } from "../identity/principal.ts";
import type { McpConfig } from "./config.ts";

export interface Flow {
  /** The context of a request. */
  contextOf(principal: Principal, session: string | undefined): string;
  /** Whether a context has taken in what is not to be trusted. */
  isUntrusted(context: string): Promise<boolean>;
  /** A result goes to a context. Resolves when it is noted, where it must be: before anyone may read it. */
  takeIn(context: string, server: string, findings: readonly string[]): Promise<void>;
  /**
   * Lets a call of a tool with side effects pass, or notes that it waits.
   *
   * @throws `gateway.mcp-flow`
   */
  pass(context: string, call: Call): Promise<void>;
}

export interface Call {
  readonly server: string;
  readonly tool: string;
  readonly arguments: unknown;
  /** The gateway's id of the request, for the operator to find its receipt. */
  readonly requestId: string;
}

/** A call that waits, or that was allowed. */
export interface WaitingCall {
  readonly id: string;
  readonly context: string;
  readonly server: string;
  readonly tool: string;
  readonly digest: string;
  readonly requestId: string;
  readonly refusedAt: number;
  readonly allowedAt: number | undefined;
}

/** How long an allowed call may be made, and a refused one be allowed, in milliseconds. */
export const ALLOWED_MS = 15 * 60_000;
const WAITING_MS = 24 * 3_600_000;
/** Calls of one context that wait. */
const MOST_WAITING = 100;

export function openFlow(db: Db, clock: Clock, config: Pick<McpConfig, "flow" | "flowMs" | "flowScope">): Flow {
  const isUntrusted = async (context: string): Promise<boolean> => {
    if (config.flow === "off") return false;
    const rows = await db.query(
      sql`select 1 as one from mcp_contexts where context = ${context} and untrusted_at > ${clock.now() - config.flowMs}`,
    );
    return rows.length > 0;
  };
  return {
    contextOf: ({ app, keyId }, session) =>
      config.flowScope === "session" && session !== undefined ? `session ${session}` : `principal ${app} ${keyId}`,
    isUntrusted,

    async takeIn(context, server, findings) {
      if (config.flow === "off" || (config.flow === "findings" && findings.length === 0)) return;
      const now = clock.now();
      await db.execute(sql`insert into mcp_contexts (context, untrusted_at, server) values (${context}, ${now}, ${server})
        on conflict (context) do update set untrusted_at = excluded.untrusted_at, server = excluded.server
        where excluded.untrusted_at > mcp_contexts.untrusted_at`);
    },

    async pass(context, call) {
      if (!(await isUntrusted(context))) return;
      const id = idOfCall(context, call);
      const now = clock.now();
      // One statement, so that what was allowed once passes once, whoever asks at the same time.
      const used = await db.execute(sql`delete from mcp_calls where id = ${id} and allowed_at > ${now - ALLOWED_MS}`);
      if (used === 1) return;
      await waits(db, id, context, call, now);
      throw gatewayError("gateway.mcp-flow", {
        detail: `${call.tool} of ${call.server} has side effects; call ${id}`,
        hint: `ask the operator for \`holdfast mcp allow ${id}\`, then make the same call again`,
      });
    },
  };
}

/** Calls that wait, and those that are allowed and not made yet; the newest first. */
export async function listCalls(db: Db, now: number): Promise<readonly WaitingCall[]> {
  const rows = await db.query<Row>(sql`select id, context, server, tool, digest, request_id, refused_at, allowed_at
    from mcp_calls where refused_at > ${now - WAITING_MS} order by refused_at desc`);
  return rows.map((row) => ({
    id: row.id,
    context: row.context,
    server: row.server,
    tool: row.tool,
    digest: row.digest,
    requestId: row.request_id,
    refusedAt: row.refused_at,
    allowedAt: row.allowed_at ?? undefined,
  }));
}

/** Allows one call, once. False where no such call waits. */
export async function allowCall(db: Db, id: string, now: number): Promise<boolean> {
  const changed = await db.execute(
    sql`update mcp_calls set allowed_at = ${now} where id = ${id} and refused_at > ${now - WAITING_MS}`,
  );
  return changed === 1;
}

/** Forgets contexts and calls that nothing depends on any more. */
export async function forgetFlow(db: Db, now: number, flowMs: number): Promise<void> {
  await db.execute(sql`delete from mcp_contexts where untrusted_at <= ${now - flowMs}`);
  await db.execute(sql`delete from mcp_calls where refused_at <= ${now - WAITING_MS}`);
}

interface Row {
  id: string;
  context: string;
  server: string;
  tool: string;
  digest: string;
  request_id: string;
  refused_at: number;
  allowed_at: number | null;
}

async function waits(db: Db, id: string, context: string, call: Call, now: number): Promise<void> {
  await db.transaction(async (tx) => {
    const [known] = await tx.query<{ n: number }>(
      sql`select count(*) as n from mcp_calls where context = ${context} and id <> ${id} and refused_at > ${now - WAITING_MS}`,
    );
    if ((known?.n ?? 0) >= MOST_WAITING) {
      throw gatewayError("gateway.mcp-flow", { detail: `${MOST_WAITING} calls of this principal wait already` });
    }
    await tx.execute(sql`insert into mcp_calls (id, context, server, tool, digest, request_id, refused_at, allowed_at)
      values (${id}, ${context}, ${call.server}, ${call.tool}, ${digestOf(call)}, ${call.requestId}, ${now}, null)
      on conflict (id) do update set refused_at = excluded.refused_at, request_id = excluded.request_id,
        allowed_at = case when mcp_calls.allowed_at > ${now - ALLOWED_MS} then mcp_calls.allowed_at else null end`);
  });
}

/** Digits of an id: 80 bits, and none that could be guessed without the arguments. */
const ID_DIGITS = 20;

function idOfCall(context: string, call: Call): string {
  return hash("sha256", canonicalJson([context, call.server, call.tool, digestOf(call)])).slice(0, ID_DIGITS);
}

function digestOf(call: Call): string {
  return hash("sha256", canonicalJson(call.arguments ?? {}));
}
