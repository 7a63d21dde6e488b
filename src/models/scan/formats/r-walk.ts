/**
 * A walk over an object that R serialized: what in it is a promise, which functions its code names. Nothing is made of it.
 *
 * Source: R Internals 1.8, «Serialization Formats», and src/main/serialize.c of R 4.4 (`ReadItem`, `ReadBC`).
 *
 * @module
 */

import type { RInput } from "./r-input.ts";

/** What a walk meets. */
export interface RVisitor {
  /**
   * An expression that R evaluates once somebody touches it, where none belongs. The arguments of a function are such
   * promises until it uses them, and so they stand in the environments of functions and formulas: of those nothing is said.
   */
  promise(offset: number): void;
  /** A function that code calls, by its name; in a promise that was not evaluated also a string. */
  called(name: string, at: { readonly inPromise: boolean; readonly offset: number }): void;
  /** Whether a step may still be taken. */
  step(): boolean;
}

/** It is no serialization, or one that R would refuse. */
export class RInvalid extends Error {
  override readonly name = "RInvalid";
}

/** The walk was given up, since its steps are used up. */
export class RGivenUp extends Error {
  override readonly name = "RGivenUp";
}

/** Types of objects, and those that stand for values without content (`SEXPTYPE`, and serialize.c). */
const Type = {
  symbol: 1,
  list: 2,
  closure: 3,
  environment: 4,
  promise: 5,
  language: 6,
  special: 7,
  builtin: 8,
  string: 9,
  logical: 10,
  integer: 13,
  real: 14,
  complex: 15,
  strings: 16,
  dots: 17,
  vector: 19,
  expression: 20,
  bytecode: 21,
  pointer: 22,
  weakReference: 23,
  raw: 24,
  s4: 25,
  altrep: 238,
  attributedList: 239,
  attributedLanguage: 240,
  emptyEnvironment: 242,
  codeReference: 243,
  codeDefinition: 244,
  persistent: 247,
  packageName: 248,
  namespace: 249,
  unbound: 252,
  nil: 254,
  reference: 255,
} as const;

/** What vectors of numbers are made of. */
const NUMBERS: ReadonlyMap<number, "byte" | "complex" | "double" | "int"> = new Map([
  [Type.logical, "int"],
  [Type.integer, "int"],
  [Type.real, "double"],
  [Type.complex, "complex"],
  [Type.raw, "byte"],
]);

const HAS_ATTRIBUTES = 0x200;
const HAS_TAG = 0x400;
/** Objects in objects: R's own stack ends not far behind it. */
const MAX_DEPTH = 2_000;

interface Place {
  readonly depth: number;
  /** In the code of a promise that was not evaluated. */
  readonly inPromise: boolean;
  /** The names of an environment with what they are bound to, or what one of them is bound to. */
  readonly of: "binding" | "frame" | "other";
  /** It stands where a call names its function. */
  readonly called: boolean;
}

/** What an item was, as far as the one around it asks. */
interface Item {
  readonly type: number;
  /** Of a symbol or a string. */
  readonly text: string;
}

/** Walks over the object at the input's place. @throws RInvalid, RGivenUp, Truncated */
export function walkR(input: RInput, visitor: RVisitor): void {
  new Walk(input, visitor).item({ depth: 0, inPromise: false, of: "other", called: false });
}

class Walk {
  readonly #input: RInput;
  readonly #visitor: RVisitor;
  /** Names of the symbols that are referred to by number; empty for what is none. */
  readonly #references: string[] = [];

  constructor(input: RInput, visitor: RVisitor) {
    this.#input = input;
    this.#visitor = visitor;
  }

  item(place: Place): Item {
    const offset = this.#input.reader.position;
    const flags = this.#input.int();
    return this.#ofFlags(flags, offset, place);
  }

  #ofFlags(flags: number, offset: number, place: Place): Item {
    this.#step();
    checkDepth(place);
    const type = flags & 0xff;
    if (isPairs(type)) return this.#pairs(flags, offset, place);
    const inner: Place = { ...place, depth: place.depth + 1, of: "other", called: false };
    let text = "";
    switch (type) {
      case Type.reference: {
        const index = flags >>> 8 === 0 ? this.#input.int() : flags >>> 8;
        const name = this.#references[index - 1];
        if (name === undefined) throw new RInvalid(`a reference to object ${index}, which is none`);
        text = name;
        this.#name(text, offset, place);
        return { type: text === "" ? type : Type.symbol, text };
      }
      case Type.symbol:
        text = this.item(inner).text;
        this.#references.push(text);
        this.#name(text, offset, place);
        return { type, text };
      case Type.string: {
        const length = this.#input.int();
        // -1 is a missing string.
        text = length === -1 ? "" : this.#input.text(counted(length));
        if (place.inPromise) this.#visitor.called(text, { inPromise: true, offset });
        break;
      }
      case Type.persistent:
      case Type.packageName:
      case Type.namespace:
        this.#references.push("");
        this.#input.int();
        this.#items(this.#input.int(), inner);
        return { type, text };
      case Type.environment:
        this.#references.push("");
        this.#input.int();
        // What is around it; its names, in a list or in the lists of a table; its attributes.
        this.#items(1, inner);
        this.#items(2, { ...inner, of: "frame" });
        this.#items(1, inner);
        return { type, text };
      case Type.pointer:
        this.#references.push("");
        this.#items(2, inner);
        break;
      case Type.weakReference:
        this.#references.push("");
        break;
      case Type.special:
      case Type.builtin:
        text = this.#input.text(counted(this.#input.int()));
        this.#name(text, offset, { ...place, called: true });
        break;
      case Type.strings:
      case Type.vector:
      case Type.expression:
        this.#items(this.#length(), place.of === "frame" ? { ...inner, of: "frame" } : inner);
        break;
      case Type.bytecode:
        this.#input.int();
        this.#bytecode(inner);
        break;
      case Type.altrep:
        this.#items(3, inner);
        return { type, text };
      case Type.s4:
        break;
      default: {
        const unit = NUMBERS.get(type);
        if (unit === undefined) return { type: valueType(type), text };
        this.#input.skip(unit, this.#length());
      }
    }
    if ((flags & HAS_ATTRIBUTES) !== 0) this.item(inner);
    return { type, text };
  }

  #step(): void {
    if (!this.#visitor.step()) throw new RGivenUp("no steps are left");
  }

  #items(count: number, place: Place): void {
    for (let left = counted(count); left > 0; left--) this.item(place);
  }

  /** A count of 32 bits, or where that is -1 one of 64 (long vectors). */
  #length(): number {
    const count = this.#input.int();
    if (count !== -1) return counted(count);
    const [upper, lower] = [this.#input.int(), this.#input.int()];
    return counted(upper * 2 ** 32 + (lower >>> 0));
  }

  /** Lists, calls, functions and promises are pairs: of a first and of the rest, which is most often pairs again. */
  #pairs(first: number, from: number, place: Place): Item {
    const inner: Place = { ...place, depth: place.depth + 1, of: "other", called: false };
    // Of what stands for `...`, the first pair alone has a type of its own.
    const ofBindings = place.of === "frame" || (first & 0xff) === Type.dots;
    let [flags, offset, isQualified] = [first, from, false];
    for (;;) {
      const kind = flags & 0xff;
      if (!isPairs(kind)) {
        this.#ofFlags(flags, offset, inner);
        break;
      }
      this.#step();
      if ((flags & HAS_ATTRIBUTES) !== 0) this.item(inner);
      if ((flags & HAS_TAG) !== 0) this.item(inner);
      if (kind === Type.promise) {
        this.#promise(offset, place.of === "binding" && offset === from, inner);
        break;
      }
      const isBinding = kind === Type.dots || (kind === Type.list && ofBindings);
      const called = kind === Type.language || isQualified;
      const { text } = this.item({ ...inner, of: isBinding ? "binding" : "other", called });
      if (kind === Type.language) isQualified = isQualifier(text);
      offset = this.#input.reader.position;
      flags = this.#input.int();
    }
    return { type: first & 0xff, text: "" };
  }

  /** The value of a promise, and its code: the environment stood before them. */
  #promise(offset: number, belongs: boolean, inner: Place): void {
    const isEvaluated = this.item(inner).type !== Type.unbound;
    if (!isEvaluated && !belongs) this.#visitor.promise(offset);
    this.item({ ...inner, inPromise: inner.inPromise || !isEvaluated });
  }

  /** What the interpreter runs instead of a call: instructions, and the constants that they take. */
  #bytecode(place: Place): void {
    const inner = { ...place, depth: place.depth + 1 };
    checkDepth(inner);
    this.item(inner);
    for (let left = counted(this.#input.int()); left > 0; left--) {
      const type = this.#input.int();
      if (type === Type.bytecode) this.#bytecode(inner);
      else if (isCodePairs(type)) this.#codePairs(type, inner);
      else this.item(inner);
    }
  }

  /** Pairs in bytecode say the type of what follows apart from it, and are referred to by number. */
  #codePairs(first: number, place: Place): void {
    const inner: Place = { ...place, depth: place.depth + 1, called: false };
    checkDepth(inner);
    let [type, isQualified] = [first, false];
    for (;;) {
      this.#step();
      if (type === Type.codeReference) {
        this.#input.int();
        return;
      }
      if (!isCodePairs(type)) {
        this.item(inner);
        return;
      }
      if (type === Type.codeDefinition) {
        this.#input.int();
        type = this.#input.int();
      }
      const isCall = type === Type.language || type === Type.attributedLanguage;
      if (type === Type.attributedLanguage || type === Type.attributedList) this.item(inner);
      this.item(inner);
      const head = this.#input.int();
      if (isCodePairs(head)) this.#codePairs(head, inner);
      else {
        const { text } = this.item({ ...inner, called: isCall || isQualified });
        if (isCall) isQualified = isQualifier(text);
      }
      type = this.#input.int();
    }
  }

  #name(name: string, offset: number, { called, inPromise }: Place): void {
    if (called) this.#visitor.called(name, { inPromise, offset });
  }
}

/** `base::system` is a call too: its second name is that of the function. */
function isQualifier(name: string): boolean {
  return name === "::" || name === ":::";
}

/** The types that stand for one value each: `NULL`, the global environment, what is missing. @throws RInvalid for others */
function valueType(type: number): number {
  if (type < 241 || type > Type.nil) throw new RInvalid(`an object of type ${type}`);
  return type;
}

function isPairs(type: number): boolean {
  return (
    type === Type.list || type === Type.language || type === Type.closure || type === Type.promise || type === Type.dots
  );
}

function isCodePairs(type: number): boolean {
  return (
    type === Type.language ||
    type === Type.list ||
    type === Type.codeDefinition ||
    type === Type.codeReference ||
    type === Type.attributedLanguage ||
    type === Type.attributedList
  );
}

function checkDepth({ depth }: Place): void {
  if (depth > MAX_DEPTH) throw new RInvalid(`more than ${MAX_DEPTH} objects in one another`);
}

function counted(count: number): number {
  if (count < 0) throw new RInvalid(`a count of ${count}`);
  return count;
}
