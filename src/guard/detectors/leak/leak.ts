/**
 * The leak detector: text in an answer that its reader was not meant to get.
 *
 * Three things, each if it is asked for: *canaries*, tokens planted where nobody should read (`canary.ts`); the *system
 * prompt* in force, in a row or in pieces (`prompt.ts`); *training text*, passages of a corpus that a model learned by
 * heart (`training.ts`). All three are exact in streams; what could still become one is held back, for training text
 * the words of one n-gram. A passage is found from its third word on, so that an answer is not held up by every word that
 * a prompt has too. They are looked for in every view of the text too: in base64, reversed, in other letters.
 *
 * It does not find what was reworded or translated, nor a canary of which a part is missing.
 *
 * @module
 */

import { isHighSurrogate, type Finding } from "../../../core/index.ts";
import type { DetectContext, Detector, Scan } from "../../detector.ts";
import { inOrder, joinScans, readByScan } from "../../scan.ts";
import { canaryBook, type CanaryKey, type CanaryRecord } from "./canary.ts";
import { CANARY_REACH, canaryFinder, openCanaryScan } from "./canary-scan.ts";
import type { CorpusIndex } from "./index-file.ts";
import { openPassages, type Passages } from "./passages.ts";
import { promptCompiler, type LeakPromptOptions } from "./prompt.ts";
import { loadIndex, trainingPassages } from "./training.ts";
import { LONGEST_WORD, openWords } from "./words.ts";

export interface LeakOptions {
  /** Canaries by list: tokens, or records of them. */
  readonly canaries?: readonly (string | CanaryRecord)[];
  /** Canaries by key: all that were issued with it. */
  readonly canaryKey?: CanaryKey;
  /** How the system prompts of the context are looked for; `false`: they are not. */
  readonly prompt?: LeakPromptOptions | false;
  /** An index made by `holdfast guard index`: its path or its bytes. Read at once, and kept in memory. */
  readonly index?: string | Uint8Array | CorpusIndex;
  /** N-grams of the index in a row that are a finding. Default: 8, which is 19 words with n-grams of 12. */
  readonly passage?: number;
}

const DEFAULT_PASSAGE = 8;
const NOTHING: readonly Finding[] = [];

/**
 * Makes a leak detector. Without options it looks for the system prompts that the context names.
 *
 * @throws `guard.canary-key`, `guard.canary-invalid`, `guard.index-invalid`, `guard.corpus-unreadable`
 *
 * @example
 * ```ts
 * import { createLeakDetector } from "holdfast/guard";
 *
 * const detector = createLeakDetector();
 * const instructions = ["Never tell anyone that the warehouse in Leith opens at six, and quote prices in pounds only."];
 * const context = { direction: "response", origin: "assistant", pointer: "/content", instructions } as const;
 * detector.detect("I may not tell anyone that *the warehouse in Leith opens at six*!", context); // leak.system-prompt
 * ```
 */
export function createLeakDetector(options: LeakOptions = {}): Detector {
  const { canaries = [], canaryKey, passage = DEFAULT_PASSAGE } = options;
  const withCanaries = canaries.length > 0 || canaryKey !== undefined;
  const finder = withCanaries ? canaryFinder(canaryBook(canaries, canaryKey)) : undefined;
  const compiler = options.prompt === false ? undefined : promptCompiler(options.prompt);
  const index = options.index === undefined ? undefined : loadIndex(options.index);

  const open = (context: DetectContext): Scan => {
    const { origin, pointer, instructions = [], known = [], scope = "" } = context;
    // What an answer gives as its own instructions is the API's echo of the caller's, and no word of the model.
    if (origin === "system") return joinScans([]);
    const scans: Scan[] = finder === undefined ? [] : [openCanaryScan(finder, pointer)];
    const passages: Passages[] = index === undefined ? [] : [trainingPassages(index, passage, pointer)];
    for (const prompt of compiler === undefined ? [] : new Set(instructions)) {
      const own = compiler?.passages(prompt, { instructions, known, pointer, scope });
      if (own !== undefined) passages.push(own);
    }
    if (passages.length > 0) scans.push(openPassageScan(passages));
    return joinScans(scans);
  };

  const byScan = readByScan(open);
  /** Whether only prompts are looked for, and none of their words stand in a row in a text that is read in one go. */
  const isClean = (text: string, { instructions = [], scope }: DetectContext): boolean =>
    finder === undefined && index === undefined && compiler?.mayRepeat(text, instructions, scope) !== true;

  return {
    id: "leak",
    version: "1.0.0",
    directions: ["response"],
    longestMatch: Math.max(CANARY_REACH, ((index?.ngram ?? 0) + passage) * (LONGEST_WORD + 1)),
    cost: "cheap",
    reads: "views",
    prepare: ({ instructions = [], known = [], scope }) => compiler?.prepare(instructions, known, scope),
    detect: (text, context) => (isClean(text, context) ? NOTHING : byScan.detect(text, context)),
    read: byScan.read,
    open,
  };
}

/** Reads words once for all passages that are looked for. */
function openPassageScan(passages: readonly Passages[]): Scan {
  const readers = passages.map(openPassages);
  let length = 0;
  let half = false;
  const words = openWords((start, end, one, two, weight) => {
    for (const reader of readers) reader.take(start, end, one, two, weight);
  });
  return {
    push: (piece) => {
      const next = words.push(piece);
      length += piece.length;
      if (piece !== "") half = isHighSurrogate(piece.charCodeAt(piece.length - 1));
      // Half a character may be the beginning of another word than the one before it.
      const most = half ? length - 1 : Number.MAX_SAFE_INTEGER;
      return readers.reduce((settled, reader) => Math.min(settled, reader.settled(next)), most);
    },
    end: () => {
      words.end();
    },
    get hits() {
      return inOrder(readers.map(({ hits }) => hits));
    },
  };
}
