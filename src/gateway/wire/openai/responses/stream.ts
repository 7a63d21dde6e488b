/**
 * A streamed response (OpenAI API reference, «Streaming events»). The same text comes up to five times: in pieces
 * (`….delta`), whole (`….done`), in its part (`content_part.done`), in its item (`output_item.done`) and in the response
 * (`response.completed`). The pieces are a channel; what its guard let out is what the same text becomes in the others,
 * and where an upstream says something else there, that is judged for itself.
 *
 * Clients put texts together by index, by item id or by kind. A stream in which these tell different stories, which would
 * be another text to each of them, is not the protocol.
 *
 * @module
 */

import { gatewayError, type GatewayError } from "../../../errors.ts";
import type { SseEvent } from "../../../sse/index.ts";
import type { ResponseStream, StreamHooks, Usage } from "../../operation.ts";
import { count } from "../../read.ts";
import type { Fields, Shape } from "../../shape.ts";
import type { Relay } from "../../stream/relay.ts";
import type { Steps } from "../../stream/settle.ts";
import { createResponseStream } from "../../stream/stream.ts";
import { upstreamError } from "../../stream/upstream-error.ts";
import { isObject } from "../../walk.ts";
import { containersOf } from "./kept.ts";
import { deltaOf, DELTAS, unknownEvent, WHOLE, wholeEvent } from "./response.ts";
import { responsesUsage } from "./usage.ts";

/** Kinds of text and of unknown events, and items, that one stream may have. */
const MAX_KINDS = 4_096;

const deltas: ReadonlyMap<string, { readonly field: string; readonly shape: Shape }> = new Map(
  [...DELTAS].map(([kind, said]) => [`response.${kind}.delta`, { field: said.field, shape: deltaOf(kind, said) }]),
);
/** The events after which a text is whole, and the field that it is in. */
const dones: ReadonlyMap<string, string> = new Map([
  ...[...DELTAS].map(([kind, { field }]) => [`response.${kind}.done`, field] as const),
  ["response.content_part.done", "text"],
  ["response.reasoning_summary_part.done", "text"],
]);
const FIELDS: readonly string[] = [...new Set([...DELTAS.values()].map(({ field }) => field))];

export function responsesStream(hooks: StreamHooks): ResponseStream {
  // What was first said of each index and each place: the item's id, the kind of text.
  const told = new Map<string, string>();
  const unknown = new Map<string, number>();
  let usage: Usage | undefined;
  let model: string | undefined;
  let responseId: string | undefined;
  // Of its items: as many as `told` takes.
  const made = new Set<string>();

  function* read(source: SseEvent, value: Fields, relay: Relay): Steps<boolean> {
    const type = value["type"];
    if (source.type === "error" || type === "error" || (value["error"] ?? null) !== null) {
      throw upstreamError(value["error"] ?? value);
    }
    // Some clients go by the name of an event, others by its type.
    if (source.type !== undefined && source.type !== type) throw odd("an event's name is not its type");
    const { response } = value;
    if (isObject(response)) {
      if (type === "response.failed") throw upstreamError(response["error"]);
      if (EARLY.has(type) && !isEmpty(response["output"])) throw odd("an answer that begins with its end");
      usage = responsesUsage(response["usage"]) ?? usage;
      if (typeof response["model"] === "string") model = response["model"];
      if (typeof response["id"] === "string") responseId = response["id"];
    }

    const item = `/output/${count(value["output_index"]) ?? 0}`;
    const id = isObject(value["item"]) ? value["item"]["id"] : value["item_id"];
    agree(item, id);
    if (typeof id === "string" && id !== "") {
      agree(`#${id}`, item);
      made.add(id);
    }
    for (const container of containersOf(value["item"])) if (made.size < MAX_KINDS) made.add(container);
    const last = LAST.has(type);
    if (last) yield* relay.close();
    const delta = typeof type === "string" ? deltas.get(type) : undefined;
    if (delta !== undefined) {
      const pointer = placeOf(item, value);
      agree(endOf(pointer, item, delta.field), type);
      yield* relay.event(source, value, [{ shape: delta.shape, value, pointer, origin: "assistant" }]);
    } else if (typeof type === "string" && WHOLE.has(type)) {
      if (type.endsWith(".added")) begun(item, value);
      yield* whole(source, value, relay, last ? "" : item);
    } else {
      const pointer = unknownAt(item, type);
      yield* relay.event(source, value, [{ shape: unknownEvent, value, pointer, origin: "assistant" }]);
    }
    return last;
  }

  /** What begins with a text of its own is whole: a delta that went on with it would be read without it. */
  function begun(item: string, { item: body, part, ...at }: Fields): void {
    const full = (where: string, text: unknown): void => {
      if (typeof text !== "string" || text === "") return;
      // It begins once.
      if (told.has(where)) throw odd("two different texts at one place");
      agree(where, "whole");
    };
    if (isObject(part)) for (const field of FIELDS) full(endOf(placeOf(item, at), item, field), part[field]);
    if (!isObject(body)) return;
    for (const field of FIELDS) full(`${item}/${field}`, body[field]);
    for (const [name] of INDICES) {
      const parts = body[name];
      if (!Array.isArray(parts)) continue;
      parts.forEach((one: unknown, index) => {
        if (isObject(one)) for (const field of FIELDS) full(`${item}/${name}/${index}`, one[field]);
      });
    }
  }

  /** What says a text whole, and with it that nothing of it comes any more. */
  function* whole(source: SseEvent, value: Fields, relay: Relay, item: string): Steps<void> {
    const type = String(value["type"]);
    const ended = dones.get(type);
    const place = ended === undefined ? item : placeOf(item, value);
    const closing = ended === undefined ? item : endOf(place, item, ended);
    const closes = ended !== undefined || type === "response.output_item.done" || item === "";
    if (closes) yield* relay.end([closing]);
    const part = { shape: wholeEvent, value, pointer: place, origin: "metadata" } as const;
    // Log probabilities that came whole with it are no part of what deltas spelt.
    yield* relay.event(source, value, [part], closes ? [closing] : []);
  }

  /** @throws `gateway.upstream-invalid` when another thing was said of the same place before */
  function agree(where: string, what: unknown): void {
    if (typeof what !== "string") return;
    const before = told.get(where);
    if (before === undefined && told.size < MAX_KINDS) told.set(where, what);
    else if (before === undefined) throw tooMany();
    else if (before !== what) throw odd("two different texts at one place");
  }

  /** The place of an event of a kind that is not known. The kind is the upstream's word, so it stands in no pointer. */
  function unknownAt(item: string, type: unknown): string {
    const kind = String(type);
    const number = unknown.get(kind) ?? unknown.size;
    if (number >= MAX_KINDS) throw tooMany();
    unknown.set(kind, number);
    return `${item}/event/${number}`;
  }

  return createResponseStream(
    "openai",
    {
      read,
      whole: false,
      get usage() {
        return usage;
      },
      get model() {
        return model;
      },
      get made() {
        return responseId === undefined ? [...made] : [responseId, ...made];
      },
    },
    hooks,
    { scopeOf, repeats: true },
  );
}

const EARLY: ReadonlySet<unknown> = new Set(["response.created", "response.queued", "response.in_progress"]);
const LAST: ReadonlySet<unknown> = new Set(["response.completed", "response.incomplete"]);

/** Where the text of an event stands in the whole response: `/output/0/content/1`. */
function placeOf(item: string, value: Fields): string {
  for (const [name, index] of INDICES) {
    const at = count(value[index]);
    if (at !== undefined) return `${item}/${name}/${at}`;
  }
  return item;
}

const INDICES = [
  ["content", "content_index"],
  ["summary", "summary_index"],
  ["command", "command_index"],
] as const;

/** A text ends with its part; where it is no part's, alone. */
function endOf(place: string, item: string, field: string): string {
  return place === item ? `${item}/${field}` : place;
}

/** The same, by the pointer of a text. */
function scopeOf(pointer: string): string {
  const found = /^\/output\/\d+(?:\/(?:content|summary|command|event)\/\d+|\/[a-z_]+)?/.exec(pointer)?.[0];
  return found ?? "/response";
}

function isEmpty(output: unknown): boolean {
  return output === undefined || output === null || (Array.isArray(output) && output.length === 0);
}

function odd(detail: string): GatewayError {
  return gatewayError("gateway.upstream-invalid", { detail });
}

function tooMany(): GatewayError {
  return gatewayError("gateway.upstream-too-large", { detail: `more than ${MAX_KINDS} kinds of text in one stream` });
}
