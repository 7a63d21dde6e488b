/**
 * The places at one upstream: so many requests at a time, so many that wait, each for so long. Whoever comes beyond
 * that is told at once; a queue without an end would only make everybody too late.
 *
 * @module
 */

import { gatewayError } from "../errors.ts";
import type { Cancellation } from "./dispatch.ts";

export interface GateOptions {
  /** The upstream's name, for errors. */
  readonly name: string;
  readonly places: number;
  readonly waiting: number;
  readonly waitMs: number;
}

export class Gate {
  readonly #options: GateOptions;
  #taken = 0;
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** True when a place is free. Then {@link Gate.enter} gives it without waiting. */
  get free(): boolean {
    return this.#taken < this.#options.places;
  }

  /**
   * Takes a place, and waits for one if it must. What it resolves with gives the place back; calling it again does
   * nothing.
   *
   * @throws `gateway.upstream-busy` when too many wait already, or it took too long; `gateway.upstream-broken` when it
   *   is called off
   */
  enter(cancellation: Cancellation): (() => void) | Promise<() => void> {
    if (this.free) {
      this.#taken++;
      return this.#leave();
    }
    const { name, places, waiting, waitMs } = this.#options;
    if (this.#waiting.size >= waiting) {
      const detail = `${name}: ${places} in flight (concurrency), ${waiting} waiting (queue)`;
      throw gatewayError("gateway.upstream-busy", { detail, retryAfter: 1 });
    }
    return new Promise((resolve, reject) => {
      const leaveQueue = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(next);
        cancellation.onCancel = undefined;
      };
      // The place goes from hand to hand, so that nobody who comes now is before those who wait.
      const next = (): void => {
        leaveQueue();
        resolve(this.#leave());
      };
      const timer = setTimeout(() => {
        leaveQueue();
        const detail = `${name}: waited ${waitMs} ms (queueMs)`;
        reject(gatewayError("gateway.upstream-busy", { detail, retryAfter: 1 }));
      }, waitMs);
      this.#waiting.add(next);
      cancellation.onCancel = () => {
        leaveQueue();
        reject(gatewayError("gateway.upstream-broken", { detail: `${name}: aborted` }));
      };
    });
  }

  #leave(): () => void {
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      const [next] = this.#waiting;
      if (next === undefined) this.#taken--;
      else next();
    };
  }
}
