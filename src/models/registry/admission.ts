/**
 * Admission: what the gateway asks before it serves a model, answered from memory.
 *
 * The registry is looked at four times a second: one number says whether anything changed, and then all of it is read
 * again. What was last looked at longer ago than {@link STALE_MS} counts as not checked, so that a revocation takes hold
 * within two seconds also where the database cannot be reached: then nothing is admitted.
 *
 * What was seen once is not forgotten: where a database goes back to what it was, an alias does not go back with it, and
 * what was revoked stays so.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";

import type {
  AdmissionAnswer,
  AdmissionCaller,
  AdmissionRefusal,
  AdmissionSubject,
  Clock,
  ReleaseAdmission,
} from "../../core/index.ts";
import type { Db } from "../../storage/index.ts";
import { signedAliases } from "./alias.ts";
import type { RegistryConfig } from "./config.ts";
import { openOperators } from "./decision.ts";
import { isGranted, signedGrants, type Grant } from "./grant.ts";
import type { Standing } from "./state.ts";
import { findVersion, lastChange, listReleases, readEvents, standingOf, type Release } from "./store.ts";

/** Between two looks, in milliseconds. */
const LOOK_MS = 250;
/** How old a look may be, in milliseconds: under the two seconds that are promised. */
const STALE_MS = 1_800;

export interface AdmissionOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly config: RegistryConfig;
}

export interface OpenAdmission extends ReleaseAdmission {
  close(): Promise<void>;
}

interface Known {
  readonly release: Release;
  readonly state: Standing["state"];
  readonly files: ReadonlySet<string>;
}

interface Snapshot {
  readonly change: number;
  /** Oldest first. */
  readonly releases: readonly Known[];
  /** By `model@alias` and `model@sha256:<digest>`. */
  readonly named: ReadonlyMap<string, Known>;
  readonly grants: readonly Grant[];
}

/** Makes the port. Nothing is read before it is opened. @throws `models.operator-key-invalid` */
export function openAdmission({ db, clock, config }: AdmissionOptions): OpenAdmission {
  const operators = openOperators(config.operators);
  const ended = new AbortController();
  /** Files of versions, which never change. */
  const files = new Map<string, ReadonlySet<string>>();
  /** How often aliases had moved when they were last seen, and what was revoked then. */
  const moved = new Map<string, number>();
  const revoked = new Set<string>();
  let snapshot: Snapshot | undefined;
  let lookedAt = 0;
  let opening: Promise<void> | undefined;
  let looking: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    const began = clock.monotonic();
    const change = await lastChange(db);
    if (snapshot?.change !== change) snapshot = await read(change);
    lookedAt = began;
  };

  const read = async (change: number): Promise<Snapshot> => {
    const events = await readEvents(db, operators);
    const all = await listReleases(db);
    const releases: Known[] = [];
    for (const release of all) {
      const { model, weights } = release;
      const key = `${model}@${weights.root}`;
      let own = files.get(key);
      if (own === undefined) {
        own = new Set((await findVersion(db, model, weights.root))?.files.map(({ digest }) => digest));
        files.set(key, own);
      }
      const { state } = standingOf(events, release, config);
      if (state === "revoked") revoked.add(release.digest);
      releases.push({ release, state: revoked.has(release.digest) ? "revoked" : state, files: own });
    }
    const named = new Map(releases.map((known) => [`${known.release.model}@sha256:${known.release.digest}`, known]));
    const byDigest = new Map(releases.map((known) => [known.release.digest, known]));
    for (const { model, alias, release, sequence } of await signedAliases(db, operators)) {
      const known = byDigest.get(release);
      const name = `${model}@${alias}`;
      if (known === undefined || sequence < (moved.get(name) ?? 0)) continue;
      moved.set(name, sequence);
      named.set(name, known);
    }
    return { change, releases, named, grants: await signedGrants(db, operators) };
  };

  const follow = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await delay(LOOK_MS, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      if (ended.signal.aborted) return;
      // One that fails leaves what is known to grow old.
      await look().catch(() => undefined);
    }
  };

  return {
    open() {
      opening ??= look().then(
        () => {
          looking = follow();
        },
        (error: unknown) => {
          opening = undefined;
          throw error;
        },
      );
      return opening;
    },
    judge(subject, caller) {
      if (snapshot === undefined || clock.monotonic() - lookedAt > STALE_MS) return refused("unchecked");
      return judge(snapshot, subject, caller);
    },
    async close() {
      ended.abort();
      await looking;
    },
  };
}

function judge(snapshot: Snapshot, { reference, file }: AdmissionSubject, caller: AdmissionCaller): AdmissionAnswer {
  if (reference === undefined && file === undefined) return refused("unnamed");
  if (reference !== undefined) {
    const known = snapshot.named.get(reference);
    // A release vouches for its own files alone.
    if (known === undefined || (file !== undefined && !known.files.has(file))) return refused("unknown");
    return decide(snapshot, known, caller);
  }
  const holding = snapshot.releases.filter((known) => file !== undefined && known.files.has(file));
  const answers = holding.map((known) => decide(snapshot, known, caller));
  return answers.findLast(({ admitted }) => admitted) ?? answers.at(-1) ?? refused("unknown");
}

function decide({ grants }: Snapshot, { release, state }: Known, { app, user }: AdmissionCaller): AdmissionAnswer {
  const { model, digest } = release;
  if (state !== "approved") return refused(state, { model, digest });
  if (!isGranted(grants, model, app, user)) return refused("not-granted", { model, digest });
  return { admitted: true, release: { model, digest } };
}

function refused(why: AdmissionRefusal, release?: AdmissionAnswer["release"]): AdmissionAnswer {
  return release === undefined ? { admitted: false, why } : { admitted: false, why, release };
}
