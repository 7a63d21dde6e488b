/**
 * Grants: which app may use a model, and for which of its users. What is not granted is denied.
 *
 * @module
 */

import { sql, type Db } from "../../storage/index.ts";
import { signedAction, type Action, type Operators, type SignedDecision } from "./decision.ts";
import { registryError } from "./errors.ts";
import { opened } from "./releases.ts";
import { change, listReleases, type Registry } from "./store.ts";

export interface Grant {
  readonly model: string;
  /** As in `holdfast key create --app`; `*`: every app. */
  readonly app: string;
  /** `<issuer>/<name>` of a user that the app acts for; `*`: all of the app's requests. */
  readonly user: string;
  readonly by: string;
  readonly at: number;
}

type GrantAction = Extract<Action, { do: "grant" | "ungrant" }>;

const APP = /^(?:\*|[a-z0-9][a-z0-9._-]{0,62})$/;
const USER = /^(?:\*|[!-~]{1,256})$/;

/** Grants of a model, or of all, as they stand. */
export async function listGrants(db: Db, model?: string): Promise<readonly Grant[]> {
  return (await grantRows(db, model)).map(({ app, user, by, at, ...rest }) => ({
    model: rest.model,
    app,
    user,
    by,
    at,
  }));
}

/** The grants that an operator signed: what a database alone grants counts for nothing. */
export async function signedGrants(db: Db, operators: Operators): Promise<readonly Grant[]> {
  const signed: Grant[] = [];
  for (const { envelope, ...grant } of await grantRows(db)) {
    const action = await signedAction(operators, envelope, grant.at);
    if (action?.do !== "grant" || action.model !== grant.model) continue;
    if (action.app === grant.app && action.user === grant.user) signed.push(grant);
  }
  return signed;
}

async function grantRows(db: Db, model?: string): Promise<readonly (Grant & { readonly envelope: string })[]> {
  const which = model === undefined ? sql`` : sql`where model = ${model}`;
  return await db.query(sql`select model, app, person as "user", granted_by as "by", granted_at as "at", envelope
    from registry_grants ${which} order by model, app, person`);
}

/** Whether any of `grants` lets this app, and the user it acts for, use the model. */
export function isGranted(
  grants: readonly Pick<Grant, "model" | "app" | "user">[],
  model: string,
  app: string,
  user: string | undefined,
): boolean {
  return grants.some(
    (grant) =>
      grant.model === model &&
      (grant.app === "*" || grant.app === app) &&
      (grant.user === "*" || (user !== undefined && grant.user === user)),
  );
}

/**
 * Grants a model, or takes a grant back. True where that changed something.
 *
 * @throws `models.operator-…`, `models.grant-invalid`, `models.release-unknown`, `models.decision-replayed`
 */
export async function decideGrant(registry: Registry, decision: SignedDecision<GrantAction>): Promise<boolean> {
  const { by, action } = await opened(registry, decision, "grant", "ungrant");
  const { model, app, user } = action;
  if (!APP.test(app) || !USER.test(user)) throw registryError("models.grant-invalid");
  const { db, clock } = registry;
  return await db.transaction(async (tx) => {
    const [release] = await listReleases(tx, model);
    if (release === undefined) throw registryError("models.release-unknown", { detail: model });
    const changed =
      action.do === "grant"
        ? await tx.execute(sql`insert into registry_grants (model, app, person, granted_by, granted_at, envelope)
            values (${model}, ${app}, ${user}, ${by}, ${clock.now()}, ${JSON.stringify(decision.envelope)}) on conflict do nothing`)
        : await tx.execute(
            sql`delete from registry_grants where model = ${model} and app = ${app} and person = ${user}`,
          );
    const said = { what: action.do === "grant" ? "access granted" : "grant taken back", app, user };
    await change(tx, clock, { model, root: release.weights.root, said, by, decision });
    return changed > 0;
  });
}
