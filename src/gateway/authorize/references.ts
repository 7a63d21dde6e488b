/**
 * Ids of what upstreams keep: earlier answers, their items, files, conversations, stored prompts. An upstream knows only
 * the gateway's own key, so that every id made under it opens for whoever names it. Who may name one is therefore decided
 * here:
 *
 * - Whoever got it in an answer may name it: the same app, and where users act through the app, the same user. It goes
 *   back to the upstream that made it, for as long as upstreams keep such things.
 * - What was made elsewhere is for the apps that the configuration names.
 * - Everything else is unknown, whether it exists or not.
 *
 * What is kept of an id is its digest. An address on the web is no such id: it names what anyone can fetch.
 *
 * @module
 */

import { hash } from "node:crypto";

import type { Clock } from "../../core/index.ts";
import type { TextSpan } from "../../guard/index.ts";
import { sql, type Db } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import { covers, type Principal } from "../identity/principal.ts";
import type { Candidate } from "../upstream/routing.ts";
import type { Unscanned } from "../wire/index.ts";
import type { AuthorizationConfig } from "./config.ts";

export interface References {
  /**
   * Those of the candidates that may be asked for everything that a request refers to.
   *
   * @throws `gateway.reference-unknown`, `gateway.too-many-references`
   */
  allow(
    principal: Principal,
    request: { readonly spans: readonly TextSpan[]; readonly unscanned: readonly Unscanned[] },
    candidates: readonly Candidate[],
  ): Promise<readonly Candidate[]>;
  /** Remembers what an upstream made for a principal. Resolves when that is durable. */
  remember(principal: Principal, upstream: string, ids: readonly string[]): Promise<void>;
}

/** How long an id is remembered, in milliseconds: as long as OpenAI keeps an answer by default. */
export const REMEMBER_MS = 30 * 86_400_000;
/** Ids of one request at most: each is looked up. */
const MOST_REFERENCES = 256;
/** Characters of an id: what is longer is none that an upstream made. */
const ID_CHARS = 512;

/** The references of a gateway. `hosts` are those of its upstreams. */
export function openReferences(
  db: Db,
  clock: Clock,
  { shared }: Pick<AuthorizationConfig, "shared">,
  hosts: readonly string[],
): References {
  const isShared = (id: string, app: string): boolean =>
    shared.some((entry) => covers([entry.id], id) && covers(entry.apps, app));

  return {
    async allow(principal, request, candidates) {
      const ids = referencesIn(request, hosts).filter((id) => !isShared(id, principal.app));
      if (ids.length === 0) return candidates;
      if (ids.length > MOST_REFERENCES) {
        throw gatewayError("gateway.too-many-references", { detail: `limit ${MOST_REFERENCES}` });
      }
      let left = candidates;
      for (const id of ids) {
        const upstreams = await ownedAt(db, id, principal, clock.now());
        left = left.filter(({ target }) => upstreams.includes(target.name));
        if (upstreams.length === 0 || left.length === 0) throw gatewayError("gateway.reference-unknown");
      }
      return left;
    },

    async remember(principal, upstream, ids) {
      const now = clock.now();
      const known = [...new Set(ids)].filter((id) => id !== "" && id.length <= ID_CHARS);
      if (known.length === 0) return;
      // The first to get an id keeps it: an upstream that gives it out again must not open what is another's.
      await db.transaction(async (tx) => {
        for (const id of known) {
          await tx.execute(sql`insert into upstream_references (id_digest, upstream, owner, expires_at)
            values (${digestOf(id)}, ${upstream}, ${ownerOf(principal)}, ${now + REMEMBER_MS}) on conflict do nothing`);
        }
      });
    },
  };
}

/** Forgets what upstreams no longer keep. Returns how many ids that was. */
export async function forgetReferences(db: Db, clock: Clock): Promise<number> {
  return await db.execute(sql`delete from upstream_references where expires_at <= ${clock.now()}`);
}

/** The ids that a request refers to, each once. */
export function referencesIn(
  { spans, unscanned }: { readonly spans: readonly TextSpan[]; readonly unscanned: readonly Unscanned[] },
  hosts: readonly string[],
): readonly string[] {
  const places = new Set(unscanned.flatMap(({ kind, pointer }) => (kind === "reference" ? [pointer] : [])));
  if (places.size === 0) return [];
  const ids = spans.flatMap(({ pointer, text }) => (places.has(pointer) && !isOnTheWeb(text, hosts) ? [text] : []));
  return [...new Set(ids)];
}

/** What upstreams keep goes by addresses of their own, too. */
function isOnTheWeb(text: string, hosts: readonly string[]): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const host = undotted(new URL(text).hostname);
  return !hosts.some((own) => undotted(own) === host) && !/(?:^|\.)googleapis\.com$/.test(host);
}

/** A dot at its end makes a name no other host. */
function undotted(host: string): string {
  return host.replace(/\.$/, "");
}

async function ownedAt(db: Db, id: string, principal: Principal, now: number): Promise<readonly string[]> {
  if (id.length > ID_CHARS) return [];
  const rows = await db.query<{ upstream: string }>(sql`select upstream from upstream_references
    where id_digest = ${digestOf(id)} and owner = ${ownerOf(principal)} and expires_at > ${now}`);
  return rows.map(({ upstream }) => upstream);
}

/** An app, and of one that users act through, the user: keys of one app share what one of them made. */
function ownerOf({ app, keyId, user }: Principal): string {
  return user === undefined ? `app:${app}` : `app:${app} ${keyId}`;
}

function digestOf(id: string): string {
  return hash("sha256", id);
}
