/**
 * The texts of a message, wherever they stand in it: every string of a JSON-like value, with its pointer and who wrote
 * it. Reading all strings, and not the fields of today's API, is what keeps a new field from being a way around the
 * guard.
 *
 * Left out are only names of the APIs' own grammar (`role`, `type`, ids) and bytes that are no text. Inside data of
 * others (a tool's arguments and results, schemas) nothing is left out, and the names of members are read as well: their
 * pointer is the member's with `~` behind it, which no member of a message can have.
 *
 * @module
 */

import type { Inspection } from "../guard.ts";
import type { Origin, TextSpan } from "../detector.ts";
import { useError } from "./errors.ts";

export interface Texts {
  readonly spans: readonly TextSpan[];
  /** The message with new texts at these pointers. The message itself is left as it is. */
  replace(masked: Inspection["masked"]): unknown;
}

/** How a message is read. */
export interface Reading {
  /** Who wrote what has no role of its own. */
  readonly origin: Origin;
  /** The whole message is somebody's data: nothing in it has a meaning for us, roles neither. */
  readonly foreign?: boolean;
}

/** Levels of arrays and objects. Deeper messages are refused, not read in part. */
const MAX_DEPTH = 128;

/** Grammar of the APIs: what may stand there is fixed, or means nothing to a model. */
const GRAMMAR: ReadonlySet<string> = new Set([
  ..."type role id object model status index finish_reason stop_reason service_tier system_fingerprint".split(" "),
  ..."tool_call_id tool_use_id toolCallId call_id item_id approvalId previous_response_id response_id".split(" "),
  ..."media_type mediaType mimeType encoding_format signature encrypted_content obfuscation logprobs".split(" "),
]);

/** What OpenAI's response object repeats of the request: judged there, and no words of the model. */
const REPEATED: ReadonlySet<string> = new Set(["instructions", "tools", "metadata", "user", "prompt", "input"]);

/** Data of others. */
const FOREIGN: ReadonlySet<string> = new Set(
  "parameters input_schema inputSchema schema arguments args result value metadata providerOptions".split(" "),
);

/** A string in the message. */
interface Place {
  readonly span: TextSpan;
  readonly path: readonly string[];
  /** How a new text is written there. `undefined`: it is the name of the member. */
  readonly write: ((text: string) => unknown) | undefined;
}

/** Finds the texts of `message`. @throws `guard.body-unread` when it is nested too deeply */
export function textsOf(message: unknown, { origin, foreign = false }: Reading): Texts {
  const places: Place[] = [];
  walk(message, [], origin, foreign, places);
  return {
    spans: places.map(({ span }) => span),
    replace: (masked) => {
      const byPointer = new Map(masked.map(({ pointer, text }) => [pointer, text]));
      let changed = message;
      // From the end, so that a name changes after everything below it.
      for (const { span, path, write } of places.toReversed()) {
        const text = byPointer.get(span.pointer);
        if (text !== undefined)
          changed = put(
            changed,
            path,
            (old) => (write === undefined ? old : write(text)),
            write === undefined ? text : undefined,
          );
      }
      return changed;
    },
  };
}

/** Whether a name belongs to the APIs' own grammar, so that nothing in it is a text. */
export function isGrammar(name: string): boolean {
  return GRAMMAR.has(name);
}

/** The message with this text at the pointer, whatever stood there. */
export function withTextAt(message: unknown, pointer: string, text: string): unknown {
  const path = pointer
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  return put(message, path, () => text, undefined);
}

/** The message without the probabilities of its tokens, which spell the text as it was. */
export function withoutLogprobs(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(withoutLogprobs);
  if (!isPlain(message)) return message;
  return Object.fromEntries(
    Object.entries(message).map(([name, member]) => {
      if (name !== "logprobs") return [name, withoutLogprobs(member)];
      return [name, Array.isArray(member) ? [] : null];
    }),
  );
}

function walk(value: unknown, path: readonly string[], origin: Origin, foreign: boolean, places: Place[]): void {
  if (typeof value === "string") {
    addText(value, path, origin, places);
    return;
  }
  if (path.length > MAX_DEPTH) throw useError("guard.body-unread", { detail: `more than ${MAX_DEPTH} levels` });
  if (Array.isArray(value)) {
    value.forEach((entry: unknown, index) => walk(entry, [...path, String(index)], origin, foreign, places));
    return;
  }
  if (!isPlain(value)) return;
  const own = foreign ? origin : (originOf(value) ?? origin);
  const bytes = foreign ? undefined : textBytes(value);
  for (const [name, member] of Object.entries(value)) {
    const at = [...path, name];
    if (foreign) {
      if (name !== "")
        places.push({ span: { pointer: `${pointerOf(at)}~`, text: name, origin }, path: at, write: undefined });
      walk(member, at, origin, true, places);
      continue;
    }
    if (GRAMMAR.has(name)) continue;
    if (name === "data" && bytes !== undefined) {
      if (bytes !== null)
        places.push({ span: { pointer: pointerOf(at), text: bytes.text, origin: own }, path: at, write: bytes.write });
      continue;
    }
    if (value["object"] === "response" && REPEATED.has(name)) continue;
    walk(member, at, fieldOrigin(name, path, value) ?? own, isForeign(name, member), places);
  }
}

/** A text, unless it is a `data:` URL of bytes that are no text. */
function addText(text: string, path: readonly string[], origin: Origin, places: Place[]): void {
  const pointer = pointerOf(path);
  const url = DATA_URL.exec(text);
  if (url === null) {
    if (text !== "") places.push({ span: { pointer, text, origin }, path, write: (changed) => changed });
    return;
  }
  const [head, media = ""] = url;
  if (!isTextual(media)) return;
  const decoded = Buffer.from(text.slice(head.length), "base64").toString("utf8");
  const write = (changed: string): string => head + Buffer.from(changed, "utf8").toString("base64");
  places.push({ span: { pointer, text: decoded, origin }, path, write });
}

/** RFC 2397, as the APIs carry files. */
const DATA_URL = /^data:([\w.+-]{1,80}\/[\w.+-]{1,80})?(?:;[\w.+-]{1,40}=[\w.+-]{1,80}){0,4};base64,/;

/** The text of bytes that say they are one; `null` for other bytes; `undefined` where there are none. */
function textBytes(
  value: Readonly<Record<string, unknown>>,
): { readonly text: string; readonly write: (text: string) => unknown } | null | undefined {
  const media = value["media_type"] ?? value["mediaType"] ?? value["mimeType"];
  const { data } = value;
  if (typeof media !== "string") return undefined;
  const bytes = isPlain(data) && data["type"] === "data" ? data["data"] : data;
  const wrap = (inner: unknown): unknown => (bytes === data ? inner : { ...(data as object), data: inner });
  if (bytes instanceof Uint8Array) {
    if (!isTextual(media)) return null;
    return { text: Buffer.from(bytes).toString("utf8"), write: (text) => wrap(new TextEncoder().encode(text)) };
  }
  // The AI SDK also carries text, and URLs, in the place of bytes.
  if (typeof bytes !== "string" || URL.canParse(bytes)) return undefined;
  // A source of type `text` holds the text itself.
  if (value["type"] === "text") return { text: bytes, write: wrap };
  if (!isTextual(media)) return null;
  return {
    text: Buffer.from(bytes, "base64").toString("utf8"),
    write: (text) => wrap(Buffer.from(text, "utf8").toString("base64")),
  };
}

function isTextual(media: string): boolean {
  return /^text\/|^application\/(?:json|xml|[\w.-]{1,60}\+(?:json|xml))/.test(media);
}

const ROLES: Readonly<Record<string, Origin>> = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
  tool: "tool",
  function: "tool",
};

/** Whose words an object says that it holds. */
function originOf(value: Readonly<Record<string, unknown>>): Origin | undefined {
  const { role, type } = value;
  if (typeof type === "string") {
    // A result stands in a message of the user, or of nobody: what it says comes from the tool.
    if (/tool[-_]result$|_output$|_call_result$/.test(type)) return "tool";
    if (type === "document" || type === "search_result") return "document";
    if (isToolCall(value)) return "assistant";
  }
  return typeof role === "string" && Object.hasOwn(ROLES, role) ? ROLES[role] : undefined;
}

function isToolCall({ type }: Readonly<Record<string, unknown>>): boolean {
  return typeof type === "string" && /tool[-_](?:call|use)$|_call$/.test(type);
}

/** Data of others: by the field's name, or an object where the API's own grammar has a text or a list. */
function isForeign(name: string, member: unknown): boolean {
  if (FOREIGN.has(name) || (name === "input" && isPlain(member))) return true;
  // The AI SDK's outputs say their type, and hold the data in `value`.
  return name === "output" && isPlain(member) && !("type" in member);
}

/** Fields at the top of a request that stand for a message, and a tool's answer next to its call. */
function fieldOrigin(
  name: string,
  path: readonly string[],
  parent: Readonly<Record<string, unknown>>,
): Origin | undefined {
  if (name === "output" && isToolCall(parent)) return "tool";
  if (path.length > 0) return undefined;
  if (name === "system" || name === "instructions") return "system";
  return name === "tools" || name === "metadata" ? "metadata" : undefined;
}

/** Objects of JSON: others (streams, files, signals) are the business of whoever made them. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function pointerOf(path: readonly string[]): string {
  return path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** `value` with the member at `path` changed, or renamed; what is on the way is copied. */
function put(
  value: unknown,
  path: readonly string[],
  change: (old: unknown) => unknown,
  rename: string | undefined,
): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return change(value);
  if (Array.isArray(value)) {
    return value.map((entry: unknown, index) => (String(index) === name ? put(entry, rest, change, rename) : entry));
  }
  const renamed = rest.length === 0 ? rename : undefined;
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, unknown>>).map(([key, member]) =>
      key === name ? [renamed ?? key, put(member, rest, change, rename)] : [key, member],
    ),
  );
}
