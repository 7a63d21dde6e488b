/**
 * The moderation detector: hate, harassment, violence, self-harm, sexual content, sexual content with minors, and
 * requests for what is illicit.
 *
 * A trained classifier judges (`../../model`), not a list of words: what counts is what the text does with them. It
 * reads both directions. Which categories matter, and from which probability on, is the caller's policy.
 *
 * @module
 */

import type { Finding, Severity } from "../../../core/index.ts";
import type { DetectContext, Detector } from "../../detector.ts";
import { findHeads, scoreHeads, type HeadHit } from "../../model/cascade.ts";
import { sharedClassifier, versionWith, type Classifier } from "../../model/classifier.ts";
import type { Head } from "../../model/heads.ts";
import { LONGEST_WINDOW } from "../../model/windows.ts";

export type ModerationCategory = Exclude<Head, "injection" | "indirect">;

export interface ModerationOptions {
  /** What to look for. Default: all categories. */
  readonly categories?: readonly ModerationCategory[];
  /** From which probability on a category is found. Default: the thresholds that come with the weights. */
  readonly thresholds?: Readonly<Partial<Record<ModerationCategory, number>>>;
  /** The folder of the weights. Default: those of the package. */
  readonly weights?: string;
  /** A classifier of your own, for example with more threads. `weights` is then not used. */
  readonly classifier?: Classifier;
}

interface Category {
  readonly severity: Severity;
  readonly message: string;
}

const CATEGORIES: Readonly<Record<ModerationCategory, Category>> = {
  hate: { severity: "high", message: "hate against people for what they are" },
  harassment: { severity: "medium", message: "insults, threats or contempt aimed at a person" },
  violence: { severity: "medium", message: "violence that is wished for, praised or shown in detail" },
  "self-harm": { severity: "high", message: "self-harm or suicide" },
  sexual: { severity: "medium", message: "sexual content" },
  "sexual-minors": { severity: "critical", message: "sexual content with minors" },
  illicit: { severity: "high", message: "help with a crime, a weapon, malware or fraud is asked for or given" },
};

/** In the order of their rules. */
export const MODERATION_CATEGORIES = Object.keys(CATEGORIES) as readonly ModerationCategory[];

/**
 * Makes the detector. Detectors with the same weights share one model.
 *
 * @example
 * ```ts
 * import { createModerationDetector } from "holdfast/guard";
 *
 * // A clinic: what patients say about themselves passes, hate does not.
 * const moderation = createModerationDetector({ categories: ["hate", "harassment"], thresholds: { hate: 0.4 } });
 * const context = { direction: "request", origin: "user", pointer: "/messages/0/content" } as const;
 * console.log(await moderation.detect("Thank you, that was kind of you.", context)); // []
 * ```
 */
export function createModerationDetector(options: ModerationOptions = {}): Detector {
  const classifier = options.classifier ?? sharedClassifier(options.weights);
  const categories = options.categories ?? MODERATION_CATEGORIES;
  const thresholds = options.thresholds ?? {};
  return {
    id: "moderation",
    get version() {
      return versionWith(classifier, "1.0.0");
    },
    directions: ["request", "response"],
    longestMatch: LONGEST_WINDOW,
    cost: "expensive",
    reads: "views",
    guarantee: "windowed",
    detect: (text, context) => {
      const hits = findHeads(text, categories, thresholds, classifier, context.scope);
      return hits instanceof Promise ? hits.then((found) => findingsOf(found, context)) : findingsOf(hits, context);
    },
    score: (text) => scoreHeads(text, categories, classifier),
  };
}

/** The detector with the weights of the package, for all categories. */
export const moderationDetector: Detector = createModerationDetector();

function findingsOf(hits: readonly HeadHit[], { pointer, view }: DetectContext): readonly Finding[] {
  const disguise = view === undefined || view.length === 0 ? "" : `, disguised (${view.join(", then ")})`;
  return hits.map(({ head, start, end, probability }) => {
    const { severity, message } = CATEGORIES[head as ModerationCategory];
    return {
      rule: `moderation.${head}`,
      severity,
      location: { pointer, start, end },
      message: message + disguise,
      remedy: "do not pass it on, or change the categories and thresholds of the policy if it belongs here",
      references: REFERENCES,
      confidence: probability,
    };
  });
}

/** MITRE ATLAS: external harms, user harm. */
const REFERENCES = ["AML.T0048.003"];
