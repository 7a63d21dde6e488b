/**
 * The fields of the answers of the OpenAI API (API reference: «The chat completion object», «The chat completion chunk
 * object», «The embedding object», «The model object»), and the reasoning fields that compatible servers add.
 *
 * @module
 */

import { any, base64, from, json, list, number, record, text, word, type EventShape, type Shape } from "../shape.ts";
import { ownIndex } from "../walk.ts";
import { usageFields } from "./usage.ts";

const finish = word("stop", "length", "tool_calls", "content_filter", "function_call");
const logprobs: Shape = { is: "logprobs" };

const envelope = {
  id: text,
  object: word("chat.completion", "chat.completion.chunk"),
  created: number,
  model: text,
  service_tier: word("auto", "default", "flex", "scale", "priority", "fast"),
  system_fingerprint: text,
  usage: usageFields,
};

const toolCall = record({
  id: text,
  type: word("function", "custom"),
  index: number,
  function: record({ name: text, arguments: json }),
  custom: record({ name: text, input: text }),
});

const message = record({
  role: word("assistant"),
  content: { is: "either", text, list: list(any) },
  refusal: text,
  reasoning_content: text,
  reasoning: { is: "either", text, record: any },
  tool_calls: list(toolCall),
  function_call: record({ name: text, arguments: json }),
  audio: record({ id: text, data: base64, transcript: text, expires_at: number }),
  annotations: list(any),
});

/** A whole chat completion. */
export const chatResponse: Shape = record(
  {
    ...envelope,
    choices: list(from("assistant", record({ index: number, message, finish_reason: finish, logprobs }))),
  },
  { required: ["choices"] },
);

const piece: Shape = { is: "text", part: true };
const unknownPiece: Shape = { is: "any", part: true };
const jsonPiece: Shape = { is: "json", part: true };

/** What a delta holds beyond the known fields is followed from event to event, since the model may be writing in it. */
const delta = record(
  {
    role: word("assistant"),
    content: { is: "either", text: piece, list: { is: "list", of: unknownPiece, token: ownIndex } },
    refusal: piece,
    reasoning_content: piece,
    reasoning: { is: "either", text: piece, record: unknownPiece },
    tool_calls: {
      is: "list",
      token: ownIndex,
      of: record(
        {
          index: number,
          id: text,
          type: word("function", "custom"),
          function: record({ name: text, arguments: jsonPiece }),
          custom: record({ name: text, input: piece }),
        },
        { rest: unknownPiece },
      ),
    },
    function_call: record({ name: text, arguments: jsonPiece }),
    audio: record({ id: text, data: base64, transcript: piece, expires_at: number }),
  },
  { rest: unknownPiece },
);

/** One event of a streamed chat completion. */
export const chatChunk: Shape = record({
  ...envelope,
  obfuscation: { is: "padding" },
  choices: {
    is: "list",
    token: ownIndex,
    of: from("assistant", record({ index: number, delta, finish_reason: finish, logprobs })),
  },
});

export const chatEvents: readonly EventShape[] = [
  { name: "chat.completion.chunk", shape: chatChunk, event: (value) => value },
];

/** Vectors are numbers, or their bytes in base64. */
export const embeddingsResponse: Shape = record(
  {
    object: word("list"),
    model: text,
    usage: usageFields,
    data: list(
      record({
        object: word("embedding"),
        index: number,
        embedding: { is: "either", text: base64, numbers: { is: "numbers", kind: "vector" }, list: list(any) },
      }),
    ),
  },
  { required: ["data"] },
);

export const modelsResponse: Shape = record(
  {
    object: word("list"),
    data: list(record({ id: text, object: word("model"), created: number, owned_by: text })),
  },
  { required: ["data"] },
);
