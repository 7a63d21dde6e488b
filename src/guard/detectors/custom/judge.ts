/**
 * The judge port: somebody else who says whether a text may pass, such as a webhook (`webhook.ts`) or a model (`llm.ts`).
 *
 * A judge is slow, fails, and may have been talked into its answer by the text itself. So: it has a hard time-out; its
 * answer is checked, and holds nothing but a flag, a category that was declared before, and places; and what happens
 * when it fails is said when the detector is made, never a default. `closed`: the detector fails, and the guard's
 * settings decide, which by default block. `open`: the text passes unjudged, and whoever made the detector is told.
 *
 * A stream is held until its end and judged once, which is strict and slow; or judged in windows as it passes.
 *
 * @module
 */

import { isHoldfastError, type Finding, type HoldfastError } from "../../../core/index.ts";
import {
  STREAM_WINDOW,
  type DetectContext,
  type Detector,
  type Direction,
  type Hit,
  type Scan,
} from "../../detector.ts";
import { customError } from "./errors.ts";
import { checkName, ruleFinding, type RuleText } from "./rule.ts";

/** What a judge says of a text. */
export interface Judgement {
  readonly flagged: boolean;
  /** One of those that were declared. */
  readonly category?: string;
  /** Where, in UTF-16 units of the text. Default: all of it. */
  readonly places?: readonly { readonly start: number; readonly end: number }[];
}

/** Judges a text. `signal` ends when its time is up: an answer that comes later is not waited for. */
export type Judge = (text: string, context: DetectContext, signal: AbortSignal) => Promise<Judgement>;

interface JudgeCommon {
  /** The detector's id, and its name in the settings. */
  readonly id: string;
  readonly judge: Judge;
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** Default: both. */
  readonly directions?: readonly Direction[];
  /** What is reported, by category. A judgement without one is the first. */
  readonly categories: readonly RuleText[];
  /** UTF-16 units of the longest text that the judge is asked about: a longer one counts as a failure. Default: 32,768. */
  readonly maxUnits?: number;
  /** `hold`: a stream is held until it was judged as a whole. `windowed`: it is judged as it passes. Default: `hold`. */
  readonly stream?: "hold" | "windowed";
}

/** What happens when the judge fails must be chosen; who lets text pass unjudged must say who is told. */
export type JudgeOptions =
  | (JudgeCommon & { readonly onError: "closed" })
  | (JudgeCommon & { readonly onError: "open"; readonly failed: (error: HoldfastError) => void });

const DEFAULT_MAX_UNITS = 32_768;
/** Places in one judgement. */
const MAX_PLACES = 256;

/**
 * Makes a detector of a judge.
 *
 * @throws `guard.judge-options`, `guard.rule-invalid`
 *
 * @example
 * ```ts
 * import { createJudgeDetector } from "holdfast/guard";
 *
 * const detector = createJudgeDetector({
 *   id: "tone",
 *   judge: async (text) => ({ flagged: text.includes("!!!"), category: "shouting" }),
 *   categories: [{ id: "shouting", message: "an answer that shouts", severity: "low" }],
 *   timeoutMs: 2000,
 *   onError: "closed",
 * });
 * const context = { direction: "response", origin: "assistant", pointer: "/content" } as const;
 * await detector.detect("Buy it!!!", context); // tone.shouting
 * ```
 */
export function createJudgeDetector(options: JudgeOptions): Detector {
  const { id, timeoutMs, categories, maxUnits = DEFAULT_MAX_UNITS } = options;
  const [fallback] = categories;
  const known = new Map(categories.map((category) => [category.id, category]));
  for (const name of [id, ...known.keys()]) checkName(name);
  const fits = Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 600_000 && Number.isInteger(maxUnits);
  if (!fits || maxUnits < 1 || fallback === undefined || known.size < categories.length) {
    throw customError("guard.judge-options", { detail: id });
  }

  const detect = async (text: string, context: DetectContext): Promise<readonly Finding[]> => {
    if (text === "") return [];
    try {
      if (text.length > maxUnits) {
        throw customError("guard.judge-too-long", { detail: `${id}: more than ${maxUnits} units` });
      }
      const judgement = checkJudgement(await ask(options, text, context), known, text.length);
      if (!judgement.flagged) return [];
      const rule = known.get(judgement.category ?? "") ?? fallback;
      const places = judgement.places ?? [{ start: 0, end: text.length }];
      return places
        .toSorted((one, other) => one.start - other.start)
        .map(({ start, end }) => ruleFinding(id, rule, context.pointer, start, end));
    } catch (cause) {
      const error = isHoldfastError(cause) ? cause : customError("guard.judge-failed", { detail: id, cause });
      if (options.onError === "closed") throw error;
      options.failed(error);
      return [];
    }
  };

  return {
    id,
    version: "1.0.0",
    directions: options.directions ?? ["request", "response"],
    longestMatch: STREAM_WINDOW,
    cost: "expensive",
    guarantee: options.stream === "windowed" ? "windowed" : "strict",
    detect,
    ...(options.stream === "windowed" ? {} : { open: (context) => holdScan(context, maxUnits, id, detect) }),
  };
}

/** Checks what a judge answered: a stranger's value. @throws `guard.judge-answer` */
function checkJudgement(answer: unknown, categories: ReadonlyMap<string, unknown>, length: number): Judgement {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) throw nonsense("not an object");
  const { flagged, category, places, ...rest } = answer as Readonly<Record<string, unknown>>;
  if (typeof flagged !== "boolean") throw nonsense("flagged is not a boolean");
  if (Object.keys(rest).length > 0) throw nonsense("a field that is not known");
  if (category !== undefined && (typeof category !== "string" || !categories.has(category))) {
    throw nonsense("a category that was not declared");
  }
  if (places !== undefined && !arePlaces(places, length)) throw nonsense("places that are not in the text");
  return {
    flagged,
    ...(category === undefined ? {} : { category }),
    ...(places === undefined ? {} : { places }),
  };
}

function arePlaces(value: unknown, length: number): value is { readonly start: number; readonly end: number }[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_PLACES) return false;
  return value.every((place: unknown) => {
    if (typeof place !== "object" || place === null) return false;
    const { start, end } = place as { readonly start?: unknown; readonly end?: unknown };
    if (typeof start !== "number" || typeof end !== "number") return false;
    return Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= length;
  });
}

/** Asks the judge, and stops waiting when its time is up, whatever the judge does about it. */
async function ask({ judge, timeoutMs, id }: JudgeOptions, text: string, context: DetectContext): Promise<unknown> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(customError("guard.judge-timeout", { detail: `${id}: ${timeoutMs} ms` }));
      controller.abort();
    }, timeoutMs);
  });
  try {
    // An async function turns what a judge throws at once into a rejection, and one that comes too late is heard here.
    return await Promise.race([late, (async () => judge(text, context, controller.signal))()]);
  } finally {
    clearTimeout(timer);
  }
}

/** Holds a stream until its end, and has it judged whole. */
function holdScan(
  context: DetectContext,
  maxUnits: number,
  id: string,
  detect: (text: string, context: DetectContext) => Promise<readonly Finding[]>,
): Scan {
  let text = "";
  let hits: readonly Hit[] = [];
  return {
    push: (piece) => {
      text += piece;
      // Without this, a stream that nobody may see would be kept without limit.
      if (text.length > maxUnits)
        throw customError("guard.judge-too-long", { detail: `${id}: more than ${maxUnits} units` });
      return 0;
    },
    end: async () => {
      hits = (await detect(text, context)).map((finding) => ({ opening: finding, finding }));
    },
    get hits() {
      return hits;
    },
  };
}

function nonsense(detail: string): Error {
  return customError("guard.judge-answer", { detail });
}
