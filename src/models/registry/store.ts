/**
 * The registry at rest: this folder's SQL for versions, releases and what happened to them. Every change goes through
 * {@link change}: one transaction, one place in the order of changes, and its evidence in the outbox, all or nothing.
 *
 * @module
 */

import {
  decodeEnvelope,
  isHoldfastError,
  parseJson,
  PredicateType,
  statement,
  uuidv7,
  type Clock,
  type Envelope,
  type ResourceDescriptor,
} from "../../core/index.ts";
import { enqueueEvidence, sql, type Db } from "../../storage/index.ts";
import type { RegistryConfig } from "./config.ts";
import type { Operators, SignedDecision } from "./decision.ts";
import type { ReleaseParts, Sha256, VersionFile } from "./digest.ts";
import { registryError } from "./errors.ts";
import type { Reference } from "./reference.ts";
import { standing, type RegistryEvent, type Standing, type StateRules } from "./state.ts";

/** What the registry's operations need. */
export interface Registry {
  readonly db: Db;
  readonly clock: Clock;
  readonly operators: Operators;
  readonly rules: StateRules & Pick<RegistryConfig, "drillMaxMs">;
}

export interface Version {
  readonly model: string;
  readonly root: Sha256;
  readonly manifest: Sha256;
  readonly files: readonly VersionFile[];
  /** Bytes of all files. */
  readonly bytes: number;
  /** Where it came from: a kind and its pin, such as the commit. */
  readonly source: Readonly<Record<string, string>>;
  readonly createdAt: number;
}

export interface Release extends ReleaseParts {
  readonly digest: Sha256;
  /** Counts up within a model, in the order in which releases were made. */
  readonly number: number;
  readonly createdAt: number;
}

/** What a change did, in the words of its evidence, and about what. */
export interface Change {
  readonly model: string;
  readonly root: Sha256;
  readonly release?: Sha256 | undefined;
  /** Becomes a row of `registry_events`, which states are folded from; left out for changes of aliases and grants. */
  readonly event?: RegistryEvent;
  /** The predicate of the evidence besides its id and time. */
  readonly said: Readonly<Record<string, unknown>>;
  readonly by: string;
  readonly decision?: SignedDecision | undefined;
}

/** Next place in the order of changes. Its row is locked until the commit, so that places are taken in commit order. */
async function nextChange(tx: Db): Promise<number> {
  const [row] = await tx.query<{ value: number }>(
    sql`update registry_changes set value = value + 1 where name = 'registry' returning value`,
  );
  if (row === undefined) throw registryError("models.store-unusable", { detail: "the sequence of changes is missing" });
  return row.value;
}

/** The number of the last change: whoever holds what was read at the same number is up to date. */
export async function lastChange(db: Db): Promise<number> {
  const [row] = await db.query<{ value: number }>(sql`select value from registry_changes where name = 'registry'`);
  if (row === undefined) throw registryError("models.store-unusable", { detail: "the sequence of changes is missing" });
  return row.value;
}

/**
 * Writes a change and its evidence. Call it inside the transaction, after the change's own rows.
 *
 * @throws `models.decision-replayed`
 */
export async function change(tx: Db, clock: Clock, { event, ...what }: Change): Promise<void> {
  const position = await nextChange(tx);
  const { decision } = what;
  const id = event?.id ?? decision?.decision.id ?? uuidv7();
  if (decision !== undefined) await useDecision(tx, decision.decision.id, clock.now());
  if (event !== undefined) {
    await tx.execute(sql`insert into registry_events (position, id, model, root, release_digest, event, envelope)
      values (${position}, ${id}, ${what.model}, ${what.root}, ${what.release ?? ""}, ${JSON.stringify(event)},
        ${decision === undefined ? null : JSON.stringify(decision.envelope)})`);
  }
  const subject: ResourceDescriptor[] = [{ name: `model:${what.model}`, digest: { sha256: what.root } }];
  if (what.release !== undefined) {
    subject.push({ name: `release:${what.model}`, digest: { sha256: what.release } });
  }
  await enqueueEvidence(
    tx,
    statement(subject, PredicateType.registry, {
      id,
      at: new Date(clock.now()).toISOString(),
      sequence: position,
      by: what.by,
      ...what.said,
      ...(decision === undefined ? {} : { decision: decision.envelope }),
    }),
  );
}

async function useDecision(tx: Db, id: string, now: number): Promise<void> {
  const used = await tx.query(sql`select id from registry_decisions where id = ${id}`);
  if (used.length > 0) throw registryError("models.decision-replayed", { detail: id });
  await tx.execute(sql`insert into registry_decisions (id, made_at) values (${id}, ${now})`);
}

interface VersionRow {
  readonly model: string;
  readonly root: string;
  readonly manifest: string;
  readonly files: string;
  readonly bytes: number | bigint;
  readonly source: string;
  readonly created_at: number;
}

export async function findVersion(db: Db, model: string, root: Sha256): Promise<Version | undefined> {
  const [row] = await db.query<VersionRow>(sql`select model, root, manifest, files, bytes, source, created_at
    from registry_versions where model = ${model} and root = ${root}`);
  return row === undefined ? undefined : versionOf(row);
}

export async function insertVersion(tx: Db, version: Version): Promise<void> {
  const { model, root, manifest, files, bytes, source, createdAt } = version;
  await tx.execute(sql`insert into registry_versions (model, root, manifest, files, bytes, source, created_at)
    values (${model}, ${root}, ${manifest}, ${JSON.stringify(files)}, ${bytes}, ${JSON.stringify(source)}, ${createdAt})`);
}

function versionOf(row: VersionRow): Version {
  return {
    model: row.model,
    root: row.root,
    manifest: row.manifest,
    files: ownJson(row.files) as readonly VersionFile[],
    bytes: Number(row.bytes),
    source: ownJson(row.source) as Readonly<Record<string, string>>,
    createdAt: row.created_at,
  };
}

interface ReleaseRow {
  readonly digest: string;
  readonly model: string;
  readonly number: number;
  readonly root: string;
  readonly manifest: string;
  readonly prompt: string | null;
  readonly policy: string | null;
  readonly tools: string | null;
  readonly created_at: number;
}

const RELEASES = sql`select r.digest, r.model, r.number, r.root, v.manifest, r.prompt, r.policy, r.tools, r.created_at
  from registry_releases r join registry_versions v on v.model = r.model and v.root = r.root`;

/** All releases of a model, or of all, oldest first. */
export async function listReleases(db: Db, model?: string): Promise<readonly Release[]> {
  const which = model === undefined ? sql`` : sql`where r.model = ${model}`;
  const rows = await db.query<ReleaseRow>(sql`${RELEASES} ${which} order by r.model, r.number`);
  return rows.map(releaseOf);
}

export async function findRelease(db: Db, digest: Sha256): Promise<Release | undefined> {
  const [row] = await db.query<ReleaseRow>(sql`${RELEASES} where r.digest = ${digest}`);
  return row === undefined ? undefined : releaseOf(row);
}

export async function insertRelease(tx: Db, release: Release): Promise<void> {
  const { digest, model, number, weights, prompt, policy, tools, createdAt } = release;
  await tx.execute(sql`insert into registry_releases (digest, model, number, root, prompt, policy, tools, created_at)
    values (${digest}, ${model}, ${number}, ${weights.root}, ${prompt}, ${policy}, ${tools}, ${createdAt})`);
}

/** The number that the next release of a model gets. */
export async function nextNumber(tx: Db, model: string): Promise<number> {
  const [row] = await tx.query<{ most: number | null }>(
    sql`select max(number) as most from registry_releases where model = ${model}`,
  );
  return (row?.most ?? 0) + 1;
}

function releaseOf(row: ReleaseRow): Release {
  const { digest, model, number, root, manifest, prompt, policy, tools, created_at } = row;
  return { digest, model, number, weights: { root, manifest }, prompt, policy, tools, createdAt: created_at };
}

/**
 * The release that a reference names.
 *
 * @throws `models.release-unknown`, `models.release-ambiguous`, `models.reference-invalid` for a model alone
 */
export async function resolveRelease(db: Db, reference: Reference): Promise<Release> {
  const { model, alias, digits } = reference;
  if (alias !== undefined) {
    const [row] = await db.query<{ release_digest: string }>(
      sql`select release_digest from registry_aliases where model = ${model} and alias = ${alias}`,
    );
    const release = row === undefined ? undefined : await findRelease(db, row.release_digest);
    if (release === undefined) throw registryError("models.release-unknown", { detail: `${model}@${alias}` });
    return release;
  }
  if (digits === undefined) {
    throw registryError("models.reference-invalid", {
      detail: `${model} names a model: add @alias or @sha256:<digest>`,
    });
  }
  const found = (await listReleases(db, model)).filter(({ digest }) => digest.startsWith(digits));
  if (found.length > 1) throw registryError("models.release-ambiguous", { detail: digits });
  const [release] = found;
  if (release === undefined) throw registryError("models.release-unknown", { detail: `${model}@sha256:${digits}` });
  return release;
}

/** An event with what it was about. `release` is empty for those of the weights, which count for all their releases. */
export interface StoredEvent {
  readonly model: string;
  readonly root: Sha256;
  readonly release: string;
  readonly event: RegistryEvent;
}

interface EventRow {
  readonly model: string;
  readonly root: string;
  readonly release_digest: string;
  readonly event: string;
  readonly envelope: string | null;
}

/**
 * What happened, in order: to one release and its weights, or to all. An approval counts only with the signature of an
 * operator over this very release; a revocation counts in any case.
 */
export async function readEvents(
  db: Db,
  operators: Operators,
  of?: { readonly model: string; readonly root: Sha256 },
): Promise<readonly StoredEvent[]> {
  const which = of === undefined ? sql`` : sql`where model = ${of.model} and root = ${of.root}`;
  const rows = await db.query<EventRow>(
    sql`select model, root, release_digest, event, envelope from registry_events ${which} order by position`,
  );
  return (await counted(rows, operators)).map(({ row: { model, root, release_digest: release }, event }) => {
    return { model, root, release, event };
  });
}

/** A decision about a release, with the envelope that its operator signed. */
export interface KeptDecision {
  readonly what: "approved" | "revoked";
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** DSSE, as JSON. */
  readonly envelope: string;
}

/** The approvals and revocations of a release, oldest first: those that carry their operator's signature. */
export async function readDecisions(
  db: Db,
  operators: Operators,
  { model, digest }: Pick<Release, "model" | "digest">,
): Promise<readonly KeptDecision[]> {
  const rows = await db.query<EventRow>(
    sql`select model, root, release_digest, event, envelope from registry_events
      where model = ${model} and release_digest = ${digest} and envelope is not null order by position`,
  );
  return (await counted(rows, operators)).flatMap(({ row: { envelope }, event: { kind, by, at } }) => {
    return envelope !== null && (kind === "approved" || kind === "revoked") ? [{ what: kind, by, at, envelope }] : [];
  });
}

/** Those events that count: all but approvals that their operator did not sign. */
async function counted(
  rows: readonly EventRow[],
  operators: Operators,
): Promise<readonly { readonly row: EventRow; readonly event: RegistryEvent }[]> {
  const events: { row: EventRow; event: RegistryEvent }[] = [];
  for (const row of rows) {
    const event = ownJson(row.event) as RegistryEvent;
    if (event.kind === "approved" && !(await isApproval(row, event, operators))) continue;
    events.push({ row, event });
  }
  return events;
}

async function isApproval(
  row: EventRow,
  event: Extract<RegistryEvent, { kind: "approved" }>,
  operators: Operators,
): Promise<boolean> {
  if (row.envelope === null) return false;
  try {
    const { id, by, action } = await operators.open(envelopeOf(row.envelope), event.at);
    return (
      action.do === "approve" &&
      action.model === row.model &&
      action.release === row.release_digest &&
      action.basis === event.basis &&
      by === event.by &&
      id === event.id
    );
  } catch (error) {
    // Of somebody who is no operator any more, or of nobody.
    if (isHoldfastError(error)) return false;
    throw error;
  }
}

/** Where a release stands, by these events. */
export function standingOf(events: readonly StoredEvent[], release: Release, rules: StateRules): Standing {
  const own = events.filter(
    (one) =>
      one.model === release.model &&
      one.root === release.weights.root &&
      (one.release === "" || one.release === release.digest),
  );
  return standing(
    own.map(({ event }) => event),
    rules,
  );
}

/** Where one release stands now. */
export async function readStanding({ db, operators, rules }: Registry, release: Release): Promise<Standing> {
  const { model, weights } = release;
  return standingOf(await readEvents(db, operators, { model, root: weights.root }), release, rules);
}

function envelopeOf(text: string): Envelope {
  return decodeEnvelope(Buffer.from(text));
}

/** JSON that this folder wrote. Read as foreign all the same: a database is a file that others may write. */
function ownJson(text: string): unknown {
  return parseJson(Buffer.from(text), { maxBytes: MOST_JSON_BYTES, maxDepth: 8 });
}

/** The list of files of the largest version: 100,000 files. */
const MOST_JSON_BYTES = 134_217_728;
