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
import { walk, type Visitor } from "./walk.ts";

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
  const spans: TextSpan[] = [];
  const unscanned: Unscanned[] = [];
  const media: MediaPart[] = [];
  let chars = 0;
  let values = 0;
  const add = (text: string, pointer: string, from: Origin): void => {
    if (text === "") return;
    spans.push({ pointer, text, origin: from });
    chars += text.length;
  };

  const visitor: Visitor = {
    text(text, pointer, from, treatment) {
      add(text, pointer, from);
      if (treatment === "json") jsonText(text, pointer, from);
    },
    logprobs(probabilities, pointer, from) {
      for (const lane of logprobLanes(probabilities)) add(lane.text, `${pointer}/${lane.name}`, from);
    },
    unscanned(part) {
      if (unscanned.length >= MAX_UNSCANNED) strictness.tooMany(MAX_UNSCANNED, "parts that are not text");
      unscanned.push(part);
    },
    media(part) {
      if (media.length >= MAX_UNSCANNED) strictness.tooMany(MAX_UNSCANNED, "images and files");
      media.push(part);
    },
    mismatch(pointer, expected) {
      strictness.mismatch(pointer, expected);
    },
    enter(members) {
      values += members;
      if (values > MAX_VALUES) strictness.tooMany(MAX_VALUES, "values");
    },
  };

  /** The strings inside a JSON text, where escapes may make them differ from what the raw text shows. */
  function jsonText(text: string, pointer: string, from: Origin): void {
    if (!text.includes("\\")) return;
    let inside: unknown;
    try {
      inside = parseJson(text, { maxBytes: text.length, maxDepth: JSON_TEXT_DEPTH });
    } catch {
      add(unescapeJson(text), `${pointer}/#decoded`, from);
      return;
    }
    walk(any, inside, pointer, from, visitor);
  }

  walk(shape, value, "", origin, visitor);
  return { spans, unscanned, media, chars };
}
