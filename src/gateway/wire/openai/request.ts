/**
 * The fields of the requests of the OpenAI API (API reference: «Create chat completion», «Create embeddings»), with the
 * extensions that local servers are known for falling under unknown fields.
 *
 * @module
 */

import type { Origin } from "../../../guard/index.ts";
import { jsonSchema } from "../schema.ts";
import {
  any,
  boolean,
  fileId,
  from,
  json,
  list,
  number,
  record,
  reference,
  text,
  unknownPart,
  variant,
  word,
  type Fields,
  type Shape,
} from "../shape.ts";

const ORIGINS: ReadonlyMap<unknown, Origin> = new Map([
  ["system", "system"],
  ["developer", "system"],
  ["user", "user"],
  ["assistant", "assistant"],
  ["tool", "tool"],
  ["function", "tool"],
]);

/** A role that is not known has the least authority that a speaker can have. */
const byRole = (message: Fields): Origin => ORIGINS.get(message["role"]) ?? "user";

/** The picture that an `image_url` is. */
export const picture: Shape = { is: "url", media: "image" };
/** A whole file: a `data:` URL, or base64 alone. */
export const fileData: Shape = { is: "url", file: true, media: "file" };
export const sound = record({
  data: { is: "base64", media: "file" },
  format: word("wav", "mp3"),
  transcript: text,
});

const part = variant(
  "type",
  {
    text: record({ type: word("text"), text, prompt_cache_breakpoint: any }, { required: ["text"] }),
    refusal: record({ type: word("refusal"), refusal: text }),
    image_url: record({
      type: word("image_url"),
      image_url: {
        is: "either",
        record: record({ url: picture, detail: word("auto", "low", "high") }),
        text: picture,
      },
    }),
    input_audio: record({ type: word("input_audio"), input_audio: sound }),
    file: record({ type: word("file"), file: record({ file_data: fileData, file_id: fileId, filename: text }) }),
  },
  unknownPart,
);

const content: Shape = { is: "either", text, list: list({ is: "either", text, record: part }) };

const functionCall = record({ name: text, arguments: json });

const toolCall = record({
  id: text,
  type: word("function", "custom"),
  index: number,
  function: functionCall,
  custom: record({ name: text, input: text }),
});

const message = from(
  byRole,
  record(
    {
      role: word(...([...ORIGINS.keys()] as string[])),
      content,
      name: text,
      refusal: text,
      reasoning_content: text,
      tool_call_id: text,
      tool_calls: list(toolCall),
      function_call: functionCall,
      audio: record({ id: reference }),
    },
    { required: ["role"] },
  ),
);

const functionTool = record({ name: text, description: text, parameters: jsonSchema, strict: boolean });

const tool = from(
  "tool",
  record({
    type: word("function", "custom"),
    function: functionTool,
    custom: record({ name: text, description: text, format: any }),
  }),
);

const named = record({ name: text });

const choice = record({
  type: word("function", "custom", "allowed_tools"),
  function: named,
  custom: named,
  allowed_tools: record({ mode: word("auto", "required"), tools: list(any) }),
});

const metadata: Shape = from("metadata", { is: "either", record: { is: "map", of: any }, text });

/** `POST /chat/completions`. The origin of what is not a message is `metadata`. */
export const chatRequest: Shape = record(
  {
    model: text,
    messages: list(message),
    stream: boolean,
    stream_options: record({ include_usage: boolean, include_obfuscation: boolean }),
    max_tokens: number,
    max_completion_tokens: number,
    n: number,
    temperature: number,
    top_p: number,
    seed: number,
    frequency_penalty: number,
    presence_penalty: number,
    logprobs: boolean,
    top_logprobs: number,
    logit_bias: { is: "map", of: any },
    stop: { is: "either", text, list: list(text) },
    tools: list(tool),
    tool_choice: from("tool", { is: "either", text: word("none", "auto", "required"), record: choice }),
    parallel_tool_calls: boolean,
    functions: list(from("tool", functionTool)),
    function_call: from("tool", { is: "either", text: word("none", "auto"), record: named }),
    response_format: record({
      type: word("text", "json_object", "json_schema"),
      json_schema: record({ name: text, description: text, schema: jsonSchema, strict: boolean }),
    }),
    prediction: from("assistant", record({ type: word("content"), content })),
    modalities: list(word("text", "audio")),
    audio: record({ voice: any, format: text }),
    web_search_options: any,
    moderation: any,
    user: text,
    safety_identifier: text,
    prompt_cache_key: text,
    prompt_cache_retention: word("in_memory", "24h"),
    metadata,
    store: boolean,
    reasoning_effort: word("none", "minimal", "low", "medium", "high", "xhigh"),
    verbosity: word("low", "medium", "high"),
    service_tier: word("auto", "default", "flex", "scale", "priority", "fast"),
  },
  { required: ["model", "messages"] },
);

const tokenIds: Shape = { is: "numbers", kind: "token-ids" };

/** `POST /embeddings`. What is embedded is a document: it is data, whoever wrote it. */
export const embeddingsRequest: Shape = record(
  {
    model: text,
    input: from("document", {
      is: "either",
      text,
      numbers: tokenIds,
      list: list({ is: "either", text, numbers: tokenIds }),
    }),
    encoding_format: word("float", "base64"),
    dimensions: number,
    user: text,
  },
  { required: ["model", "input"] },
);
