/**
 * Shape: what is known of the fields of a message, as data.
 *
 * A shape never decides *whether* a text is read: the walker (`walk.ts`) visits every string and every property name
 * of a value, known or not. It decides under which origin a text is read, which strings need no reading because they
 * are words of the protocol, which hold JSON or base64, and which types a request must have.
 *
 * @module
 */

import type { Origin } from "../../guard/index.ts";
import type { MediaKind } from "./media.ts";

export type Shape =
  /**
   * Anything: every string and every name in it is text. `part`: successive events of a stream continue the text.
   * `media`: an object here may be an image or a file in a form that is not known.
   */
  | { readonly is: "any"; readonly part?: boolean; readonly media?: boolean }
  /** A string. `part`: a piece of a streamed text. `sealed`: signed or quoted, it may be blocked but never changed. */
  | { readonly is: "text"; readonly part?: boolean; readonly sealed?: boolean }
  /** A string that holds JSON. */
  | { readonly is: "json"; readonly part?: boolean }
  /** A string that is not read when it is one of the protocol's own words. */
  | { readonly is: "word"; readonly of: ReadonlySet<string> }
  /**
   * Base64: text where its object's `media_type` says so, and not text else, unless it is short or not base64 at all.
   * `media`: what it is, where its type and its bytes do not tell. `sealed`: a signature, or what only its API can read.
   */
  | { readonly is: "base64"; readonly media?: MediaKind; readonly sealed?: boolean }
  /** A URL: text, but for the payload of a base64 `data:` URL. `file`: the payload may also stand alone. */
  | { readonly is: "url"; readonly file?: boolean; readonly media?: MediaKind }
  /**
   * An id, or a URL, of what the upstream puts in its place: read as text itself, and reported as not scanned. `media`:
   * it stands for an image or a file.
   */
  | { readonly is: "reference"; readonly media?: MediaKind }
  /** Random text without meaning, whose length alone matters (`obfuscation`). */
  | { readonly is: "padding" }
  /** The tokens of an answer with their probabilities: the answer's text once more. */
  | { readonly is: "logprobs" }
  /** A list of numbers that stands for something else than numbers. */
  | { readonly is: "numbers"; readonly kind: "token-ids" | "vector" }
  | { readonly is: "number" }
  | { readonly is: "boolean" }
  /** `token` names an element in pointers where its position does not tell what a stream's next event continues. */
  | {
      readonly is: "list";
      readonly of: Shape;
      readonly token?: (item: unknown, position: number) => number | string;
    }
  /** An object with fixed names. Fields that are not listed have the shape `rest`. */
  | RecordShape
  /** An object whose names are the caller's own. */
  | { readonly is: "map"; readonly of: Shape }
  /** An object whose `tag` field tells which record it is. */
  | {
      readonly is: "variant";
      readonly tag: string;
      readonly of: Readonly<Record<string, Shape>>;
      readonly other: Shape;
    }
  /** Chosen by the type of the value. `numbers` is for a list that holds nothing but numbers. */
  | {
      readonly is: "either";
      readonly text?: Shape;
      readonly list?: Shape;
      readonly record?: Shape;
      readonly numbers?: Shape;
      readonly boolean?: Shape;
    }
  /** What is inside has this origin, or the origin that the object's own fields tell. */
  | { readonly is: "from"; readonly origin: Origin | ((value: Fields) => Origin); readonly shape: Shape }
  /** A shape that contains itself. */
  | { readonly is: "lazy"; readonly shape: () => Shape };

export interface RecordShape {
  readonly is: "record";
  readonly fields: Readonly<Record<string, Shape>>;
  readonly required: readonly string[];
  readonly rest: Shape;
  /** Fields that have another name in pointers: what they say is a piece of what stands there. */
  readonly as?: Readonly<Record<string, string>>;
}

/** What one kind of event of a stream says: a shape, and the event around a value of it. */
export interface EventShape {
  readonly name: string;
  readonly shape: Shape;
  readonly event: (value: unknown) => unknown;
}

export type Fields = Readonly<Record<string, unknown>>;

export const any: Shape = { is: "any" };
/** A part of a message, of a kind that is not known. */
export const unknownPart: Shape = { is: "any", media: true };
export const text: Shape = { is: "text" };
export const json: Shape = { is: "json" };
export const base64: Shape = { is: "base64" };
/** What an API takes back only as it gave it: a mask in it becomes a block. */
export const sealedBase64: Shape = { is: "base64", sealed: true };
export const url: Shape = { is: "url" };
export const reference: Shape = { is: "reference" };
/** A file that the upstream keeps under an id. */
export const fileId: Shape = { is: "reference", media: "file" };
export const number: Shape = { is: "number" };
export const boolean: Shape = { is: "boolean" };
/** What no field of the protocol is known for: nobody may have written it with authority. */
const unknown: Shape = { is: "from", origin: "metadata", shape: any };

export function list(of: Shape): Shape {
  return { is: "list", of };
}

export function record(fields: Readonly<Record<string, Shape>>, options: Partial<RecordShape> = {}): RecordShape {
  // Without a prototype, so that a field named like a method of Object is an unknown field.
  return { is: "record", required: [], rest: unknown, ...options, fields: bare(fields) };
}

export function variant(tag: string, of: Readonly<Record<string, Shape>>, other: Shape): Shape {
  return { is: "variant", tag, of: bare(of), other };
}

export function word(...of: readonly string[]): Shape {
  return { is: "word", of: new Set(of) };
}

export function from(origin: Origin | ((value: Fields) => Origin), shape: Shape): Shape {
  return { is: "from", origin, shape };
}

function bare<T>(entries: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.assign(Object.create(null) as Record<string, T>, entries);
}
