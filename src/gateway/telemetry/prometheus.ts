/**
 * Counters and histograms in the Prometheus text format, version 0.0.4. The gateway counts five things for each
 * request; a general client library takes as long over them as the guards take over the text.
 *
 * Source: Prometheus, exposition formats.
 *
 * @module
 */

interface Counter {
  /** Adds one to the series with these label values, in the order of the labels' names. */
  add(...labels: readonly string[]): void;
}

interface Histogram {
  /** Counts `value` in the series with these label values. */
  observe(value: number, ...labels: readonly string[]): void;
}

export interface Registry {
  counter(name: string, help: string, labels: readonly string[]): Counter;
  /** `bounds` are the upper bounds of the buckets, ascending; the last bucket, infinity, is implied. */
  histogram(name: string, help: string, labels: readonly string[], bounds: readonly number[]): Histogram;
  /** A value that is read when the text is asked for. */
  gauge(name: string, help: string, kind: "gauge" | "counter", read: () => number): void;
  /** Values that are read when the text is asked for, one for each set of labels. */
  gauges(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly { readonly labels: readonly string[]; readonly value: number }[],
  ): void;
  text(): string;
}

/**
 * @example
 * ```ts
 * const registry = createRegistry();
 * registry.counter("requests_total", "Requests", ["route"]).add("chat");
 * registry.text(); // # HELP requests_total Requests … requests_total{route="chat"} 1
 * ```
 */
export function createRegistry(): Registry {
  const families: (() => string)[] = [];
  const family = (name: string, help: string, kind: string, lines: () => Iterable<string>): void => {
    families.push(() => [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines()].join("\n"));
  };
  return {
    counter(name, help, labels) {
      const series = new Map<string, { count: number }>();
      family(name, help, "counter", function* () {
        for (const [key, { count }] of series) yield `${name}${labelText(labels, key)} ${count}`;
      });
      return {
        add(...values) {
          seriesOf(series, values, () => ({ count: 0 })).count++;
        },
      };
    },
    histogram(name, help, labels, bounds) {
      const series = new Map<string, { sum: number; readonly counts: number[] }>();
      family(name, help, "histogram", function* () {
        for (const [key, { sum, counts }] of series) {
          let below = 0;
          for (const [at, count] of counts.entries()) {
            below += count;
            yield `${name}_bucket${labelText([...labels, "le"], `${key}${SEPARATOR}${bounds[at] ?? "+Inf"}`)} ${below}`;
          }
          yield `${name}_sum${labelText(labels, key)} ${sum}`;
          yield `${name}_count${labelText(labels, key)} ${below}`;
        }
      });
      return {
        observe(value, ...values) {
          const one = seriesOf(series, values, () => ({
            sum: 0,
            counts: Array.from({ length: bounds.length + 1 }, () => 0),
          }));
          let bucket = 0;
          while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
          (one.counts[bucket] as number)++;
          one.sum += value;
        },
      };
    },
    gauge(name, help, kind, read) {
      family(name, help, kind, () => [`${name} ${read()}`]);
    },
    gauges(name, help, labels, read) {
      family(name, help, "gauge", () =>
        read().map((one) => `${name}${labelText(labels, one.labels.join(SEPARATOR))} ${one.value}`),
      );
    },
    text: () => `${families.map((lines) => lines()).join("\n")}\n`,
  };
}

/** Joins label values into the key of a series. No label value of ours holds it. */
const SEPARATOR = "\u001f";

function seriesOf<Series>(all: Map<string, Series>, values: readonly string[], make: () => Series): Series {
  const key = values.join(SEPARATOR);
  let series = all.get(key);
  if (series === undefined) all.set(key, (series = make()));
  return series;
}

function labelText(names: readonly string[], key: string): string {
  if (names.length === 0) return "";
  const values = key.split(SEPARATOR);
  return `{${names.map((name, at) => `${name}="${escaped(values[at] ?? "")}"`).join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}
