/**
 * The route of the Responses API. One of its routes only: answers that are made in the background, listed, fetched or
 * cancelled later are answers that nobody here would judge.
 *
 * @module
 */

import { gatewayError } from "../../../errors.ts";
import { collect } from "../../collect.ts";
import type { Operation } from "../../operation.ts";
import { ANSWER, count, idIn, REQUEST, requireAnswer, requireRequest } from "../../read.ts";
import { containersOf, keptItems } from "./kept.ts";
import { responsesRequest } from "./request.ts";
import { responsesEvents, responsesResponse } from "./response.ts";
import { responsesStream } from "./stream.ts";
import { responsesUsage } from "./usage.ts";

export const responsesOperation: Operation = {
  id: "openai.responses",
  protocol: "openai",
  errors: "openai-responses",
  method: "POST",
  path: "/v1/responses",
  upstreamPath: "/responses",
  queries: [""],
  shapes: { request: responsesRequest, response: responsesResponse, events: responsesEvents },
  parseRequest(value) {
    const body = requireRequest(value);
    const { chars, unscanned, ...read } = collect(responsesRequest, body, "metadata", REQUEST);
    if (body["background"] === true) throw gatewayError("gateway.request-unsupported", { detail: "/background" });
    const { input, instructions } = body;
    return {
      ...read,
      unscanned: [...unscanned, ...keptItems(input, "/input"), ...keptItems(instructions, "/instructions")],
      model: body["model"] as string,
      stream: body["stream"] === true,
      inputChars: chars,
      messages: Array.isArray(input) ? input.length : 1,
      maxTokens: count(body["max_output_tokens"]),
    };
  },
  parseResponse(value) {
    const body = requireAnswer(value, "output");
    const { spans, unscanned } = collect(responsesResponse, body, "metadata", ANSWER);
    const model = body["model"];
    return {
      spans,
      unscanned,
      usage: responsesUsage(body["usage"]),
      model: typeof model === "string" ? model : undefined,
      made: [body, ...(body["output"] as readonly unknown[])].flatMap(idsOf),
    };
  },
  responseStream: responsesStream,
};

/** An item's own id, and that of the container that its code ran in. */
const idsOf = (value: unknown): readonly string[] => [...idIn(value), ...containersOf(value)];
