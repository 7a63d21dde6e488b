/**
 * The detectors by the names that people give them on the command line. Each is loaded when it is asked for: a command
 * that looks for secrets does not wait for a model.
 *
 * @module
 */

import type { Detector } from "../detector.ts";
import { evalError } from "../eval/errors.ts";
import type { Classifier } from "../model/classifier.ts";

/** What detectors need to be loaded: the model, an index. */
export interface DetectorOptions {
  /** The folder with the weights. Without it: the weights that are installed. */
  readonly weights: string | undefined;
  /** Weights whose manifest carries no signature of ours are loaded too. */
  readonly unsigned: boolean;
  /** An index of training text, made by `holdfast guard index`. Without one there is no `leak`. */
  readonly index: string | undefined;
}

/** Loads a detector by its name. @throws `guard.option-invalid` for a name that is none, and whatever loading throws */
export type DetectorLoader = (name: string) => Promise<Detector>;

type Entry = (classifier: () => Promise<Classifier>, index: string) => Promise<Detector>;

const ENTRIES = {
  unicode: async () => (await import("../detectors/unicode/unicode.ts")).unicodeDetector,
  secrets: async () => (await import("../detectors/secrets/secrets.ts")).secretsDetector,
  pii: async () => (await import("../detectors/pii/pii.ts")).piiDetector,
  exfiltration: async () => (await import("../detectors/exfiltration/exfiltration.ts")).exfiltrationDetector,
  injection: async (classifier) => {
    const { createInjectionDetector } = await import("../detectors/injection/injection.ts");
    return createInjectionDetector({ classifier: await classifier() });
  },
  moderation: async (classifier) => {
    const { createModerationDetector } = await import("../detectors/moderation/moderation.ts");
    return createModerationDetector({ classifier: await classifier() });
  },
  // A text alone has no system prompt, and canaries belong to who issued them: what is left is training text.
  leak: async (_classifier, index) => {
    const { createLeakDetector } = await import("../detectors/leak/leak.ts");
    return createLeakDetector({ index, prompt: false });
  },
} as const satisfies Readonly<Record<string, Entry>>;

/** The names, in the order in which a text is read. */
const NAMES: readonly string[] = Object.keys(ENTRIES);

/** The detectors that there are with these options. */
export function detectorNames({ index }: Pick<DetectorOptions, "index">): readonly string[] {
  return index === undefined ? NAMES.filter((name) => name !== "leak") : NAMES;
}

/** A loader whose detectors share one model. */
export function createDetectorLoader(options: DetectorOptions): DetectorLoader {
  let opening: Promise<Classifier> | undefined;
  const classifier = (): Promise<Classifier> => (opening ??= openModel(options));
  return async (name) => {
    if (!Object.hasOwn(ENTRIES, name)) {
      throw evalError("guard.option-invalid", {
        detail: `--detector ${name}`,
        hint: `detectors are ${NAMES.join(", ")}`,
      });
    }
    const { index } = options;
    if (name === "leak" && index === undefined) {
      throw evalError("guard.option-invalid", {
        detail: "--detector leak without --index",
        hint: "name an index that `holdfast guard index` made",
      });
    }
    return ENTRIES[name as keyof typeof ENTRIES](classifier, index ?? "");
  };
}

/** Nobody's request waits for a command: a long text takes what it takes. */
const TIMEOUT_MS = 10 * 60_000;
/** Windows of the longest text that a command reads. */
const MAX_WAITING = 131_072;

/** Loaded before the first text: weights that are missing are to be told once, not for every text. */
async function openModel({ weights, unsigned }: DetectorOptions): Promise<Classifier> {
  const { openClassifier } = await import("../model/classifier.ts");
  const classifier = openClassifier({
    ...(weights === undefined ? {} : { weights }),
    unsigned,
    timeoutMs: TIMEOUT_MS,
    maxWaiting: MAX_WAITING,
  });
  await classifier.load();
  return classifier;
}
