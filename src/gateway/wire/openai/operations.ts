/**
 * The OpenAI routes: Chat Completions, Responses, Embeddings, Models.
 *
 * @module
 */

import { collect } from "../collect.ts";
import type { Operation, ParsedRequest, ParsedResponse } from "../operation.ts";
import { ANSWER, count, REQUEST, requireAnswer, requireRequest } from "../read.ts";
import type { Fields } from "../shape.ts";
import { chatRequest, embeddingsRequest } from "./request.ts";
import { chatEvents, chatResponse, embeddingsResponse, modelsResponse } from "./response.ts";
import { responsesOperation } from "./responses/operation.ts";
import { audioOf, chatStream } from "./stream.ts";
import { openaiUsage } from "./usage.ts";

export const openaiOperations: readonly Operation[] = [
  {
    id: "openai.chat",
    protocol: "openai",
    errors: "openai",
    queries: [""],
    method: "POST",
    path: "/v1/chat/completions",
    upstreamPath: "/chat/completions",
    shapes: { request: chatRequest, response: chatResponse, events: chatEvents },
    parseRequest(value) {
      const body = requireRequest(value);
      const { chars, ...read } = collect(chatRequest, body, "metadata", REQUEST);
      return {
        ...base(body),
        ...read,
        inputChars: chars,
        messages: (body["messages"] as readonly unknown[]).length,
        maxTokens: count(body["max_completion_tokens"]) ?? count(body["max_tokens"]),
      };
    },
    parseResponse(value) {
      const body = requireAnswer(value, "choices");
      const made = (body["choices"] as readonly unknown[]).flatMap((choice) => audioOf(choice, "message"));
      return { ...answer(body, collect(chatResponse, body, "metadata", ANSWER)), made };
    },
    responseStream: chatStream,
  },
  responsesOperation,
  {
    id: "openai.embeddings",
    protocol: "openai",
    errors: "openai",
    queries: [""],
    method: "POST",
    path: "/v1/embeddings",
    upstreamPath: "/embeddings",
    shapes: { request: embeddingsRequest, response: embeddingsResponse },
    parseRequest(value) {
      const body = requireRequest(value);
      const { chars, ...read } = collect(embeddingsRequest, body, "metadata", REQUEST);
      return {
        ...base(body),
        stream: false,
        ...read,
        inputChars: chars,
        messages: inputs(body["input"]),
        maxTokens: undefined,
      };
    },
    parseResponse(value) {
      const body = requireAnswer(value, "data");
      return answer(body, collect(embeddingsResponse, body, "metadata", ANSWER));
    },
  },
  {
    id: "openai.models",
    protocol: "openai",
    errors: "openai",
    queries: [""],
    method: "GET",
    path: "/v1/models",
    upstreamPath: "/models",
    shapes: { response: modelsResponse },
    parseRequest: () => ({
      model: "",
      stream: false,
      spans: [],
      unscanned: [],
      media: [],
      messages: 0,
      maxTokens: undefined,
      inputChars: 0,
    }),
    parseResponse(value) {
      const body = requireAnswer(value, "data");
      return answer(body, collect(modelsResponse, body, "metadata", ANSWER));
    },
  },
];

function base(body: Fields): Pick<ParsedRequest, "model" | "stream"> {
  return { model: body["model"] as string, stream: body["stream"] === true };
}

function answer(body: Fields, { spans, unscanned }: Pick<ParsedResponse, "spans" | "unscanned">): ParsedResponse {
  const { model, system_fingerprint: fingerprint } = body;
  return {
    spans,
    unscanned,
    usage: openaiUsage(body["usage"]),
    model: typeof model === "string" ? model : undefined,
    ...(typeof fingerprint === "string" ? { fingerprint } : {}),
  };
}

/** A list of numbers is one input, given as token ids. */
function inputs(input: unknown): number {
  return Array.isArray(input) && typeof input[0] !== "number" ? input.length : 1;
}
