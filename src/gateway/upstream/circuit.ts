/**
 * The circuit breaker of one upstream. An upstream that fails is left alone: those who wait for it are told at once,
 * and it is not kept down by requests that would fail.
 *
 *     closed  --enough failures within the window-->  open  --after a while-->  half-open
 *     half-open  --one request succeeds-->  closed,  --it fails-->  open
 *
 * Source: M. Nygard, Release It!, «Circuit Breaker».
 *
 * @module
 */

import type { Clock } from "../../core/index.ts";
import type { GatewayConfig } from "../config.ts";

export type CircuitState = "closed" | "open" | "half-open";

/** What became of a request that was let through. `none` says nothing of the upstream: the client left, say. */
export type CircuitOutcome = "success" | "failure" | "none";

/** The window is counted in this many slices, so that it costs the same however many requests there are. */
const SLICES = 10;

interface Slice {
  /** Number of the slice since the clock's beginning. */
  number: number;
  successes: number;
  failures: number;
}

export class Circuit {
  readonly #settings: GatewayConfig["circuit"];
  readonly #clock: Clock;
  readonly #changed: (state: "open" | "closed") => void;
  #slices: Slice[] = [];
  /** Until when it is open; undefined while it is closed. */
  #until: number | undefined;
  /** In half-open, one request is on its way. */
  #trying = false;

  /** @param changed is told when it opens, and when it closes again */
  constructor(
    settings: GatewayConfig["circuit"],
    clock: Clock,
    changed: (state: "open" | "closed") => void = () => undefined,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#changed = changed;
  }

  get state(): CircuitState {
    if (this.#until === undefined) return "closed";
    return this.#clock.monotonic() < this.#until ? "open" : "half-open";
  }

  /** Milliseconds until a request may be let through; 0 when one may be now. */
  get waitMs(): number {
    if (this.#until === undefined) return 0;
    // Whoever comes while one is trying has to wait for what becomes of it; nobody knows how long.
    return this.#trying ? this.#settings.openMs : Math.max(0, this.#until - this.#clock.monotonic());
  }

  /**
   * Lets a request through: undefined where it may not go. Where it may, what is returned must be called once, with
   * what became of it; later calls do nothing.
   */
  enter(): ((outcome: CircuitOutcome) => void) | undefined {
    if (this.waitMs > 0) return undefined;
    const tries = this.#until !== undefined;
    if (tries) this.#trying = true;
    let ended = false;
    return (outcome) => {
      if (ended) return;
      ended = true;
      if (tries) this.#tried(outcome);
      // What was sent before it opened says nothing of the time after.
      else if (this.#until === undefined) this.#count(outcome);
    };
  }

  #tried(outcome: CircuitOutcome): void {
    this.#trying = false;
    if (outcome === "success") {
      this.#until = undefined;
      this.#slices = [];
      this.#changed("closed");
    } else if (outcome === "failure") this.#open();
  }

  #count(outcome: CircuitOutcome): void {
    if (outcome === "none") return;
    const { failures: least, share, windowMs } = this.#settings;
    const number = Math.floor((this.#clock.monotonic() * SLICES) / windowMs);
    while ((this.#slices[0]?.number ?? number) <= number - SLICES) this.#slices.shift();
    let slice = this.#slices.at(-1);
    if (slice?.number !== number) this.#slices.push((slice = { number, successes: 0, failures: 0 }));
    if (outcome === "success") {
      slice.successes++;
      return;
    }
    slice.failures++;
    const failures = this.#slices.reduce((sum, one) => sum + one.failures, 0);
    const all = this.#slices.reduce((sum, one) => sum + one.failures + one.successes, 0);
    if (failures >= least && failures >= share * all) this.#open();
  }

  #open(): void {
    const again = this.#until !== undefined;
    this.#until = this.#clock.monotonic() + this.#settings.openMs;
    this.#slices = [];
    if (!again) this.#changed("open");
  }
}
