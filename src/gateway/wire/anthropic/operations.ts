/**
 * The Anthropic route: Messages.
 *
 * @module
 */

import { collect } from "../collect.ts";
import type { Operation } from "../operation.ts";
import { ANSWER, count, REQUEST, requireAnswer, requireRequest } from "../read.ts";
import { messagesRequest } from "./request.ts";
import { messagesResponse } from "./response.ts";
import { messageStream } from "./stream.ts";
import { anthropicUsage } from "./usage.ts";

export const anthropicOperations: readonly Operation[] = [
  {
    id: "anthropic.messages",
    protocol: "anthropic",
    method: "POST",
    path: "/v1/messages",
    upstreamPath: "/messages",
    parseRequest(value) {
      const body = requireRequest(value);
      const { spans, unscanned, chars } = collect(messagesRequest, body, "metadata", REQUEST);
      return {
        model: body["model"] as string,
        stream: body["stream"] === true,
        spans,
        unscanned,
        inputChars: chars,
        messages: (body["messages"] as readonly unknown[]).length,
        maxTokens: count(body["max_tokens"]),
      };
    },
    parseResponse(value) {
      const body = requireAnswer(value, "content");
      const { spans, unscanned } = collect(messagesResponse, body, "metadata", ANSWER);
      const model = body["model"];
      return {
        spans,
        unscanned,
        usage: anthropicUsage(body["usage"], undefined),
        model: typeof model === "string" ? model : undefined,
      };
    },
    responseStream: messageStream,
  },
];
