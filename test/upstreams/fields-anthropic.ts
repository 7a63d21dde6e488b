/**
 * The Anthropic API: a request and an answer of each route with every field of the API references, for tests that put
 * something into each of them. Written by hand.
 *
 * @module
 */

import { IMAGE, schema } from "./fields-common.ts";

const message = {
  model: "m",
  max_tokens: 10,
  system: [{ type: "text", text: "s", cache_control: { type: "ephemeral", ttl: "5m" } }],
  messages: [
    { role: "user", content: "plain" },
    {
      role: "user",
      content: [
        { type: "text", text: "t", citations: [{ type: "char_location", cited_text: "c", document_title: "t" }] },
        { type: "image", source: { type: "base64", media_type: "image/png", data: IMAGE } },
        { type: "image", source: { type: "url", url: "https://example.org/a.png" } },
        {
          type: "document",
          title: "t",
          context: "c",
          citations: { enabled: true },
          source: { type: "text", media_type: "text/plain", data: "d" },
        },
        { type: "document", source: { type: "content", content: [{ type: "text", text: "t" }] } },
        { type: "document", source: { type: "file", file_id: "f" } },
        { type: "search_result", source: "s", title: "t", content: [{ type: "text", text: "t" }] },
        {
          type: "tool_result",
          tool_use_id: "i",
          is_error: false,
          content: [
            { type: "text", text: "t" },
            { type: "search_result", source: "s", title: "t", content: [] },
          ],
        },
        { type: "tool_result", tool_use_id: "i", content: "plain" },
        { type: "container_upload", file_id: "f" },
        { type: "new_block", anything: ["x"] },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "t", signature: "c2lnbmF0dXJl" },
        { type: "redacted_thinking", data: "ZGF0YQ==" },
        { type: "tool_use", id: "i", name: "n", input: { a: { b: ["c"] } } },
        { type: "server_tool_use", id: "i", name: "web_search", input: { query: "q" } },
        {
          type: "web_search_tool_result",
          tool_use_id: "i",
          content: [{ type: "web_search_result", title: "t", url: "https://u", encrypted_content: "ZQ==" }],
        },
        {
          type: "code_execution_tool_result",
          tool_use_id: "i",
          content: { type: "code_execution_result", stdout: "o", stderr: "e", return_code: 0, content: [] },
        },
        { type: "mcp_tool_use", id: "i", name: "n", server_name: "s", input: { a: "b" } },
        { type: "mcp_tool_result", tool_use_id: "i", content: [{ type: "text", text: "t" }] },
      ],
    },
  ],
  tools: [
    { name: "n", description: "d", input_schema: schema, input_examples: [{ a: "b" }] },
    { type: "web_search_20250305", name: "web_search", allowed_domains: ["d"], user_location: { city: "c" } },
  ],
  tool_choice: { type: "tool", name: "n", disable_parallel_tool_use: true },
  stop_sequences: ["x"],
  metadata: { user_id: "u" },
  thinking: { type: "enabled", budget_tokens: 5 },
  container: { skills: [{ skill_id: "s" }] },
  mcp_servers: [{ name: "n", url: "https://u", authorization_token: "t" }],
  output_config: { format: { type: "json_schema", schema } },
  service_tier: "auto",
  stream: false,
  temperature: 1,
  top_p: 1,
  top_k: 1,
  unknown: { a: "b" },
};

export const anthropicRequests: Readonly<Record<string, unknown>> = {
  "anthropic.messages": message,
  "anthropic.count-tokens": message,
};

export const anthropicAnswers: Readonly<Record<string, unknown>> = {
  "anthropic.count-tokens": {
    input_tokens: 3,
    context_management: { original_input_tokens: 4, note: "n", a: ["b"] },
    k: "v",
  },
  "anthropic.messages": {
    id: "i",
    type: "message",
    role: "assistant",
    model: "m",
    content: [
      { type: "thinking", thinking: "t", signature: "c2ln" },
      { type: "text", text: "t", citations: [{ type: "char_location", cited_text: "c" }] },
      { type: "tool_use", id: "i", name: "n", input: { a: "b" } },
      { type: "web_search_tool_result", tool_use_id: "i", content: [{ title: "t", encrypted_content: "ZQ==" }] },
      { type: "new_block", anything: { a: "b" } },
    ],
    stop_reason: "stop_sequence",
    stop_sequence: "x",
    usage: {
      input_tokens: 3,
      cache_read_input_tokens: 2,
      cache_creation_input_tokens: 1,
      cache_creation: { ephemeral_1h_input_tokens: 1, ephemeral_5m_input_tokens: 0 },
      output_tokens: 4,
      output_tokens_details: { thinking_tokens: 1 },
      server_tool_use: { web_fetch_requests: 0, web_search_requests: 1 },
      inference_geo: "g",
      service_tier: "standard",
      speed: "fast",
      fallback_credit: { status: { type: "t" } },
      iterations: [{ type: "message", model: "m", input_tokens: 3, output_tokens: 4 }],
    },
  },
};
