/** The errors as the official clients raise them, from a real HTTP server. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

import { coreError } from "../../core/index.ts";
import { gatewayError, type GatewayError } from "../errors.ts";
import { errorBody, errorEvent, type ProtocolId } from "./index.ts";

let server: Server;
let url = "";
let respond: (protocol: ProtocolId) => { status: number; type: string; body: string };

before(async () => {
  server = createServer((request, response) => {
    request.resume();
    const { status, type, body } = respond(request.url?.includes("messages") === true ? "anthropic" : "openai");
    response.writeHead(status, { "content-type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const failWith = (error: GatewayError): void => {
  respond = (protocol) => {
    const { status, body } = errorBody(protocol, error, "req_1");
    return { status, type: "application/json", body };
  };
};

const askOpenai = (stream: boolean): Promise<unknown> =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: "k", maxRetries: 0 }).chat.completions
    .create({ model: "m", messages: [], stream })
    .then((answer) => drain(answer));

const askAnthropic = (stream: boolean): Promise<unknown> =>
  new Anthropic({ baseURL: url, apiKey: "k", maxRetries: 0 }).messages
    .create({ model: "m", messages: [], max_tokens: 1, stream })
    .then((answer) => drain(answer));

/** Reads a stream to its end; returns a whole answer as it is. */
async function drain(answer: unknown): Promise<unknown> {
  if (typeof answer !== "object" || answer === null || !(Symbol.asyncIterator in answer)) return answer;
  const items: unknown[] = [];
  for await (const item of answer as AsyncIterable<unknown>) items.push(item);
  return items;
}

const cases = [
  [
    gatewayError("gateway.request-invalid"),
    400,
    OpenAI.BadRequestError,
    "invalid_request_error",
    Anthropic.BadRequestError,
    "invalid_request_error",
  ],
  [
    coreError("core.json-too-deep"),
    400,
    OpenAI.BadRequestError,
    "invalid_request_error",
    Anthropic.BadRequestError,
    "invalid_request_error",
  ],
  [
    gatewayError("gateway.key-missing"),
    401,
    OpenAI.AuthenticationError,
    "authentication_error",
    Anthropic.AuthenticationError,
    "authentication_error",
  ],
  [
    gatewayError("gateway.blocked"),
    403,
    OpenAI.PermissionDeniedError,
    "permission_error",
    Anthropic.PermissionDeniedError,
    "permission_error",
  ],
  [
    gatewayError("gateway.route-unknown"),
    404,
    OpenAI.NotFoundError,
    "not_found_error",
    Anthropic.NotFoundError,
    "not_found_error",
  ],
  [
    gatewayError("gateway.body-too-large"),
    413,
    OpenAI.APIError,
    "invalid_request_error",
    Anthropic.APIError,
    "request_too_large",
  ],
  [
    gatewayError("gateway.rate-limited"),
    429,
    OpenAI.RateLimitError,
    "rate_limit_error",
    Anthropic.RateLimitError,
    "rate_limit_error",
  ],
  [
    gatewayError("gateway.internal"),
    500,
    OpenAI.InternalServerError,
    "server_error",
    Anthropic.InternalServerError,
    "api_error",
  ],
  [
    gatewayError("gateway.upstream-broken"),
    502,
    OpenAI.InternalServerError,
    "server_error",
    Anthropic.InternalServerError,
    "api_error",
  ],
  [
    gatewayError("gateway.stopping"),
    503,
    OpenAI.InternalServerError,
    "server_error",
    Anthropic.InternalServerError,
    "overloaded_error",
  ],
  [
    gatewayError("gateway.upstream-timeout"),
    504,
    OpenAI.InternalServerError,
    "server_error",
    Anthropic.InternalServerError,
    "timeout_error",
  ],
] as const;

describe("an error in the caller's protocol", () => {
  for (const [error, status, openaiClass, openaiType, anthropicClass, anthropicType] of cases) {
    it(`is raised by both clients as their own: ${error.code}, ${status}`, async () => {
      failWith(error);
      await assert.rejects(askOpenai(false), (raised) => {
        assert.ok(raised instanceof openaiClass && raised instanceof OpenAI.APIError);
        assert.deepEqual(
          [raised.status, raised.type, raised.code, raised.param],
          [status, openaiType, error.code, null],
        );
        assert.ok(raised.message.includes(error.message) && raised.message.includes(error.hint));
        return true;
      });
      await assert.rejects(askAnthropic(false), (raised) => {
        assert.ok(raised instanceof anthropicClass && raised instanceof Anthropic.APIError);
        assert.deepEqual([raised.status, raised.type, raised.errorCode], [status, anthropicType, error.code]);
        assert.equal((raised.error as { request_id?: string }).request_id, "req_1");
        return true;
      });
    });
  }

  it("says nothing of a cause", () => {
    const error = gatewayError("gateway.upstream-broken", { cause: new Error("key sk-upstream at /home/x.ts:1") });
    for (const protocol of ["openai", "openai-responses", "anthropic", "gemini"] as const) {
      assert.doesNotMatch(errorBody(protocol, error).body + errorEvent(protocol, error), /sk-upstream|home|\n {4}at /);
    }
  });
});

describe("an error for a client of the Gemini API", () => {
  const askGemini = async (stream: boolean): Promise<unknown> => {
    const { models } = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: url, retryOptions: { attempts: 1 } } });
    const asked = { model: "m", contents: "hi" };
    return stream ? await drain(await models.generateContentStream(asked)) : await models.generateContent(asked);
  };

  for (const [code, status, named] of [
    ["gateway.request-invalid", 400, "INVALID_ARGUMENT"],
    ["gateway.key-missing", 401, "UNAUTHENTICATED"],
    ["gateway.blocked", 403, "PERMISSION_DENIED"],
    ["gateway.route-unknown", 404, "NOT_FOUND"],
    ["gateway.body-too-large", 413, "INVALID_ARGUMENT"],
    ["gateway.rate-limited", 429, "RESOURCE_EXHAUSTED"],
    ["gateway.internal", 500, "INTERNAL"],
    ["gateway.upstream-broken", 502, "UNAVAILABLE"],
    ["gateway.stopping", 503, "UNAVAILABLE"],
    ["gateway.upstream-timeout", 504, "DEADLINE_EXCEEDED"],
  ] as const) {
    it(`is raised by the client as its own: ${code}, ${status}`, async () => {
      const error = gatewayError(code);
      respond = () => ({ type: "application/json", ...errorBody("gemini", error) });
      await assert.rejects(askGemini(false), (raised) => {
        assert.ok(raised instanceof ApiError);
        assert.equal(raised.status, status);
        const told = (JSON.parse(raised.message) as { error: Record<string, unknown> }).error;
        assert.deepEqual([told["code"], told["status"]], [status, named]);
        assert.match(JSON.stringify(told["details"]), new RegExp(`"reason":"${code.replace(".", "\\.")}"`));
        assert.ok(String(told["message"]).includes(error.hint));
        return true;
      });
    });
  }

  it("is raised in mid-stream, after what came before", async () => {
    const chunk = { candidates: [{ index: 0, content: { role: "model", parts: [{ text: "hi" }] } }] };
    const error = errorEvent("gemini", gatewayError("gateway.answer-blocked"));
    respond = () => ({ status: 200, type: "text/event-stream", body: `data: ${JSON.stringify(chunk)}\n\n${error}` });
    await assert.rejects(askGemini(true), (raised) => raised instanceof ApiError && raised.status === 403);
  });
});

describe("an error in mid-stream", () => {
  const error = gatewayError("gateway.answer-blocked", { detail: "secrets.aws-access-key-id" });

  it("is raised by the OpenAI client as an API error, after what came before", async () => {
    const chunk = { id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta: { content: "hi" } }] };
    respond = () => ({
      status: 200,
      type: "text/event-stream",
      body: `data: ${JSON.stringify(chunk)}\n\n${errorEvent("openai", error)}`,
    });
    await assert.rejects(askOpenai(true), (raised) => {
      assert.ok(raised instanceof OpenAI.APIError);
      assert.deepEqual([raised.code, raised.type], ["gateway.answer-blocked", "permission_error"]);
      assert.match(raised.message, /blocked by policy: secrets\.aws-access-key-id/);
      return true;
    });
  });

  it("is raised by the OpenAI client in a stream of the Responses API, by name and by type", async () => {
    const created = { type: "response.created", sequence_number: 0, response: { id: "r", output: [] } };
    for (const event of [
      errorEvent("openai-responses", error),
      // Some clients do not read the names of events.
      errorEvent("openai-responses", error).replace("event: error\n", ""),
    ]) {
      respond = () => ({
        status: 200,
        type: "text/event-stream",
        body: `event: response.created\ndata: ${JSON.stringify(created)}\n\n${event}`,
      });
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "k", maxRetries: 0 });
      const asked = { model: "m", input: "hi" };
      for (const ask of [
        () => client.responses.create({ ...asked, stream: true }).then(drain),
        () => client.responses.stream(asked).finalResponse(),
      ]) {
        await assert.rejects(ask(), (raised) => {
          assert.ok(raised instanceof OpenAI.APIError, String(raised));
          assert.deepEqual([raised.code, raised.type], ["gateway.answer-blocked", "permission_error"]);
          return true;
        });
      }
    }
  });

  it("is raised by the Anthropic client as an API error", async () => {
    respond = () => ({
      status: 200,
      type: "text/event-stream",
      body: `event: ping\ndata: {"type":"ping"}\n\n${errorEvent("anthropic", error)}`,
    });
    await assert.rejects(askAnthropic(true), (raised) => {
      assert.ok(raised instanceof Anthropic.APIError);
      assert.deepEqual([raised.type, raised.errorCode], ["permission_error", "gateway.answer-blocked"]);
      assert.match(raised.message, /blocked by policy/);
      return true;
    });
  });
});
