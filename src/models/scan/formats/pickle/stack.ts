/**
 * Stack, marks and memo of the machine. What is not there where it is wanted is a fault, and stands as `unknown`.
 *
 * @module
 */

import { UNKNOWN, type Value } from "./values.ts";

export class MachineStack {
  readonly #values: Value[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Value>();
  readonly #fault: (what: string) => void;

  constructor(fault: (what: string) => void) {
    this.#fault = fault;
  }

  /** Entries of stack and memo together. */
  get size(): number {
    return this.#values.length + this.#marks.length + this.#memo.size;
  }

  push(value: Value): true {
    this.#values.push(value);
    return true;
  }

  mark(): true {
    this.#marks.push(this.#values.length);
    return true;
  }

  /** POP: a mark is on the stack like anything else. */
  drop(): true {
    if (this.#marks.at(-1) === this.#values.length) this.#marks.pop();
    else this.pop();
    return true;
  }

  pop(): Value {
    const value = this.top();
    if (this.#values.length > this.#floor()) this.#values.pop();
    return value;
  }

  top(): Value {
    if (this.#values.length > this.#floor()) return this.#values.at(-1) as Value;
    this.#fault("nothing on the stack");
    return UNKNOWN;
  }

  /** The last `count` values, in their order. */
  popMany(count: number): readonly Value[] {
    if (this.#values.length - count >= this.#floor()) return this.#values.splice(this.#values.length - count);
    this.#fault("nothing on the stack");
    const there = this.#values.splice(this.#floor());
    return [...Array.from({ length: count - there.length }, () => UNKNOWN), ...there];
  }

  /** What stands above the last mark, which goes with it. */
  popMark(): readonly Value[] {
    const from = this.#marks.pop();
    if (from === undefined) this.#fault("no mark");
    return this.#values.splice(from ?? this.#values.length);
  }

  get(index: number): true {
    const value = this.#memo.get(index);
    if (value === undefined) this.#fault(`nothing in the memo at ${index}`);
    return this.push(value ?? UNKNOWN);
  }

  put(index: number): true {
    this.#memo.set(index, this.top());
    return true;
  }

  memoize(): true {
    return this.put(this.#memo.size);
  }

  /** Values stop at the last mark: instructions do not take what is below it. */
  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }
}
