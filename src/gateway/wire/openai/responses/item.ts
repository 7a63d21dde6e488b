/**
 * The items of the Responses API (OpenAI API reference, «Responses»): what a request gives as `input`, and what an answer
 * has as `output`. One shape for both, since an answer's items are sent back as input.
 *
 * @module
 */

import type { Origin } from "../../../../guard/index.ts";
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
  sealedBase64,
  text,
  unknownPart,
  variant,
  word,
  type Fields,
  type Shape,
} from "../../shape.ts";
import { fileData, picture, sound } from "../request.ts";

const status = word("in_progress", "completed", "incomplete", "searching", "interpreting", "generating", "failed");

const ORIGINS: ReadonlyMap<unknown, Origin> = new Map([
  ["system", "system"],
  ["developer", "system"],
  ["user", "user"],
  ["assistant", "assistant"],
]);

/** A role that is not known has the least authority that a speaker can have. */
const byRole = (message: Fields): Origin => ORIGINS.get(message["role"]) ?? "user";

/** Citations quote a document, or name one. */
const annotations: Shape = list(from("document", any));

const image: Readonly<Record<string, Shape>> = {
  image_url: picture,
  file_id: { is: "reference", media: "image" },
  detail: word("auto", "low", "high"),
};

/** A part of a message's content. */
export const part: Shape = variant(
  "type",
  {
    input_text: record({ type: word("input_text"), text }),
    output_text: record({
      type: word("output_text"),
      text,
      annotations,
      logprobs: { is: "logprobs" },
    }),
    text: record({ type: word("text"), text }),
    summary_text: record({ type: word("summary_text"), text }),
    reasoning_text: record({ type: word("reasoning_text"), text }),
    refusal: record({ type: word("refusal"), refusal: text }),
    input_image: record({ type: word("input_image"), ...image }),
    computer_screenshot: record({ type: word("computer_screenshot"), ...image }),
    input_file: record({
      type: word("input_file"),
      file_data: fileData,
      file_id: fileId,
      file_url: { is: "url", media: "file" },
      filename: text,
    }),
    input_audio: record({ type: word("input_audio"), input_audio: sound }),
  },
  unknownPart,
);

const parts: Shape = { is: "either", text, list: list({ is: "either", text, record: part }) };
const output: Shape = { is: "either", text, list: list(part), record: part };
/** Where a call was made: which ids in it the upstream goes by, `kept.ts` says. */
const place = { container_id: text, environment: record({ container_id: text }, { rest: any }) };
const common = { id: text, call_id: text, status, name: text, namespace: text, server_label: text, ...place };
const call = (fields: Readonly<Record<string, Shape>>): Shape =>
  from("assistant", record({ ...common, ...fields }, { rest: any }));
const result = (fields: Readonly<Record<string, Shape>>): Shape =>
  from("tool", record({ ...common, ...fields }, { rest: any }));
const message = record({
  id: text,
  type: word("message"),
  role: word(...([...ORIGINS.keys()] as string[])),
  status,
  phase: word("commentary", "final_answer"),
  content: parts,
});

/** An item. */
export const item: Shape = variant(
  "type",
  {
    message: from(byRole, message),
    reasoning: call({
      type: word("reasoning"),
      summary: list(part),
      content: list(part),
      encrypted_content: sealedBase64,
    }),
    function_call: call({ type: word("function_call"), arguments: json }),
    function_call_output: result({ type: word("function_call_output"), output }),
    custom_tool_call: call({ type: word("custom_tool_call"), input: text }),
    custom_tool_call_output: result({ type: word("custom_tool_call_output"), output }),
    mcp_call: call({
      type: word("mcp_call"),
      arguments: json,
      output: from("tool", { is: "either", text, list: list(any), record: any }),
      error: from("tool", any),
    }),
    mcp_approval_request: call({ type: word("mcp_approval_request"), arguments: json }),
    mcp_approval_response: from(
      "user",
      record({ type: word("mcp_approval_response"), approval_request_id: text, approve: boolean, reason: text }),
    ),
    mcp_list_tools: result({ type: word("mcp_list_tools"), tools: list(any) }),
    file_search_call: result({
      type: word("file_search_call"),
      queries: list(from("assistant", text)),
      results: list(from("document", any)),
    }),
    web_search_call: result({ type: word("web_search_call"), action: any }),
    code_interpreter_call: call({
      type: word("code_interpreter_call"),
      code: text,
      outputs: list(from("tool", any)),
    }),
    image_generation_call: result({
      type: word("image_generation_call"),
      result: { is: "base64", media: "image" },
      revised_prompt: text,
    }),
    computer_call_output: result({ type: word("computer_call_output"), output }),
    local_shell_call_output: result({ type: word("local_shell_call_output"), output: json }),
    item_reference: record({ type: word("item_reference"), id: reference }),
    compaction: record({ type: word("compaction"), id: text, encrypted_content: sealedBase64, created_by: text }),
  },
  // A message may leave its type out. What has another type is taken for the result of a tool: nobody vouches for it.
  from(
    (item) => (typeof item["type"] === "string" ? "tool" : byRole(item)),
    record({ ...message.fields, ...place }, { rest: any }),
  ),
);

/** `input`, or the `instructions` that stand before it. */
export function inputFrom(origin: Origin): Shape {
  return { is: "either", text: from(origin, text), list: list(item) };
}

/** Settings that an answer says again. */
export const settings: Readonly<Record<string, Shape>> = {
  background: boolean,
  max_output_tokens: number,
  max_tool_calls: number,
  parallel_tool_calls: boolean,
  store: boolean,
  temperature: number,
  top_p: number,
  top_logprobs: number,
  truncation: word("auto", "disabled"),
  service_tier: word("auto", "default", "flex", "scale", "priority", "fast"),
  prompt_cache_retention: word("in_memory", "24h"),
  prompt_cache_key: text,
  safety_identifier: text,
  user: text,
};
