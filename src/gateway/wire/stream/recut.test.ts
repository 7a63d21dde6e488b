/** The same stream, cut at every byte: the same verdict, and the same text for the client in every field. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createSseDecoder } from "../../sse/index.ts";
import {
  DONE,
  SECRET,
  assemble,
  chunk,
  finish,
  guardThat,
  message,
  named,
  run,
  sse,
  utf8,
} from "../../../../test/upstreams/streams.ts";

const args = `{"k":"\\u0043ANARY and ü","n":[1]}`;

/** A short stream of each protocol with a secret in its text, over two pieces, and in a tool call. */
const streams: Readonly<Record<string, string>> = {
  "openai.chat": [
    chunk(0, { content: "é CAN" }),
    chunk(1, { content: "other" }),
    chunk(0, { content: "ARY b" }),
    chunk(0, { tool_calls: [{ index: 0, function: { name: "f", arguments: args.slice(0, 9) } }] }),
    chunk(0, { tool_calls: [{ index: 0, function: { arguments: args.slice(9) } }] }),
    finish(0),
    finish(1),
    DONE,
  ].join(""),
  "openai.responses": [
    { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "é CAN" },
    { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "ARY b" },
    { type: "response.output_text.done", output_index: 0, content_index: 0, text: `é ${SECRET} b` },
    { type: "response.function_call_arguments.delta", output_index: 1, delta: args.slice(0, 9) },
    { type: "response.function_call_arguments.delta", output_index: 1, delta: args.slice(9) },
    { type: "response.function_call_arguments.done", output_index: 1, arguments: args },
    { type: "response.completed", response: { output: [{ type: "function_call", arguments: args }] } },
  ]
    .map(named)
    .join(""),
  "anthropic.messages": message([
    { type: "text_delta", text: "é CAN" },
    { type: "text_delta", text: "ARY b" },
  ]).replace("event: message_stop", `${input(args.slice(0, 9))}${input(args.slice(9))}event: message_stop`),
  "gemini.stream": [
    [{ text: "é CAN" }],
    [{ text: "x", thought: true }, { text: "ARY b" }],
    [{ functionCall: { name: "f", args: { k: `${SECRET} ü` } } }],
  ]
    .map((parts) => sse({ candidates: [{ index: 0, content: { role: "model", parts } }] }))
    .concat(sse({ candidates: [{ index: 0, finishReason: "STOP" }] }))
    .join(""),
};

function input(partial_json: string): string {
  return named({ type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json } } as never);
}

/** What a client makes of a stream: the texts that events continue, put together, and what comes whole, as it is. */
function textsOf(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = { ...assemble(text) };
  const add = (name: string, piece: string): void => {
    found[name] = (found[name] ?? "") + piece;
  };
  for (const { data } of createSseDecoder().push(utf8.encode(text)).events) {
    if (data === undefined || data === "[DONE]") continue;
    const event = JSON.parse(data) as Record<string, unknown> & { candidates?: { content?: { parts?: Part[] } }[] };
    const type = String(event["type"]);
    if (type.startsWith("response.") && typeof event["delta"] === "string") {
      add(`${type} ${String(event["output_index"])}`, event["delta"]);
    } else if (type.startsWith("response.")) add(type, data);
    for (const { text: said, thought, ...rest } of event.candidates?.[0]?.content?.parts ?? []) {
      if (said === undefined) add("part", JSON.stringify(rest));
      else add(thought === true ? "thought" : "said", said);
    }
  }
  return found;
}

interface Part {
  readonly text?: string;
  readonly thought?: boolean;
}

describe("a stream cut at every byte", () => {
  for (const [id, sent] of Object.entries(streams)) {
    const bytes = utf8.encode(sent);
    for (const action of ["mask", "block"] as const) {
      it(`is the same to the client: ${id}, ${action}`, async () => {
        const guard = guardThat(action);
        const whole = await run(id, guard, [bytes]);
        assert.equal(whole.blocked, action === "block");
        assert.ok(!whole.text.includes(SECRET) && !whole.text.includes("0043ANARY"));
        const [expected, original] = [textsOf(whole.text), textsOf(sent)];
        const same = ({ text, blocked }: { text: string; blocked: boolean }, where: string): void => {
          assert.equal(blocked, whole.blocked, where);
          if (text === whole.text) return;
          // How texts lie in events may differ, and how much had left before a block; what they are may not.
          const got = textsOf(text);
          if (action === "mask") assert.deepEqual(got, expected, where);
          else for (const [name, one] of Object.entries(got)) assert.ok(original[name]?.startsWith(one), where);
          assert.ok(!text.includes(SECRET) && !text.includes("0043ANARY"), where);
        };
        for (let at = 1; at < bytes.length; at++) {
          same(await run(id, guard, [bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`);
        }
        same(
          await run(
            id,
            guard,
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
          ),
          "cut everywhere",
        );
      });
    }
  }
});
