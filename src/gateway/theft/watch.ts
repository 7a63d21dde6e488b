/**
 * What is remembered of one key, or of one app, that asks one kind of model: how many different queries it made in the
 * window, how much ground they covered, and whether they look made up. Some 8 KiB, and for predictive models up to
 * 200 KiB; never a query itself.
 *
 * @module
 */

import type { ExtractionConfig } from "./config.ts";
import { Cusum } from "./cusum.ts";
import { Distances } from "./distances.ts";
import type { Query } from "./features.ts";
import { Sketch, type Hash64 } from "./sketch.ts";

/** A sign that queries were made up to copy a model. */
export type Alarm = "distances" | "novelty" | "volume";

/** Queries over which novelty is measured, and before which it says nothing: in the beginning everything is new. */
const BLOCK = 256;
const BEGINNING = 2 * BLOCK;
/** How long an alarm stays on after its last sign, in milliseconds. */
const STAYS_MS = 3_600_000;

/** What of a watch outlives the process, and is shared with others. */
export interface Remembered {
  readonly period: number;
  readonly asked: Uint8Array;
  readonly covered: Uint8Array;
}

/** In the order of their names. */
const ALARMS: readonly Alarm[] = ["distances", "novelty", "volume"];
const NO_ALARMS: readonly Alarm[] = [];

export class Watch {
  #alarms: ExtractionConfig["alarms"];
  readonly #volume: Cusum;
  readonly #distances = new Distances();
  #period: number;
  /** Of this period, of the one before, and of both. */
  #asked = new Sketch();
  #before = new Sketch();
  #both = new Sketch();
  #covered = new Sketch();
  #seen = 0;
  #block = { queries: 0, features: 0, coveredBefore: 0 };
  readonly #since = new Map<Alarm, number>();
  /** Something was seen that is not saved. */
  dirty = false;

  /** When an operator released it last; what was seen before that does not count. 0: never. */
  readonly releasedAt: number;

  /** @param perMinute queries a minute that are ordinary for it */
  constructor(alarms: ExtractionConfig["alarms"], perMinute: number, period: number, releasedAt = 0) {
    this.#alarms = alarms;
    this.#volume = new Cusum(perMinute);
    this.#period = period;
    this.releasedAt = releasedAt;
  }

  /** Other limits from now on. What was seen stays. */
  configure(alarms: ExtractionConfig["alarms"], perMinute: number): void {
    this.#alarms = alarms;
    this.#volume.perMinute = perMinute;
  }

  /** Different queries in the period that `period` names, and in the one before. */
  distinct(period: number): number {
    this.#turn(period);
    return Math.round(this.#both.estimate);
  }

  /** @param now of a clock that never steps, in milliseconds */
  add(queries: readonly Query[], period: number, now: number): void {
    this.#turn(period);
    this.#volume.add(now, queries.length);
    for (const { fingerprint, features } of queries) {
      const isNew = this.#asked.add(fingerprint);
      this.#both.add(fingerprint);
      let isCover = false;
      for (let index = 0; index < features.length; index++) {
        isCover = this.#covered.add(features[index] as Hash64) || isCover;
      }
      this.dirty ||= isNew || isCover;
      this.#seen++;
      this.#block.queries++;
      this.#block.features += features.length;
      if (this.#block.queries >= BLOCK) this.#endBlock(now);
    }
  }

  /** What the model answered to inputs: their classes, in their order. */
  answered(points: readonly Float32Array[], labels: readonly number[], now: number): void {
    points.forEach((point, index) => {
      const label = labels[index];
      if (label !== undefined) this.#distances.add(point, label);
    });
    if (this.#distances.w < this.#alarms.normality) this.#since.set("distances", now);
  }

  /** The alarms that are on, by name. */
  alarms(now: number): readonly Alarm[] {
    if (this.#volume.at(now) > this.#alarms.volume) this.#since.set("volume", now);
    if (this.#since.size === 0) return NO_ALARMS;
    return ALARMS.filter((alarm) => now - (this.#since.get(alarm) ?? -Infinity) <= STAYS_MS);
  }

  remembered(period: number): Remembered {
    this.#turn(period);
    return { period, asked: this.#asked.registers(), covered: this.#covered.registers() };
  }

  /** Takes in what another process saw, or this one before it started again. */
  join({ period, asked, covered }: Remembered): void {
    if (period > this.#period) this.#turn(period);
    if (period === this.#period) {
      this.#asked.join(asked);
      this.#covered.join(covered);
    } else if (period === this.#period - 1) this.#before.join(asked);
    else return;
    this.#both.join(asked);
    this.#block = { queries: 0, features: 0, coveredBefore: this.#covered.estimate };
  }

  #turn(period: number): void {
    if (period <= this.#period) return;
    this.#before = period === this.#period + 1 ? this.#asked : new Sketch();
    this.#both = new Sketch(this.#before.registers());
    this.#asked = new Sketch();
    this.#covered = new Sketch();
    this.#block = { queries: 0, features: 0, coveredBefore: 0 };
    this.#seen = 0;
    this.#period = period;
  }

  #endBlock(now: number): void {
    const covered = this.#covered.estimate;
    const { features, coveredBefore } = this.#block;
    const share = features === 0 ? 0 : (covered - coveredBefore) / features;
    if (this.#seen > BEGINNING && share >= this.#alarms.novelty) this.#since.set("novelty", now);
    this.#block = { queries: 0, features: 0, coveredBefore: covered };
  }
}
