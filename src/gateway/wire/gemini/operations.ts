/**
 * The routes of the Gemini API. The model stands in the path, and a request that names another one in its body is
 * refused: the key's scope is checked against one model only.
 *
 * @module
 */

import { gatewayError } from "../../errors.ts";
import { collect } from "../collect.ts";
import type { Operation, ParsedRequest, ParsedResponse } from "../operation.ts";
import { ANSWER, count, REQUEST, requireRequest } from "../read.ts";
import type { Fields, Shape } from "../shape.ts";
import { isObject } from "../walk.ts";
import { countRequest, embedBatchRequest, embedRequest, generateRequest, otherSpelling } from "./request.ts";
import { countResponse, embedBatchResponse, embedResponse, generateEvents, generateResponse } from "./response.ts";
import { generateStream } from "./stream.ts";
import { geminiUsage } from "./usage.ts";

const route = (verb: string): Pick<Operation, "protocol" | "errors" | "method" | "path" | "upstreamPath"> => ({
  protocol: "gemini",
  errors: "gemini",
  method: "POST",
  path: `/v1beta/models/{model}:${verb}`,
  upstreamPath: `/models/{model}:${verb}`,
});

export const geminiOperations: readonly Operation[] = [
  {
    ...route("generateContent"),
    id: "gemini.generate",
    queries: [""],
    shapes: { request: generateRequest, response: generateResponse },
    parseRequest: (value, model) => parse(generateRequest, value, model),
    parseResponse: parseGenerated,
  },
  {
    ...route("streamGenerateContent"),
    id: "gemini.stream",
    // Without it the answer is one list that grows, which no guard could judge piece by piece.
    queries: ["alt=sse"],
    shapes: { request: generateRequest, response: generateResponse, events: generateEvents },
    parseRequest: (value, model) => ({ ...parse(generateRequest, value, model), stream: true }),
    parseResponse: parseGenerated,
    responseStream: generateStream,
  },
  {
    ...route("embedContent"),
    id: "gemini.embed",
    queries: [""],
    shapes: { request: embedRequest, response: embedResponse },
    parseRequest: (value, model) => parse(embedRequest, value, model),
    parseResponse: (value) => answer(embedResponse, value, "embedding"),
  },
  {
    ...route("batchEmbedContents"),
    id: "gemini.embed-batch",
    queries: [""],
    shapes: { request: embedBatchRequest, response: embedBatchResponse },
    parseRequest: (value, model) => parse(embedBatchRequest, value, model),
    parseResponse: (value) => answer(embedBatchResponse, value, "embeddings"),
  },
  {
    ...route("countTokens"),
    id: "gemini.count-tokens",
    queries: [""],
    shapes: { request: countRequest, response: countResponse },
    parseRequest: (value, model) => parse(countRequest, value, model),
    parseResponse: (value) => answer(countResponse, value, "totalTokens"),
  },
];

function parse(shape: Shape, value: unknown, model = ""): ParsedRequest {
  const body = requireRequest(value);
  const { spans, chars, ...read } = collect(shape, body, "metadata", REQUEST);
  const inner = field(body, "generateContentRequest", "");
  const requests = Array.isArray(body["requests"]) ? (body["requests"] as readonly unknown[]) : [];
  requireModel(body, "", model);
  if (isObject(inner)) requireModel(inner, "/generateContentRequest", model);
  requests.forEach((one, index) => {
    if (isObject(one)) requireModel(one, `/requests/${index}`, model);
  });
  const request = isObject(inner) ? inner : body;
  const config = field(request, "generationConfig", "");
  const contents = request["contents"];
  return {
    ...read,
    model,
    stream: false,
    // The name of the model is the client's text as well, though it stands in the path.
    spans: model === "" ? spans : [{ pointer: "/model", text: model, origin: "metadata" }, ...spans],
    inputChars: chars + model.length,
    messages: requests.length > 0 ? requests.length : Array.isArray(contents) ? contents.length : 1,
    maxTokens: isObject(config) ? count(field(config, "maxOutputTokens", "/generationConfig")) : undefined,
  };
}

/** A field that stands in one of its two spellings. Given in both, two readers would see two requests. */
function field(holder: Fields, name: string, pointer: string): unknown {
  const other = otherSpelling(name);
  if ((holder[name] ?? null) !== null && other !== name && (holder[other] ?? null) !== null) {
    throw gatewayError("gateway.request-invalid", { detail: `${pointer}/${name}: expected in one spelling` });
  }
  return holder[name] ?? holder[other];
}

/** @throws `gateway.request-invalid` for a model that is not the path's */
function requireModel({ model: named }: Fields, pointer: string, model: string): void {
  if (named === undefined || named === null || named === model || named === `models/${model}`) return;
  throw gatewayError("gateway.request-invalid", { detail: `${pointer}/model: expected the model of the path` });
}

/** An answer has candidates, or says why there are none. */
function parseGenerated(value: unknown): ParsedResponse {
  const has = isObject(value) && (Array.isArray(value["candidates"]) || isObject(value["promptFeedback"]));
  return answer(generateResponse, value, has ? undefined : "candidates");
}

/** @throws `gateway.upstream-invalid` where the field is missing that makes it an answer */
function answer(shape: Shape, value: unknown, required: string | undefined): ParsedResponse {
  if (!isObject(value) || (required !== undefined && (value[required] ?? null) === null)) {
    throw gatewayError("gateway.upstream-invalid", { detail: `the answer has no ${required ?? "fields"}` });
  }
  const { spans, unscanned } = collect(shape, value, "metadata", ANSWER);
  const model = value["modelVersion"];
  return {
    spans,
    unscanned,
    usage: geminiUsage(value["usageMetadata"]),
    model: typeof model === "string" ? model : undefined,
  };
}
