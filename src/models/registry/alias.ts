/**
 * Aliases: names such as `prod` that the gateway serves by, and their history. An alias moves only to what is approved and
 * newer than all it has been at; the way back is a rollback, a decision of its own. So nobody brings an old release back by
 * doing again what was right once.
 *
 * A release is weights, prompt, policy and tools under one digest: moving an alias moves all of it, in one transaction.
 *
 * @module
 */

import { sql, type Db } from "../../storage/index.ts";
import { signedAction, type Action, type Operators, type SignedDecision } from "./decision.ts";
import type { Sha256 } from "./digest.ts";
import { registryError } from "./errors.ts";
import { checkAlias } from "./reference.ts";
import { mustBeApproved, opened } from "./releases.ts";
import { change, findRelease, type Registry, type Release } from "./store.ts";

export interface Alias {
  readonly model: string;
  readonly alias: string;
  readonly release: Sha256;
  /** How often it was moved. */
  readonly sequence: number;
  /** The highest number of a release that it has been at. */
  readonly newest: number;
}

export interface Move {
  readonly sequence: number;
  readonly how: "alias" | "rollback";
  readonly from: Sha256 | undefined;
  readonly to: Sha256;
  readonly by: string;
  readonly at: number;
}

type MoveAction = Extract<Action, { do: "alias" | "rollback" }>;

export async function findAlias(db: Db, model: string, alias: string): Promise<Alias | undefined> {
  return (await listAliases(db, model)).find((one) => one.alias === alias);
}

/** The aliases of a model, or of all, as they stand. */
export async function listAliases(db: Db, model?: string): Promise<readonly Alias[]> {
  return (await aliasRows(db, model)).map(({ alias, newest, release, sequence, ...rest }) => {
    return { model: rest.model, alias, release, sequence, newest };
  });
}

/** The aliases whose last move an operator signed: what a database alone says points nowhere. */
export async function signedAliases(db: Db, operators: Operators): Promise<readonly Alias[]> {
  const signed: Alias[] = [];
  for (const { envelope, at, ...alias } of await aliasRows(db)) {
    const action = await signedAction(operators, envelope, at);
    const isMove = action?.do === "alias" || action?.do === "rollback";
    if (!isMove || action.model !== alias.model || action.alias !== alias.alias) continue;
    if (action.release === alias.release && action.sequence === alias.sequence) signed.push(alias);
  }
  return signed;
}

async function aliasRows(
  db: Db,
  model?: string,
): Promise<readonly (Alias & { readonly at: number; readonly envelope: string })[]> {
  const which = model === undefined ? sql`` : sql`where model = ${model}`;
  return await db.query(sql`select model, alias, release_digest as release, sequence, newest, moved_at as "at", envelope
    from registry_aliases ${which} order by model, alias`);
}

/** Where an alias has been, oldest first. */
export async function aliasHistory(db: Db, model: string, alias: string): Promise<readonly Move[]> {
  const rows = await db.query<Omit<Move, "from"> & { readonly from: string | null }>(
    sql`select sequence, how, from_digest as "from", to_digest as "to", moved_by as "by", moved_at as "at"
      from registry_moves where model = ${model} and alias = ${alias} order by sequence`,
  );
  return rows.map((row) => ({ ...row, from: row.from ?? undefined }));
}

/**
 * Moves an alias forward, or back by a rollback.
 *
 * @throws `models.operator-…`, `models.release-unknown`, `models.transition-refused` for a release that is not approved,
 *   `models.alias-not-newer`, `models.rollback-impossible`, `models.decision-stale`, `models.decision-replayed`
 */
export async function moveAlias(
  registry: Registry,
  decision: SignedDecision<MoveAction>,
): Promise<{ alias: Alias; from: Sha256 | undefined; release: Release }> {
  const { id, by, action } = await opened(registry, decision, "alias", "rollback");
  const { model, release: to } = action;
  const alias = checkAlias(action.alias);
  const { db, clock } = registry;
  return await db.transaction(async (tx) => {
    const release = await findRelease(tx, to);
    if (release === undefined || release.model !== model) {
      throw registryError("models.release-unknown", { detail: `${model}@sha256:${to}` });
    }
    const now = await findAlias(tx, model, alias);
    const sequence = (now?.sequence ?? 0) + 1;
    if (action.sequence !== sequence) {
      throw registryError("models.decision-stale", {
        detail: `${model}@${alias} has moved ${now?.sequence ?? 0} times`,
      });
    }
    await mustBeApproved({ ...registry, db: tx }, release);
    if (action.do === "alias") checkForward(now, release);
    else await checkBack(tx, now, release);
    const newest = Math.max(now?.newest ?? 0, release.number);
    const [at, envelope] = [clock.now(), JSON.stringify(decision.envelope)];
    await tx.execute(sql`insert into registry_aliases
        (model, alias, release_digest, sequence, newest, moved_at, envelope)
      values (${model}, ${alias}, ${to}, ${sequence}, ${newest}, ${at}, ${envelope})
      on conflict (model, alias) do update set release_digest = ${to}, sequence = ${sequence}, newest = ${newest},
        moved_at = ${at}, envelope = ${envelope}`);
    const from = now?.release;
    await tx.execute(sql`insert into registry_moves
      (model, alias, sequence, id, how, from_digest, to_digest, moved_by, moved_at)
      values (${model}, ${alias}, ${sequence}, ${id}, ${action.do}, ${from ?? null}, ${to}, ${by}, ${at})`);
    await change(tx, clock, {
      model,
      root: release.weights.root,
      release: to,
      said: {
        what: action.do === "alias" ? "alias moved" : "alias rolled back",
        alias,
        move: sequence,
        from: from ?? null,
        to,
      },
      by,
      decision,
    });
    return { alias: { model, alias, release: to, sequence, newest }, from, release };
  });
}

/** The release that a rollback of an alias goes to: the last one it was at before that is older and approved still. */
export async function previousRelease(registry: Registry, model: string, alias: string): Promise<Release> {
  const now = await findAlias(registry.db, model, alias);
  const current = now === undefined ? undefined : await findRelease(registry.db, now.release);
  if (current !== undefined) {
    for (const { to } of (await aliasHistory(registry.db, model, alias)).toReversed()) {
      const release = await findRelease(registry.db, to);
      if (release === undefined || release.number >= current.number) continue;
      try {
        await mustBeApproved(registry, release);
        return release;
      } catch {
        // Revoked meanwhile, or no longer clean: the one before it.
      }
    }
  }
  throw registryError("models.rollback-impossible", { detail: `${model}@${alias}` });
}

function checkForward(now: Alias | undefined, release: Release): void {
  if (now !== undefined && release.number <= now.newest) {
    throw registryError("models.alias-not-newer", {
      detail: `it has been at release ${now.newest} of ${release.model}, this is ${release.number}`,
    });
  }
}

async function checkBack(tx: Db, now: Alias | undefined, release: Release): Promise<void> {
  const current = now === undefined ? undefined : await findRelease(tx, now.release);
  const history = now === undefined ? [] : await aliasHistory(tx, now.model, now.alias);
  const held = history.some(({ to }) => to === release.digest);
  if (current === undefined || !held || release.number >= current.number) {
    throw registryError("models.rollback-impossible", {
      detail: `release ${release.number} of ${release.model} is not one that the alias was at before`,
    });
  }
}
