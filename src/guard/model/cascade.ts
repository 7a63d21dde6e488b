/**
 * The cascade, for the detectors of trained classifiers: a text in windows, each window first looked at by the cheap
 * stage, and only what that leaves open read by the transformer.
 *
 * Words whose letters changed places are read as they were meant, too (`normalise/respell.ts`).
 *
 * A text whose windows are all settled is answered at once. Where something is open, the answer is a promise. A long
 * text is read in turns with everyone else (`pace.ts`), and has few windows under way at a time, so that a short text
 * of someone else never waits for all of it.
 *
 * @module
 */

import { respelled } from "../normalise/respell.ts";
import { atOnce, inTurns, STEP, type Paced } from "../pace.ts";
import type { CheapReader, Classifier } from "./classifier.ts";
import { modelError } from "./errors.ts";
import type { Head, SomeHeads } from "./heads.ts";
import { windowsOf, type Window } from "./windows.ts";

/** A head that is set, and the part of the text that sets it. */
export interface HeadHit {
  readonly head: Head;
  readonly start: number;
  readonly end: number;
  readonly probability: number;
}

/** Windows of one text that may need the transformer: some 750,000 units in which nothing is clear. */
const MAX_OPEN = 1024;
/** Windows of one text that are with the transformer at once. */
const AT_ONCE = 8;
/** Sentences of a window that are compared. One with more is found whole. */
const MAX_SENTENCES = 64;
/** Sentences that a place may take along on top of the worst one, before it is the whole window. */
const MAX_GROWTH = 8;

/**
 * Where in `text` which of `heads` is set: its probability is at or over its threshold. By place; what overlaps is one.
 *
 * @param thresholds those that the caller sets; the model's own for the rest
 * @param scope within which what is known of the text is used again (`DetectContext`)
 * @throws as `Classifier.classify`; `guard.model-overload` for a text of which too much is open
 */
export function findHeads(
  text: string,
  heads: readonly Head[],
  thresholds: SomeHeads,
  classifier: Classifier,
  scope?: string,
): readonly HeadHit[] | Promise<readonly HeadHit[]> {
  if (text.length <= STEP && !SAYS_SOMETHING.test(text)) return NOTHING;
  const { cheap } = classifier;
  if (cheap === undefined) return classifier.load().then(() => findHeads(text, heads, thresholds, classifier, scope));
  const hits = (looks: readonly Look[]): Paced<readonly HeadHit[]> =>
    hitsOf(text, looks, heads, thresholds, cheap, scope);
  if (text.length > STEP) {
    return inTurns(lookAll(text, heads, cheap, scope))
      .then((looks) => complete(looks, classifier, scope))
      .then((looks) => inTurns(hits(looks)));
  }
  const looks = atOnce(lookAll(text, heads, cheap, scope));
  if (looks.some(({ open }) => open)) return complete(looks, classifier, scope).then((all) => atOnce(hits(all)));
  return atOnce(hits(looks));
}

/** The highest probability of any of `heads` in any window of `text`. @throws as `findHeads` */
export async function scoreHeads(text: string, heads: readonly Head[], classifier: Classifier): Promise<number> {
  if (text.length <= STEP && !SAYS_SOMETHING.test(text)) return 0;
  const cheap = classifier.cheap ?? (await classifier.load());
  const looks = await complete(await inTurns(lookAll(text, heads, cheap)), classifier);
  return Math.max(0, ...heads.map((head) => looks.reduce((most, look) => Math.max(most, look.scores[head] ?? 0), 0)));
}

const NOTHING: readonly HeadHit[] = [];
/** Without a letter or digit there is nothing to judge. */
const SAYS_SOMETHING = /[\p{L}\p{N}]/u;

/** A window, and what is known of it. */
interface Look {
  readonly window: Window;
  /** What was read: the window's text, or that text with its words spelt right. */
  readonly part: string;
  readonly respelled: boolean;
  readonly scores: SomeHeads;
  /** Some head that was asked for is not in `scores`. */
  readonly open: boolean;
}

/** What the cheap stage says. */
function* lookAll(text: string, heads: readonly Head[], cheap: CheapReader, scope?: string): Paced<readonly Look[]> {
  const looks: Look[] = [];
  for (const window of windowsOf(text)) {
    if (looks.length > 0) yield;
    const part = text.slice(window.start, window.end);
    looks.push(lookAt(window, part, false, heads, cheap, scope));
    const right = respelled(part);
    if (right !== undefined) looks.push(lookAt(window, right, true, heads, cheap, scope));
  }
  return looks;
}

function lookAt(
  window: Window,
  part: string,
  isRespelled: boolean,
  heads: readonly Head[],
  cheap: CheapReader,
  scope: string | undefined,
): Look {
  const saysSomething = SAYS_SOMETHING.test(part);
  const scores = saysSomething ? cheap.settle(part, scope) : {};
  const open = saysSomething && heads.some((head) => scores[head] === undefined);
  return { window, part, respelled: isRespelled, scores, open };
}

/** Asks the transformer for what is open. What the cheap stage settled stays. */
async function complete(looks: readonly Look[], classifier: Classifier, scope?: string): Promise<readonly Look[]> {
  const open = looks.filter((look) => look.open);
  if (open.length === 0) return looks;
  if (open.length > MAX_OPEN) throw modelError("guard.model-overload", { detail: `${MAX_OPEN} windows` });
  const closed = new Map<Look, Look>();
  for (let at = 0; at < open.length; at += AT_ONCE) {
    await Promise.all(
      open.slice(at, at + AT_ONCE).map(async (look) => {
        const scores = await classifier.classify(look.part, scope);
        closed.set(look, { ...look, scores: { ...scores, ...look.scores }, open: false });
      }),
    );
  }
  return looks.map((look) => closed.get(look) ?? look);
}

function* hitsOf(
  text: string,
  looks: readonly Look[],
  heads: readonly Head[],
  thresholds: SomeHeads,
  cheap: CheapReader,
  scope: string | undefined,
): Paced<readonly HeadHit[]> {
  const hits: HeadHit[] = [];
  for (const head of heads) {
    const threshold = thresholds[head] ?? cheap.thresholds[head];
    let last: HeadHit | undefined;
    for (const { window, respelled: isRespelled, scores } of looks) {
      const probability = scores[head] ?? 0;
      if (probability < threshold) continue;
      // Sentences as they stand say little of what they say when they are spelt right.
      const place = isRespelled ? window : narrow(text, window, head, cheap, scope);
      yield;
      if (last !== undefined && place.start <= last.end) {
        hits.pop();
        last = {
          head,
          start: Math.min(last.start, place.start),
          end: Math.max(last.end, place.end),
          probability: Math.max(last.probability, probability),
        };
      } else {
        last = { head, ...place, probability };
      }
      hits.push(last);
    }
  }
  return hits.toSorted((one, other) => one.start - other.start);
}

/**
 * The sentences of a window that set a head: the one that the cheap stage likes least and its neighbours, as far as it
 * takes for the rest to be settled as clean. Where the cheap stage cannot tell, it is the whole window, since what a
 * mask leaves behind must not be the attack.
 */
function narrow(text: string, window: Window, head: Head, cheap: CheapReader, scope: string | undefined): Window {
  const sentences = sentencesOf(text, window);
  if (sentences.length < 2 || sentences.length > MAX_SENTENCES) return window;
  const logits = sentences.map(({ start, end }) => cheap.logit(text.slice(start, end), head));
  let first = logits.indexOf(Math.max(...logits));
  let last = first;
  while (last - first <= MAX_GROWTH) {
    const place = { start: sentences[first]?.start ?? window.start, end: sentences[last]?.end ?? window.end };
    const rest = `${text.slice(window.start, place.start)} ${text.slice(place.end, window.end)}`;
    if (!SAYS_SOMETHING.test(rest)) return window;
    const score = cheap.settle(rest, scope)[head];
    if (score !== undefined && score < cheap.thresholds[head]) return place;
    // An index outside has no logit: the other side is taken.
    const before = logits[first - 1] ?? Number.NEGATIVE_INFINITY;
    const after = logits[last + 1] ?? Number.NEGATIVE_INFINITY;
    if (before > after) first--;
    else last++;
  }
  return window;
}

/** Sentences, lines and what follows the last of them, without the white space around them. */
function sentencesOf(text: string, window: Window): readonly Window[] {
  const sentences: Window[] = [];
  for (const match of text.slice(window.start, window.end).matchAll(SENTENCE)) {
    const trimmed = match[0].trimStart();
    const start = window.start + match.index + match[0].length - trimmed.length;
    const sentence = trimmed.trimEnd();
    if (sentence !== "") sentences.push({ start, end: start + sentence.length });
  }
  return sentences;
}

const SENTENCE = /[^.!?\n\u3002\uff01\uff1f]*[.!?\n\u3002\uff01\uff1f]+|[^.!?\n\u3002\uff01\uff1f]+$/g;
