/**
 * What was computed for the texts read last. Several detectors read one text, and a conversation sends its history
 * again with every turn: neither should cost again. Texts are known by their digest, so none is kept.
 *
 * What is known of a text is known within one scope. Otherwise how fast an answer comes would tell one tenant whether
 * another has sent a certain text before.
 *
 * @module
 */

import { hash } from "node:crypto";

export interface Memo<T> {
  /** The entry of a text within a scope, made by `make` when there is none. */
  of(scope: string, text: string, make: () => T): T;
  readonly size: number;
}

/** Keeps `most` entries, and of those that were used last at least half as many. */
export function createMemo<T>(most: number): Memo<T> {
  const entries = new Recent<T>(most);
  return {
    of: (scope, text, make) => {
      // Lone surrogates all have the same UTF-8, but also mean the same to a model: none.
      const key = textKey(scope, text);
      const known = entries.get(key);
      if (known !== undefined) return known;
      const made = make();
      entries.set(key, made);
      return made;
    },
    get size() {
      return entries.size;
    },
  };
}

/** Stands for a text within a scope: SHA-256 of both, in base64. `scope` holds no NUL. */
export function textKey(scope: string, text: string): string {
  return hash("sha256", `${scope}\0${text}`, "base64");
}

/**
 * The entries that were used last, by key: two halves, of which the older one is forgotten when the newer one is full. What
 * is used moves on to the newer one. Cheaper than an exact order, which costs a removal for each use.
 */
export class Recent<T> {
  readonly #half: number;
  #newer = new Map<string, T>();
  #older = new Map<string, T>();

  /** @param most entries, at least 2: the last half of them is never forgotten */
  constructor(most: number) {
    this.#half = most / 2;
  }

  get(key: string): T | undefined {
    const entry = this.#newer.get(key);
    if (entry !== undefined) return entry;
    const older = this.#older.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: string, entry: T): void {
    if (this.#newer.size >= this.#half) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(key, entry);
  }

  /** An entry that moved on counts twice. */
  get size(): number {
    return this.#newer.size + this.#older.size;
  }
}
