/**
 * An event that carries nothing but a piece of text: for text that is judged after the event it came in has left.
 *
 * @module
 */

import { isObject, type Place } from "../walk.ts";

/**
 * The parts of `value` on the way to `place`, with `text` there: what tells a client where the text belongs (`index`,
 * `type`, whether it is a thought, and what is null) and, of the event itself, what every event of the stream repeats.
 */
export function carrier(value: unknown, place: Place, text: string): unknown {
  const found = onTheWay(value, place, text);
  if (!isObject(value) || !isObject(found)) return found;
  const envelope = Object.fromEntries(Object.entries(value).filter(([, member]) => typeof member !== "object"));
  return { ...envelope, ...found };
}

function onTheWay(value: unknown, place: Place, text: string): unknown {
  if (Array.isArray(value)) {
    if ((value as unknown) === place.holder) return [text];
    for (const item of value) {
      const found = onTheWay(item, place, text);
      if (found !== undefined) return [found];
    }
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  const where = entries.filter(([name, member]) => TELLS.has(name) || member === null);
  if ((value as unknown) === place.holder) return { ...Object.fromEntries(where), [place.name]: text };
  for (const [name, member] of entries) {
    const found = onTheWay(member, place, text);
    if (found !== undefined) return { ...Object.fromEntries(where), [name]: found };
  }
  return undefined;
}

const TELLS: ReadonlySet<string> = new Set(["index", "type", "thought"]);
