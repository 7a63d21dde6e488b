/**
 * The OpenAI dialect: Chat Completions, Models and Embeddings, as far as a small model can honour them
 * (OpenAI API reference, "Chat", "Embeddings", "Models").
 *
 * @module
 */

import { randomUUID } from "node:crypto";

import { z } from "zod";

import type { HoldfastError } from "../../src/core/index.ts";
import { checkModel, readBody, refuse, serverSentEvent, type Dialect, type GenerationEnd } from "./dialect.ts";

/** A string, or parts that are all text. */
const content = z
  .union([z.string(), z.array(z.object({ type: z.literal("text"), text: z.string() }))], "only text is supported")
  .transform((value) => (typeof value === "string" ? value : value.map(({ text }) => text).join("")));

const chatRequest = z.object({
  model: z.string(),
  messages: z
    .array(
      z.object({
        role: z.enum(["system", "developer", "user", "assistant"]).transform((role) =>
          // `developer` is the newer name of `system`.
          role === "developer" ? "system" : role,
        ),
        content,
      }),
    )
    .min(1),
  max_completion_tokens: z.int().min(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  seed: z.int().min(0).max(0xffff_ffff).nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(4)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal(1, "only 1 is supported").nullish(),
  response_format: z.object({ type: z.literal("text", "only text is supported") }).nullish(),
  tools: z.unknown().optional(),
  functions: z.unknown().optional(),
  logprobs: z.literal(false, "not supported").nullish(),
  logit_bias: z.unknown().optional(),
});

export const openai: Dialect = {
  read(body, model) {
    const request = readBody(chatRequest, body);
    checkModel(request.model, model);
    refuse({ tools: request.tools, functions: request.functions, logit_bias: request.logit_bias });
    return {
      generation: {
        messages: request.messages.map((message) => ({ role: message.role, text: message.content })),
        maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
        temperature: request.temperature ?? DEFAULT_TEMPERATURE,
        topP: request.top_p ?? DEFAULT_TOP_P,
        seed: request.seed ?? undefined,
        stop: typeof request.stop === "string" ? [request.stop] : (request.stop ?? []),
      },
      stream: request.stream ?? false,
      streamUsage: request.stream_options?.include_usage ?? false,
    };
  },

  whole: (model, text, end) => ({
    id: `chatcmpl-${randomUUID()}`,
    object: "chat.completion",
    created: seconds(),
    model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: null,
        finish_reason: end.reason,
      },
    ],
    usage: usage(end),
  }),

  stream(model, ask) {
    const head = { id: `chatcmpl-${randomUUID()}`, object: "chat.completion.chunk", created: seconds(), model };
    const chunk = (delta: object, reason: string | null) =>
      serverSentEvent({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }] });
    return {
      write(event) {
        if (event.kind === "text") return chunk({ content: event.text }, null);
        if (event.kind === "start") return chunk({ role: "assistant", content: "" }, null);
        const last = ask.streamUsage ? serverSentEvent({ ...head, choices: [], usage: usage(event) }) : "";
        return `${chunk({}, event.reason)}${last}data: [DONE]\n\n`;
      },
    };
  },

  error: (error) => ({ status: error.status, body: errorObject(error) }),
  errorEvent: (error) => serverSentEvent(errorObject(error)),
};

const embeddingsRequest = z.object({
  model: z.string(),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(64)], "a text or up to 64 texts"),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.unknown().optional(),
});

/** Reads a request to `/v1/embeddings`: the texts, and whether vectors go out as base64. */
export function readEmbeddings(
  body: unknown,
  model: string,
): { readonly texts: readonly string[]; readonly base64: boolean } {
  const request = readBody(embeddingsRequest, body);
  checkModel(request.model, model);
  refuse({ dimensions: request.dimensions });
  return {
    texts: typeof request.input === "string" ? [request.input] : request.input,
    base64: request.encoding_format === "base64",
  };
}

/** The answer of `/v1/embeddings`. In base64 a vector is its numbers as 32-bit floats, little end first. */
export function embeddingsAnswer(
  model: string,
  vectors: readonly (readonly number[])[],
  inputTokens: number,
  base64: boolean,
): unknown {
  return {
    object: "list",
    model,
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: base64 ? floats(vector).toString("base64") : vector,
    })),
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  };
}

/** The answer of `/v1/models`. */
export function modelsAnswer(model: string): unknown {
  return { object: "list", data: [{ id: model, object: "model", created: 0, owned_by: "local" }] };
}

/** What the model's card recommends; much above it a model of this size loses the thread. */
export const DEFAULT_TEMPERATURE = 0.2;
export const DEFAULT_TOP_P = 0.9;

function usage(end: GenerationEnd): unknown {
  return {
    prompt_tokens: end.inputTokens,
    completion_tokens: end.outputTokens,
    total_tokens: end.inputTokens + end.outputTokens,
  };
}

function errorObject(error: HoldfastError): unknown {
  const type = error.status < 500 ? "invalid_request_error" : "server_error";
  return { error: { message: error.message, type, param: null, code: error.code } };
}

function floats(vector: readonly number[]): Buffer {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((number, index) => bytes.writeFloatLE(number, index * 4));
  return bytes;
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
