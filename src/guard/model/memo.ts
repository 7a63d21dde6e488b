/**
 * What was computed for the texts read last. Several detectors read one text, and a conversation sends its history
 * again with every turn: neither should cost again. Texts are known by their digest, so none is kept.
 *
 * @module
 */

import { hash } from "node:crypto";

export interface Memo<T> {
  /** The entry of `text`, made by `make` when there is none. */
  of(text: string, make: () => T): T;
  readonly size: number;
}

/** Keeps the `most` entries that were used last. */
export function createMemo<T>(most: number): Memo<T> {
  // A Map runs in the order of insertion: what was used is inserted again, so the first is the oldest.
  const entries = new Map<string, T>();
  return {
    of: (text, make) => {
      // Lone surrogates all have the same UTF-8, but also mean the same to a model: none.
      const key = hash("sha256", text, "base64");
      const known = entries.get(key);
      const entry = known ?? make();
      if (known !== undefined) entries.delete(key);
      entries.set(key, entry);
      if (entries.size > most) entries.delete(entries.keys().next().value as string);
      return entry;
    },
    get size() {
      return entries.size;
    },
  };
}
