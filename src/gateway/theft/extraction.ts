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
import {
  findWatch,
  forgetWatch,
  listReleased,
  releasedAt,
  saveState,
  saveWatch,
  watchKey,
  type WatchName,
} from "./store.ts";
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
   * Counts a request, and lets it pass when its turn has come; a promise where something is to be waited for. Puts the stage
   * into the exchange, if there is one.
   *
   * @throws `gateway.extraction-refused`, `gateway.extraction-slowed`
   */
  admit(exchange: Exchange, asking: Asking, cancellation: Cancellation): Admission | Promise<Admission>;
  /** True where a kind has any stage: else nothing is to be counted. */
  watches(kind: Kind): boolean;
  /** Secret of the hashes: the same in every replica. */
  readonly secret: string;
  /** Other limits from now on. What was seen stays, but where the window changes: counts over another one begin anew. */
  configure(config: ExtractionConfig): void;
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
  /** For tests: between two saves, in milliseconds. */
  readonly saveMs?: number;
  readonly log: { readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void };
}

/** A watch in memory. */
interface Entry {
  readonly name: WatchName;
  readonly windowDays: number;
  readonly watch: Watch;
}

const DAY = 86_400_000;
/** Watches in memory; the one that was used longest ago is saved and dropped for the next. */
const WATCHES = 1_024;
/** How often what was seen is saved, and what other replicas saw is read, in milliseconds. */
const SAVE_MS = 5_000;

export function openExtraction(options: ExtractionOptions): Extraction {
  const { counters, clock, db, log, secret, most = WATCHES } = options;
  let { config } = options;
  const watches = new Map<string, Entry>();
  const loading = new Map<string, Promise<Entry>>();
  const periodNow = (windowDays = config.windowDays): number => Math.floor(clock.now() / (windowDays * DAY));
  const perMinute = (scope: WatchName["scope"]): number =>
    config.alarms.perMinute * (scope === "app" ? config.appFactor : 1);

  const failed = (error: unknown): void => {
    const code = isHoldfastError(error) ? error.code : "unknown";
    log.error("what was seen of extraction was not saved", { error: code });
  };
  const save = async (id: string, entry: Entry): Promise<void> => {
    const { watch, windowDays } = entry;
    const period = periodNow(windowDays);
    watch.dirty = false;
    try {
      const [released, kept] = await Promise.all([releasedAt(db, id), findWatch(db, id, period)]);
      if (released !== watch.releasedAt) {
        await renew(id, released);
        return;
      }
      for (const seen of kept) watch.join(seen);
      const expiresAt = (period + 2) * windowDays * DAY;
      const { alarms, distinct: asked, stage } = { stage: undefined, ...figures(entry), ...judge(entry) };
      await Promise.all([
        saveWatch(db, id, watch.remembered(period), expiresAt),
        saveState(db, id, { alarms, asked, stage }, clock.now(), expiresAt),
      ]);
    } catch (error) {
      watch.dirty = true;
      failed(error);
    }
  };
  /** An operator released it: it begins anew, and what another process had saved since goes too. */
  const renew = async (id: string, released: number): Promise<void> => {
    await forgetWatch(db, id);
    const entry = watches.get(id);
    if (entry === undefined || entry.watch.releasedAt === released) return;
    const { name, windowDays } = entry;
    const watch = new Watch(config.alarms, perMinute(name.scope), periodNow(windowDays), released);
    watches.set(id, { name, windowDays, watch });
  };
  const saveAll = async (): Promise<void> => {
    try {
      for (const [id, released] of await listReleased(db)) {
        const known = watches.get(id)?.watch.releasedAt;
        if (known !== undefined && known !== released) await renew(id, released);
      }
    } catch (error) {
      failed(error);
    }
    for (const [id, entry] of watches) if (entry.watch.dirty) await save(id, entry);
  };
  let saving: Promise<void> | undefined;
  const timer = setInterval(() => {
    saving ??= saveAll().finally(() => {
      saving = undefined;
    });
  }, options.saveMs ?? SAVE_MS).unref();

  const load = async (id: string, name: WatchName): Promise<Entry> => {
    const { windowDays } = config;
    const period = periodNow(windowDays);
    const watch = new Watch(config.alarms, perMinute(name.scope), period, await releasedAt(db, id));
    for (const seen of await findWatch(db, id, period)) watch.join(seen);
    const entry = { name, windowDays, watch };
    watches.set(id, entry);
    if (watches.size > most) drop();
    return entry;
  };

  /** Sketches are joined wherever they meet: one that is read again before it is saved loses nothing for long. */
  const drop = (): void => {
    const [oldest] = watches;
    if (oldest === undefined) return;
    const [id, entry] = oldest;
    watches.delete(id);
    if (entry.watch.dirty) void save(id, entry);
  };

  const find = (id: string, name: WatchName): Promise<Entry> | Entry => {
    const known = watches.get(id);
    if (known !== undefined) {
      watches.delete(id);
      watches.set(id, known);
      return known;
    }
    const started = loading.get(id) ?? load(id, name).finally(() => loading.delete(id));
    loading.set(id, started);
    return started;
  };

  /** The watch of an id at this moment: the one that was found may have made way for others since. */
  const inUse = (id: string, found: Entry): Watch => {
    const entry = watches.get(id) ?? found;
    watches.set(id, entry);
    return entry.watch;
  };

  const figures = ({ watch, windowDays }: Entry): Pick<ExtractionRecord, "alarms" | "distinct"> => ({
    distinct: watch.distinct(periodNow(windowDays)),
    alarms: watch.alarms(clock.monotonic()),
  });

  const judge = (entry: Entry): ExtractionRecord | undefined => {
    const { kind, scope } = entry.name;
    const { alarms, distinct } = figures(entry);
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

  /** Counts what passes: only what is answered teaches anything, and what is refused must not keep an honest key refused. */
  const counted = (watched: readonly Watch[], queries: readonly Query[], coarse: boolean): Admission => {
    const period = periodNow();
    const now = clock.monotonic();
    for (const watch of watched) watch.add(queries, period, now);
    while (watches.size > most) drop();
    return {
      coarse,
      answered(labels) {
        const points = queries.flatMap(({ point }) => (point === undefined ? [] : [point]));
        for (const watch of watched) watch.answered(points, labels, clock.monotonic());
      },
    };
  };

  return {
    secret,
    watches: (kind) => isWatched(config[kind]),

    admit(exchange, { principal, kind, model = "", queries }, cancellation) {
      if (!isWatched(config[kind])) return { coarse: false, answered() {} };
      const nameOfKey = { kind, model, scope: "key", who: principal.keyId } as const;
      const nameOfApp = { kind, model, scope: "app", who: principal.app } as const;
      const ids = { key: watchKey(nameOfKey, config.windowDays), app: watchKey(nameOfApp, config.windowDays) };
      const pass = (ofKey: Entry, ofApp: Entry): Admission | Promise<Admission> => {
        const record = harder(judge(ofKey), judge(ofApp));
        if (record !== undefined) exchange.extraction = record;
        if (record?.stage === "refuse") {
          // Nobody else will judge it.
          exchange.requestVerdict = { verdict: extractionVerdict(record), unscanned: [] };
          throw gatewayError("gateway.extraction-refused");
        }
        const count = (): Admission => {
          const watched = [inUse(ids.key, ofKey), inUse(ids.app, ofApp)];
          return counted(watched, queries, record?.stage === "coarsen");
        };
        return record?.stage === "slow" || record?.stage === "coarsen"
          ? turn(ids[record.scope], queries.length, cancellation).then(count)
          : count();
      };
      const ofKey = find(ids.key, nameOfKey);
      const ofApp = find(ids.app, nameOfApp);
      return ofKey instanceof Promise || ofApp instanceof Promise
        ? Promise.all([ofKey, ofApp]).then(([one, other]) => pass(one, other))
        : pass(ofKey, ofApp);
    },

    configure(next) {
      const before = config.windowDays;
      config = next;
      for (const { name, watch } of watches.values()) watch.configure(next.alarms, perMinute(name.scope));
      if (next.windowDays === before) return;
      const old = [...watches];
      watches.clear();
      const earlier = saving;
      saving = Promise.all([
        earlier,
        ...old.map(([id, entry]) => (entry.watch.dirty ? save(id, entry) : undefined)),
      ]).then(() => {
        saving = undefined;
      });
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
