/**
 * The fields of an answer of the Anthropic Messages API, whole and as the events of a stream (API reference: «Create a
 * Message», «Streaming Messages»).
 *
 * @module
 */

import {
  any,
  sealedBase64,
  from,
  list,
  number,
  record,
  text,
  variant,
  word,
  type EventShape,
  type Shape,
} from "../shape.ts";
import { block } from "./request.ts";
import { usageFields } from "./usage.ts";

const stop = word("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal");

const message = record({
  id: text,
  type: word("message"),
  role: word("assistant"),
  model: text,
  content: list(from("assistant", block)),
  stop_reason: stop,
  stop_sequence: text,
  usage: usageFields,
});

/** A whole message. */
export const messagesResponse: Shape = { ...message, required: ["content"] };

/** The answer of a count of tokens. */
export const countResponse: Shape = record(
  { input_tokens: number, context_management: any },
  { required: ["input_tokens"] },
);

const piece: Shape = { is: "text", part: true };
const unknownPiece: Shape = { is: "any", part: true };

/** The block that a stream starts with. Its own text, if any, was made its first delta. */
export const startBlock: Shape = from("assistant", block);

/** What continues a block. The fragments of `partial_json` spell its `input`. */
export const blockDelta: Shape = from(
  "assistant",
  variant(
    "type",
    {
      text_delta: record({ type: word("text_delta"), text: piece }),
      input_json_delta: record({ type: word("input_json_delta"), partial_json: { is: "json", part: true } }),
      thinking_delta: record({
        type: word("thinking_delta"),
        thinking: { is: "text", part: true, sealed: true },
        estimated_tokens: number,
      }),
      signature_delta: record({ type: word("signature_delta"), signature: sealedBase64 }),
      citations_delta: record({ type: word("citations_delta"), citation: from("document", any) }),
    },
    record({ type: text }, { rest: unknownPiece }),
  ),
);

/** Every other event. */
export const otherEvent: Shape = record({
  type: word("message_start", "message_delta", "message_stop", "content_block_stop", "ping"),
  index: number,
  message,
  delta: record({ stop_reason: stop, stop_sequence: text, container: any }),
  usage: usageFields,
});

export const messageEvents: readonly EventShape[] = [
  {
    name: "content_block_start",
    shape: startBlock,
    event: (value) => ({ type: "content_block_start", index: 0, content_block: value }),
  },
  {
    name: "content_block_delta",
    shape: blockDelta,
    event: (value) => ({ type: "content_block_delta", index: 0, delta: value }),
  },
  { name: "message_delta", shape: otherEvent, event: (value) => ({ type: "message_delta", ...(value as object) }) },
];
