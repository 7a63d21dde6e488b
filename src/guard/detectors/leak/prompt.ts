/**
 * The return of a system prompt: passages of it in an answer, word for word but for case, punctuation, line breaks,
 * list markers and Markdown. Rewording and translation are not recognised.
 *
 * Two signs. *In a row*: at least {@link LeakPromptOptions.words} words, with at least {@link MIN_WEIGHT} letters, that
 * stand so in the prompt. *In pieces*: the answer so far holds a share of the prompt's shingles, whatever stands
 * between; from there on each piece is a finding.
 *
 * What keeps false alarms down: prompts are full of phrases that any answer may hold, so shingles of
 * {@link BOILERPLATE} do not count, nor do those of texts that the reader wrote or that may be quoted; a run must have
 * letters, so lists of short words and numbers are not enough; a prompt with fewer than {@link SHORTEST} words or
 * {@link SHORT_WEIGHT} letters says nothing that could be told from chance and is left alone, and one shorter than a
 * run counts only as a whole.
 *
 * @module
 */

import type { Finding } from "../../../core/index.ts";
import type { DetectContext } from "../../detector.ts";
import { atOnce, STEP, type Paced } from "../../pace.ts";
import { hashWords, Ring, type Passages, type Run } from "./passages.ts";
import { openWords } from "./words.ts";

/** Words of a shingle. */
const SIZE = 4;
/** Letters of a run. */
const MIN_WEIGHT = 32;
/** Words and letters of the shortest prompt that is looked for. */
const SHORTEST = 6;
const SHORT_WEIGHT = 24;
/** Shingles that must be there before a share counts: of a short prompt, a third is a phrase. */
const SHARE_LEAST = 12;

/** What any prompt, and any answer, may say. Written for this purpose. */
const BOILERPLATE: readonly string[] = [
  "you are a helpful, harmless and honest AI assistant. You are a helpful assistant. I am a helpful assistant",
  "you are a large language model. as an AI language model, I am an AI assistant and I do not have access to",
  "answer the following question as best you can. answer the question based on the context below",
  "please let me know if you have any other questions. let me know if there is anything else I can help you with",
  "feel free to ask me if you have any further questions or need more information",
  "if you don't know the answer, just say that you don't know. do not make up an answer. don't try to make up an answer",
  "I'm sorry, but I can't help with that. I am sorry but I cannot assist you with that request",
  "how can I help you today? how may I assist you today? is there anything else that I can help you with today",
  "here is a step by step guide on how to. let's think step by step. take a deep breath and work on this problem step by step",
  "it is important to note that this is not. please note that this is not legal, medical or financial advice",
  "you should consult a qualified professional. please consult with a healthcare professional before making any",
  "make sure that you have the latest version of. in the form of a list of bullet points. in the following format",
  "to the best of your ability. to the best of my knowledge. at the end of the day. on the other hand. as well as the",
  "respond in the same language as the user. be concise and to the point. use markdown for formatting. do not include any",
];

export interface LeakPromptOptions {
  /** Words in a row that are a leak. Default 8, at least 5. */
  readonly words?: number;
  /** Share of the prompt's shingles that is a leak in pieces, of 1. Default 0.3. */
  readonly share?: number;
  /** Parts of the prompt that may be quoted: help texts, prices, opening hours. */
  readonly quotable?: readonly string[];
}

/** A prompt made ready: its shingles by their hash, with a number for each. */
interface Compiled {
  readonly shingles: ReadonlyMap<number, number>;
  /** Bits of shingles' hashes: says no to most words without a look-up. */
  readonly bits: Uint8Array;
  /** Hashes of 1, 2 and 3 words that shingles begin with. */
  readonly beginnings: readonly ReadonlySet<number>[];
  /** Words that a run needs. */
  readonly words: number;
  readonly weight: number;
}

/** Compiles prompts, and keeps the last ones compiled: the same prompt comes with every request. */
export interface PromptCompiler {
  /**
   * Long texts made ready in steps, for as long as the two lists live: `passages` finds them so. Undefined where that is no
   * long work. What was not made ready is, at once, when it is needed. What is compiled is used again within `scope`.
   */
  prepare(prompts: readonly string[], known: readonly string[], scope?: string): Paced<void> | undefined;
  /**
   * Passages of `prompt`, one of `prompts`, to look for; `undefined`: it is too short. A new one for each text, since it
   * counts.
   */
  passages(
    prompt: string,
    context: Required<Pick<DetectContext, "instructions" | "known" | "pointer" | "scope">>,
  ): Passages | undefined;
  /** Whether `text` holds any shingle of a prompt at all: hardly any answer does, and then it holds no passage either. */
  mayRepeat(text: string, prompts: readonly string[], scope?: string): boolean;
}

/** Units of prompts that are kept compiled, and of the longest one that is. */
const CACHE_UNITS = 1 << 20;
const CACHED_UNITS = 1 << 18;
/** Texts of more units are long work: some 10 ms. */
const LONG_UNITS = 1 << 16;
/** Words that are hashed in one step. */
const WORDS_PER_STEP = 1_024;

export function promptCompiler(options: LeakPromptOptions = {}): PromptCompiler {
  const words = Math.max(SIZE + 1, options.words ?? 8);
  const share = options.share ?? 0.3;
  const common = atOnce(shinglesOf([...BOILERPLATE, ...(options.quotable ?? [])]));
  /** By scope and prompt. */
  const cache = new Map<string, Map<string, Compiled | undefined>>();
  let cached = 0;
  /** What was made ready, by the lists that it is of. */
  const readyPrompts = new WeakMap<readonly string[], ReadonlyMap<string, Compiled | undefined>>();
  const readyKnown = new WeakMap<readonly string[], ReadonlySet<number>>();

  function* compiled(prompt: string, prompts: readonly string[], scope = ""): Paced<Compiled | undefined> {
    const ready = readyPrompts.get(prompts);
    if (ready?.has(prompt) === true) return ready.get(prompt);
    const own = cache.get(scope);
    const made = own?.has(prompt) === true ? own.get(prompt) : yield* compile(prompt, words, common);
    // Whatever else comes until an answer is read: what was made ready stays so.
    if (isLong(prompts)) readyPrompts.set(prompts, new Map(readyPrompts.get(prompts)).set(prompt, made));
    if (prompt.length <= CACHED_UNITS && own?.has(prompt) !== true) remember(scope, prompt, made);
    return made;
  }
  function remember(scope: string, prompt: string, made: Compiled | undefined): void {
    if (cached + prompt.length > CACHE_UNITS) {
      cache.clear();
      cached = 0;
    }
    cached += prompt.length;
    const own = cache.get(scope) ?? new Map<string, Compiled | undefined>();
    cache.set(scope, own.set(prompt, made));
  }
  function* shinglesKnown(known: readonly string[]): Paced<ReadonlySet<number>> {
    const shingles = readyKnown.get(known) ?? (yield* shinglesOf(known));
    readyKnown.set(known, shingles);
    return shingles;
  }

  // One reader for all texts that are only asked for any shingle: each is read at once.
  const ring = new Ring(SIZE);
  let sought: readonly Compiled[] = [];
  let isThere = false;
  const reader = openWords((start, _end, one, two, weight) => {
    if (isThere || !ring.add(start, one, two, weight)) return;
    for (const prompt of sought) isThere ||= numberOf(prompt, ring.one, ring.two) !== undefined;
  });

  return {
    mayRepeat: (text, prompts, scope) => {
      sought = prompts.flatMap((prompt) => atOnce(compiled(prompt, prompts, scope)) ?? []);
      if (sought.length === 0) return false;
      isThere = false;
      ring.clear();
      reader.push(text);
      reader.end();
      return isThere;
    },
    prepare: (prompts, known, scope) => {
      if (prompts.length === 0 || (!isLong(prompts) && !isLong(known))) return undefined;
      return (function* prepared(): Paced<void> {
        for (const prompt of new Set(prompts)) yield* compiled(prompt, prompts, scope);
        // A short one is read when it is needed, which it seldom is.
        if (isLong(known)) yield* shinglesKnown(known);
      })();
    },
    passages: (prompt, { instructions, known, pointer, scope }) => {
      const ready = atOnce(compiled(prompt, instructions, scope));
      if (ready === undefined) return undefined;
      let own: ReadonlySet<number> | undefined;
      // Most answers repeat nothing of the prompt: what the reader said is read for the others alone.
      const isKnown = (hash: number): boolean => (own ??= atOnce(shinglesKnown(known))).has(hash);
      return passagesOf(ready, isKnown, share, pointer);
    },
  };
}

function isLong(texts: readonly string[]): boolean {
  return texts.reduce((sum, text) => sum + text.length, 0) > LONG_UNITS;
}

/** Gives the reader a text in pieces. */
function* readIn(text: string, reader: ReturnType<typeof openWords>): Paced<void> {
  for (let at = 0; at < text.length; at += STEP) {
    reader.push(text.slice(at, at + STEP));
    yield;
  }
  reader.end();
}

/** The number of a shingle of a prompt; undefined for what is none. */
function numberOf({ bits, shingles }: Compiled, one: number, two: number): number | undefined {
  if (((bits[(one & 0xffff) >>> 3] as number) & (1 << (one & 7))) === 0) return undefined;
  return shingles.get(join(one, two));
}

function passagesOf(prompt: Compiled, isKnown: (hash: number) => boolean, share: number, pointer: string): Passages {
  const { shingles, beginnings, words, weight } = prompt;
  let seen: Uint8Array | undefined;
  const enough = Math.max(SHARE_LEAST, Math.ceil(share * shingles.size));
  let count = 0;
  return {
    size: SIZE,
    has: (one, two) => {
      const number = numberOf(prompt, one, two);
      if (number === undefined || isKnown(join(one, two))) return false;
      seen ??= new Uint8Array(shingles.size);
      if (seen[number] === 0) {
        seen[number] = 1;
        count += 1;
      }
      return true;
    },
    mayBegin: (length, one, two) => beginnings[length - 1]?.has(join(one, two)) === true,
    judge: (run) => {
      if (run.words >= words && run.weight >= weight) return (now) => inARow(now, pointer);
      return count >= enough ? (now) => inPieces(now, pointer) : undefined;
    },
  };
}

/** Compiles a prompt; `undefined` if it is too short. */
function* compile(prompt: string, words: number, common: ReadonlySet<number>): Paced<Compiled | undefined> {
  const ones: number[] = [];
  const twos: number[] = [];
  let weight = 0;
  const reader = openWords((_start, _end, one, two, letters) => {
    ones.push(one);
    twos.push(two);
    weight += letters;
  });
  yield* readIn(prompt, reader);
  if (ones.length < SHORTEST || weight < SHORT_WEIGHT) return undefined;

  const shingles = new Map<number, number>();
  const bits = new Uint8Array(0x2000);
  const beginnings = [new Set<number>(), new Set<number>(), new Set<number>()];
  for (let at = 0; at + SIZE <= ones.length; at++) {
    if (at % WORDS_PER_STEP === WORDS_PER_STEP - 1) yield;
    const [one, two] = hashWords(ones, twos, at, at + SIZE);
    const hash = join(one, two);
    if (common.has(hash) || shingles.has(hash)) continue;
    shingles.set(hash, shingles.size);
    const place = (one & 0xffff) >>> 3;
    bits[place] = (bits[place] as number) | (1 << (one & 7));
    for (const [index, set] of beginnings.entries()) {
      set.add(join(...hashWords(ones, twos, at, at + index + 1)));
    }
  }
  const whole = ones.length < words;
  return {
    shingles,
    bits,
    beginnings,
    words: whole ? ones.length : words,
    weight: whole ? Math.min(weight, MIN_WEIGHT) : MIN_WEIGHT,
  };
}

/** The shingles of texts. */
function* shinglesOf(texts: readonly string[]): Paced<ReadonlySet<number>> {
  const hashes = new Set<number>();
  for (const text of texts) {
    const ring = new Ring(SIZE);
    const reader = openWords((start, _end, one, two, weight) => {
      if (ring.add(start, one, two, weight)) hashes.add(join(ring.one, ring.two));
    });
    yield* readIn(text, reader);
  }
  return hashes;
}

/** Both halves in one number, 53 bits. */
function join(one: number, two: number): number {
  return (one >>> 0) * 0x200000 + (two >>> 11);
}

const REFERENCES = ["OWASP-LLM07:2025", "AML.T0056"];
const REMEDY = "keep secrets out of the prompt, and name passages that may be quoted as quotable";

function inARow({ start, end, words }: Run, pointer: string): Finding {
  return {
    rule: "leak.system-prompt",
    severity: "high",
    location: { pointer, start, end },
    message: `repeats ${words} words in a row of the system prompt`,
    remedy: REMEDY,
    references: REFERENCES,
  };
}

function inPieces({ start, end }: Run, pointer: string): Finding {
  return {
    rule: "leak.prompt-pieces",
    severity: "medium",
    location: { pointer, start, end },
    message: "one more piece of the system prompt, in a text that repeats much of it",
    remedy: REMEDY,
    references: REFERENCES,
  };
}
