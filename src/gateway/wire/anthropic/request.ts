/**
 * The fields of a request of the Anthropic Messages API (API reference: «Create a Message»).
 *
 * @module
 */

import type { Origin } from "../../../guard/index.ts";
import type { MediaKind } from "../media.ts";
import { jsonSchema } from "../schema.ts";
import {
  any,
  boolean,
  fileId,
  from,
  list,
  number,
  record,
  reference,
  sealedBase64,
  text,
  unknownPart,
  url,
  variant,
  word,
  type Fields,
  type Shape,
} from "../shape.ts";

const cache_control = record({ type: word("ephemeral"), ttl: word("5m", "1h") });

/** Citations in a request: a setting, or those of an earlier answer. Their text is quoted from a document. */
const citations: Shape = { is: "either", record: record({ enabled: boolean }), list: list(from("document", any)) };

const sourceOf = (media: MediaKind): Shape =>
  variant(
    "type",
    {
      base64: record({ type: word("base64"), media_type: text, data: { is: "base64", media } }),
      text: record({ type: word("text"), media_type: text, data: text }),
      url: record({ type: word("url"), url: { is: "url", media } }),
      file: record({ type: word("file"), file_id: { is: "reference", media } }),
      content: record({
        type: word("content"),
        content: { is: "either", text, list: { is: "lazy", shape: () => blocks } },
      }),
    },
    unknownPart,
  );
const source = sourceOf("file");

const toolUse = record({ type: word("tool_use", "server_tool_use"), id: text, name: text, input: any, cache_control });

/** Results of tools run by the API: what they hold was written by whoever wrote the page or the file. */
const serverToolResult = from(
  "tool",
  record({ tool_use_id: text, cache_control, content: { is: "lazy", shape: () => serverToolContent } }, { rest: any }),
);

const serverToolContent: Shape = {
  is: "either",
  text,
  record: { is: "lazy", shape: () => serverToolItem },
  list: list({ is: "lazy", shape: () => serverToolItem }),
};

const serverToolItem: Shape = record(
  {
    encrypted_content: sealedBase64,
    encrypted_stdout: sealedBase64,
    content: serverToolContent,
    title: text,
    url,
    source,
  },
  { rest: any },
);

/** A block of content, in a request and in an answer. */
export const block: Shape = variant(
  "type",
  {
    text: record({ type: word("text"), text, cache_control, citations }, { required: ["text"] }),
    image: record({ type: word("image"), source: sourceOf("image"), cache_control }),
    document: from(
      "document",
      record({ type: word("document"), source, title: text, context: text, cache_control, citations }),
    ),
    search_result: from(
      "document",
      record({
        type: word("search_result"),
        source: text,
        title: text,
        content: { is: "lazy", shape: () => blocks },
        cache_control,
        citations,
      }),
    ),
    // Signed: the API refuses a thinking block once its text has changed, so a mask there becomes a block.
    thinking: record({
      type: word("thinking"),
      thinking: { is: "text", sealed: true },
      signature: sealedBase64,
    }),
    redacted_thinking: record({ type: word("redacted_thinking"), data: sealedBase64 }),
    tool_use: toolUse,
    server_tool_use: toolUse,
    mcp_tool_use: record({ type: word("mcp_tool_use"), id: text, name: text, server_name: text, input: any }),
    tool_result: from(
      "tool",
      record({
        type: word("tool_result"),
        tool_use_id: text,
        is_error: boolean,
        content: { is: "either", text, list: { is: "lazy", shape: () => blocks } },
        cache_control,
      }),
    ),
    web_search_tool_result: serverToolResult,
    web_fetch_tool_result: serverToolResult,
    code_execution_tool_result: serverToolResult,
    bash_code_execution_tool_result: serverToolResult,
    text_editor_code_execution_tool_result: serverToolResult,
    mcp_tool_result: serverToolResult,
    container_upload: record({ type: word("container_upload"), file_id: fileId, cache_control }),
  },
  unknownPart,
);

const blocks: Shape = list(block);

const ORIGINS: ReadonlyMap<unknown, Origin> = new Map([
  ["user", "user"],
  ["assistant", "assistant"],
  ["system", "system"],
]);

const byRole = (message: Fields): Origin => ORIGINS.get(message["role"]) ?? "user";

const message = from(
  byRole,
  record(
    { role: word("user", "assistant", "system"), content: { is: "either", text, list: blocks } },
    { required: ["role", "content"] },
  ),
);

const tool = from(
  "tool",
  record({
    type: { is: "either", text },
    name: text,
    description: text,
    input_schema: jsonSchema,
    input_examples: any,
    strict: boolean,
    max_uses: number,
    allowed_domains: list(text),
    blocked_domains: list(text),
    user_location: any,
    cache_control,
  }),
);

/** A skill of the API's own, by its name, or one that was uploaded, by its id. */
const skill = variant(
  "type",
  { custom: record({ type: word("custom"), skill_id: reference, version: text }) },
  record({ type: word("anthropic"), skill_id: text, version: text }),
);

/** `POST /messages`. */
export const messagesRequest: Shape = record(
  {
    model: text,
    messages: list(message),
    system: from("system", { is: "either", text, list: blocks }),
    max_tokens: number,
    stream: boolean,
    temperature: number,
    top_p: number,
    top_k: number,
    stop_sequences: list(text),
    tools: list(tool),
    tool_choice: from(
      "tool",
      record({ type: word("auto", "any", "tool", "none"), name: text, disable_parallel_tool_use: boolean }),
    ),
    thinking: record({ type: word("enabled", "disabled", "adaptive"), budget_tokens: number }),
    metadata: record({ user_id: text }),
    // Where the code of an earlier answer ran, with its files.
    container: { is: "either", text: reference, record: record({ id: reference, skills: list(skill) }, { rest: any }) },
    mcp_servers: any,
    output_config: any,
    service_tier: word("auto", "standard_only"),
    speed: word("standard", "fast"),
  },
  { required: ["model", "messages"] },
);
