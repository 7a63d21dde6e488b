/**
 * What the conformance suite of MCP (`@modelcontextprotocol/conformance`) demands of a server under test, made with the
 * official SDK. Names and texts are the suite's.
 */

import { setTimeout as wait } from "node:timers/promises";

import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  CreateMessageResultSchema,
  ElicitResultSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

import { startLegacyServer, type TestServer } from "./official.ts";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==";

/** The suite's words in the SDK's types, which are narrower. */
const fit = (value: object): never => value as never;

const NOTHING = { type: "object", properties: {} };
const one = (name: string): object => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
});
const string = (more: object = {}): object => ({ type: "string", ...more });
const said = (text: string): { type: "text"; text: string } => ({ type: "text", text });
const user = (content: object): { role: "user"; content: object } => ({ role: "user", content });

const TOOLS: Readonly<Record<string, object>> = {
  test_simple_text: NOTHING,
  test_image_content: NOTHING,
  test_audio_content: NOTHING,
  test_embedded_resource: NOTHING,
  test_multiple_content_types: NOTHING,
  test_tool_with_logging: NOTHING,
  test_error_handling: NOTHING,
  test_tool_with_progress: NOTHING,
  test_sampling: one("prompt"),
  test_elicitation: one("message"),
  test_elicitation_sep1034_defaults: NOTHING,
  test_elicitation_sep1330_enums: NOTHING,
  json_schema_2020_12_tool: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: { address: { type: "object", properties: { street: string(), city: string() } } },
    properties: { name: string(), address: { $ref: "#/$defs/address" } },
    additionalProperties: false,
  },
};

const IMAGE = { type: "image", data: PNG, mimeType: "image/png" };
const CONTENT: Readonly<Record<string, readonly object[]>> = {
  test_simple_text: [said("This is a simple text response for testing.")],
  test_image_content: [IMAGE],
  test_audio_content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }],
  test_embedded_resource: [resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")],
  test_multiple_content_types: [
    said("Multiple content types test:"),
    IMAGE,
    resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
  ],
};

const PROMPTS: Readonly<Record<string, readonly string[]>> = {
  test_simple_prompt: [],
  test_prompt_with_arguments: ["arg1", "arg2"],
  test_prompt_with_embedded_resource: ["resourceUri"],
  test_prompt_with_image: [],
};

/** Schemas of what the suite's client is asked. */
const ASKED: Readonly<Record<string, object>> = {
  test_elicitation: {
    username: string({ description: "User's response" }),
    email: string({ description: "User's email" }),
  },
  test_elicitation_sep1034_defaults: {
    name: string({ default: "John Doe" }),
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: string({ enum: ["active", "inactive", "pending"], default: "active" }),
    verified: { type: "boolean", default: true },
  },
  test_elicitation_sep1330_enums: {
    untitledSingle: string({ enum: ["option1", "option2", "option3"] }),
    titledSingle: string({
      oneOf: [
        { const: "value1", title: "First Option" },
        { const: "value2", title: "Second Option" },
      ],
    }),
    legacyEnum: string({ enum: ["opt1", "opt2", "opt3"], enumNames: ["Option One", "Option Two", "Option Three"] }),
    untitledMulti: { type: "array", items: string({ enum: ["option1", "option2", "option3"] }) },
    titledMulti: {
      type: "array",
      items: {
        anyOf: [
          { const: "value1", title: "First Choice" },
          { const: "value2", title: "Second Choice" },
        ],
      },
    },
  },
};

export function startConformanceServer(): Promise<TestServer> {
  return startLegacyServer(
    ({ server }) => {
      server.setRequestHandler(ListToolsRequestSchema, () => ({
        tools: Object.entries(TOOLS).map(([name, inputSchema]) =>
          fit({ name, description: `The suite's ${name}.`, inputSchema }),
        ),
      }));
      server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
        const { arguments: args = {}, name } = params;
        const known = CONTENT[name];
        if (known !== undefined) return fit({ content: known });
        const asked = ASKED[name];
        if (asked !== undefined) {
          const message = typeof args["message"] === "string" ? args["message"] : "Please fill this in";
          const requestedSchema = { type: "object", properties: asked, required: [] };
          const request = { method: "elicitation/create", params: { message, requestedSchema } };
          const { action, content } = await extra.sendRequest(fit(request), ElicitResultSchema);
          return { content: [said(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`)] };
        }
        switch (name) {
          case "test_tool_with_logging":
            for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
              await extra.sendNotification({ method: "notifications/message", params: { level: "info", data } });
              await wait(50);
            }
            return { content: [said("done")] };
          case "test_tool_with_progress": {
            const progressToken = extra._meta?.progressToken;
            for (const progress of [0, 50, 100]) {
              if (progressToken === undefined) break;
              await extra.sendNotification({
                method: "notifications/progress",
                params: { progressToken, progress, total: 100 },
              });
              await wait(50);
            }
            return { content: [said("done")] };
          }
          case "test_sampling": {
            const messages = [user(said(String(args["prompt"])))];
            const request = { method: "sampling/createMessage", params: { messages, maxTokens: 100 } };
            const { content } = await extra.sendRequest(fit(request), CreateMessageResultSchema);
            return { content: [said(`LLM response: ${JSON.stringify(content)}`)] };
          }
          case "test_error_handling":
            return { isError: true, content: [said("This tool intentionally returns an error for testing")] };
          default:
            return { content: [said("nothing")] };
        }
      });
      server.setRequestHandler(ListResourcesRequestSchema, () => ({
        resources: [
          { uri: "test://static-text", name: "static-text", description: "Text", mimeType: "text/plain" },
          { uri: "test://static-binary", name: "static-binary", description: "Bytes", mimeType: "image/png" },
          { uri: "test://watched-resource", name: "watched", description: "Watched", mimeType: "text/plain" },
        ],
      }));
      server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
        resourceTemplates: [
          { uriTemplate: "test://template/{id}/data", name: "template", mimeType: "application/json" },
        ],
      }));
      server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => {
        const id = /^test:\/\/template\/(\w+)\/data$/.exec(uri)?.[1];
        if (id !== undefined) {
          const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
          return { contents: [{ uri, mimeType: "application/json", text }] };
        }
        if (uri === "test://static-binary") return { contents: [{ uri, mimeType: "image/png", blob: PNG }] };
        return {
          contents: [{ uri, mimeType: "text/plain", text: "This is the content of the static text resource." }],
        };
      });
      server.setRequestHandler(SubscribeRequestSchema, () => ({}));
      server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
      server.setRequestHandler(ListPromptsRequestSchema, () => ({
        prompts: Object.entries(PROMPTS).map(([name, names]) => ({
          name,
          description: `The suite's ${name}.`,
          arguments: names.map((argument) => ({ name: argument, description: "An argument", required: true })),
        })),
      }));
      server.setRequestHandler(GetPromptRequestSchema, ({ params: { arguments: args = {}, name } }) => {
        const messages: Readonly<Record<string, readonly object[]>> = {
          test_simple_prompt: [user(said("This is a simple prompt for testing."))],
          test_prompt_with_arguments: [
            user(said(`Prompt with arguments: arg1='${args["arg1"]}', arg2='${args["arg2"]}'`)),
          ],
          test_prompt_with_embedded_resource: [
            user(resource(args["resourceUri"] ?? "", "text/plain", "Embedded resource content for testing.")),
            user(said("Please process the embedded resource above.")),
          ],
          test_prompt_with_image: [user(IMAGE), user(said("Please analyze the image above."))],
        };
        return fit({ messages: messages[name] });
      });
      server.setRequestHandler(CompleteRequestSchema, () => ({
        completion: { values: ["paris", "park"], total: 2, hasMore: false },
      }));
    },
    {
      capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} },
    },
  );
}

function resource(uri: string, mimeType: string, text: string): { type: "resource"; resource: object } {
  return { type: "resource", resource: { uri, mimeType, text } };
}
