/**
 * The Anthropic dialect: Messages, as far as a small model can honour it (Anthropic API reference, "Messages" and
 * "Streaming messages").
 *
 * @module
 */

import { randomUUID } from "node:crypto";

import { z } from "zod";

import type { HoldfastError } from "../../src/core/index.ts";
import { checkModel, readBody, refuse, serverSentEvent, type Dialect, type GenerationEnd } from "./dialect.ts";
import type { Message } from "./engine.ts";
import { DEFAULT_TEMPERATURE, DEFAULT_TOP_P } from "./openai.ts";

/** A string, or blocks that are all text. */
const content = z
  .union([z.string(), z.array(z.object({ type: z.literal("text"), text: z.string() }))], "only text is supported")
  .transform((value) => (typeof value === "string" ? value : value.map(({ text }) => text).join("")));

const messagesRequest = z.object({
  model: z.string(),
  max_tokens: z.int().min(1),
  system: content.optional(),
  messages: z.array(z.object({ role: z.enum(["user", "assistant"]), content })).min(1),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  stop_sequences: z.array(z.string().min(1)).max(16).optional(),
  stream: z.boolean().optional(),
  tools: z.unknown().optional(),
  thinking: z.unknown().optional(),
});

export const anthropic: Dialect = {
  read(body, model) {
    const request = readBody(messagesRequest, body);
    checkModel(request.model, model);
    refuse({ tools: request.tools, thinking: request.thinking });
    const system: Message[] = request.system === undefined ? [] : [{ role: "system", text: request.system }];
    return {
      generation: {
        messages: [...system, ...request.messages.map((message) => ({ role: message.role, text: message.content }))],
        maxTokens: request.max_tokens,
        temperature: request.temperature ?? DEFAULT_TEMPERATURE,
        topP: request.top_p ?? DEFAULT_TOP_P,
        // The protocol has no seed.
        seed: undefined,
        stop: request.stop_sequences ?? [],
      },
      stream: request.stream ?? false,
      streamUsage: true,
    };
  },

  whole: (model, text, end) => ({
    ...message(model),
    content: [{ type: "text", text }],
    ...ending(end),
    usage: { input_tokens: end.inputTokens, output_tokens: end.outputTokens },
  }),

  stream: (model) => ({
    write(event) {
      if (event.kind === "text") {
        return named("content_block_delta", { index: 0, delta: { type: "text_delta", text: event.text } });
      }
      if (event.kind === "start") {
        const usage = { input_tokens: event.inputTokens, output_tokens: 0 };
        const head = { ...message(model), content: [], stop_reason: null, stop_sequence: null, usage };
        return (
          named("message_start", { message: head }) +
          named("content_block_start", { index: 0, content_block: { type: "text", text: "" } })
        );
      }
      return (
        named("content_block_stop", { index: 0 }) +
        named("message_delta", { delta: ending(event), usage: { output_tokens: event.outputTokens } }) +
        named("message_stop", {})
      );
    },
  }),

  // The protocol knows "overloaded" by a status of its own.
  error: (error) => ({
    status: error.code === "local-model.busy" ? 529 : error.status,
    body: { type: "error", ...errorObject(error) },
  }),
  errorEvent: (error) => named("error", errorObject(error)),
};

function message(model: string): object {
  return { id: `msg_${randomUUID()}`, type: "message", role: "assistant", model };
}

function ending(end: GenerationEnd): object {
  if (end.stop !== undefined) return { stop_reason: "stop_sequence", stop_sequence: end.stop };
  return { stop_reason: end.reason === "length" ? "max_tokens" : "end_turn", stop_sequence: null };
}

/** Every event carries its type twice: as the event's name and in the data. */
function named(type: string, data: object): string {
  return serverSentEvent({ type, ...data }, type);
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  404: "not_found_error",
  413: "request_too_large",
  503: "overloaded_error",
};

function errorObject(error: HoldfastError): object {
  return { error: { type: ERROR_TYPES[error.status] ?? "api_error", message: error.message } };
}
