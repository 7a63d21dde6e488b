/**
 * The definitions of tools that servers have shown, and those that an operator has approved: this part's SQL.
 *
 * Of each tool there are two definitions at most: the one that was seen last, and the approved one. While they are the
 * same the tool is there for clients.
 *
 * @module
 */

import { parseJson } from "../../core/index.ts";
import { sql, type Db } from "../../storage/index.ts";
import type { Fields } from "../wire/index.ts";
import type { Definition, DefinitionFinding } from "./definition.ts";

export interface KnownDefinition {
  readonly server: string;
  readonly name: string;
  readonly seen: string;
  readonly seenAt: number;
  readonly findings: readonly DefinitionFinding[];
  /** Digest of the approved one; undefined where there is none. */
  readonly approved: string | undefined;
  /** By `operator`, or because the server's policy takes what is new. */
  readonly approvedBy: "operator" | "policy" | undefined;
}

/** All that is known of a server's tools, or of every server's. */
export async function listDefinitions(db: Db, server?: string): Promise<readonly KnownDefinition[]> {
  const where = server === undefined ? sql`` : sql`where server = ${server}`;
  const rows = await db.query<Row>(sql`select server, name, seen_digest, seen_at, findings, approved_digest, approved_by
    from mcp_definitions ${where} order by server, name`);
  return rows.map(knownOf);
}

/** What is known of one tool. */
export async function findDefinition(db: Db, server: string, name: string): Promise<KnownDefinition | undefined> {
  const [row] =
    await db.query<Row>(sql`select server, name, seen_digest, seen_at, findings, approved_digest, approved_by
    from mcp_definitions where server = ${server} and name = ${name}`);
  return row === undefined ? undefined : knownOf(row);
}

/** The texts of both definitions of a tool. */
export async function readDefinitions(
  db: Db,
  server: string,
  name: string,
): Promise<{ readonly seen: Fields; readonly approved: Fields | undefined } | undefined> {
  const [row] = await db.query<{ seen_text: string; approved_text: string | null }>(sql`select seen_text, approved_text
    from mcp_definitions where server = ${server} and name = ${name}`);
  if (row === undefined) return undefined;
  return {
    seen: parseDefinition(row.seen_text),
    approved: row.approved_text === null ? undefined : parseDefinition(row.approved_text),
  };
}

/** Notes a definition that is new, or not the one that was seen last. `approve`: it is there for clients from now on. */
export async function saveSeen(
  db: Db,
  server: string,
  { name, digest, text }: Definition,
  findings: readonly DefinitionFinding[],
  approve: boolean,
  now: number,
): Promise<void> {
  const said = JSON.stringify(findings);
  await db.execute(sql`insert into mcp_definitions
      (server, name, seen_digest, seen_text, seen_at, findings, approved_digest, approved_text, approved_by)
    values (${server}, ${name}, ${digest}, ${text}, ${now}, ${said},
      ${approve ? digest : null}, ${approve ? text : null}, ${approve ? "policy" : null})
    on conflict (server, name) do update set seen_digest = excluded.seen_digest, seen_text = excluded.seen_text,
      seen_at = excluded.seen_at, findings = excluded.findings`);
}

/**
 * Approves the definition that was seen last, if that is the one with this digest. False where it is not: another one
 * was seen meanwhile.
 */
export async function approveSeen(db: Db, server: string, name: string, digest: string): Promise<boolean> {
  const changed = await db.execute(sql`update mcp_definitions
    set approved_digest = seen_digest, approved_text = seen_text, approved_by = 'operator'
    where server = ${server} and name = ${name} and seen_digest = ${digest}`);
  return changed === 1;
}

/** Takes an approval back. False where there was none. */
export async function revokeApproval(db: Db, server: string, name: string): Promise<boolean> {
  const changed = await db.execute(sql`update mcp_definitions
    set approved_digest = null, approved_text = null, approved_by = null
    where server = ${server} and name = ${name} and approved_digest is not null`);
  return changed === 1;
}

/** Forgets those of the tools that nobody has approved. */
export async function forgetUnapproved(db: Db, server: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await db.execute(
      sql`delete from mcp_definitions where server = ${server} and name = ${name} and approved_digest is null`,
    );
  }
}

interface Row {
  server: string;
  name: string;
  seen_digest: string;
  seen_at: number;
  findings: string;
  approved_digest: string | null;
  approved_by: string | null;
}

function knownOf(row: Row): KnownDefinition {
  return {
    server: row.server,
    name: row.name,
    seen: row.seen_digest,
    seenAt: row.seen_at,
    findings: parseJson(row.findings, LIMITS) as readonly DefinitionFinding[],
    approved: row.approved_digest ?? undefined,
    approvedBy: (row.approved_by ?? undefined) as KnownDefinition["approvedBy"],
  };
}

function parseDefinition(text: string): Fields {
  return parseJson(text, LIMITS) as Fields;
}

/** What was kept was within the limits of its day, which may have been others. */
const LIMITS = { maxBytes: 4_194_304, maxDepth: 512 };
