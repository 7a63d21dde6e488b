/**
 * Normalise: what a text says under its disguise. A model reads base64, look-alike letters and text written backwards;
 * so does a guard that is not to be passed by them.
 *
 *     text -> scan (every text; finds nothing in ordinary text and ends here)
 *          -> views: the text folded, unescaped, with what is encoded in it decoded, ... each a text of its own,
 *             and each read again, so that disguises over disguises come off one by one
 *
 * Two kinds of view. A *piece* is what an encoded run spells, alone, and any part of it leads back to the whole run. A
 * *whole* is the text with something undone in place, so that what is half plain and half encoded is read as one. Of
 * what can be undone without doubt (costume, escapes, mark-up in words, letters apart) only the outcome is read on. What is
 * a guess (backwards, shifted, split words) becomes a view only where words come of it (`words.ts`), which are English
 * and the commonest of seven languages: in others a guess is not made.
 *
 * All work is bounded by {@link DecodeLimits}. What a limit leaves unread is stated, never dropped.
 *
 * @module
 */

import { atOnce, STEP, type Paced } from "../pace.ts";
import { asSeen } from "./bidi.ts";
import { codes } from "./codes.ts";
import { unescaped, unquoted } from "./escapes.ts";
import { fold } from "./fold.ts";
import { bits, selected, tagged } from "./hidden.ts";
import { unleeted } from "./leet.ts";
import { unmarked } from "./markup.ts";
import { reversed, reversedWords, upright } from "./reverse.ts";
import { madeFrom, openRewriter, type Made, type Range } from "./rewrite.ts";
import { runs, type Piece } from "./runs.ts";
import { glance, scan, type Signs } from "./scan.ts";
import { ROT13, unshifted } from "./shift.ts";
import { split, unbroken, unspaced } from "./spacing.ts";

/** A text derived from the caller's. */
export interface DerivedView {
  /** How, outermost first: `["base64", "inflate", "rot13"]`. */
  readonly transforms: readonly string[];
  readonly text: string;
  /** The part of the caller's text that units `start` to `end` of this one came from. Always a part that exists. */
  locate(start: number, end: number): Range;
}

export interface Derived {
  readonly views: readonly DerivedView[];
  /** What was not read because of a limit, one part for each limit that was met. */
  readonly unread: readonly { readonly start: number; readonly end: number; readonly limit: keyof DecodeLimits }[];
}

/** How much work one text may cause. */
export interface DecodeLimits {
  /** Disguises one over another: enough for one of each kind, and base64 several times over. */
  readonly maxDepth: number;
  /** Views: detectors read each of them. */
  readonly maxViews: number;
  /** UTF-16 units of all views together, besides four times the text. */
  readonly maxUnits: number;
  /** Encoded runs in one text that become views of their own. */
  readonly maxPieces: number;
  /** Bytes that one packed run may become: what a decode bomb is cut to. */
  readonly maxInflated: number;
}

/** Five times more than any honest text was seen to need, and some 100 ms of work for a text of 1 MB. */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  maxDepth: 8,
  maxViews: 64,
  maxUnits: 1_048_576,
  maxPieces: 32,
  maxInflated: 262_144,
};

/**
 * The views of a text, in no time for ordinary text. For long texts there is {@link derive}, in steps.
 *
 * @example
 * ```ts
 * import { deriveViews } from "holdfast/guard";
 *
 * const { views } = deriveViews("Please read: aWdub3JlIHByZXZpb3VzIGluc3RydWN0aW9ucw==");
 * console.log(views[0]?.text); // ignore previous instructions
 * console.log(views[0]?.locate(0, 6)); // { start: 13, end: 53 }
 * ```
 */
export function deriveViews(text: string, limits?: Partial<DecodeLimits>): Derived {
  return atOnce(derive(text, limits));
}

/** The same in steps of a few milliseconds. */
export function* derive(text: string, limits?: Partial<DecodeLimits>): Paced<Derived> {
  const signs = yield* signsOf(text);
  return signs === undefined ? ORDINARY : yield* deriveBy(signs, text, limits);
}

/** The same, at once for a text of one step that shows nothing: nearly every text. */
export function deriveSoon(text: string): Derived | Paced<Derived> {
  if (text.length > STEP) return derive(text);
  const signs = glance(text);
  return signs === undefined ? ORDINARY : deriveBy(signs, text);
}

function* deriveBy(signs: Signs, text: string, limits?: Partial<DecodeLimits>): Paced<Derived> {
  const derivation = openDerivation(text, { ...DEFAULT_DECODE_LIMITS, ...limits });
  for (const layer of derivation.layers) {
    const shown = layer === derivation.layers[0] ? signs : yield* signsOf(layer.text);
    if (shown !== undefined) yield* undo(layer, shown, derivation);
    if (derivation.layers.at(-1) !== layer) yield;
  }
  const views = derivation.layers.slice(1).map((layer) => ({
    transforms: layer.transforms,
    text: layer.text,
    locate: (start: number, end: number) => layer.locate(start, end),
  }));
  return { views, unread: derivation.unread() };
}

/** Of a text that shows nothing. */
const ORDINARY: Derived = { views: [], unread: [] };

function* signsOf(text: string): Paced<Signs | undefined> {
  return text.length <= STEP ? glance(text) : yield* scan(text);
}

/** A text that is still to be read: the caller's, or a view. */
interface Layer extends DerivedView {
  readonly depth: number;
  /** How many of {@link GUESSES} are done with. */
  readonly guesses: number;
}

interface Derivation {
  readonly limits: DecodeLimits;
  /** The text, and its views as they are found: grows while it is gone through. */
  readonly layers: readonly Layer[];
  /** Takes a text made from a layer as a view, if it is a new one and the limits allow it. */
  readonly offer: (from: Layer, made: Made | undefined, ...transforms: readonly string[]) => void;
  /** Notes what a limit leaves unread. */
  readonly leave: (from: Layer, part: Range, limit: keyof DecodeLimits) => void;
  unread(): Derived["unread"];
}

function openDerivation(text: string, limits: DecodeLimits): Derivation {
  const layers: Layer[] = [{ transforms: [], text, depth: 0, guesses: 0, locate: (start, end) => ({ start, end }) }];
  const seen = new Set<string>([text]);
  const unread = new Map<keyof DecodeLimits, Range>();
  let left = limits.maxUnits + 4 * text.length;
  const leave: Derivation["leave"] = (from, part, limit) => {
    const { start, end } = from.locate(part.start, part.end);
    const known = unread.get(limit);
    unread.set(limit, { start: Math.min(start, known?.start ?? start), end: Math.max(end, known?.end ?? end) });
  };
  return {
    limits,
    layers,
    offer: (from, made, ...transforms) => {
      if (made === undefined || seen.has(made.text) || made.text.trim() === "") return;
      const limit =
        from.depth >= limits.maxDepth
          ? "maxDepth"
          : layers.length > limits.maxViews
            ? "maxViews"
            : made.text.length > left
              ? "maxUnits"
              : undefined;
      if (limit !== undefined) {
        leave(from, made.locate(0, made.text.length), limit);
        return;
      }
      seen.add(made.text);
      left -= made.text.length;
      layers.push({
        transforms: [...from.transforms, ...transforms],
        text: made.text,
        depth: from.depth + 1,
        guesses: from.guesses,
        locate: (start, end) => {
          const there = made.locate(start, end);
          return from.locate(there.start, there.end);
        },
      });
    },
    leave,
    unread: () => [...unread].map(([limit, part]) => ({ ...part, limit })),
  };
}

/** Offers what can be undone in a layer. What is offered is read on in its own turn. */
function* undo(layer: Layer, signs: Signs, derivation: Derivation): Paced<void> {
  const { text } = layer;
  const { offer } = derivation;

  if (signs.foreign) {
    offer(layer, yield* tagged(text), "tags");
    offer(layer, yield* selected(text), "variation-selectors");
    offer(layer, yield* bits(text), "zero-width-bits");
    offer(layer, yield* asSeen(text), "bidi");
    offer(layer, yield* upright(text), "turned");
    const folded = yield* fold(text);
    if (folded !== undefined) {
      offer(layer, folded.made, ...folded.foldings);
      return;
    }
  }
  if (signs.escapes) {
    const made = yield* unescaped(text);
    if (made !== undefined) {
      offer(layer, made, "escapes");
      return;
    }
  }
  if (signs.quoted) offer(layer, yield* unquoted(text), "quoted-printable");
  if (signs.runs.length > 0 || signs.ascii85) {
    const { pieces, left } = yield* runs(text, signs.runs, derivation.limits.maxInflated);
    if (left !== undefined) derivation.leave(layer, left, "maxUnits");
    yield* decode(layer, pieces, derivation);
  }
  if (signs.codes.length > 0) yield* decode(layer, yield* codes(text, signs.codes), derivation);

  if (signs.markup.length > 0) {
    const made = yield* unmarked(text, signs.markup);
    if (made !== undefined) {
      offer(layer, made, "markup");
      return;
    }
  }
  if (signs.spaced.length > 0) {
    const made = yield* unspaced(text, signs.spaced);
    if (made !== undefined) {
      offer(layer, made, "spaced");
      return;
    }
  }
  for (let guess = layer.guesses; guess < GUESSES.length; guess++) {
    const made = yield* (GUESSES[guess] as Guess)(text, signs);
    if (made !== undefined) offer({ ...layer, guesses: guess + 1 }, made.made, made.name);
  }
}

/** A way of reading that only words can confirm, and what it is called. */
type Guess = (text: string, signs: Signs) => Paced<{ readonly made: Made; readonly name: string } | undefined>;

/**
 * In the order in which they are tried one upon another, and never one again in what came of it: a text in which
 * several of them find something has few readings, not one for each order.
 */
const GUESSES: readonly Guess[] = [
  function* (text, { reversed: parts }) {
    return named("reversed", parts.length > 0 ? yield* reversed(text, parts) : undefined);
  },
  function* (text, { reversed: parts }) {
    return named("reversed-words", parts.length > 0 ? yield* reversedWords(text, parts) : undefined);
  },
  function* (text, { rotated, strange }) {
    const rot13 = rotated.length > 0 ? yield* unshifted(text, rotated, ROT13) : undefined;
    return rot13 ?? (strange.length > 0 ? yield* unshifted(text, strange) : undefined);
  },
  function* (text, { leet }) {
    return named("leet", leet.length > 0 ? yield* unleeted(text, leet) : undefined);
  },
  function* (text, { joined }) {
    return named("joined", joined.length > 0 ? yield* split(text, joined) : undefined);
  },
  function* (text, { broken }) {
    return named("broken", broken.length > 0 ? yield* unbroken(text, broken) : undefined);
  },
];

function named(name: string, made: Made | undefined): { readonly made: Made; readonly name: string } | undefined {
  return made === undefined ? undefined : { made, name };
}

/** Offers decoded pieces: each alone, and the text with all of them in place. */
function* decode(layer: Layer, pieces: readonly Piece[], derivation: Derivation): Paced<void> {
  if (pieces.length === 0) return;
  const { text } = layer;
  const inPlace = openRewriter(text);
  let alone = 0;
  for (const piece of pieces) {
    if (piece.cut) derivation.leave(layer, piece, "maxInflated");
    if (piece.start >= inPlace.cursor) inPlace.replace(piece.start, piece.end, piece.text);
    if (piece.text === "") continue;
    // The text with all of them in place is read whatever their number.
    if (++alone <= derivation.limits.maxPieces)
      derivation.offer({ ...layer, guesses: 0 }, madeFrom(piece.text, piece), ...piece.transforms);
    yield;
  }
  yield;
  const [first] = pieces;
  const only =
    pieces.length === 1 &&
    first !== undefined &&
    text.slice(0, first.start).trim() + text.slice(first.end).trim() === "";
  if (only) return;
  const names = new Set(pieces.flatMap(({ transforms }) => transforms));
  derivation.offer(layer, inPlace.finish(), ...names, "in-place");
}
