/**
 * A value that cannot be printed by accident: every way in which JavaScript turns a value into text yields
 * `[secret]`. The only way to the content is {@link Secret.reveal}, which is easy to search for.
 *
 * @module
 */

const inspect = Symbol.for("nodejs.util.inspect.custom");
const PRINTED = "[secret]";

/**
 * @example
 * ```ts
 * import { Secret } from "holdfast/core";
 *
 * const key = new Secret("sk-live");
 * console.log(`${key}`, JSON.stringify({ key })); // [secret] {"key":"[secret]"}
 * key.reveal(); // "sk-live"
 * ```
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The content. Call it where the secret is used, never to store or print it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  [Symbol.toPrimitive](): string {
    return PRINTED;
  }

  [inspect](): string {
    return PRINTED;
  }
}
