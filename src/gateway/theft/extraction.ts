/**
 * The watch over extraction: counts what each key, and each app, asks of models, and answers the harder the more that
 * is. A stage follows from the number of different queries in the window alone, times a weight while an alarm is on, so
 * that anybody can work out why it came.
 *
 * It delays a thief and makes it visible. It does not stop one who is patient, or who comes as many apps.
 *
 * @module
 */

import type { Clock } from "../../core/index.ts";
import { isHoldfastError } from "../../core/index.ts";
import type { Counters, Db } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import type { Principal } from "../identity/principal.ts";
import type { Exchange } from "../receipt/receipt.ts";
import type { Cancellation } from "../upstream/dispatch.ts";
import type { ExtractionConfig } from "./config.ts";
import type { Query } from "./features.ts";
import { extractionVerdict, STAGES, type ExtractionRecord, type Kind, type Stage } from "./finding.ts";
import { findWatch, saveWatch } from "./store.ts";
import { Watch } from "./watch.ts";

interface Asking {
  readonly principal: Principal;
  readonly kind: Kind;
  /** The model, where its name is one of the configuration. Other names are the client's, who can make them up. */
  readonly model?: string;
  readonly queries: readonly Query[];
}

/** A request that the watch let pass. */
export interface Admission {
  /** Its answer must say no more than it has to. */
  readonly coarse: boolean;
  /** Tells the watch what classes the model answered with, for the points of the queries in their order. */
  answered(labels: readonly number[]): void;
}

export interface Extraction {
  /**
   * Counts a request, and lets it pass when its turn has come. Puts the stage into the exchange, if there is one.
   *
   * @throws `gateway.extraction-refused`, `gateway.extraction-slowed`
   */
  admit(exchange: Exchange, asking: Asking, cancellation: Cancellation): Promise<Admission>;
  /** True where a kind has any stage: else nothing is to be counted. */
  watches(kind: Kind): boolean;
  /** Secret of the hashes: the same in every replica. */
  readonly secret: string;
  /** Saves what was seen, and stops. */
  close(): Promise<void>;
}

export interface ExtractionOptions {
  readonly config: ExtractionConfig;
  readonly counters: Counters;
  readonly db: Db;
  readonly clock: Clock;
  readonly secret: string;
  /** For tests: watches in memory at most. */
  readonly most?: number;
  readonly log: { readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void };
}

const DAY = 86_400_000;
/** Watches in memory; the one that was used longest ago is saved and dropped for the next. */
const WATCHES = 1_024;
/** How often what was seen is saved, and what other replicas saw is read, in milliseconds. */
const SAVE_MS = 5_000;

export function openExtraction(options: ExtractionOptions): Extraction {
  const { config, counters, clock, db, log, secret, most = WATCHES } = options;
  const watches = new Map<string, Watch>();
  const loading = new Map<string, Promise<Watch>>();
  const windowMs = config.windowDays * DAY;
  const periodNow = (): number => Math.floor(clock.now() / windowMs);

  const save = async (id: string, watch: Watch): Promise<void> => {
    const period = periodNow();
    watch.dirty = false;
    try {
      for (const seen of await findWatch(db, id, period)) watch.join(seen);
      await saveWatch(db, id, watch.remembered(period), (period + 2) * windowMs);
    } catch (error) {
      watch.dirty = true;
      log.error("what was seen of extraction was not saved", {
        error: isHoldfastError(error) ? error.code : "unknown",
      });
    }
  };
  const saveAll = async (): Promise<void> => {
    for (const [id, watch] of watches) if (watch.dirty) await save(id, watch);
  };
  let saving: Promise<void> | undefined;
  const timer = setInterval(() => {
    saving ??= saveAll().finally(() => {
      saving = undefined;
    });
  }, SAVE_MS).unref();

  const load = async (id: string, scope: "app" | "key"): Promise<Watch> => {
    const perMinute = config.alarms.perMinute * (scope === "app" ? config.appFactor : 1);
    const watch = new Watch(config.alarms, perMinute, periodNow());
    for (const seen of await findWatch(db, id, periodNow())) watch.join(seen);
    watches.set(id, watch);
    if (watches.size > most) drop();
    return watch;
  };

  /** Sketches are joined wherever they meet: one that is read again before it is saved loses nothing for long. */
  const drop = (): void => {
    const [oldest] = watches;
    if (oldest === undefined) return;
    const [id, watch] = oldest;
    watches.delete(id);
    if (watch.dirty) void save(id, watch);
  };

  const find = (id: string, scope: "app" | "key"): Promise<Watch> | Watch => {
    const known = watches.get(id);
    if (known !== undefined) {
      watches.delete(id);
      watches.set(id, known);
      return known;
    }
    const started = loading.get(id) ?? load(id, scope).finally(() => loading.delete(id));
    loading.set(id, started);
    return started;
  };

  /** The watch of an id at this moment: the one that was found may have made way for others since. */
  const inUse = (id: string, found: Watch): Watch => {
    const watch = watches.get(id) ?? found;
    watches.set(id, watch);
    return watch;
  };

  const judge = (watch: Watch, kind: Kind, scope: "app" | "key"): ExtractionRecord | undefined => {
    const distinct = watch.distinct(periodNow());
    const alarms = watch.alarms(clock.monotonic());
    const weighed = distinct * (alarms.length > 0 ? config.alarmWeight : 1);
    const stage = stageAt(config[kind], weighed / (scope === "app" ? config.appFactor : 1));
    return stage === undefined ? undefined : { alarms, distinct, kind, scope, stage };
  };

  /** Waits for a turn among what a slowed key or app may have. @throws `gateway.extraction-slowed` */
  const turn = async (id: string, queries: number, cancellation: Cancellation): Promise<void> => {
    const { slowPerMinute: perMinute, slowWaitMs } = config;
    const until = clock.monotonic() + slowWaitMs;
    for (;;) {
      const taken = await counters.take(`slowed:${id}`, { perMinute }, Math.min(queries, perMinute));
      if (taken.allowed) return;
      if (clock.monotonic() + taken.retryAfterMs > until) {
        const retryAfter = Math.max(1, Math.ceil(taken.retryAfterMs / 1_000));
        throw gatewayError("gateway.extraction-slowed", {
          detail: `${perMinute} a minute (slowPerMinute)`,
          retryAfter,
        });
      }
      await pause(taken.retryAfterMs, cancellation);
    }
  };

  return {
    secret,
    watches: (kind) => isWatched(config[kind]),

    async admit(exchange, { principal, kind, model = "", queries }, cancellation) {
      if (!isWatched(config[kind])) return { coarse: false, answered() {} };
      const ids = { key: `${kind}|${model}|key|${principal.keyId}`, app: `${kind}|${model}|app|${principal.app}` };
      const found = { key: await find(ids.key, "key"), app: await find(ids.app, "app") };
      const record = harder(judge(found.key, kind, "key"), judge(found.app, kind, "app"));
      if (record !== undefined) exchange.extraction = record;
      if (record?.stage === "refuse") {
        // Nobody else will judge it.
        exchange.requestVerdict = { verdict: extractionVerdict(record), unscanned: [] };
        throw gatewayError("gateway.extraction-refused");
      }
      if (record?.stage === "slow" || record?.stage === "coarsen") {
        await turn(ids[record.scope], queries.length, cancellation);
      }
      // Only what is answered teaches anything, and what is refused must not keep an honest key refused.
      const [period, now] = [periodNow(), clock.monotonic()];
      const watched = [inUse(ids.key, found.key), inUse(ids.app, found.app)];
      for (const watch of watched) watch.add(queries, period, now);
      while (watches.size > most) drop();
      const points = queries.flatMap(({ point }) => (point === undefined ? [] : [point]));
      return {
        coarse: record?.stage === "coarsen",
        answered(labels) {
          for (const watch of watched) watch.answered(points, labels, clock.monotonic());
        },
      };
    },

    async close() {
      clearInterval(timer);
      await saving;
      await saveAll();
    },
  };
}

function stageAt(thresholds: ExtractionConfig[Kind], asked: number): Stage | undefined {
  return STAGES.findLast((stage) => {
    const threshold = thresholds[stage];
    return threshold !== "off" && asked >= threshold;
  });
}

function isWatched(thresholds: ExtractionConfig[Kind]): boolean {
  return STAGES.some((stage) => thresholds[stage] !== "off");
}

function harder(one: ExtractionRecord | undefined, other: ExtractionRecord | undefined): ExtractionRecord | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return STAGES.indexOf(one.stage) >= STAGES.indexOf(other.stage) ? one : other;
}

/** @throws `gateway.request-aborted` when the exchange ends meanwhile */
async function pause(ms: number, cancellation: Cancellation): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, cancellation.cancelled ? 0 : Math.max(1, ms));
    cancellation.onCancel = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  cancellation.onCancel = undefined;
  if (cancellation.cancelled) throw gatewayError("gateway.request-aborted");
}
