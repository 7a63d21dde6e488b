/**
 * The fields of a request of the Responses API (OpenAI API reference, «Create a model response»).
 *
 * What the upstream puts in the place of an id, earlier answers (`previous_response_id`), conversations, stored prompts
 * and files, no guard of this request sees: each is reported as not scanned.
 *
 * @module
 */

import { jsonSchema } from "../../schema.ts";
import { any, boolean, fileId, from, list, number, record, reference, text, word, type Shape } from "../../shape.ts";
import { picture } from "../request.ts";
import { inputFrom, settings } from "./item.ts";

/** Skills that the upstream keeps, or that stand here. */
const skills = list(record({ type: word("skill_reference", "inline"), skill_id: reference }, { rest: any }));

/** A tool. The kinds differ in few fields, so one record knows them all; what it does not know is text of a tool. */
export const tool: Shape = from(
  "tool",
  record(
    {
      type: word(
        "function",
        "custom",
        "file_search",
        "web_search",
        "web_search_preview",
        "computer",
        "computer_use_preview",
        "mcp",
        "code_interpreter",
        "image_generation",
        "local_shell",
        "shell",
        "apply_patch",
      ),
      name: text,
      description: text,
      parameters: jsonSchema,
      strict: boolean,
      vector_store_ids: list(reference),
      container: {
        is: "either",
        text: reference,
        record: record({ type: word("auto"), file_ids: list(fileId), skills, memory_limit: text }, { rest: any }),
      },
      environment: record(
        {
          type: word("container_auto", "container_reference", "local"),
          container_id: reference,
          file_ids: list(fileId),
          skills,
        },
        { rest: any },
      ),
      input_image_mask: record({ image_url: picture, file_id: { is: "reference", media: "image" } }),
      tunnel_id: reference,
    },
    { rest: any },
  ),
);

export const reasoning = record({
  effort: word("none", "minimal", "low", "medium", "high", "xhigh"),
  summary: word("auto", "concise", "detailed"),
  generate_summary: word("auto", "concise", "detailed"),
});

/** The form of the answer's text. */
export const textConfig = record({
  verbosity: word("low", "medium", "high"),
  format: record({
    type: word("text", "json_object", "json_schema"),
    name: text,
    description: text,
    schema: jsonSchema,
    strict: boolean,
  }),
});

export const toolChoice: Shape = from("tool", { is: "either", text: word("none", "auto", "required"), record: any });

/** `POST /responses`. */
export const responsesRequest: Shape = record(
  {
    ...settings,
    model: text,
    input: inputFrom("user"),
    instructions: inputFrom("system"),
    previous_response_id: reference,
    conversation: { is: "either", text: reference, record: record({ id: reference }) },
    prompt: from("system", record({ id: reference, version: text, variables: { is: "map", of: any } })),
    stream: boolean,
    stream_options: record({ include_obfuscation: boolean }),
    include: list(text),
    reasoning,
    text: textConfig,
    tools: list(tool),
    tool_choice: toolChoice,
    metadata: from("metadata", { is: "map", of: any }),
    context_management: list(record({ type: word("compaction"), compact_threshold: number })),
  },
  { required: ["model"] },
);
