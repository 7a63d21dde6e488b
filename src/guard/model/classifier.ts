/**
 * The classifier: what the trained model says of a text, in two stages. The cheap one runs here, at once, and settles
 * what is clear. The transformer runs in a thread of its own (`worker.ts`) and is asked for the rest.
 *
 * Nothing is loaded until something is read. The small weights are loaded on the first look, the thread with the model
 * starts with the first text that needs it; neither keeps a process alive. Weights are used only if the signed manifest
 * beside them vouches for every byte (`manifest.ts`): otherwise every call rejects, and a guard blocks.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import { HEADS, sigmoid, type Head, type HeadScores, type SomeHeads } from "./heads.ts";
import { createMemo, type Memo } from "../memo.ts";
import type { ThreadData } from "./protocol.ts";
import { createThread, type ModelThread } from "./thread.ts";
import { TRUSTED_KEYS } from "./trusted-keys.ts";
import { DEFAULT_WEIGHTS, openWeights, type Weights } from "./weights.ts";

export interface ClassifierOptions {
  /** The folder of the weights. Default: those of the package. */
  readonly weights?: string;
  /** CPU threads that one run of the transformer may use. Default: 1. */
  readonly threads?: number;
  /** Takes weights without a signed manifest. For evaluating weights that were just trained, never for traffic. */
  readonly unsigned?: boolean;
  /** Texts that may wait for the transformer. More reject as `guard.model-busy`. Default: 4,096. */
  readonly maxWaiting?: number;
  /** Milliseconds that one text may take, from asking to the answer. Default: 30,000. */
  readonly timeoutMs?: number;
}

export interface Classifier {
  /**
   * Loads the cheap stage, if it is not loaded yet.
   *
   * @throws `guard.model-missing`, `guard.model-untrusted`, `guard.model-invalid`
   */
  load(): Promise<CheapReader>;
  /** The cheap stage, once it is loaded. */
  readonly cheap: CheapReader | undefined;
  /**
   * What the transformer says of `text`, which should be no longer than a window (`windows.ts`). What it said is known
   * within `scope` (`DetectContext`).
   *
   * @throws as `load`, and `guard.model-runtime-missing`, `guard.model-busy`, `guard.model-timeout`,
   *   `guard.model-crashed`, `guard.model-overload`, `guard.model-closed`
   */
  classify(text: string, scope?: string): Promise<HeadScores>;
  /** Ends the thread. Texts under way reject, and so does every later text that would need it. */
  close(): Promise<void>;
}

export interface CheapReader {
  /** Of the weights. */
  readonly version: string;
  /** From which probability on a head counts as set, unless the caller says otherwise. */
  readonly thresholds: HeadScores;
  /** The heads that need no transformer, with their probability: clearly below the threshold, or clearly above. */
  settle(text: string, scope?: string): SomeHeads;
  /** The bare number of the cheap stage for `head`: for comparing parts of one text, no probability. */
  logit(text: string, head: Head): number;
}

/** Texts whose numbers are kept: some two megabytes. */
const MEMO = 4096;
/** Some eight megabytes of text. */
const MAX_WAITING = 4096;
/** As long as a guard gives its detectors. */
const TIMEOUT_MS = 30_000;
/** Milliseconds without a thread after several in a row ended. */
const REST_MS = 30_000;
/** The thread's own heap: the vocabulary and little else. The model lies outside of it. */
const HEAP = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 };

/**
 * The most that a head's probability is when the cheap stage settles it as clean: one in a hundred of what the
 * transformer would find is what the training lets it settle wrongly.
 */
const CLEAN = 0.01;

/** What is known of one text. */
interface Known {
  settled?: SomeHeads;
  scores?: Promise<HeadScores>;
}

/**
 * Makes a classifier. Most callers share one: `sharedClassifier`.
 *
 * @example
 * ```ts
 * import { createInjectionDetector, createModerationDetector, openClassifier } from "holdfast/guard";
 *
 * // Two detectors with weights of your own share one model, and one pass over each text.
 * const classifier = openClassifier({ weights: "/srv/weights/guard", threads: 2 });
 * const detectors = [createInjectionDetector({ classifier }), createModerationDetector({ classifier })];
 * ```
 */
export function openClassifier(options: ClassifierOptions = {}): Classifier {
  const memo = createMemo<Known>(MEMO);
  const path = options.weights ?? DEFAULT_WEIGHTS;
  let loading: Promise<Loaded> | undefined;
  let loaded: Loaded | undefined;
  let closed = false;

  const open = async (): Promise<Loaded> => {
    const weights = await openWeights(path, options.unsigned === true ? undefined : TRUSTED_KEYS);
    loaded = { weights, cheap: cheapReader(weights, memo), thread: threadOf(weights, options) };
    if (closed) await loaded.thread.close();
    return loaded;
  };
  const load = (): Promise<Loaded> =>
    (loading ??= open().catch((error: unknown) => {
      // Weights may be put in place later: the next call looks again.
      loading = undefined;
      throw error;
    }));
  const ask = async (text: string): Promise<HeadScores> => {
    const { weights, thread } = loaded ?? (await load());
    return calibrate(weights, await thread.ask(text));
  };

  return {
    load: async () => (await load()).cheap,
    get cheap() {
      return loaded?.cheap;
    },
    classify: (text, scope = "") => {
      const known = memo.of(scope, text, () => ({}));
      known.scores ??= ask(text).catch((error: unknown) => {
        // A failure is not kept: it says nothing about the text.
        delete known.scores;
        throw error;
      });
      return known.scores;
    },
    close: async () => {
      closed = true;
      await loaded?.thread.close();
    },
  };
}

interface Loaded {
  readonly weights: Weights;
  readonly cheap: CheapReader;
  readonly thread: ModelThread;
}

/** By folder. */
const shared = new Map<string, Classifier>();

/** The classifier that everything in this process shares which reads with the same weights. It is never closed. */
export function sharedClassifier(weights: string = DEFAULT_WEIGHTS): Classifier {
  const known = shared.get(weights);
  if (known !== undefined) return known;
  const classifier = openClassifier({ weights });
  shared.set(weights, classifier);
  return classifier;
}

/** The version of a detector on `classifier`: the same code with other weights finds other things. */
export function versionWith(classifier: Classifier, own: string): string {
  return classifier.cheap === undefined ? own : `${own}+${classifier.cheap.version}`;
}

function cheapReader({ config, cheap }: Weights, memo: Memo<Known>): CheapReader {
  const { thresholds } = config;
  const { clean, sure } = config.cheap;
  const settle = (text: string): SomeHeads => {
    const { logits, whole } = cheap.read(text);
    const settled: Partial<Record<Head, number>> = {};
    if (!whole) return settled;
    for (const [index, head] of config.heads.entries()) {
      const logit = logits[index] as number;
      const threshold = thresholds[head];
      // Settled is settled: how the cheap stage is calibrated moves nothing over the threshold, or under.
      if (logit < clean[head]) {
        settled[head] = (Math.min(CLEAN, threshold / 2) * sigmoid(logit)) / sigmoid(clean[head]);
      } else if (logit > sure[head]) settled[head] = Math.max(sigmoid(logit), (1 + threshold) / 2);
    }
    return settled;
  };
  return {
    version: config.version,
    thresholds,
    settle: (text, scope = "") => {
      const known = memo.of(scope, text, () => ({}));
      return (known.settled ??= settle(text));
    },
    logit: (text, head) => cheap.read(text).logits[config.heads.indexOf(head)] as number,
  };
}

function calibrate({ config }: Weights, logits: Float32Array): HeadScores {
  const scores: Partial<Record<Head, number>> = {};
  for (const head of HEADS) {
    const [a, b] = config.calibration[head];
    scores[head] = sigmoid(a * (logits[config.heads.indexOf(head)] as number) + b);
  }
  return scores as HeadScores;
}

function threadOf({ folder, config }: Weights, options: ClassifierOptions): ModelThread {
  const fixed = {
    folder,
    maxTokens: config.maxTokens,
    heads: config.heads.length,
    threads: options.threads ?? 1,
  };
  return createThread({
    start: (gate) => {
      const workerData: ThreadData = { ...fixed, gate };
      // The process's own flags (`--eval`, a loader) are not the thread's.
      const how = { workerData, execArgv: [], resourceLimits: HEAP };
      // The published package holds .js; a clone runs .ts.
      return import.meta.url.endsWith(".ts")
        ? new Worker(new URL("./worker.ts", import.meta.url), how)
        : new Worker(new URL("./worker.js", import.meta.url), how);
    },
    maxWaiting: options.maxWaiting ?? MAX_WAITING,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    restMs: REST_MS,
  });
}
