/**
 * The metrics of several processes as one text: every sample with the label of its worker. Nothing is added up here: sums
 * are the reader's to make, and of a gauge, a state or a quantile they would mean nothing.
 *
 * Source: Prometheus text format 0.0.4 (the lines of one metric family stand together, HELP and TYPE once before them).
 *
 * @module
 */

interface Family {
  readonly head: string[];
  readonly samples: string[];
}

/** Puts the texts of workers together, by the worker's number. */
export function mergeMetrics(texts: ReadonlyMap<number, string>): string {
  const families = new Map<string, Family>();
  for (const [worker, text] of texts) {
    let family: Family | undefined;
    for (const line of text.split("\n")) {
      const named = /^# (HELP|TYPE) (\S+)/.exec(line);
      if (named !== null) {
        const name = named[2] as string;
        family = families.get(name) ?? { head: [], samples: [] };
        families.set(name, family);
        if (!family.head.includes(line)) family.head.push(line);
      } else if (line !== "") {
        family?.samples.push(labelled(line, worker));
      }
    }
  }
  return `${[...families.values()].flatMap(({ head, samples }) => [...head, ...samples]).join("\n")}\n`;
}

/** `name 1` and `name{a="b"} 1` with one label more. A name has no brace or blank in it, whatever its labels hold. */
function labelled(line: string, worker: number): string {
  const at = line.search(/[{ ]/);
  const label = `worker="${worker}"`;
  if (line[at] !== "{") return `${line.slice(0, at)}{${label}}${line.slice(at)}`;
  return `${line.slice(0, at)}{${label}${line[at + 1] === "}" ? "" : ","}${line.slice(at + 1)}`;
}
