/**
 * The proofs of the registry. Each reads what the registry holds now; that it holds nothing is no proof of anything.
 *
 * @module
 */

import type { Observation } from "../../core/index.ts";
import { listAliases, signedAliases, type Alias } from "./alias.ts";
import { shortDigest } from "./digest.ts";
import { hasPrevious, newestDrills } from "./drill.ts";
import { listGrants, signedGrants, type Grant } from "./grant.ts";
import { admitted, STRANGER } from "./probe.ts";
import { openRegistry, openStore, type RegistryServices } from "./services.ts";
import {
  findVersion,
  listReleases,
  readEvents,
  standingOf,
  type Registry,
  type Release,
  type StoredEvent,
} from "./store.ts";
import type { Standing } from "./state.ts";

/** M4: the newest drill of every alias that can be rolled back. */
export async function observeRollback(services: RegistryServices): Promise<Observation> {
  const registry = await openRegistry(services);
  const { drillMaxMs } = registry.rules;
  const seen = {
    expected: `for every alias a drill whose rollback restored the digests of all parts within ${drillMaxMs} ms`,
    scope: "rollbacks on scratch copies of the registry; not how long a model server takes to load the files",
  };
  const drills = new Map((await newestDrills(registry.db)).map((drill) => [drill.alias, drill]));
  const wrong: string[] = [];
  let slowest = 0;
  let drilled = 0;
  for (const alias of await listAliases(registry.db)) {
    if (!(await hasPrevious(registry, alias))) continue;
    const name = `${alias.model}@${alias.alias}`;
    const drill = drills.get(name);
    // A drill of another release says nothing of this one.
    if (drill === undefined || drill.from !== alias.release) {
      wrong.push(`${name} was not drilled since it moved`);
      continue;
    }
    drilled += 1;
    slowest = Math.max(slowest, drill.ms);
    if (drill.problem !== "") wrong.push(`${name}: ${drill.problem}`);
    else if (drill.ms > drillMaxMs) wrong.push(`${name}: ${Math.round(drill.ms)} ms`);
  }
  const failed = wrong.filter((what) => !what.endsWith("since it moved"));
  if (failed.length > 0) return { outcome: "fails", observed: failed.slice(0, 5).join("; "), ...seen };
  if (wrong.length > 0) return { outcome: "unknown", observed: wrong.slice(0, 5).join("; "), ...seen };
  if (drilled === 0) return { outcome: "unknown", observed: "no alias has a release to go back to", ...seen };
  return {
    outcome: "holds",
    observed: `${drilled} aliases, the slowest rollback took ${slowest.toFixed(1)} ms`,
    ...seen,
  };
}

/** M5: signed models are served alone. Bytes of what aliases point to are read and compared. */
export async function observeSigned(services: RegistryServices): Promise<Observation> {
  const registry = await openRegistry(services);
  const { admission } = services.config.gateway;
  const seen = {
    expected:
      "gateway.admission: enforce, a verified signature for every approved release, its bytes unchanged, and every alias where an operator put it",
    scope:
      "the registry of this installation, and the blobs of releases that aliases point to; not what other gateways serve",
  };
  const all = await approvedReleases(registry);
  if (all.releases === 0) return { outcome: "unknown", observed: "there is no release in the registry", ...seen };
  if (admission !== "enforce") return { outcome: "fails", observed: `gateway.admission is ${admission}`, ...seen };
  const unsigned = all.approved.filter(({ standing }) => standing.signature === undefined);
  const changed = await changedBlobs(services, registry, all.approved);
  const put = new Set((await signedAliases(registry.db, registry.operators)).map(aliasName));
  const moved = (await listAliases(registry.db)).map(aliasName).filter((name) => !put.has(name));
  const grants = await listGrants(registry.db);
  const asked = all.others.flatMap((release) =>
    grants.filter(({ model }) => model === release.model).map(({ app }) => ({ release, app })),
  );
  const wrong = [
    ...(await admitted(services, asked)).map(
      ({ release }) => `${nameOf(release)} is not approved, and would be served`,
    ),
    ...unsigned.map(({ release }) => `${nameOf(release)} has no signature`),
    ...moved.map((name) => `${name} is where no operator of the configuration put it`),
    ...changed.wrong,
  ];
  return wrong.length > 0
    ? { outcome: "fails", observed: wrong.slice(0, 5).join("; "), ...seen }
    : {
        outcome: "holds",
        observed: `${all.approved.length} of ${all.releases} releases are approved, all signed; ${changed.read} blobs read, all unchanged`,
        ...seen,
      };
}

/** M7: default deny, and no grant that is wider than one app. */
export async function observeGrants(services: RegistryServices): Promise<Observation> {
  const registry = await openRegistry(services);
  const { admission } = services.config.gateway;
  const seen = {
    expected:
      "gateway.admission: enforce, every grant names one app and carries an operator's signature, and an app without a grant is denied",
    scope: "the grants of the registry; not the models of upstreams that keys may use besides",
  };
  const releases = await listReleases(registry.db);
  if (releases.length === 0) {
    return { outcome: "unknown", observed: "there is no release in the registry", ...seen };
  }
  if (admission !== "enforce") {
    return { outcome: "fails", observed: `gateway.admission is ${admission}: nothing is asked for grants`, ...seen };
  }
  const grants = await listGrants(registry.db);
  const signed = await signedGrants(registry.db, registry.operators);
  const isSigned = ({ model, app, user }: Grant): boolean =>
    signed.some((one) => one.model === model && one.app === app && one.user === user);
  const strangers = releases.map((release) => ({ release, app: STRANGER }));
  const wrong = [
    ...grants.flatMap((grant) => [
      ...(grant.app === "*" ? [`${grant.model} is granted to every app`] : []),
      ...(isSigned(grant) ? [] : [`${grant.model} is granted to ${grant.app} by no operator of the configuration`]),
    ]),
    ...(await admitted(services, strangers)).map(({ release }) => `${nameOf(release)} would be served to any app`),
  ];
  return wrong.length > 0
    ? { outcome: "fails", observed: wrong.slice(0, 5).join("; "), ...seen }
    : {
        outcome: "holds",
        observed: `${grants.length} grants, each to one app; an app without one was denied all ${releases.length} releases`,
        ...seen,
      };
}

/** M10: pinned, and found clean before approval. */
export async function observeScanned(services: RegistryServices): Promise<Observation> {
  const registry = await openRegistry(services);
  const seen = {
    expected: "for every approved release a clean scan from before its first approval, and a source that is pinned",
    scope: "releases of the registry; that a scan finds nothing does not prove that nothing is there",
  };
  const { approved, releases, events } = await approvedReleases(registry);
  if (releases === 0) return { outcome: "unknown", observed: "there is no release in the registry", ...seen };
  const wrong: string[] = [];
  for (const { release, standing } of approved) {
    const version = await findVersion(registry.db, release.model, release.weights.root);
    const { kind, commit, digest } = version?.source ?? {};
    if ((kind === "huggingface" && commit === undefined) || (kind === "oci" && digest === undefined)) {
      wrong.push(`${nameOf(release)} is not pinned`);
    }
    if (!scannedBefore(events, release, standing))
      wrong.push(`${nameOf(release)} was approved without a clean scan before`);
  }
  return wrong.length > 0
    ? { outcome: "fails", observed: wrong.slice(0, 5).join("; "), ...seen }
    : {
        outcome: "holds",
        observed: `${approved.length} of ${releases} releases are approved, all found clean before`,
        ...seen,
      };
}

/**
 * Whether the scans say so by themselves: the last before each approval that counts, and the last of all. The states say
 * the same by their own steps (`state.ts`); a proof does not take their word for it.
 */
function scannedBefore(
  events: readonly StoredEvent[],
  { model, weights, digest }: Release,
  { approvals }: Standing,
): boolean {
  let last: string | undefined;
  const counted = new Set(approvals.map(({ by, at }) => `${at} ${by}`));
  for (const { event, ...about } of events) {
    if (about.model !== model || about.root !== weights.root) continue;
    if (event.kind === "scanned") last = event.verdict;
    const counts = event.kind === "approved" && about.release === digest && counted.has(`${event.at} ${event.by}`);
    if (counts && last !== "clean") return false;
  }
  return last === "clean";
}

interface Approved {
  readonly releases: number;
  readonly approved: readonly { readonly release: Release; readonly standing: Standing }[];
  /** Those that are not. */
  readonly others: readonly Release[];
  readonly events: readonly StoredEvent[];
}

async function approvedReleases(registry: Registry): Promise<Approved> {
  const releases = await listReleases(registry.db);
  const events = await readEvents(registry.db, registry.operators);
  const all = releases.map((release) => ({ release, standing: standingOf(events, release, registry.rules) }));
  const isApproved = ({ standing }: (typeof all)[number]): boolean => standing.state === "approved";
  return {
    releases: releases.length,
    approved: all.filter(isApproved),
    others: all.filter((one) => !isApproved(one)).map(({ release }) => release),
    events,
  };
}

/** Bytes that one observation reads at most: it has two minutes. */
const MOST_READ_BYTES = 20_000_000_000;

async function changedBlobs(
  services: RegistryServices,
  { db }: Registry,
  approved: readonly { readonly release: Release }[],
): Promise<{ read: number; wrong: string[] }> {
  const blobs = await openStore(services);
  const served = new Set((await listAliases(db)).map(({ release }) => release));
  const wrong: string[] = [];
  let read = 0;
  let bytes = 0;
  for (const { release } of approved.filter((one) => served.has(one.release.digest))) {
    const version = await findVersion(db, release.model, release.weights.root);
    for (const { path, digest, size } of version?.files ?? []) {
      bytes += size;
      if (bytes > MOST_READ_BYTES) throw new RangeError("more than can be read in time");
      read += 1;
      if (!(await blobs.isWhole({ digest, size }))) wrong.push(`${nameOf(release)}: ${path} is gone or changed`);
    }
  }
  return { read, wrong };
}

function aliasName({ model, alias }: Alias): string {
  return `${model}@${alias}`;
}

function nameOf({ model, digest }: Release): string {
  return `${model}@${shortDigest(digest)}`;
}
