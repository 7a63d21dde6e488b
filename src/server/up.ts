/**
 * `holdfast up`: everything started in the order in which it is needed, and stopped in the reverse.
 *
 *     lock -> database -> ledger -> counters -> gateway -> admin API -> jobs
 *
 * On the way down the gateway stops taking requests and lets those in flight end; then the last evidence moves into the
 * ledger, which publishes a final checkpoint. What fails on the way up takes down what was started before it.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";

import { isHoldfastError, type Secret } from "../core/index.ts";
import { createKey, listKeys, startGateway, type UpstreamConfig } from "../gateway/index.ts";
import { markObservation } from "../govern/index.ts";
import { openSpool } from "../ledger/index.ts";
import { openAdmission } from "../models/index.ts";
import { drainEvidence, type Counters } from "../storage/index.ts";
import { startAdmin } from "./admin/listen.ts";
import { formatListen, isLoopback, reachable } from "./config/listen.ts";
import { startFleet } from "./fleet/fleet.ts";
import { lockHome } from "./home.ts";
import { startJobs, type RunningJob } from "./jobs.ts";
import { openProductLedger } from "./ledger/open.ts";
import { modules } from "./modules.ts";
import { reloader, withUpstreams, type Reload } from "./reload.ts";
import { forgetAdminAddress, noteAdminAddress } from "./remote.ts";
import type { Services } from "./services.ts";

/** A running Holdfast. */
export interface Running {
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly upstreams: readonly UpstreamConfig[];
  /** Whether the upstreams were looked for, since none is configured. */
  readonly discovered: boolean;
  /** The key of app `default`, made because there was none at all; its text is nowhere else. */
  readonly firstKey?: { readonly id: string; readonly key: Secret };
  /** Reads the configuration again. @throws what `reloader` says */
  readonly reload: Reload;
  close(): Promise<void>;
}

/** How often evidence of changes made by other processes (the command) is looked for. */
const DRAIN_EVERY_MS = 1_000;
/** The app that the first key belongs to. */
export const FIRST_APP = "default";
/** How the names of the product's own apps begin. */
const OWN_APPS = "holdfast-";

/**
 * Starts the product on the data folder of `services`, which stay the caller's to close. With more than one worker the
 * gateway runs in that many processes of its own, and all else in this one.
 *
 * @throws `server.already-running`, `server.listen-failed`, and what the parts throw when they cannot start
 */
export async function startHoldfast(services: Services, workers = 1): Promise<Running> {
  const { config, home, clock, log } = services;
  await using starting = new AsyncDisposableStack();

  const lock = lockHome(home);
  starting.defer(() => lock.release());
  forgetAdminAddress(home);
  const db = await services.db();
  const ledger = await openProductLedger(services, db);
  starting.defer(() => ledger.close());
  // While the database is away, receipts wait in the data folder.
  const spool = db.dialect === "postgres" ? await openSpool({ ledger, log }) : undefined;
  if (spool !== undefined) starting.defer(() => spool.close());
  const committer = await services.committer();
  const counters = await services.counters();
  const drain = inTurn(counters, async () => {
    await drainEvidence(
      db,
      (entry) => ledger.append(entry),
      (id, index) => markObservation(db, id, index),
    );
  });
  starting.defer(() => drain());

  const releases = openAdmission({ db, clock, config: config.models.registry });
  starting.defer(() => releases.close());
  const gatewayConfig = await withUpstreams(config.gateway, services.source.env);
  const common = { config: gatewayConfig, db, ledger: spool ?? ledger, counters, log, telemetry: config.telemetry };
  const gateway =
    workers === 1
      ? await startGateway({ ...common, committer, clock, releases, env: services.source.env })
      : await startFleet({
          ...common,
          workers,
          home,
          // What more than one process may open, each opens for itself.
          storageUrl: db.dialect === "postgres" ? config.storage.url : undefined,
          countersUrl: counters.shared ? config.counters.url : undefined,
          commitmentKeyFile: services.commitmentKeyFile,
          registry: config.models.registry,
        });
  let drained: Promise<void> | undefined;
  const drainGateway = (): Promise<void> => (drained ??= gateway.close());
  starting.defer(drainGateway);
  const reload = reloader(services, gateway);
  const admin = await startAdmin({ services, db, gateway, drain, reload });
  starting.defer(() => admin.close());
  starting.defer(noteAdminAddress(home, admin.address));
  if (gateway.certificate === undefined) warnIfOpen("gateway", gateway.address.host, services);
  warnIfOpen("admin API", admin.address.host, services);

  // Keys of the product's own apps, such as those that proofs probe with, let no user in.
  const keys = (await listKeys(db)).filter(({ app }) => !app.startsWith(OWN_APPS));
  const firstKey = keys.length === 0 ? await createKey(db, { app: FIRST_APP }, clock) : undefined;
  services.setGateway(gateway);
  // What is known by now is signed before the proofs look: an audit trail without a checkpoint proves nothing.
  await drain();
  await ledger.checkpoint();
  const jobs = startJobs(
    [{ name: "evidence", every: DRAIN_EVERY_MS, run: drain }, ...(await moduleJobs(services))],
    log,
  );
  starting.defer(() => jobs.stop());

  const running = starting.move();
  return {
    gatewayUrl: `${gateway.certificate === undefined ? "http" : "https"}://${formatListen(reachable(gateway.address))}`,
    adminUrl: `http://${formatListen(reachable(admin.address))}`,
    upstreams: gatewayConfig.upstreams,
    discovered: config.gateway.upstreams.length === 0,
    ...(firstKey === undefined ? {} : { firstKey }),
    reload,
    async close() {
      // First of all, so that the admin API says «not ready» for as long as requests are under way.
      try {
        await drainGateway();
      } finally {
        await running.disposeAsync();
      }
    },
  };
}

/** How long a replica that died while it moved evidence keeps the others from it, in milliseconds. */
const TURN_MS = 10_000;

const TURN = "evidence";
/** Between two attempts to have it, in milliseconds. */
const TURN_EVERY_MS = 25;

/**
 * `move` for replicas on one database, of which one at a time moves evidence: it takes along what waits for the others.
 * Without counters to agree by each goes ahead: their ledger is one, and takes the same entry once.
 */
function inTurn(counters: Counters, move: () => Promise<void>): () => Promise<void> {
  if (!counters.shared) return move;
  let last: Promise<unknown> = Promise.resolve();
  const once = async (): Promise<void> => {
    let turn: { id: string } | undefined;
    try {
      const asked = performance.now();
      while ((turn = await counters.acquire(TURN, 1, TURN_MS)) === undefined) {
        if (performance.now() - asked > TURN_MS) return;
        await delay(TURN_EVERY_MS);
      }
    } catch (error) {
      if (!isHoldfastError(error, "storage.counters-unavailable")) throw error;
    }
    try {
      await move();
    } finally {
      if (turn !== undefined) await counters.release(TURN, turn.id).catch(() => undefined);
    }
  };
  return () => {
    // Who asks here waits for the one before, rather than to be told that somebody is at it.
    const next = last.then(once);
    last = next.catch(() => undefined);
    return next;
  };
}

async function moduleJobs(services: Services): Promise<readonly RunningJob[]> {
  const jobs = modules.flatMap((module) => (module.jobs ?? []).map((job) => ({ module: module.name, job })));
  return await Promise.all(
    jobs.map(async ({ module, job: { name, every, load } }) => {
      const run = await load();
      return { name: `${module}.${name}`, every, run: () => run(services) };
    }),
  );
}

/** Other machines may connect: that is the operator's right, but not to be done by accident. */
function warnIfOpen(what: string, host: string, { log }: Services): void {
  if (!isLoopback(host)) {
    log.warn(`the ${what} listens for other machines, without TLS: put a TLS proxy in front of it`, { host });
  }
}
