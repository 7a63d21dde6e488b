/**
 * What is done to releases: published, scanned, signed, approved, revoked. Each is one transaction that reads where the
 * release stands, takes the pure step of `state.ts`, and writes the event with its evidence; two writers who do it at the
 * same time come one after the other.
 *
 * @module
 */

import { uuidv7, type ArtifactVerdict } from "../../core/index.ts";
import { sql, type Db } from "../../storage/index.ts";
import type { Action, SignedDecision } from "./decision.ts";
import { releaseDigest, versionDigests, type Sha256, type VersionFile } from "./digest.ts";
import { registryError } from "./errors.ts";
import { checkName, checkPaths } from "./reference.ts";
import { NEW, step, type RegistryEvent, type Standing } from "./state.ts";
import {
  change,
  findRelease,
  findVersion,
  insertRelease,
  insertVersion,
  nextNumber,
  readEvents,
  readStanding,
  standingOf,
  type Registry,
  type Release,
  type Version,
} from "./store.ts";

export interface NewVersion {
  readonly model: string;
  readonly files: readonly VersionFile[];
  readonly source: Readonly<Record<string, string>>;
}

/** Digests of parts whose blobs are stored. */
export interface ReleaseExtras {
  readonly prompt?: Sha256 | undefined;
  readonly policy?: Sha256 | undefined;
  readonly tools?: Sha256 | undefined;
}

export interface Published {
  readonly version: Version;
  readonly release: Release;
  /** Whether the release was not there before. Publishing the same again changes nothing, and revives nothing. */
  readonly isNew: boolean;
}

/** Files of a version at most: its list stands in one row. */
export const MOST_FILES = 100_000;

/**
 * Makes a version of files whose blobs are stored, and the release that puts it together with prompt, policy and tools. It
 * begins in quarantine.
 *
 * @throws `models.reference-invalid`, `models.path-unsafe`, `models.limit-exceeded`, `models.version-differs`,
 *   `models.import-invalid` for no files
 */
export async function publish(
  registry: Registry,
  { model, files, source }: NewVersion,
  extras: ReleaseExtras,
  by: string,
): Promise<Published> {
  checkName(model);
  if (files.length === 0) throw registryError("models.import-invalid", { detail: "it has no files" });
  if (files.length > MOST_FILES) {
    throw registryError("models.limit-exceeded", { detail: `${files.length} files, limit ${MOST_FILES}` });
  }
  checkPaths(files);
  const { root, manifest } = versionDigests(files);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const { db, clock } = registry;
  return await db.transaction(async (tx) => {
    const known = await findVersion(tx, model, root);
    if (known !== undefined && known.manifest !== manifest) {
      throw registryError("models.version-differs", { detail: `${model}, sha256:${root}` });
    }
    const version: Version = known ?? { model, root, manifest, files, bytes, source, createdAt: clock.now() };
    if (known === undefined) {
      await insertVersion(tx, version);
      const event = { id: uuidv7(), at: clock.now(), by, kind: "imported", source: source["kind"] ?? "" } as const;
      const said = { what: "version imported", manifest, bytes, files: files.length, source };
      await change(tx, clock, { model, root, event, said, by });
    }
    return { version, ...(await insertIfNew(tx, registry, version, extras, by)) };
  });
}

/**
 * Makes another release of weights that are there already, with other prompt, policy or tools.
 *
 * @throws `models.release-unknown`
 */
export async function publishParts(
  registry: Registry,
  of: Pick<Release, "model" | "weights">,
  extras: ReleaseExtras,
  by: string,
): Promise<Published> {
  return await registry.db.transaction(async (tx) => {
    const version = await findVersion(tx, of.model, of.weights.root);
    if (version === undefined) throw registryError("models.release-unknown", { detail: of.model });
    return { version, ...(await insertIfNew(tx, registry, version, extras, by)) };
  });
}

async function insertIfNew(
  tx: Db,
  { clock }: Registry,
  { model, root, manifest }: Version,
  extras: ReleaseExtras,
  by: string,
): Promise<{ release: Release; isNew: boolean }> {
  const { prompt = null, policy = null, tools = null } = extras;
  const parts = { model, weights: { root, manifest }, prompt, policy, tools };
  const digest = releaseDigest(parts);
  const known = await findRelease(tx, digest);
  if (known !== undefined) return { release: known, isNew: false };
  const release: Release = { ...parts, digest, number: await nextNumber(tx, model), createdAt: clock.now() };
  await insertRelease(tx, release);
  const event = { id: uuidv7(), at: clock.now(), by, kind: "released" } as const;
  const said = { what: "release made", number: release.number, parts: { ...parts } };
  await change(tx, clock, { model, root, release: digest, event, said, by });
  return { release, isNew: true };
}

export interface ScanReport {
  readonly verdict: ArtifactVerdict;
  /** Name and version of the scanner. */
  readonly scanner: string;
  /** Digest of the whole report, where one is kept. */
  readonly report?: Sha256;
}

/** Records what a scan of a version's stored files said. It counts for all releases of these weights. */
export async function recordScan(registry: Registry, version: Version, scan: ScanReport, by: string): Promise<void> {
  const { verdict, scanner } = scan;
  const event = { id: uuidv7(), at: registry.clock.now(), by, kind: "scanned", verdict, scanner } as const;
  await recordOfVersion(registry, version, event, { what: "scanned", ...scan });
}

export interface SignatureReport {
  /** Who signed: the key's digest, the certificate's subject, or the identity of its issuer. */
  readonly identity: string;
  readonly method: string;
  /** Digest of the signature's own file. */
  readonly signature: Sha256;
}

/**
 * Records that a version's signature was verified.
 *
 * @throws `models.transition-refused` where no release of it has been found clean
 */
export async function recordSignature(
  registry: Registry,
  version: Version,
  report: SignatureReport,
  by: string,
): Promise<void> {
  const { identity, method } = report;
  const event = { id: uuidv7(), at: registry.clock.now(), by, kind: "signed", identity, method } as const;
  await recordOfVersion(registry, version, event, { what: "signature verified", ...report });
}

/** A step of the weights: it must be one for what has happened to the weights, whatever became of single releases. */
async function recordOfVersion(
  { db, clock, operators, rules }: Registry,
  { model, root }: Version,
  event: RegistryEvent,
  said: Readonly<Record<string, unknown>>,
): Promise<void> {
  await db.transaction(async (tx) => {
    const before = (await readEvents(tx, operators, { model, root })).filter(({ release }) => release === "");
    let now = NEW;
    for (const one of before) now = step(now, one.event, rules);
    step(now, event, rules);
    await change(tx, clock, { model, root, event, said, by: event.by });
  });
}

/**
 * One approval. The decision is the operator's signature over the release and the evidence it was made on.
 *
 * @throws `models.operator-…`, `models.release-unknown`, `models.transition-refused`, `models.approval-repeated`,
 *   `models.decision-stale`, `models.decision-replayed`
 */
export async function approve(
  registry: Registry,
  decision: SignedDecision<Extract<Action, { do: "approve" }>>,
): Promise<{ release: Release; standing: Standing }> {
  const { id, by, action } = await opened(registry, decision, "approve");
  return await decideOn(registry, action, decision, (at) => {
    return { id, at, by, kind: "approved", basis: action.basis };
  });
}

/**
 * Ends a release for good. One operator is enough: it is the way out when something is wrong.
 *
 * @throws `models.operator-…`, `models.release-unknown`, `models.transition-refused`, `models.decision-replayed`
 */
export async function revoke(
  registry: Registry,
  decision: SignedDecision<Extract<Action, { do: "revoke" }>>,
): Promise<{ release: Release; standing: Standing }> {
  const { id, by, action } = await opened(registry, decision, "revoke");
  return await decideOn(registry, action, decision, (at) => {
    return { id, at, by, kind: "revoked", reason: action.reason };
  });
}

/** The decision, verified and of the kind that is asked for. @throws `models.operator-…` */
export async function opened<Do extends Action["do"]>(
  { operators, clock }: Registry,
  { envelope }: SignedDecision,
  ...kinds: readonly Do[]
): Promise<{ id: string; by: string; action: Extract<Action, { do: Do }> }> {
  const { id, by, action } = await operators.open(envelope, clock.now());
  if (!(kinds as readonly string[]).includes(action.do)) {
    throw registryError("models.operator-signature", { detail: `it decides to ${action.do}` });
  }
  return { id, by, action: action as Extract<Action, { do: Do }> };
}

async function decideOn(
  registry: Registry,
  action: Extract<Action, { do: "approve" | "revoke" }>,
  decision: SignedDecision,
  make: (at: number) => RegistryEvent,
): Promise<{ release: Release; standing: Standing }> {
  const { db, clock, rules, operators } = registry;
  return await db.transaction(async (tx) => {
    const release = await findRelease(tx, action.release);
    if (release === undefined || release.model !== action.model) {
      throw registryError("models.release-unknown", { detail: `${action.model}@sha256:${action.release}` });
    }
    const used = await tx.query(sql`select id from registry_decisions where id = ${decision.decision.id}`);
    if (used.length > 0) throw registryError("models.decision-replayed", { detail: decision.decision.id });
    const { model, weights } = release;
    const events = await readEvents(tx, operators, { model, root: weights.root });
    const event = make(clock.now());
    const next = step(standingOf(events, release, rules), event, rules);
    const said = { what: action.do === "approve" ? "release approved" : "release revoked", state: next.state };
    const { by } = event;
    await change(tx, clock, { model, root: weights.root, release: release.digest, event, said, by, decision });
    return { release, standing: next };
  });
}

/** Whether a release may be served now. @throws `models.transition-refused` */
export async function mustBeApproved(registry: Registry, release: Release): Promise<void> {
  const { state } = await readStanding(registry, release);
  if (state !== "approved") {
    throw registryError("models.transition-refused", { detail: `it is ${state}: an alias points to what is approved` });
  }
}
