/**
 * Answers of the fake upstream in the form of the Responses API (OpenAI API reference, «The response object», «Streaming
 * events»): every text in all the events that say it. Written by hand, with fixed ids and times.
 *
 * @module
 */

import type { FakeTool } from "./answers.ts";

/** What an item of an answer is made of: the pieces of its text. */
export type FakeItem =
  | { readonly is: "message" | "refusal" | "reasoning" | "custom"; readonly pieces: readonly string[] }
  | { readonly is: "call"; readonly name: string; readonly pieces: readonly string[] };

const CREATED = 1_767_225_600;
const USAGE = {
  input_tokens: 11,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 7,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 18,
};

/** The items of a text and a tool call. */
export function fakeItems(pieces: readonly string[], tool: FakeTool | undefined): readonly FakeItem[] {
  const message: FakeItem = { is: "message", pieces };
  return tool === undefined ? [message] : [message, { is: "call", name: tool.name, pieces: tool.arguments }];
}

/** A whole response. */
export function response(model: string, items: readonly FakeItem[]): Readonly<Record<string, unknown>> {
  return envelope(model, "completed", items.map(wholeItem), USAGE);
}

/** The events of a streamed response. */
export function* responseEvents(model: string, items: readonly FakeItem[]): Generator<string> {
  let sequence_number = 0;
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence_number++, ...fields })}\n\n`;
  yield event("response.created", { response: envelope(model, "in_progress", [], null) });
  yield event("response.in_progress", { response: envelope(model, "in_progress", [], null) });
  for (const [output_index, one] of items.entries()) {
    const item = wholeItem(one, output_index);
    const at = { item_id: item["id"], output_index };
    const form = FORMS[one.is];
    yield event("response.output_item.added", { output_index, item: form.empty(item) });
    const place = form.part === undefined ? at : { ...at, [form.part.index]: 0 };
    if (form.part !== undefined) yield event(form.part.added, { ...place, part: form.part.of("") });
    const rest = form.kind === "output_text" ? { logprobs: [] } : {};
    for (const delta of one.pieces) yield event(`response.${form.kind}.delta`, { ...place, delta, ...rest });
    const whole = one.pieces.join("");
    yield event(`response.${form.kind}.done`, { ...place, [form.field]: whole, ...rest });
    if (form.part !== undefined) yield event(form.part.done, { ...place, part: form.part.of(whole) });
    yield event("response.output_item.done", { output_index, item });
  }
  yield event("response.completed", { response: response(model, items) });
}

interface Form {
  readonly kind: string;
  readonly field: string;
  readonly part?: {
    readonly index: string;
    readonly added: string;
    readonly done: string;
    of(text: string): Readonly<Record<string, unknown>>;
  };
  empty(item: Readonly<Record<string, unknown>>): unknown;
}

const content = {
  index: "content_index",
  added: "response.content_part.added",
  done: "response.content_part.done",
} as const;

const FORMS: Readonly<Record<FakeItem["is"], Form>> = {
  message: {
    kind: "output_text",
    field: "text",
    part: { ...content, of: (text) => ({ type: "output_text", text, annotations: [], logprobs: [] }) },
    empty: (item) => ({ ...item, status: "in_progress", content: [] }),
  },
  refusal: {
    kind: "refusal",
    field: "refusal",
    part: { ...content, of: (refusal) => ({ type: "refusal", refusal }) },
    empty: (item) => ({ ...item, status: "in_progress", content: [] }),
  },
  reasoning: {
    kind: "reasoning_summary_text",
    field: "text",
    part: {
      index: "summary_index",
      added: "response.reasoning_summary_part.added",
      done: "response.reasoning_summary_part.done",
      of: (text) => ({ type: "summary_text", text }),
    },
    empty: (item) => ({ ...item, summary: [] }),
  },
  call: {
    kind: "function_call_arguments",
    field: "arguments",
    empty: (item) => ({ ...item, status: "in_progress", arguments: "" }),
  },
  custom: {
    kind: "custom_tool_call_input",
    field: "input",
    empty: (item) => ({ ...item, status: "in_progress", input: "" }),
  },
};

function wholeItem(one: FakeItem, index: number): Readonly<Record<string, unknown>> {
  const text = one.pieces.join("");
  const part = FORMS[one.is].part?.of(text);
  switch (one.is) {
    case "message":
    case "refusal":
      return { id: `msg_${index}`, type: "message", status: "completed", role: "assistant", content: [part] };
    case "reasoning":
      return { id: `rs_${index}`, type: "reasoning", summary: [part] };
    case "call":
      return {
        id: `fc_${index}`,
        type: "function_call",
        status: "completed",
        call_id: `call_${index}`,
        name: one.name,
        arguments: text,
      };
    default:
      return {
        id: `ct_${index}`,
        type: "custom_tool_call",
        status: "completed",
        call_id: `call_${index}`,
        name: "own",
        input: text,
      };
  }
}

function envelope(
  model: string,
  status: string,
  output: readonly unknown[],
  usage: unknown,
): Readonly<Record<string, unknown>> {
  return {
    id: "resp_fake",
    object: "response",
    created_at: CREATED,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: true,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    truncation: "disabled",
    usage,
    user: null,
    metadata: {},
  };
}
