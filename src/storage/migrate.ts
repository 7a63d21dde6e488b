/**
 * Versioned migrations. Every module brings a list of steps; what has run is a row with the digest of its text, so
 * that a step runs once and an edited or unknown one is refused by name before anything is touched.
 *
 * All that is missing runs in one transaction under one lock: however many processes start at once, one does the work
 * and the others find it done; and a step that fails leaves the database as it was.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Migration } from "../core/index.ts";
import { canonicalJson } from "../core/index.ts";
import type { Db } from "./db.ts";
import { storageError } from "./errors.ts";
import { lockMigrations, makeSchema, MIGRATIONS_TABLE, pinCollation } from "./postgres/schema.ts";
import { ownText, sql } from "./sql.ts";

/** The part of a module that is migrated. */
interface Migrated {
  readonly name: string;
  readonly migrations?: readonly Migration[];
}

interface Step {
  readonly module: string;
  readonly id: string;
  readonly statements: readonly string[];
  readonly digest: string;
}

/**
 * Brings the schema up to what `modules` declare, in their order, and returns what ran now as `module/id`. Pass all
 * modules of the product: a step in the database that none of them knows is taken for a newer version's.
 *
 * @throws `storage.migration-invalid`, `storage.migration-edited`, `storage.migration-unknown`,
 *   `storage.migration-failed`
 */
export async function migrate(db: Db, modules: readonly Migrated[]): Promise<readonly string[]> {
  const steps = modules.flatMap(({ name, migrations = [] }) => readSteps(name, migrations));
  if (new Set(steps.map(nameOf)).size !== steps.length) {
    throw storageError("storage.migration-invalid", { detail: "a module is listed twice" });
  }
  if (db.dialect === "postgres") await makeSchema(db);
  return db.transaction(async (tx) => {
    if (tx.dialect === "postgres") await lockMigrations(tx);
    else await tx.execute(ownText(`create table if not exists ${MIGRATIONS_TABLE}`));
    const missing = compare(steps, await tx.query<Applied>(sql`select module, id, digest from storage_migrations`));
    for (const step of missing) await apply(tx, step);
    return missing.map(nameOf);
  });
}

interface Applied {
  readonly module: string;
  readonly id: string;
  readonly digest: string;
}

function readSteps(module: string, migrations: readonly Migration[]): Step[] {
  let before = "";
  return migrations.map(({ id, statements }) => {
    if (!/^\d{4}-[a-z0-9-]+$/.test(id) || id.slice(0, 4) <= before) {
      throw storageError("storage.migration-invalid", { detail: `${module}/${id}` });
    }
    before = id.slice(0, 4);
    return { module, id, statements, digest: createHash("sha256").update(canonicalJson(statements)).digest("hex") };
  });
}

/** The steps that have not run. Refuses what ran and is not, or no longer, among `steps`. */
function compare(steps: readonly Step[], applied: readonly Applied[]): readonly Step[] {
  const known = new Map(steps.map((step) => [nameOf(step), step]));
  for (const one of applied) {
    const step = known.get(nameOf(one));
    if (step === undefined) throw storageError("storage.migration-unknown", { detail: nameOf(one) });
    if (step.digest !== one.digest) throw storageError("storage.migration-edited", { detail: nameOf(one) });
    known.delete(nameOf(one));
  }
  const missing = [...known.values()];
  for (const step of missing) {
    const later = applied.find(({ module, id }) => module === step.module && id > step.id);
    if (later !== undefined) {
      throw storageError("storage.migration-invalid", {
        detail: `${nameOf(step)} comes before ${later.id}, which ran`,
      });
    }
  }
  return missing;
}

async function apply(tx: Db, step: Step): Promise<void> {
  const { module, id, digest } = step;
  for (const [index, statement] of step.statements.entries()) {
    try {
      await tx.execute(ownText(statement));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : "";
      throw storageError("storage.migration-failed", {
        detail: `${nameOf(step)}, statement ${index + 1}: ${why}`,
        cause,
      });
    }
    if (tx.dialect === "postgres") await pinCollation(tx);
  }
  await tx.execute(
    sql`insert into storage_migrations (module, id, digest, applied_at) values (${module}, ${id}, ${digest}, ${Date.now()})`,
  );
}

function nameOf({ module, id }: { readonly module: string; readonly id: string }): string {
  return `${module}/${id}`;
}
