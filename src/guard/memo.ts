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

/** Keeps the `most` entries that were used last. */
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

/** The entries that were used last, by key. */
export class Recent<T> {
  readonly #most: number;
  // A Map runs in the order of insertion: what was used is inserted again, so the first is the oldest.
  readonly #entries = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  set(key: string, entry: T): void {
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#most) this.#entries.delete(this.#entries.keys().next().value as string);
  }

  get size(): number {
    return this.#entries.size;
  }
}
