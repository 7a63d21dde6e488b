/**
 * The matrix: a canary in every field of every route is read. The samples hold every field of the API references; a
 * field that is missing here is an unknown field, which the property test covers.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { operations, type Operation } from "./index.ts";

const CANARY = "c4nary";

/** Larger than what is read as text in spite of being base64. */
const IMAGE = "iVBORw0KGgo".repeat(500);

const schema = {
  type: "object",
  title: "t",
  description: "d",
  required: ["city"],
  properties: { city: { type: ["string", "null"], enum: ["a"], pattern: "p", default: "x" }, list: { items: {} } },
  $defs: { n: { const: "c", anyOf: [{ type: "null" }], not: true } },
  additionalProperties: false,
  "x-own": ["y"],
};

const requests: Record<string, unknown> = {
  "openai.chat": {
    model: "m",
    messages: [
      { role: "system", content: "s", name: "n" },
      { role: "developer", content: [{ type: "text", text: "t", prompt_cache_breakpoint: { k: "v" } }, "bare"] },
      {
        role: "user",
        content: [
          { type: "text", text: "t" },
          { type: "image_url", image_url: { url: `data:image/png;base64,${IMAGE}`, detail: "low" } },
          { type: "image_url", image_url: { url: "https://example.org/a.png" } },
          { type: "input_audio", input_audio: { data: IMAGE, format: "wav", transcript: "t" } },
          { type: "file", file: { file_data: "data:text/plain,hi", file_id: "f", filename: "a.txt" } },
          { type: "new_part", anything: { deep: ["x"] } },
        ],
      },
      {
        role: "assistant",
        content: null,
        refusal: "r",
        reasoning_content: "c",
        audio: { id: "a" },
        tool_calls: [
          { id: "i", type: "function", function: { name: "f", arguments: '{"a":"b"}' } },
          { id: "j", type: "custom", custom: { name: "c", input: "i" } },
        ],
        function_call: { name: "f", arguments: "{}" },
      },
      { role: "tool", tool_call_id: "i", content: "result" },
      { role: "function", name: "f", content: [{ type: "refusal", refusal: "r" }] },
    ],
    stream: true,
    stream_options: { include_usage: true, include_obfuscation: false },
    max_tokens: 5,
    max_completion_tokens: 6,
    n: 1,
    temperature: 1,
    top_p: 1,
    seed: 1,
    frequency_penalty: 0,
    presence_penalty: 0,
    logprobs: true,
    top_logprobs: 2,
    logit_bias: { "50256": -100 },
    stop: ["x"],
    tools: [
      { type: "function", function: { name: "f", description: "d", parameters: schema, strict: true } },
      {
        type: "custom",
        custom: { name: "c", description: "d", format: { type: "grammar", grammar: { definition: "g" } } },
      },
    ],
    tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [{ name: "f" }] } },
    parallel_tool_calls: true,
    functions: [{ name: "f", description: "d", parameters: schema }],
    function_call: { name: "f" },
    response_format: { type: "json_schema", json_schema: { name: "n", description: "d", schema, strict: true } },
    prediction: { type: "content", content: [{ type: "text", text: "p" }] },
    modalities: ["text", "audio"],
    audio: { voice: "alloy", format: "wav" },
    web_search_options: { user_location: { type: "approximate", approximate: { city: "c" } } },
    moderation: { model: "m" },
    user: "u",
    safety_identifier: "s",
    prompt_cache_key: "k",
    prompt_cache_retention: "24h",
    metadata: { key: "value" },
    store: false,
    reasoning_effort: "low",
    verbosity: "low",
    service_tier: "auto",
    unknown: { a: [{ b: "c" }] },
  },
  "openai.embeddings": {
    model: "m",
    input: ["one", [1, 2, 3], "two"],
    encoding_format: "float",
    dimensions: 8,
    user: "u",
    unknown: "x",
  },
  "anthropic.messages": {
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
  },
};

requests["anthropic.count-tokens"] = requests["anthropic.messages"];

const responseItems = [
  {
    type: "message",
    id: "i",
    role: "assistant",
    status: "completed",
    phase: "commentary",
    content: [
      {
        type: "output_text",
        text: "t",
        annotations: [{ type: "url_citation", url: "https://u", title: "t" }],
        logprobs: [
          { token: "t", logprob: -1, bytes: [116], top_logprobs: [{ token: "u", logprob: -2, bytes: [117] }] },
        ],
      },
      { type: "refusal", refusal: "r" },
    ],
  },
  {
    type: "reasoning",
    id: "i",
    summary: [{ type: "summary_text", text: "s" }],
    content: [{ type: "reasoning_text", text: "t" }],
    encrypted_content: "ZW5j",
    status: "completed",
  },
  {
    type: "function_call",
    id: "i",
    call_id: "c",
    name: "f",
    namespace: "n",
    arguments: '{"a":"b\\n"}',
    status: "completed",
  },
  { type: "function_call_output", call_id: "c", output: "o" },
  { type: "custom_tool_call", id: "i", call_id: "c", name: "n", input: "i" },
  { type: "custom_tool_call_output", call_id: "c", output: [{ type: "input_text", text: "t" }] },
  { type: "mcp_call", id: "i", name: "n", server_label: "s", arguments: "{}", output: "o", error: { message: "e" } },
  { type: "mcp_approval_request", id: "i", name: "n", server_label: "s", arguments: "{}" },
  {
    type: "mcp_list_tools",
    id: "i",
    server_label: "s",
    tools: [{ name: "n", description: "d", input_schema: schema }],
  },
  {
    type: "file_search_call",
    id: "i",
    status: "searching",
    queries: ["q"],
    results: [{ file_id: "f", filename: "n", text: "t", attributes: { k: "v" } }],
  },
  {
    type: "web_search_call",
    id: "i",
    status: "completed",
    action: { type: "search", query: "q", sources: [{ url: "https://u" }] },
  },
  { type: "code_interpreter_call", id: "i", code: "c", container_id: "c", outputs: [{ type: "logs", logs: "l" }] },
  { type: "image_generation_call", id: "i", status: "generating", result: IMAGE, revised_prompt: "p" },
  {
    type: "computer_call",
    id: "i",
    call_id: "c",
    action: { type: "type", text: "t" },
    pending_safety_checks: [{ code: "c", message: "m" }],
  },
  { type: "local_shell_call", id: "i", action: { command: ["ls"], env: { K: "v" } } },
  { type: "shell_call", id: "i", call_id: "c", action: { commands: ["ls"] } },
  { type: "apply_patch_call", id: "i", operation: { type: "update_file", path: "p", diff: "d" } },
  { type: "compaction", id: "i", encrypted_content: "ZW5j" },
  { type: "novel_call", anything: { deep: ["x"] }, content: "c" },
];

const geminiContents = [
  {
    role: "user",
    parts: [
      { text: "t" },
      { inlineData: { mimeType: "image/png", data: IMAGE, displayName: "n" } },
      { file_data: { mime_type: "image/png", file_uri: "https://u", display_name: "n" } },
      {
        functionResponse: {
          id: "i",
          name: "f",
          response: { a: ["b"] },
          parts: [{ inlineData: { mimeType: "image/png", data: IMAGE } }],
        },
      },
      { codeExecutionResult: { outcome: "OUTCOME_OK", output: "o" } },
      { novelPart: { deep: ["x"] } },
    ],
  },
  {
    role: "model",
    parts: [
      { text: "t", thought: true, thoughtSignature: "c2ln" },
      {
        functionCall: {
          id: "i",
          name: "f",
          args: { a: { b: ["c"] } },
          partialArgs: [{ jsonPath: "$", stringValue: "v" }],
        },
      },
      { executableCode: { language: "PYTHON", code: "c", id: "i" } },
    ],
  },
  { parts: [{ text: "t", videoMetadata: { startOffset: "1s" }, partMetadata: { k: "v" } }] },
];
const geminiRequest = {
  model: "models/m",
  contents: geminiContents,
  systemInstruction: { role: "system", parts: [{ text: "s" }] },
  tools: [
    {
      functionDeclarations: [
        {
          name: "f",
          description: "d",
          parameters: schema,
          parametersJsonSchema: schema,
          response: schema,
          behavior: "BLOCKING",
        },
      ],
    },
    { googleSearch: { excludeDomains: ["d"] } },
  ],
  toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["f"] } },
  safetySettings: [{ category: "c", threshold: "t" }],
  generationConfig: {
    stopSequences: ["x"],
    responseMimeType: "application/json",
    responseSchema: schema,
    response_json_schema: schema,
    responseModalities: ["TEXT"],
    candidateCount: 1,
    maxOutputTokens: 5,
    temperature: 1,
    topP: 1,
    topK: 1,
    seed: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
    responseLogprobs: true,
    logprobs: 2,
    speechConfig: { voice: "v" },
  },
  cachedContent: "cachedContents/1",
  labels: { k: "v" },
  serviceTier: "standard",
  store: false,
  unknown: { a: [{ b: "c" }] },
};
requests["gemini.generate"] = geminiRequest;
requests["gemini.stream"] = { ...geminiRequest, system_instruction: "s", generation_config: null };
requests["gemini.embed"] = {
  model: "models/m",
  content: { parts: [{ text: "t" }] },
  taskType: "T",
  title: "t",
  output_dimensionality: 4,
  k: "v",
};
requests["gemini.embed-batch"] = { requests: [requests["gemini.embed"]], unknown: "x" };
requests["gemini.count-tokens"] = { generateContentRequest: geminiRequest };

requests["openai.responses"] = {
  model: "m",
  instructions: "i",
  input: [
    { role: "user", content: "plain" },
    {
      type: "message",
      role: "developer",
      content: [
        { type: "input_text", text: "t" },
        { type: "input_image", image_url: `data:image/png;base64,${IMAGE}`, detail: "low" },
        { type: "input_image", file_id: "f" },
        { type: "input_file", file_data: "data:text/plain,hi", filename: "a.txt" },
        { type: "input_file", file_id: "f", file_url: "https://example.org/a.pdf" },
        { type: "input_audio", input_audio: { data: IMAGE, format: "wav" } },
        { type: "novel_part", anything: ["x"] },
      ],
    },
    ...responseItems,
    { type: "computer_call_output", call_id: "c", output: { type: "computer_screenshot", image_url: "https://u" } },
    { type: "mcp_approval_response", approval_request_id: "a", approve: true, reason: "r" },
    { type: "local_shell_call_output", id: "i", output: "{}" },
    { type: "item_reference", id: "i" },
  ],
  previous_response_id: "resp_1",
  conversation: { id: "conv_1" },
  prompt: { id: "p", version: "1", variables: { name: "v", other: { type: "input_text", text: "t" } } },
  stream: true,
  stream_options: { include_obfuscation: false },
  include: ["message.output_text.logprobs"],
  reasoning: { effort: "low", summary: "auto", generate_summary: "auto" },
  text: { verbosity: "low", format: { type: "json_schema", name: "n", description: "d", schema, strict: true } },
  tools: [
    { type: "function", name: "f", description: "d", parameters: schema, strict: true },
    { type: "custom", name: "c", description: "d", format: { type: "grammar", definition: "g" } },
    { type: "file_search", vector_store_ids: ["vs_1"], filters: { type: "eq", key: "k", value: "v" } },
    {
      type: "mcp",
      server_label: "s",
      server_url: "https://u",
      authorization: "a",
      headers: { k: "v" },
      allowed_tools: ["t"],
    },
    { type: "code_interpreter", container: { type: "auto", file_ids: ["f"], memory_limit: "1g" } },
    { type: "code_interpreter", container: "cntr_1" },
  ],
  tool_choice: { type: "function", name: "f" },
  metadata: { key: "value" },
  context_management: [{ type: "compaction", compact_threshold: 5 }],
  max_output_tokens: 5,
  max_tool_calls: 2,
  parallel_tool_calls: true,
  background: false,
  store: false,
  temperature: 1,
  top_p: 1,
  top_logprobs: 2,
  truncation: "auto",
  service_tier: "auto",
  prompt_cache_key: "k",
  prompt_cache_retention: "24h",
  safety_identifier: "s",
  user: "u",
  unknown: { a: [{ b: "c" }] },
};

const answers: Record<string, unknown> = {
  "gemini.generate": {
    candidates: [
      {
        index: 0,
        content: geminiContents[1],
        finishReason: "STOP",
        finishMessage: "m",
        safetyRatings: [{ category: "c", probability: "p" }],
        citationMetadata: { citationSources: [{ uri: "u", license: "l" }] },
        groundingMetadata: { webSearchQueries: ["q"], groundingChunks: [{ web: { uri: "u", title: "t" } }] },
        urlContextMetadata: { urlMetadata: [{ retrievedUrl: "u" }] },
        tokenCount: 1,
        avgLogprobs: -1,
        logprobsResult: {
          chosenCandidates: [{ token: "t", tokenId: 1, logProbability: -1 }],
          topCandidates: [{ candidates: [{ token: "t", tokenId: 1, logProbability: -1 }] }],
        },
      },
      { index: 1, content: geminiContents[0] },
    ],
    promptFeedback: { blockReason: "SAFETY", safetyRatings: [{ category: "c" }] },
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4, promptTokensDetails: [{ modality: "TEXT" }] },
    modelVersion: "m",
    responseId: "r",
    unknown: { a: "b" },
  },
  "gemini.embed": { embedding: { values: [0.1], statistics: { k: "v" } }, metadata: { k: "v" } },
  "gemini.embed-batch": {
    embeddings: [{ values: [0.1, 0.2] }],
    usageMetadata: { promptTokenDetails: [{ modality: "TEXT" }] },
  },
  "gemini.count-tokens": { totalTokens: 3, promptTokensDetails: [{ modality: "TEXT" }], unknown: "x" },
  "openai.responses": {
    id: "resp_1",
    object: "response",
    created_at: 1,
    completed_at: 2,
    status: "completed",
    error: { code: "c", message: "m" },
    incomplete_details: { reason: "max_output_tokens" },
    instructions: "i",
    model: "m",
    output: responseItems,
    previous_response_id: "resp_0",
    conversation: { id: "c" },
    prompt: { id: "p", variables: { a: "b" } },
    reasoning: { effort: "low", summary: "auto" },
    text: { format: { type: "text" } },
    tools: [{ type: "function", name: "f", description: "d", parameters: schema }],
    tool_choice: "auto",
    metadata: { k: "v" },
    usage: { input_tokens: 3, output_tokens: 4, output_tokens_details: { reasoning_tokens: 1, kind: "k" } },
    truncation: "disabled",
    user: "u",
    unknown: "x",
  },
  "anthropic.count-tokens": {
    input_tokens: 3,
    context_management: { original_input_tokens: 4, note: "n", a: ["b"] },
    k: "v",
  },
  "openai.chat": {
    id: "i",
    object: "chat.completion",
    created: 1,
    model: "m",
    system_fingerprint: "f",
    service_tier: "default",
    choices: [
      {
        index: 0,
        finish_reason: "stop",
        message: {
          role: "assistant",
          content: "c",
          refusal: "r",
          reasoning_content: "c",
          tool_calls: [{ id: "i", type: "function", function: { name: "f", arguments: '{"a":"b\\n"}' } }],
          function_call: { name: "f", arguments: "{}" },
          audio: { id: "a", data: IMAGE, transcript: "t", expires_at: 1 },
          annotations: [{ type: "url_citation", url_citation: { title: "t", url: "https://u" } }],
        },
        logprobs: {
          content: [
            { token: "c", logprob: -1, bytes: [99], top_logprobs: [{ token: "d", logprob: -2, bytes: [100] }] },
          ],
          refusal: [{ token: "r", logprob: -1, bytes: null, top_logprobs: [] }],
        },
      },
      { index: 1, finish_reason: "length", message: { role: "assistant", content: "second" }, logprobs: null },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7, completion_tokens_details: { kind: "k" } },
    unknown: "x",
  },
  "openai.embeddings": {
    object: "list",
    model: "m",
    data: [
      { object: "embedding", index: 0, embedding: [0.1, 0.2] },
      { object: "embedding", index: 1, embedding: IMAGE },
    ],
    usage: { prompt_tokens: 3, total_tokens: 3 },
  },
  "openai.models": {
    object: "list",
    data: [{ id: "m", object: "model", created: 1, owned_by: "o", extra: { a: "b" } }],
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
    usage: { input_tokens: 3, cache_read_input_tokens: 2, cache_creation_input_tokens: 1, output_tokens: 4 },
  },
};

answers["gemini.stream"] = answers["gemini.generate"];

type Path = readonly (string | number)[];

/** Every string of `value`, and every name, by path. */
function* places(value: unknown, path: Path = []): Generator<{ path: Path; isName: boolean }> {
  if (typeof value === "string") yield { path, isName: false };
  else if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* places(item, [...path, index]);
  else if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      yield { path: [...path, name], isName: true };
      yield* places(member, [...path, name]);
    }
  }
}

/** A copy of `value` with the string, or the name, at `path` replaced. */
function replaced(value: unknown, path: Path, isName: boolean, by: string): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return by;
  if (Array.isArray(value))
    return value.map((item, index) => (index === step ? replaced(item, rest, isName, by) : item));
  return Object.fromEntries(
    Object.entries(value as object).map(([name, member]) => {
      if (name !== step) return [name, member];
      return isName && rest.length === 0 ? [by, member] : [name, replaced(member, rest, isName, by)];
    }),
  );
}

/** True when the canary is read, or the message is refused as wrong, which happens to names and types only. */
function isRead(
  parse: (value: unknown) => { spans: readonly { text: string }[] },
  value: unknown,
  code: string,
  mayRefuse = true,
): boolean {
  try {
    return parse(value).spans.some((span) => span.text.includes(CANARY));
  } catch (error) {
    assert.ok(mayRefuse && isHoldfastError(error, code), String(error));
    assert.ok(!error.message.includes(CANARY));
    return true;
  }
}

/** A model beside that of the path: one that differs is refused. */
const mustAgree = (path: Path): boolean => path.at(-1) === "model";

/** The model of the samples, where the path names it. */
const inPath = ({ path }: Operation): string | undefined => (path.includes("{model}") ? "m" : undefined);

function sides(
  operation: Operation,
): { name: string; sample: unknown; parse: Operation["parseResponse"]; code: string }[] {
  const { id } = operation;
  return [
    {
      name: `${id} request`,
      sample: requests[id],
      parse: (v: unknown) => operation.parseRequest(v, inPath(operation)) as never,
      code: "gateway.request-invalid",
    },
    {
      name: `${id} answer`,
      sample: answers[id],
      parse: (v: unknown) => operation.parseResponse(v),
      code: "gateway.upstream-invalid",
    },
  ].filter(({ sample }) => sample !== undefined);
}

describe("coverage: a canary is read", () => {
  for (const { name, sample, parse, code } of operations.flatMap(sides)) {
    it(`in every string and every name of ${name}`, () => {
      assert.ok(parse(sample).spans.every((span) => !span.text.includes(CANARY)));
      let count = 0;
      for (const { path, isName } of places(sample)) {
        count++;
        const value = replaced(sample, path, isName, isName ? CANARY : `${CANARY} x`);
        assert.ok(
          isRead(parse, value, code, isName || mustAgree(path)),
          `${isName ? "name" : "string"} ${path.join(".")}`,
        );
      }
      assert.ok(count > 4);
    });

    it(`at the end of every string of ${name}, long base64 excepted`, () => {
      for (const { path, isName } of places(sample)) {
        if (isName) continue;
        const value = replaced(sample, path, false, `${"A".repeat(5_000)}+${CANARY} .`);
        assert.ok(isRead(parse, value, code, mustAgree(path)), path.join("."));
      }
    });
  }

  it("anywhere in a random value of any field of a request", () => {
    const text = fc.oneof(
      fc.constant(CANARY),
      fc.string().map((rest) => rest + CANARY),
    );
    const { holding } = fc.letrec<{ holding: unknown }>((tie) => ({
      holding: fc.oneof(
        { maxDepth: 5 },
        text,
        text,
        fc
          .tuple(fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 2 }), tie("holding"))
          .map(([rest, one]) => [...rest, one]),
        fc
          .tuple(fc.jsonValue({ maxDepth: 1 }), fc.string(), tie("holding"))
          .map(([rest, name, one]) => ({ rest, [`${name}!`]: one })),
        fc.tuple(text, fc.jsonValue({ maxDepth: 1 })).map(([name, value]) => ({ [name]: value })),
      ),
    }));
    for (const operation of operations) {
      const sample = requests[operation.id];
      if (sample === undefined) continue;
      const all = [...places(sample)].map(({ path }) => path);
      fc.assert(
        fc.property(fc.constantFrom(...all), holding, fc.boolean(), (path, value, added) => {
          const target = added ? [...path.slice(0, -1), path.at(-1) as string | number] : path;
          const body = put(structuredClone(sample), target, value, added);
          assert.ok(isRead((v) => operation.parseRequest(v, inPath(operation)), body, "gateway.request-invalid"));
        }),
        { numRuns: 400 },
      );
    }
  });
});

/** Puts `value` at `path`, or beside it under a new name. */
function put(sample: unknown, path: Path, value: unknown, beside: boolean): unknown {
  let holder = sample as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) holder = holder[step] as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  if (Array.isArray(holder)) holder[typeof last === "number" ? last : 0] = value;
  else holder[beside ? `${last} beside` : last] = value;
  return sample;
}
