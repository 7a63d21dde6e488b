/**
 * Islands: the stretches of a text in which personal data may be, read in pieces.
 *
 * Prose is mostly words in small letters. What is looked for has a digit, a capital, an @, or a dot inside a word; words
 * that have one of these are *live*, and live words with at most a little between them are one island. Only an island is
 * ever judged, and only from its first unit on is text held back: so plain text costs one table look-up a unit, and
 * leaves a stream word by word.
 *
 * Where an island begins and ends depends on the text alone, not on how it was cut: a word is read when its end has come,
 * an island judged when {@link AFTER} units behind it have. A long one is judged {@link CAP} units at a time; what begins
 * in the first half of those is seen whole, and reading goes on behind it.
 *
 * @module
 */

import { isKnownSmall, lookUp, mayBeKnown } from "./names/gazetteer.ts";
import { AFTER, BEFORE, LONGEST } from "./recogniser.ts";

/** Most units of an island that are judged at a time: what begins in its first half ends in it. */
export const CAP = 2 * LONGEST;

/** Units before an island that it is judged with. */
const LEFT = BEFORE + 32;

/** Most units of a word. A longer one is read as several. */
const MOST_WORD = 256;

/** Bits of a unit's class. */
const SMALL = 1;
const CAPITAL = 2;
const DIGIT = 4;
const AT = 8;
const DOT = 16;
const SPACE = 32;
const LINE = 64;
/** Scripts without blanks and capitals: each unit is a word by itself, and nothing is looked for in it. */
const APART = 128;

const CLASSES = classify();

/** What there is between the parts of a name, an address, a number or a date. */
const GLUE = new Set(
  "of de del della der den di da do dos das du la le les van von vom zu zur ten ter al el bin ibn and the und et e y i a st nd rd th & - – — / , x ext ( ) at in m n° nr nr. utca út tér köz u. tie katu gatan vägen väg gata vej gade caddesi cad. sokak sok. straat laan weg plein nad pod".split(
    " ",
  ),
);
/** Words in small letters behind which names are looked for in small letters too. */
const OPENERS = new Set("name name: names named name's mr mr. mrs mrs. ms ms. dr dr. miss".split(" "));
/** Words behind an opener that count as live. */
const OPENED = 4;
/** Words in small letters that begin an address, in languages that write them so. */
const STREET_OPENERS = new Set(
  "rue avenue boulevard place allée chemin impasse route quai calle avenida rua travessa praça ulica ulice ul. al. os. pl. jl. jalan c/ piazza viale corso".split(
    " ",
  ),
);

const MOST_OPENER = 9;
/** First units and lengths of openers, so that hardly any word is looked up. */
const OPENING = new Uint8Array(128 * 16);
for (const word of [...OPENERS, ...STREET_OPENERS]) OPENING[word.charCodeAt(0) * 16 + word.length] = 1;

export interface Island {
  /** Text from a little before the island to a little behind it. */
  readonly window: string;
  /** Where the island is in `window`. */
  readonly from: number;
  readonly to: number;
  /** What its words have: `digit`, `at`, `dot`, `capital`. */
  readonly has: { readonly digit: boolean; readonly at: boolean; readonly dot: boolean; readonly capital: boolean };
  /** It is one word. */
  readonly single: boolean;
}

/** Judges an island. Returns where in the window reading goes on if not everything counts: see {@link CAP}. */
export type Judge = (island: Island, offset: number, upTo: number) => number;

/** Whether an island without digits and @ holds nothing, told before it is cut out and without what lies behind it. */
export type Plain = (text: string, start: number, end: number, single: boolean) => boolean;

export interface Islands {
  /** Takes the next piece; returns the offset before which everything is judged. */
  push(piece: string): number;
  end(): void;
  /** Takes all the text there is, instead of pieces of it. */
  take(text: string): void;
  /** Reads that up to about an offset; `end` reads the rest. */
  readTo(limit: number): void;
}

/**
 * Opens a reader of islands.
 *
 * @param judge is given each island, the channel's offset of its window, and the place in the window before which a match
 *   must begin to count; returns the end of the last match that counts
 * @param isPlain says which islands need no judge
 * @param everything every word is live: for recognisers whose form is not known
 */
export function openIslands(judge: Judge, isPlain: Plain, everything: boolean): Islands {
  /** The text from `base` on. */
  let text = "";
  let base = 0;
  /** Where the next word begins, or the blanks before it. */
  let at = 0;
  let start = -1;
  let last = 0;
  let bits = 0;
  let words = 0;
  let glue = 0;
  let opened = 0;
  let lines = 0;
  /** Words in it are live only for what stands before them. */
  let special = false;
  /** The island has ended and waits for the text behind it. */
  let closing = false;
  let capped = false;

  const forgetIsland = (): void => {
    start = -1;
    bits = words = glue = opened = lines = 0;
    closing = capped = special = false;
  };

  /** Judges the island. False if the text behind it has not come. */
  const close = (final: boolean): boolean => {
    if (!closing && !capped && !special && (bits & (DIGIT | AT)) === 0 && isPlain(text, start, last, words === 1)) {
      at = last;
      forgetIsland();
      return true;
    }
    closing = true;
    const end = capped ? start + CAP : last;
    if (!final && text.length < end + AFTER) return false;
    const low = Math.max(0, start - LEFT);
    const window = text.slice(low, end + AFTER);
    const has = {
      digit: (bits & DIGIT) !== 0,
      at: (bits & AT) !== 0,
      dot: (bits & DOT) !== 0,
      capital: (bits & CAPITAL) !== 0,
    };
    const from = start - low;
    // Reading goes on at a blank, if there is one.
    let upTo = end - low;
    if (capped) {
      const blank = text.slice(start, start + LONGEST + 1).lastIndexOf(" ");
      upTo = start - low + (blank > LONGEST / 2 ? blank : LONGEST);
    }
    const taken = judge({ window, from, to: end - low, has, single: words === 1 }, base + low, upTo);
    at = low + Math.max(upTo, taken);
    forgetIsland();
    return true;
  };

  /** Takes the word from `at` to `end` into the island, or ends that. Returns false where it has to wait. */
  const take = (end: number, word: number, final: boolean): boolean => {
    const opens = (word & ~(SMALL | DOT)) === 0 ? opening(text, at, end) : 0;
    let live = isLive(text, at, end, word);
    if (!live && (everything || opens > 0 || opened > 0 || isKnown(text, at, end))) live = special = true;
    if (start < 0 && !live) {
      at = end;
      lines = 0;
      return true;
    }
    if (start >= 0 && lines > 2) return close(final);
    lines = 0;
    if (live) {
      if (start < 0) start = at;
      last = end;
      bits |= word;
      words += 1;
      glue = 0;
      opened = opens > 0 ? opens : Math.max(0, opened - 1);
    } else {
      glue += 1;
      if (glue > 2 || end - at > 7 || !GLUE.has(text.slice(at, end))) return close(final);
    }
    at = end;
    if (end - start < CAP + MOST_WORD) return true;
    capped = true;
    return close(final);
  };

  /** Reads words, up to the first that begins at `limit` or behind it. */
  const read = (final: boolean, limit: number): void => {
    if (closing && !close(final)) return;
    // What is read in the loop has a name in here: that is as fast as it gets.
    const source = text;
    const length = Math.min(source.length, limit);
    while (at < length) {
      let word = 0;
      let end = at;
      let kind = CLASSES[source.charCodeAt(end)] as number;
      if ((kind & (SPACE | LINE | APART)) !== 0) {
        if (start >= 0 && (kind & APART) !== 0) {
          if (!close(final)) return;
          continue;
        }
        if ((kind & LINE) !== 0) lines += 1;
        at += 1;
        continue;
      }
      const most = Math.min(source.length, end + MOST_WORD);
      do {
        word |= kind;
        end += 1;
        if (end >= most) break;
        kind = CLASSES[source.charCodeAt(end)] as number;
      } while ((kind & (SPACE | LINE | APART)) === 0);
      if (end === source.length && !final && end - at < MOST_WORD) return;
      if (start < 0 && word === SMALL && !everything && opening(source, at, end) === 0 && !isKnown(source, at, end)) {
        at = end;
        lines = 0;
        continue;
      }
      if (!take(end, word, final)) return;
    }
    if (final && at >= source.length && start >= 0) {
      close(true);
      read(true, limit);
    }
  };

  return {
    push: (piece) => {
      text += piece;
      read(false, text.length);
      const settled = start >= 0 ? start : at;
      const kept = Math.max(0, settled - LEFT);
      if (kept > CAP) {
        text = text.slice(kept);
        base += kept;
        at -= kept;
        last -= kept;
        if (start >= 0) start -= kept;
        return base + settled - kept;
      }
      return base + settled;
    },
    end: () => {
      read(true, text.length);
    },
    take: (whole) => {
      text = whole;
    },
    readTo: (limit) => {
      read(true, limit);
    },
  };
}

function isLive(text: string, at: number, end: number, word: number): boolean {
  if ((word & (CAPITAL | DIGIT | AT)) !== 0) return true;
  if ((word & DOT) === 0) return false;
  // A dot or a colon with a letter behind it: a name of a host, an address of six words.
  for (let place = at + 1; place < end - 1; place++) {
    if (CLASSES[text.charCodeAt(place)] === DOT && (CLASSES[text.charCodeAt(place + 1)] as number) === SMALL)
      return true;
  }
  return false;
}

/** A word in small letters that is a name all the same. */
function isKnown(text: string, at: number, end: number): boolean {
  // Punctuation behind a word is part of it here.
  const last = text.charCodeAt(end - 1);
  const to = last === 0x2c || last === 0x2e || last === 0x3f || last === 0x21 ? end - 1 : end;
  return to - at > 2 && mayBeKnown(text, at, to) && isKnownSmall(lookUp(text.slice(at, to)));
}

/** How many words behind this one count as live because of it. */
function opening(text: string, at: number, end: number): number {
  const first = text.charCodeAt(at);
  if (end - at > MOST_OPENER || first > 127 || OPENING[first * 16 + end - at] !== 1) return 0;
  const word = text.slice(at, end);
  return OPENERS.has(word) ? OPENED : STREET_OPENERS.has(word) ? 1 : 0;
}

/** The class of every UTF-16 unit. */
function classify(): Uint8Array {
  const classes = new Uint8Array(0x10000);
  for (let unit = 0; unit < 0x3000; unit++) {
    const letter = String.fromCharCode(unit);
    if (letter === "\n" || letter === "\u2028" || letter === "\u2029") classes[unit] = LINE;
    else if (/\s/.test(letter)) classes[unit] = SPACE;
    else if (/\p{Nd}/u.test(letter)) classes[unit] = unit < 128 ? DIGIT : SMALL;
    else if (letter === "@") classes[unit] = AT;
    else if (letter === "." || letter === ":") classes[unit] = DOT;
    else if (/\p{Lu}|\p{Lt}/u.test(letter)) classes[unit] = CAPITAL;
    else if (/\p{L}/u.test(letter)) classes[unit] = unit < 0xe00 ? SMALL : APART;
  }
  classes.fill(APART, 0x3000);
  return classes;
}
