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
      const series = new SeriesSet<{ count: number }>(() => ({ count: 0 }));
      family(name, help, "counter", function* () {
        for (const [values, { count }] of series.all) yield `${name}${labelText(labels, values)} ${count}`;
      });
      return {
        add(...values) {
          series.of(values).count++;
        },
      };
    },
    histogram(name, help, labels, bounds) {
      const series = new SeriesSet<{ sum: number; readonly counts: number[] }>(() => ({
        sum: 0,
        counts: Array.from({ length: bounds.length + 1 }, () => 0),
      }));
      family(name, help, "histogram", function* () {
        for (const [values, { sum, counts }] of series.all) {
          let below = 0;
          for (const [at, count] of counts.entries()) {
            below += count;
            yield `${name}_bucket${labelText([...labels, "le"], [...values, String(bounds[at] ?? "+Inf")])} ${below}`;
          }
          yield `${name}_sum${labelText(labels, values)} ${sum}`;
          yield `${name}_count${labelText(labels, values)} ${below}`;
        }
      });
      return {
        observe(value, ...values) {
          const one = series.of(values);
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
      family(name, help, "gauge", () => read().map((one) => `${name}${labelText(labels, one.labels)} ${one.value}`));
    },
    text: () => `${families.map((lines) => lines()).join("\n")}\n`,
  };
}

/** The series of a family. One is found label by label: a key out of all of them would be made anew for each request. */
class SeriesSet<Series> {
  /** In the order in which they came. */
  readonly all: (readonly [values: readonly string[], series: Series])[] = [];
  readonly #make: () => Series;
  readonly #root: Node<Series> = { series: undefined, below: new Map() };

  constructor(make: () => Series) {
    this.#make = make;
  }

  of(values: readonly string[]): Series {
    let node = this.#root;
    for (const value of values) {
      let next = node.below.get(value);
      if (next === undefined) node.below.set(value, (next = { series: undefined, below: new Map() }));
      node = next;
    }
    if (node.series === undefined) this.all.push([values, (node.series = this.#make())]);
    return node.series;
  }
}

interface Node<Series> {
  series: Series | undefined;
  /** By the value of the next label. */
  readonly below: Map<string, Node<Series>>;
}

function labelText(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return "";
  return `{${names.map((name, at) => `${name}="${escaped(values[at] ?? "")}"`).join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}
