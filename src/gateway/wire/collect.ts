/**
 * Collects the text of a whole message: what the guards get to read of a request, or of an answer that came whole.
 *
 * @module
 */

import { parseJson } from "../../core/index.ts";
import type { Origin, TextSpan } from "../../guard/index.ts";
import { unescapeJson } from "./escape.ts";
import { logprobLanes } from "./logprobs.ts";
import type { MediaPart } from "./media.ts";
import type { Unscanned } from "./operation.ts";
import { JSON_TEXT_DEPTH } from "./pointer.ts";
import type { Strictness } from "./read.ts";
import { any, type Shape } from "./shape.ts";
import { walk, type Treatment, type Visitor } from "./walk.ts";

/**
 * Most values of one message: members of its objects and items of its lists, but for long lists of numbers. The walk
 * over them is not interrupted, so this is what bounds it.
 */
const MAX_VALUES = 65_536;

/** Most parts of one message that are reported as not scanned: images, lists of token ids. */
const MAX_UNSCANNED = 8_192;

export interface Collected {
  readonly spans: readonly TextSpan[];
  readonly unscanned: readonly Unscanned[];
  readonly media: readonly MediaPart[];
  /** UTF-16 units of all spans. */
  readonly chars: number;
}

/**
 * Every text of `value`, in the order of its fields.
 *
 * @throws what `strictness` throws, for a field of another type and for a message of too many parts
 */
export function collect(shape: Shape, value: unknown, origin: Origin, strictness: Strictness): Collected {
  const collector = new Collector(strictness);
  walk(shape, value, "", origin, collector);
  return collector.collected();
}

/** A class, so that a message costs one object and not a closure for each kind of part. */
class Collector implements Visitor {
  readonly #strictness: Strictness;
  readonly #spans: TextSpan[] = [];
  readonly #unscanned: Unscanned[] = [];
  readonly #media: MediaPart[] = [];
  #chars = 0;
  #values = 0;

  constructor(strictness: Strictness) {
    this.#strictness = strictness;
  }

  collected(): Collected {
    return { spans: this.#spans, unscanned: this.#unscanned, media: this.#media, chars: this.#chars };
  }

  text(text: string, pointer: string, origin: Origin, treatment: Treatment): void {
    this.#add(text, pointer, origin);
    if (treatment === "json") this.#addInside(text, pointer, origin);
  }

  logprobs(probabilities: unknown, pointer: string, origin: Origin): void {
    for (const lane of logprobLanes(probabilities)) this.#add(lane.text, `${pointer}/${lane.name}`, origin);
  }

  unscanned(part: Unscanned): void {
    if (this.#unscanned.length >= MAX_UNSCANNED) this.#strictness.tooMany(MAX_UNSCANNED, "parts that are not text");
    this.#unscanned.push(part);
  }

  media(part: MediaPart): void {
    if (this.#media.length >= MAX_UNSCANNED) this.#strictness.tooMany(MAX_UNSCANNED, "images and files");
    this.#media.push(part);
  }

  mismatch(pointer: string, expected: string): void {
    this.#strictness.mismatch(pointer, expected);
  }

  enter(members: number): void {
    this.#values += members;
    if (this.#values > MAX_VALUES) this.#strictness.tooMany(MAX_VALUES, "values");
  }

  #add(text: string, pointer: string, origin: Origin): void {
    if (text === "") return;
    this.#spans.push({ pointer, text, origin });
    this.#chars += text.length;
  }

  /** The strings inside a JSON text, where escapes may make them differ from what the raw text shows. */
  #addInside(text: string, pointer: string, origin: Origin): void {
    if (!text.includes("\\")) return;
    let inside: unknown;
    try {
      inside = parseJson(text, { maxBytes: text.length, maxDepth: JSON_TEXT_DEPTH });
    } catch {
      this.#add(unescapeJson(text), `${pointer}/#decoded`, origin);
      return;
    }
    walk(any, inside, pointer, origin, this);
  }
}
