/**
 * The fields of an answer of the Responses API, whole and as the events of a stream (OpenAI API reference, «The response
 * object», «Streaming events»).
 *
 * @module
 */

import {
  any,
  boolean,
  from,
  json,
  list,
  number,
  record,
  text,
  word,
  type EventShape,
  type Shape,
} from "../../shape.ts";
import { inputFrom, item, part, settings } from "./item.ts";
import { reasoning, textConfig, tool, toolChoice } from "./request.ts";
import { usageFields } from "./usage.ts";

/**
 * A whole response. It says the request's own settings again, among them its instructions: these are the caller's text
 * and not the model's.
 */
export const responsesResponse: Shape = record(
  {
    ...settings,
    id: text,
    object: word("response"),
    created_at: number,
    completed_at: number,
    status: word("completed", "failed", "in_progress", "cancelled", "queued", "incomplete"),
    error: any,
    incomplete_details: record({ reason: word("max_output_tokens", "content_filter") }),
    instructions: inputFrom("system"),
    model: text,
    output: list(item),
    previous_response_id: text,
    conversation: any,
    prompt: from("system", any),
    reasoning,
    text: textConfig,
    tools: list(tool),
    tool_choice: toolChoice,
    metadata: { is: "map", of: any },
    usage: usageFields,
  },
  { required: ["output"] },
);

const piece: Shape = { is: "text", part: true };
const jsonPiece: Shape = { is: "json", part: true };

/** Where the event belongs, and in which order. */
const place: Readonly<Record<string, Shape>> = {
  item_id: text,
  sequence_number: number,
  output_index: number,
  content_index: number,
  summary_index: number,
  annotation_index: number,
  command_index: number,
  partial_image_index: number,
  obfuscation: { is: "padding" },
};

/** Texts that events continue, by the kind of event without `response.` and `.delta`: the field they spell, and its shape. */
export const DELTAS: ReadonlyMap<string, { readonly field: string; readonly shape: Shape }> = new Map([
  ["output_text", { field: "text", shape: piece }],
  ["reasoning_text", { field: "text", shape: piece }],
  ["reasoning_summary_text", { field: "text", shape: piece }],
  ["refusal", { field: "refusal", shape: piece }],
  ["function_call_arguments", { field: "arguments", shape: jsonPiece }],
  ["mcp_call_arguments", { field: "arguments", shape: jsonPiece }],
  ["custom_tool_call_input", { field: "input", shape: piece }],
  ["code_interpreter_call_code", { field: "code", shape: piece }],
  ["audio.transcript", { field: "transcript", shape: piece }],
  ["shell_call_command", { field: "command", shape: piece }],
]);

/** An event that continues a text. */
export function deltaOf(kind: string, { field, shape }: { readonly field: string; readonly shape: Shape }): Shape {
  const said = { type: word(`response.${kind}.delta`), delta: shape, logprobs: { is: "logprobs" } } as const;
  return from("assistant", record({ ...place, ...said }, { as: { delta: field } }));
}

const STATES = "created queued in_progress completed incomplete";
const ITEM_STATES =
  "file_search_call.searching web_search_call.searching code_interpreter_call.interpreting image_generation_call.generating compaction.compacting";
const ITEM_KINDS =
  "file_search_call web_search_call code_interpreter_call image_generation_call mcp_call mcp_list_tools";

/** The events that say a text whole, or none. */
export const WHOLE: ReadonlySet<string> = new Set([
  ...STATES.split(" ").map((state) => `response.${state}`),
  ...ITEM_STATES.split(" ").map((state) => `response.${state}`),
  ...ITEM_KINDS.split(" ").flatMap((kind) =>
    ["in_progress", "completed", "failed"].map((state) => `response.${kind}.${state}`),
  ),
  ...[...DELTAS.keys()].map((kind) => `response.${kind}.done`),
  "response.output_item.added",
  "response.output_item.done",
  "response.content_part.added",
  "response.content_part.done",
  "response.reasoning_summary_part.added",
  "response.reasoning_summary_part.done",
  "response.output_text.annotation.added",
  "response.image_generation_call.partial_image",
  "response.audio.delta",
  "response.audio.done",
  "response.shell_call_command.added",
]);

/** Every such event. */
export const wholeEvent: Shape = record({
  ...place,
  type: word(...WHOLE),
  response: responsesResponse,
  item,
  part: from("assistant", part),
  annotation: from("document", any),
  logprobs: { is: "logprobs" },
  text: from("assistant", text),
  refusal: from("assistant", text),
  arguments: from("assistant", json),
  input: from("assistant", text),
  code: from("assistant", text),
  command: from("assistant", text),
  transcript: from("assistant", text),
  name: from("assistant", text),
  delta: { is: "base64" },
  partial_image_b64: { is: "base64", media: "image" },
  background: { is: "either", text, boolean },
});

/** What an event that is not known says may be continued by the next one of its kind. */
export const unknownEvent: Shape = from(
  "assistant",
  record({ ...place, type: text }, { rest: { is: "any", part: true } }),
);

const at = { item_id: "i", output_index: 0, content_index: 0 };

export const responsesEvents: readonly EventShape[] = [
  ...[...DELTAS].map(([kind, said]): EventShape => ({
    name: `response.${kind}.delta`,
    shape: deltaOf(kind, said),
    event: (value) => ({ ...at, type: `response.${kind}.delta`, ...(value as object) }),
  })),
  {
    name: "every other event",
    shape: wholeEvent,
    event: (value) => ({ ...at, type: "response.output_item.done", ...(value as object) }),
  },
  {
    name: "an unknown event",
    shape: unknownEvent,
    event: (value) => ({ type: "response.novel", ...(value as object) }),
  },
];
