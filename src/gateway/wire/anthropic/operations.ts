/**
 * The Anthropic routes: Messages, and the count of the tokens of a message.
 *
 * @module
 */

import { gatewayError } from "../../errors.ts";
import { collect } from "../collect.ts";
import type { Operation, ParsedRequest } from "../operation.ts";
import { ANSWER, count, idIn, REQUEST, requireAnswer, requireRequest } from "../read.ts";
import { isObject } from "../walk.ts";
import { messagesRequest } from "./request.ts";
import { countResponse, messageEvents, messagesResponse } from "./response.ts";
import { messageStream } from "./stream.ts";
import { anthropicUsage } from "./usage.ts";

/** `beta=true` is what the official client adds for its beta resources. */
const QUERIES = ["", "beta=true"];

export const anthropicOperations: readonly Operation[] = [
  {
    id: "anthropic.messages",
    protocol: "anthropic",
    errors: "anthropic",
    method: "POST",
    path: "/v1/messages",
    upstreamPath: "/messages",
    queries: QUERIES,
    shapes: { request: messagesRequest, response: messagesResponse, events: messageEvents },
    parseRequest: parseMessages,
    parseResponse(value) {
      const body = requireAnswer(value, "content");
      const { spans, unscanned } = collect(messagesResponse, body, "metadata", ANSWER);
      const model = body["model"];
      return {
        spans,
        unscanned,
        usage: anthropicUsage(body["usage"], undefined),
        model: typeof model === "string" ? model : undefined,
        made: idIn(body["container"]),
      };
    },
    responseStream: messageStream,
  },
  {
    id: "anthropic.count-tokens",
    protocol: "anthropic",
    errors: "anthropic",
    method: "POST",
    path: "/v1/messages/count_tokens",
    upstreamPath: "/messages/count_tokens",
    queries: QUERIES,
    shapes: { request: messagesRequest, response: countResponse },
    // The text goes to the upstream as it would for an answer, so it is read as for an answer.
    parseRequest: (value) => ({ ...parseMessages(value), stream: false, maxTokens: undefined }),
    parseResponse(value) {
      if (!isObject(value) || count(value["input_tokens"]) === undefined) {
        throw gatewayError("gateway.upstream-invalid", { detail: "the answer has no count named input_tokens" });
      }
      const { spans, unscanned } = collect(countResponse, value, "metadata", ANSWER);
      // Counting costs no tokens: what it says is no usage.
      return { spans, unscanned, usage: undefined, model: undefined };
    },
  },
];

function parseMessages(value: unknown): ParsedRequest {
  const body = requireRequest(value);
  const { chars, ...read } = collect(messagesRequest, body, "metadata", REQUEST);
  return {
    ...read,
    model: body["model"] as string,
    stream: body["stream"] === true,
    inputChars: chars,
    messages: (body["messages"] as readonly unknown[]).length,
    maxTokens: count(body["max_tokens"]),
  };
}
