/**
 * Where the pieces of text stand in the events of streamed answers, told by the form of the event: chunks of OpenAI's
 * chat completions, events of OpenAI's responses, events of Anthropic's messages, parts of the AI SDK. Whatever else is
 * text in an event is judged with the event.
 *
 * @module
 */

import type { EventReading, Piece } from "./events.ts";
import { isGrammar } from "./texts.ts";

type Fields = Readonly<Record<string, unknown>>;

const NOTHING: EventReading = { pieces: [], ends: () => false };

/** Reads an event of the HTTP APIs. */
export function readApiEvent(event: unknown): EventReading {
  if (!isFields(event)) return NOTHING;
  if (Array.isArray(event["choices"])) return readChunk(event["choices"]);
  const { type } = event;
  if (typeof type !== "string") return NOTHING;
  if (type.startsWith("content_block_")) return readBlockEvent(type, event);
  return readTypedEvent(type, event);
}

/** Reads a part of an AI SDK stream (`LanguageModelV4StreamPart`). */
export function readPart(part: unknown): EventReading {
  if (!isFields(part) || typeof part["type"] !== "string") return NOTHING;
  const id = word(part["id"]);
  const match = /^(text|reasoning|tool-input)-(delta|end)$/.exec(part["type"]);
  if (match === null) return { pieces: [], ends: part["type"] === "finish" ? () => true : () => false };
  const channel = `${match[1]}/${id}`;
  if (match[2] === "end") return { pieces: [], ends: (name) => name === channel };
  return { pieces: pieceOf(channel, "/delta", part["delta"]), ends: () => false };
}

/** Every text of a choice's `delta` is a piece: a field that comes new to the API is one too. */
function readChunk(choices: readonly unknown[]): EventReading {
  const pieces: Piece[] = [];
  const done = new Set<string>();
  choices.forEach((choice, place) => {
    if (!isFields(choice)) return;
    const prefix = `choices/${word(choice["index"])}/`;
    if (typeof choice["finish_reason"] === "string") done.add(prefix);
    // The chat API streams `delta`, the older completions API `text`.
    addPieces(choice["delta"], `${prefix}delta`, `/choices/${place}/delta`, pieces);
    addPieces(choice["text"], `${prefix}text`, `/choices/${place}/text`, pieces);
  });
  return { pieces, ends: (channel) => [...done].some((prefix) => channel.startsWith(prefix)) };
}

/** Names whose texts are whole in the first chunk that has them, and are judged with it. */
const WHOLE: ReadonlySet<string> = new Set(["name"]);

function addPieces(value: unknown, channel: string, pointer: string, pieces: Piece[]): void {
  if (typeof value === "string") {
    pieces.push(...pieceOf(channel, pointer, value));
  } else if (Array.isArray(value)) {
    value.forEach((entry: unknown, place) => {
      const index = isFields(entry) && typeof entry["index"] === "number" ? entry["index"] : place;
      addPieces(entry, `${channel}/${index}`, `${pointer}/${place}`, pieces);
    });
  } else if (isFields(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (WHOLE.has(name) || isGrammar(name)) continue;
      const escaped = name.replaceAll("~", "~0").replaceAll("/", "~1");
      addPieces(member, `${channel}/${escaped}`, `${pointer}/${escaped}`, pieces);
    }
  }
}

/** Anthropic: a block starts, sometimes with text, goes on in deltas, and stops. */
function readBlockEvent(type: string, event: Fields): EventReading {
  const prefix = `content/${word(event["index"])}/`;
  if (type === "content_block_stop") return { pieces: [], ends: (channel) => channel.startsWith(prefix) };
  const { delta } = event;
  if (type !== "content_block_delta" || !isFields(delta)) return NOTHING;
  const pieces = ["text", "partial_json", "thinking"].flatMap((name) =>
    pieceOf(`${prefix}${name}`, `/delta/${name}`, delta[name]),
  );
  return { pieces, ends: () => false };
}

/** After these nothing more comes of the answer's text. */
const LAST: ReadonlySet<string> = new Set(
  "response.completed response.incomplete response.failed message_delta message_stop".split(" "),
);

/** OpenAI's responses: `response.output_text.delta` belongs to `response.output_text.done`, of the same item and part. */
function readTypedEvent(type: string, event: Fields): EventReading {
  const match = /^(.{1,80})\.(delta|done)$/.exec(type);
  if (match === null) return { pieces: [], ends: () => LAST.has(type) };
  const parts = ["item_id", "output_index", "content_index", "summary_index"].map((name) => word(event[name]));
  const channel = [match[1], ...parts].join("/");
  if (match[2] === "done") return { pieces: [], ends: (name) => name === channel };
  return { pieces: pieceOf(channel, "/delta", event["delta"]), ends: () => false };
}

/** Channels that carry the arguments of a tool call. */
const JSON_CHANNEL = /\/(?:arguments|partial_json)$|^tool-input\/|^response\.\w{1,40}_arguments\//;

function pieceOf(channel: string, pointer: string, text: unknown): readonly Piece[] {
  return typeof text === "string" ? [{ channel, pointer, text, json: JSON_CHANNEL.test(channel) }] : [];
}

/** An id or index as part of a channel's name. */
function word(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
