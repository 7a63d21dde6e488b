/**
 * Samples: from what is known of the fields of a message (`wire/shape.ts`), a message for every place in it that can hold
 * text, with that text there and nowhere else.
 *
 * This is what makes the matrix a generated one: a field that is added to a shape is in it from then on, and so is what
 * stands beside the known fields, a field and a name that nobody knows.
 *
 * @module
 */

import type { Fields, RecordShape, Shape } from "../wire/index.ts";

/** A place for text in a message of a shape. */
export interface Sample {
  /** A JSON Pointer, with a star for any element of a list and the kind of an object in brackets. */
  readonly field: string;
  /** How the text stands there. */
  readonly form: SampleForm;
  /** The smallest message of the shape with `text` in this place. */
  build(text: string): unknown;
}

export type SampleForm =
  | "text"
  /** A text of JSON with the text in it, plainly and with its first letter escaped. */
  | "json"
  | "json-escaped"
  /** In base64, stated to be text. */
  | "encoded"
  /** The name of a field. */
  | "name"
  /** In a field that the protocol does not know. */
  | "unknown"
  /** Where a number or a truth value belongs. */
  | "wrong-type"
  | "token"
  /** Text without meaning. */
  | "padding"
  /** Numbers that stand for text. */
  | "numbers";

/** The name of a field that no protocol has. */
const UNKNOWN = "x-unknown";

/** A sample for every place for text in messages of a shape. An object in itself is entered once on each way. */
export function samplesOf(shape: Shape): readonly Sample[] {
  return [...samples(shape, "", new Set())];
}

type Build = (text: string) => unknown;

function* samples(shape: Shape, field: string, way: ReadonlySet<Shape>): Generator<Sample> {
  const leaf = (form: SampleForm, build: Build = (text) => text): Sample => ({ field, form, build });
  switch (shape.is) {
    case "text":
    case "word":
    case "reference":
      yield leaf("text");
      return;
    case "json":
      yield leaf("json", (text) => JSON.stringify({ a: [text] }));
      yield leaf("json-escaped", escaped);
      return;
    case "base64":
    case "url":
      yield leaf("text", (text) => `${text} .`);
      if (shape.is === "url") yield leaf("encoded", (text) => `data:text/plain;base64,${base64(text)}`);
      return;
    case "padding":
      yield leaf("padding");
      return;
    case "logprobs":
      yield leaf("token", (token) => ({ content: [{ token, logprob: -1, bytes: null, top_logprobs: [] }] }));
      yield leaf("token", (token) => [{ token, logprob: -1, top_logprobs: [] }]);
      yield leaf("unknown", (text) => ({ [UNKNOWN]: text }));
      return;
    case "numbers":
      yield leaf("wrong-type");
      yield leaf("numbers", () => [1, 2, 3]);
      return;
    case "number":
    case "boolean":
      yield leaf("wrong-type");
      return;
    case "any":
      yield leaf("text");
      yield leaf("unknown", (text) => ({ [UNKNOWN]: [{ [UNKNOWN]: text }] }));
      yield leaf("name", (text) => ({ [text]: 1 }));
      return;
    case "list":
      for (const inner of samples(shape.of, `${field}/*`, way)) yield wrapped(inner, (value) => [value]);
      return;
    case "map":
      yield leaf("name", (text) => ({ [text]: smallest(shape.of) }));
      for (const inner of samples(shape.of, `${field}/*`, way)) yield wrapped(inner, (value) => ({ key: value }));
      return;
    case "record":
      if (!way.has(shape)) yield* inRecord(shape, field, new Set([...way, shape]));
      return;
    case "variant":
      for (const [tag, of] of Object.entries(shape.of)) {
        for (const inner of samples(of, `${field}(${tag})`, way)) {
          yield wrapped(inner, (value) => ({ ...(value as Fields), [shape.tag]: tagOf(value, shape.tag) ?? tag }));
        }
      }
      for (const inner of samples(shape.other, `${field}(other)`, way)) {
        yield wrapped(inner, (value) => (isFields(value) ? { [shape.tag]: UNKNOWN, ...value } : value));
      }
      return;
    case "either":
      for (const one of [shape.text, shape.list, shape.numbers, shape.record]) {
        if (one !== undefined) yield* samples(one, field, way);
      }
      return;
    case "from":
      yield* samples(shape.shape, field, way);
      return;
    case "lazy": {
      const of = shape.shape();
      if (!way.has(of)) yield* samples(of, field, new Set([...way, of]));
    }
  }
}

function* inRecord(shape: RecordShape, field: string, way: ReadonlySet<Shape>): Generator<Sample> {
  const required = Object.fromEntries(shape.required.map((name) => [name, smallest(shape.fields[name] as Shape)]));
  for (const [name, of] of Object.entries(shape.fields)) {
    for (const inner of samples(of, `${field}/${name}`, way)) {
      yield wrapped(inner, (value) => ({ ...required, [name]: value }));
    }
  }
  yield {
    field: `${field}/${UNKNOWN}`,
    form: "unknown",
    build: (text) => ({ ...required, [UNKNOWN]: { deep: [text] } }),
  };
  yield { field: `${field}/${UNKNOWN}`, form: "name", build: (text) => ({ ...required, [text]: 1 }) };
}

function wrapped(inner: Sample, around: (value: unknown) => unknown): Sample {
  return { ...inner, build: (text) => around(inner.build(text)) };
}

/** The smallest value of a shape. */
function smallest(shape: Shape): unknown {
  switch (shape.is) {
    case "word":
      return [...shape.of][0] ?? "";
    case "number":
      return 1;
    case "boolean":
      return true;
    case "list":
    case "numbers":
      return [];
    case "record":
      return Object.fromEntries(shape.required.map((name) => [name, smallest(shape.fields[name] as Shape)]));
    case "map":
      return {};
    case "variant":
      return { [shape.tag]: UNKNOWN };
    case "either": {
      const first = shape.text ?? shape.list ?? shape.numbers ?? shape.record;
      return first === undefined ? true : smallest(first);
    }
    case "from":
      return smallest(shape.shape);
    case "lazy":
      return smallest(shape.shape());
    default:
      return "x";
  }
}

/** The tag that a sample puts its text into, so that the variant does not put its own over it. */
function tagOf(value: unknown, tag: string): unknown {
  return isFields(value) ? value[tag] : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function escaped(text: string): string {
  const code = text.charCodeAt(0).toString(16).padStart(4, "0");
  return `{"a":["\\u${code}${text.slice(1)}"]}`;
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
