/**
 * The windows that a quota is counted in: by the calendar, in UTC, so that all replicas and every reader of an invoice
 * mean the same hours. `quota-script.ts` says the same in Lua; a test holds the two against each other.
 *
 * @module
 */

export const WINDOWS = ["minute", "hour", "day", "month", "total"] as const;

export type Window = (typeof WINDOWS)[number];

/** Milliseconds since the epoch. The end is the start of the next window; `total` never ends. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Lengths of the windows that all last equally long, in milliseconds. */
export const LENGTHS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/**
 * The window that holds the moment `now`.
 *
 * @example
 * ```ts
 * windowAt("day", Date.UTC(2026, 10, 27, 13)); // { start: Date.UTC(2026, 10, 27), end: Date.UTC(2026, 10, 28) }
 * ```
 */
export function windowAt(window: Window, now: number): Span {
  const known = latest[window];
  if (known !== undefined && now >= known.start && now < known.end) return known;
  return (latest[window] = spanAt(window, now));
}

/** Of each window the span that was asked for last: mostly it is asked for again. */
const latest: Partial<Record<Window, Span>> = {};

function spanAt(window: Window, now: number): Span {
  if (window === "total") return { start: 0, end: Number.POSITIVE_INFINITY };
  if (window === "month") {
    const date = new Date(now);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) };
  }
  const start = Math.floor(now / LENGTHS[window]) * LENGTHS[window];
  return { start, end: start + LENGTHS[window] };
}
