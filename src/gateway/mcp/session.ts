/**
 * Sessions of legacy clients. A session's id is the gateway's own: it says nothing, opens nothing but this session, and
 * only for the principal that began it. The server's own id is kept sealed under it, so that who reads the database can
 * neither join a session here nor at the server; the session's row is found by the id's digest.
 *
 * Whoever shows an id that is not theirs learns what whoever makes one up learns: there is no such session.
 *
 * Sources: MCP 2025-11-25, «Transports», «Session Management», and «Security Best Practices», «Session Hijacking».
 *
 * @module
 */

import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto";

import type { Clock } from "../../core/index.ts";
import { sql, type Db } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import type { Principal } from "../identity/principal.ts";
import type { McpConfig } from "./config.ts";

export interface Session {
  /** Digest of its id: what it is called where it must be called something. */
  readonly digest: string;
  readonly version: string;
  /** The server's id of it; undefined for a server that has none. */
  readonly upstream: string | undefined;
}

export interface Sessions {
  /** Begins one, and gives its id, which is not kept. @throws `gateway.mcp-too-many-sessions` */
  begin(principal: Principal, server: string, version: string, upstream: string | undefined): Promise<string>;
  /** The session of an id, if it is the principal's own. @throws `gateway.mcp-session-unknown` */
  find(principal: Principal, server: string, id: string): Promise<Session>;
  end(session: Session): Promise<void>;
}

/** How stale the time of last use may be, in milliseconds: a write for every request would cost more than it tells. */
const TOUCH_MS = 30_000;

export function openSessions(
  db: Db,
  clock: Clock,
  { limits, timeouts }: Pick<McpConfig, "limits" | "timeouts">,
): Sessions {
  return {
    async begin(principal, server, version, upstream) {
      const id = randomBytes(32).toString("base64url");
      const now = clock.now();
      const owner = ownerOf(principal);
      const sealed = upstream === undefined ? null : seal(id, upstream);
      await db.transaction(async (tx) => {
        const [open] = await tx.query<{ n: number }>(
          sql`select count(*) as n from mcp_sessions where owner = ${owner} and used_at > ${now - timeouts.sessionMs}`,
        );
        if ((open?.n ?? 0) >= limits.sessions) {
          throw gatewayError("gateway.mcp-too-many-sessions", {
            detail: `limit ${limits.sessions} (mcp.limits.sessions)`,
          });
        }
        await tx.execute(sql`insert into mcp_sessions (id_digest, owner, server, version, upstream, used_at)
          values (${hash("sha256", id)}, ${owner}, ${server}, ${version}, ${sealed}, ${now})`);
      });
      return id;
    },

    async find(principal, server, id) {
      const now = clock.now();
      const digest = hash("sha256", id);
      const [row] = await db.query<{ version: string; upstream: string | null; used_at: number }>(sql`
        select version, upstream, used_at from mcp_sessions where id_digest = ${digest} and server = ${server}
          and owner = ${ownerOf(principal)} and used_at > ${now - timeouts.sessionMs}`);
      if (row === undefined) throw gatewayError("gateway.mcp-session-unknown");
      if (now - row.used_at > Math.min(TOUCH_MS, timeouts.sessionMs / 4)) {
        await db.execute(sql`update mcp_sessions set used_at = ${now} where id_digest = ${digest}`);
      }
      return { digest, version: row.version, upstream: row.upstream === null ? undefined : unseal(id, row.upstream) };
    },

    async end({ digest }) {
      await db.execute(sql`delete from mcp_sessions where id_digest = ${digest}`);
    },
  };
}

/** Forgets sessions that nobody used for their time. */
export async function forgetSessions(db: Db, now: number, sessionMs: number): Promise<void> {
  await db.execute(sql`delete from mcp_sessions where used_at <= ${now - sessionMs}`);
}

function ownerOf({ app, keyId }: Principal): string {
  return `${app} ${keyId}`;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM under a key that only the session's id gives. */
function seal(id: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keyOf(id), nonce);
  return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString("base64");
}

function unseal(id: string, sealed: string): string {
  const bytes = Buffer.from(sealed, "base64");
  const decipher = createDecipheriv("aes-256-gcm", keyOf(id), bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString("utf8");
}

function keyOf(id: string): Buffer {
  return hash("sha256", `holdfast mcp session ${id}`, "buffer");
}
