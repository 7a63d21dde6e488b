/**
 * The walker: visits every string and every property name of a JSON value, guided by a {@link Shape}.
 *
 * The rule that makes it safe: a shape can give a text an origin or a treatment, it cannot hide it. What a shape does
 * not know is visited as plain text. The only strings that no visitor sees are the protocol's own words (`role:
 * "user"`), known property names, and what is reported as not scanned: long base64 that is no text, lists of numbers.
 *
 * Pointers are RFC 6901 JSON Pointers, and they end up in receipts. A name that a caller chose may itself be a secret,
 * so it never stands in a pointer: `#3` is the fourth member of its object, `#names` all unknown names of an object,
 * `#head` the part of a `data:` URL before its payload, `#decoded` the text that a base64 payload holds, a `data:` URL
 * without its percent signs, or a JSON text that does not parse, unescaped. `pointer.ts` resolves them.
 *
 * @module
 */

import type { Origin } from "../../guard/index.ts";
import { contentOf, decodeBase64, decodePercent, essence, parseDataUrl, type Content } from "./encoded.ts";
import { inlineMedia, remoteMedia, type MediaKind, type MediaPart } from "./media.ts";
import type { Unscanned } from "./operation.ts";
import type { Fields, RecordShape, Shape } from "./shape.ts";

/** How a visited text is to be treated. See {@link Shape} for the words. */
export type Treatment =
  | "text"
  | "part"
  | "loose-part"
  | "sealed-part"
  | "sealed"
  | "json"
  | "json-part"
  | "names"
  | "padding";

/** Where a text stands, so that a visitor can write it: `holder[name]`. For names `holder` is the object itself. */
export interface Place {
  readonly holder: Record<string | number, unknown>;
  readonly name: string | number;
}

export interface Visitor {
  text(text: string, pointer: string, origin: Origin, treatment: Treatment, place: Place): void;
  /** A `logprobs` object, whatever its type. */
  logprobs(value: unknown, pointer: string, origin: Origin, place: Place): void;
  unscanned(part: Unscanned): void;
  /** An image or a file. Its text, if it has any, is visited as well. */
  media?(part: MediaPart): void;
  /**
   * A known field has another type than the protocol says. Throw to refuse the message; return, and the field is read
   * as unknown text.
   */
  mismatch(pointer: string, expected: string): void;
  /** A list or an object is gone into that has so many items or members. Throws to refuse the message. */
  enter(members: number): void;
  /** The number that stands for an unknown name in pointers. Without it, the member's place in its object. */
  member?(pointer: string, name: string): number;
}

/** Base64 up to this many characters is also read as text: a key fits into it, and a scan costs nothing. */
const SHORT_BASE64 = 4096;

/** The media type that the object which holds base64 or a reference states, in the spelling of each protocol. */
function statedType(holder: Holder): string | undefined {
  const type = holder["media_type"] ?? holder["mimeType"] ?? holder["mime_type"];
  return typeof type === "string" ? essence(type) : undefined;
}

/** Visits `value`, which stands at `pointer`. Recursion is as deep as the value, which `parseJson` has bounded. */
export function walk(shape: Shape, value: unknown, pointer: string, origin: Origin, visitor: Visitor): void {
  const root = { value };
  // A text that stands alone has no holder that a visitor could write to.
  if (typeof value === "string") visitor.text(value, pointer, origin, "sealed", { holder: root, name: "value" });
  else visit(shape, root, "value", pointer, origin, visitor);
}

type Holder = Record<string | number, unknown>;

function visit(
  shape: Shape,
  holder: Holder,
  name: string | number,
  pointer: string,
  origin: Origin,
  visitor: Visitor,
): void {
  const value = holder[name];
  // The official APIs take null for «not given», and so do we: there is nothing to read in it.
  if (value === null || value === undefined) return;
  switch (shape.is) {
    case "any":
      if (shape.media === true && isObject(value)) visitor.media?.(remoteMedia(pointer, "unknown", undefined));
      visitAny(shape.part === true, holder, name, pointer, origin, visitor);
      return;
    case "text": {
      if (typeof value !== "string") return mismatched(holder, name, pointer, visitor, "a string");
      const part = shape.part === true;
      const treatment = shape.sealed === true ? (part ? "sealed-part" : "sealed") : part ? "part" : "text";
      return visitor.text(value, pointer, origin, treatment, { holder, name });
    }
    case "json":
      if (typeof value !== "string") return mismatched(holder, name, pointer, visitor, "a string");
      return visitor.text(value, pointer, origin, shape.part === true ? "json-part" : "json", { holder, name });
    case "word":
      if (typeof value !== "string") return mismatched(holder, name, pointer, visitor, "a string");
      if (!shape.of.has(value)) visitor.text(value, pointer, origin, "text", { holder, name });
      return;
    case "padding":
      if (typeof value !== "string") return mismatched(holder, name, pointer, visitor, "a string");
      return visitor.text(value, pointer, origin, "padding", { holder, name });
    case "base64":
      if (typeof value !== "string") return mismatched(holder, name, pointer, visitor, "a string");
      return visitStated(shape, value, pointer, origin, visitor, { holder, name });
    case "url":
      if (typeof value !== "string") return mismatched(holder, name, pointer, visitor, "a string");
      return visitUrl(shape, value, pointer, origin, visitor, { holder, name });
    case "reference":
      if (typeof value !== "string") return mismatched(holder, name, pointer, visitor, "a string");
      return visitReference(shape.media, value, pointer, origin, visitor, { holder, name });
    case "logprobs":
      return visitor.logprobs(value, pointer, origin, { holder, name });
    case "numbers": {
      if (!isNumbers(value)) return mismatched(holder, name, pointer, visitor, "a list of numbers");
      return visitor.unscanned({ pointer, why: WHY[shape.kind], size: value.length, kind: shape.kind });
    }
    case "number":
      if (typeof value !== "number") mismatched(holder, name, pointer, visitor, "a number");
      return;
    case "boolean":
      if (typeof value !== "boolean") mismatched(holder, name, pointer, visitor, "a boolean");
      return;
    case "list": {
      if (!Array.isArray(value)) return mismatched(holder, name, pointer, visitor, "a list");
      visitor.enter(value.length);
      const items = value as unknown as Holder;
      for (let index = 0; index < value.length; index++) {
        if (value[index] === null && shape.of.is !== "any")
          visitor.mismatch(`${pointer}/${index}`, "something else than null");
        const token = shape.token === undefined ? index : shape.token(items[index], index);
        visit(shape.of, items, index, `${pointer}/${token}`, origin, visitor);
      }
      return;
    }
    case "record":
      if (!isObject(value)) return mismatched(holder, name, pointer, visitor, "an object");
      return visitRecord(shape, value, pointer, origin, visitor);
    case "map":
      if (!isObject(value)) return mismatched(holder, name, pointer, visitor, "an object");
      return visitMembers(value, NO_FIELDS, shape.of, pointer, origin, visitor);
    case "variant": {
      if (!isObject(value)) return mismatched(holder, name, pointer, visitor, "an object");
      const tag = value[shape.tag];
      const found = typeof tag === "string" ? shape.of[tag] : undefined;
      return visit(found ?? shape.other, holder, name, pointer, origin, visitor);
    }
    case "either": {
      const chosen = choose(shape, value);
      if (chosen === undefined) return mismatched(holder, name, pointer, visitor, allowed(shape));
      return visit(chosen, holder, name, pointer, origin, visitor);
    }
    case "from": {
      const inner =
        typeof shape.origin === "string" ? shape.origin : isObject(value) ? shape.origin(value) : "metadata";
      return visit(shape.shape, holder, name, pointer, inner, visitor);
    }
    case "lazy":
      return visit(shape.shape(), holder, name, pointer, origin, visitor);
  }
}

/** A field of another type than its shape says is read as text of no authority. */
function mismatched(holder: Holder, name: string | number, pointer: string, visitor: Visitor, expected: string): void {
  visitor.mismatch(pointer, expected);
  visitAny(false, holder, name, pointer, "metadata", visitor);
}

const ANY: Shape = { is: "any" };

/** Why content is not seen that stands elsewhere. */
export const WHY_REFERENCE = "content that the upstream keeps or fetches, and no guard sees";

const WHY = {
  "token-ids": "text given as token ids, which need the model's own tokenizer to read",
  vector: "an embedding, which is numbers and not text",
  base64: "base64 data, which no guard reads",
  numbers: "a long list of numbers, which may be text given as token ids",
  garbled: "base64 of a text that is not whole and valid UTF-8",
  reference: WHY_REFERENCE,
} as const;

function visitAny(
  part: boolean,
  holder: Holder,
  name: string | number,
  pointer: string,
  origin: Origin,
  visitor: Visitor,
): void {
  const value = holder[name];
  if (typeof value === "string") {
    visitor.text(value, pointer, origin, part && !LABELS.has(name) ? "loose-part" : "text", { holder, name });
    const url = part ? undefined : parseDataUrl(value);
    if (url?.base64 === true) {
      visitor.media?.(inlineMedia(pointer, "file", url.mediaType, value.slice(url.start)));
      visitPayload(value.slice(url.start), contentOf(url.mediaType), pointer, origin, visitor, { holder, name });
    } else if (url !== undefined) visitPercent(value, pointer, origin, visitor, { holder, name });
  } else if (Array.isArray(value)) {
    const numbers = numbersIn(value);
    if (numbers >= MANY_NUMBERS) {
      visitor.unscanned({ pointer, why: WHY.numbers, size: numbers, kind: "token-ids" });
      return;
    }
    visitor.enter(value.length);
    const items = value as unknown as Holder;
    for (let index = 0; index < value.length; index++) {
      visitAny(part, items, index, `${pointer}/${part ? ownIndex(items[index], index) : index}`, origin, visitor);
    }
  } else if (isObject(value)) {
    visitMembers(value, NO_FIELDS, part ? ANY_PART : ANY, pointer, origin, visitor);
  }
}

/**
 * As many numbers as make some words. Nobody says what they stand for, and servers take prompts as token ids under
 * names of their own; fewer are coordinates, sizes and sampling settings.
 */
const MANY_NUMBERS = 16;

/** The numbers of a list that holds nothing but numbers and lists of numbers; 0 for another list. */
function numbersIn(list: readonly unknown[]): number {
  let numbers = 0;
  for (const item of list) {
    if (typeof item === "number") numbers += 1;
    else if (isNumbers(item)) numbers += item.length;
    else return 0;
  }
  return numbers;
}

/** Fields that say of a piece what it is. They come whole each time: a client does not put them together. */
const LABELS: ReadonlySet<string | number> = new Set(["type", "id", "role", "format", "object", "status"]);

const ANY_PART: Shape = { is: "any", part: true };

function visitRecord(shape: RecordShape, value: Holder, pointer: string, origin: Origin, visitor: Visitor): void {
  for (const name of shape.required) {
    if (value[name] === undefined || value[name] === null) visitor.mismatch(`${pointer}/${name}`, "to be there");
  }
  visitMembers(value, shape.fields, shape.rest, pointer, origin, visitor, shape.as);
}

/** Without a prototype, as the fields of a record are. */
const NO_FIELDS: RecordShape["fields"] = Object.create(null) as RecordShape["fields"];

/** Visits the members of an object: known ones under their name, the others by position, then the others' names. */
function visitMembers(
  value: Holder,
  fields: RecordShape["fields"],
  rest: Shape,
  pointer: string,
  origin: Origin,
  visitor: Visitor,
  as?: RecordShape["as"],
): void {
  const names = Object.keys(value);
  visitor.enter(names.length);
  let others: string | undefined;
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    const shape = fields[name];
    if (shape === undefined) {
      others = others === undefined ? name : `${others}\n${name}`;
      const number = visitor.member === undefined ? index : visitor.member(pointer, name);
      visit(rest, value, name, `${pointer}/#${number}`, origin, visitor);
    } else {
      visit(shape, value, name, `${pointer}/${as?.[name] ?? name}`, origin, visitor);
    }
  }
  if (others !== undefined) {
    visitor.text(others, `${pointer}/#names`, origin === "user" ? "metadata" : origin, "names", {
      holder: value,
      name: "#names",
    });
  }
}

/** A URL, or the payload of a `data:` URL alone where it may stand so. */
function visitUrl(
  { file, media }: Extract<Shape, { is: "url" }>,
  value: string,
  pointer: string,
  origin: Origin,
  visitor: Visitor,
  place: Place,
): void {
  const url = parseDataUrl(value);
  const kind = media ?? "file";
  if (url?.base64 === true) {
    visitor.media?.(inlineMedia(pointer, kind, url.mediaType, value.slice(url.start)));
    visitBase64(value, url.start, contentOf(url.mediaType), pointer, origin, visitor, place);
  } else if (url === undefined && file === true && isBase64(value)) {
    visitor.media?.(inlineMedia(pointer, kind, undefined, value));
    visitBase64(value, 0, contentOf(undefined), pointer, origin, visitor, place);
  } else if (url === undefined && media !== undefined) {
    visitReference(media, value, pointer, origin, visitor, place);
  } else {
    visitor.text(value, pointer, origin, "text", place);
    if (url === undefined) return;
    visitor.media?.({ ...remoteMedia(pointer, kind, url.mediaType), bytes: Buffer.byteLength(value) });
    visitPercent(value, pointer, origin, visitor, place);
  }
}

/** Base64 of which the object that holds it states the type. Without a word it is a signature, sound or a vector. */
function visitStated(
  { media, sealed }: Extract<Shape, { is: "base64" }>,
  value: string,
  pointer: string,
  origin: Origin,
  visitor: Visitor,
  place: Place,
): void {
  const type = statedType(place.holder);
  if (media !== undefined) visitor.media?.(inlineMedia(pointer, media, type, value));
  const content = type === undefined ? "other" : contentOf(type);
  visitBase64(value, 0, content, pointer, origin, visitor, place, sealed === true ? "sealed" : "text");
}

/** An id or a URL: text itself, and the sign of what no guard sees. */
function visitReference(
  media: MediaKind | undefined,
  value: string,
  pointer: string,
  origin: Origin,
  visitor: Visitor,
  place: Place,
): void {
  visitor.text(value, pointer, origin, "text", place);
  if (value === "") return;
  visitor.unscanned({ pointer, why: WHY.reference, size: value.length, kind: "reference" });
  if (media !== undefined) visitor.media?.(remoteMedia(pointer, media, statedType(place.holder)));
}

/** Visits everything that may be text in base64 from `start` on, and reports the rest as not scanned. */
function visitBase64(
  value: string,
  start: number,
  content: Content,
  pointer: string,
  origin: Origin,
  visitor: Visitor,
  place: Place,
  treatment: "text" | "sealed" = "text",
): void {
  const size = value.length - start;
  const pure = size > 0 && isBase64(start === 0 ? value : value.slice(start));
  if (pure || content === "text") visitPayload(value.slice(start), content, pointer, origin, visitor, place);
  if (!pure || size <= SHORT_BASE64) visitor.text(value, pointer, origin, treatment, place);
  else if (start > 0) visitor.text(value.slice(0, start), `${pointer}/#head`, origin, "sealed", place);
}

/** Visits the text that a payload of base64 holds. What is not read, or may be more than text, is reported. */
function visitPayload(
  payload: string,
  content: Content,
  pointer: string,
  origin: Origin,
  visitor: Visitor,
  place: Place,
): void {
  const decoded = content === "other" ? undefined : decodeBase64(payload, content);
  if (payload !== "" && (content !== "text" || decoded?.whole !== true)) {
    const why = content === "text" ? WHY.garbled : WHY.base64;
    visitor.unscanned({ pointer, why, size: payload.length, kind: "base64" });
  }
  if (decoded !== undefined) visitor.text(decoded.text, `${pointer}/#decoded`, origin, "sealed", place);
}

/** A `data:` URL may write any character of its text as percent-encoded bytes. */
function visitPercent(value: string, pointer: string, origin: Origin, visitor: Visitor, place: Place): void {
  const decoded = decodePercent(value);
  if (decoded !== value) visitor.text(decoded, `${pointer}/#decoded`, origin, "sealed", place);
}

/** Either alphabet of RFC 4648, with line breaks as MIME writes them. */
function isBase64(value: string): boolean {
  return /^[A-Za-z0-9+/_\-=\r\n]*$/.test(value);
}

function choose(shape: Extract<Shape, { is: "either" }>, value: unknown): Shape | undefined {
  if (typeof value === "string") return shape.text;
  if (typeof value === "boolean") return shape.boolean;
  if (Array.isArray(value)) return shape.numbers !== undefined && isNumbers(value) ? shape.numbers : shape.list;
  return isObject(value) ? shape.record : undefined;
}

function allowed(shape: Extract<Shape, { is: "either" }>): string {
  const types = [
    shape.text && "a string",
    shape.boolean && "a boolean",
    (shape.list ?? shape.numbers) && "a list",
    shape.record && "an object",
  ];
  return types.filter((type) => type !== undefined).join(" or ");
}

/** The `index` that an element of a stream names itself by, else its position. */
export function ownIndex(value: unknown, position: number): number {
  const index = isObject(value) ? value["index"] : undefined;
  return typeof index === "number" && Number.isSafeInteger(index) && index >= 0 ? index : position;
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "number");
}

export function isObject(value: unknown): value is Holder & Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
