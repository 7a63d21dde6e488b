/**
 * The answers of the fake upstream, in the form of the API references: OpenAI «The chat completion object», «The chat
 * completion chunk object», «The embedding object», «The model object»; Anthropic «Create a Message» and «Streaming
 * Messages». Written by hand, with fixed ids and times.
 *
 * @module
 */

export interface FakeTool {
  readonly name: string;
  readonly arguments: readonly string[];
}

const ID = "chatcmpl-fake";
const MESSAGE_ID = "msg_fake";
const CREATED = 1_767_225_600;
const CALL_ID = "call_fake";

export function models(ids: readonly string[]): unknown {
  return { object: "list", data: ids.map((id) => ({ id, object: "model", created: CREATED, owned_by: "fake" })) };
}

/** Vectors of three numbers, as numbers or in base64, one for each input. */
export function embeddings(model: string, input: unknown, encoding: unknown): unknown {
  const inputs = Array.isArray(input) && typeof input[0] !== "number" ? input.length : 1;
  const vector = [0.25, -0.5, 0.125];
  const embedding = encoding === "base64" ? Buffer.from(Float32Array.from(vector).buffer).toString("base64") : vector;
  return {
    object: "list",
    model,
    data: Array.from({ length: inputs }, (_, index) => ({ object: "embedding", index, embedding })),
    usage: { prompt_tokens: 3 * inputs, total_tokens: 3 * inputs },
  };
}

export function chatCompletion(model: string, content: string, tool?: FakeTool): unknown {
  const calls = tool && [
    { id: CALL_ID, type: "function", function: { name: tool.name, arguments: tool.arguments.join("") } },
  ];
  return {
    id: ID,
    object: "chat.completion",
    created: CREATED,
    model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content, refusal: null, ...(calls && { tool_calls: calls }) },
        logprobs: null,
        finish_reason: tool ? "tool_calls" : "stop",
      },
    ],
    usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
    system_fingerprint: "fp_fake",
  };
}

/** The chunks of a streamed completion, then `[DONE]`. */
export function* chatEvents(
  model: string,
  pieces: readonly string[],
  tool: FakeTool | undefined,
  usage: boolean,
): Generator<string> {
  const base = { id: ID, object: "chat.completion.chunk", created: CREATED, model, system_fingerprint: "fp_fake" };
  const chunk = (delta: unknown, finish: string | null = null): string =>
    data({ ...base, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
  yield chunk({ role: "assistant", content: "", refusal: null });
  for (const content of pieces) yield chunk({ content });
  if (tool) {
    const first = { index: 0, id: CALL_ID, type: "function", function: { name: tool.name, arguments: "" } };
    yield chunk({ tool_calls: [first] });
    for (const piece of tool.arguments) yield chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
  }
  yield chunk({}, tool ? "tool_calls" : "stop");
  if (usage) {
    yield data({ ...base, choices: [], usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } });
  }
  yield "data: [DONE]\n\n";
}

export function anthropicMessage(model: string, text: string, tool?: FakeTool): unknown {
  const use = tool && {
    type: "tool_use",
    id: CALL_ID,
    name: tool.name,
    input: JSON.parse(tool.arguments.join("")) as unknown,
  };
  return {
    id: MESSAGE_ID,
    type: "message",
    role: "assistant",
    model,
    content: [{ type: "text", text }, ...(use ? [use] : [])],
    stop_reason: tool ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 11, output_tokens: 7 },
  };
}

/** The events of a streamed message. */
export function* anthropicEvents(
  model: string,
  pieces: readonly string[],
  tool: FakeTool | undefined,
): Generator<string> {
  const message = {
    id: MESSAGE_ID,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 11, output_tokens: 1 },
  };
  yield named({ type: "message_start", message });
  yield named({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
  yield named({ type: "ping" });
  for (const text of pieces) {
    yield named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
  }
  yield named({ type: "content_block_stop", index: 0 });
  if (tool) {
    const content_block = { type: "tool_use", id: CALL_ID, name: tool.name, input: {} };
    yield named({ type: "content_block_start", index: 1, content_block });
    for (const partial_json of ["", ...tool.arguments]) {
      yield named({ type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json } });
    }
    yield named({ type: "content_block_stop", index: 1 });
  }
  const delta = { stop_reason: tool ? "tool_use" : "end_turn", stop_sequence: null };
  yield named({ type: "message_delta", delta, usage: { output_tokens: 7 } });
  yield named({ type: "message_stop" });
}

function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function named(value: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${value.type}\n${data(value)}`;
}
