/**
 * The matrix of MCP: a canary in every text and every name of every message, both ways. None gets through.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { createGuard } from "../../guard/index.ts";
import { gatewayConfig } from "../config.ts";
import { guardsOf } from "../guards.ts";
import type { Exchange } from "../receipt/receipt.ts";
import type { Fields } from "../wire/index.ts";
import { answerGuards, openJudge } from "./judge.ts";
import type { McpServer } from "./servers.ts";
import { ANSWERS, PARAMS, resultShape } from "./shapes.ts";

const CANARY = "AKIAQYLPMN5HHHFPZAM2";
const config = gatewayConfig.parse({
  guards: {
    injection: { request: "off" },
    pii: { request: "off", response: "off" },
    exfiltration: { response: "off" },
  },
});
const guard = createGuard(guardsOf(config.guards));
const judge = openJudge(config, guard, () => guard);
const server = { name: "s", key: undefined } as McpServer;
const exchange = (): Exchange => ({ id: "x", receivedAt: 0, startedAt: 0, outcome: "failed", status: 0 });

const IMAGE = "iVBORw0KGgo=";
const text = {
  type: "text",
  text: "t",
  annotations: { audience: ["user"], lastModified: "2026-01-01" },
  _meta: { a: "b" },
};
const resource = { uri: "file:///a", mimeType: "text/plain", text: "t", _meta: { a: "b" } };
const content = [
  text,
  { type: "image", data: IMAGE, mimeType: "image/png" },
  { type: "audio", data: "AAAA", mimeType: "audio/wav" },
  { type: "resource", resource },
  { type: "resource", resource: { uri: "file:///b", mimeType: "application/octet-stream", blob: "AAAA" } },
  { type: "resource_link", uri: "file:///c", name: "n", title: "t", description: "d", icons: [{ src: "https://a/b" }] },
  { type: "novel", deep: { list: ["x", ["y"]] } },
];
const ask = {
  method: "elicitation/create",
  params: { message: "m", requestedSchema: { properties: { a: { title: "t" } } } },
};

/** What servers say, by the method that it is about. */
const SAID: readonly (readonly [method: string, value: Fields])[] = [
  ["tools/call", { resultType: "complete", content, structuredContent: { a: ["b", { c: "d" }] }, _meta: { a: "b" } }],
  ["tools/call", { resultType: "input_required", inputRequests: { q: ask }, requestState: "state" }],
  ["tools/list", { nextCursor: "c", _meta: { a: "b" } }],
  ["resources/read", { contents: [resource, { uri: "file:///d", mimeType: "image/png", blob: IMAGE }] }],
  ["resources/list", { resources: [{ uri: "file:///a", name: "n", title: "t", description: "d" }], nextCursor: "c" }],
  ["resources/templates/list", { resourceTemplates: [{ uriTemplate: "file:///{a}", name: "n", description: "d" }] }],
  ["prompts/list", { prompts: [{ name: "n", description: "d", arguments: [{ name: "a", description: "d" }] }] }],
  [
    "prompts/get",
    {
      description: "d",
      messages: [
        { role: "user", content: text },
        { role: "assistant", content },
      ],
    },
  ],
  ["completion/complete", { completion: { values: ["a", "b"], total: 2 } }],
  [
    "initialize",
    { protocolVersion: "2025-11-25", capabilities: { a: { b: "c" } }, serverInfo: { name: "n", title: "t" } },
  ],
  ["tools/call", { code: -32000, message: "m", data: { a: ["b"] } }],
  ["notifications/message", { level: "info", logger: "l", data: { a: "b" } }],
  ["notifications/progress", { progressToken: "t", progress: 1, message: "m" }],
  ["sampling/createMessage", { systemPrompt: "s", messages: [{ role: "user", content: text }], metadata: { a: "b" } }],
  ["elicitation/create", ask.params],
];

/** What clients send. */
const SENT: readonly Fields[] = [
  { name: "n", arguments: { a: "b", list: ["c", { d: "e" }] }, _meta: { progressToken: "t" } },
  { name: "n", inputResponses: { q: { action: "accept", content: { a: "b" } } }, requestState: "state" },
  { uri: "file:///a" },
  { ref: { type: "ref/prompt", name: "n" }, argument: { name: "a", value: "v" }, context: { arguments: { b: "c" } } },
  {
    protocolVersion: "2025-11-25",
    capabilities: { a: { b: "c" } },
    clientInfo: { name: "n", title: "t", version: "1" },
  },
  { requestId: "r", reason: "why" },
];
const ANSWERED: readonly Fields[] = [
  { action: "accept", content: { a: "b" } },
  { role: "assistant", model: "m", stopReason: "endTurn", content: text },
  { role: "assistant", model: "m", content: [text, { type: "tool_use", id: "i", name: "n", input: { a: "b" } }] },
  { roots: [{ uri: "file:///a", name: "n" }] },
  { code: -1, message: "declined", data: { a: "b" } },
];

describe("the matrix of MCP", () => {
  it("lets no canary of a server through, in any text or name of any message", async () => {
    let places = 0;
    for (const [method, value] of SAID) {
      for (const planted of plant(value)) {
        places++;
        const what = `${method} ${JSON.stringify(planted)}`;
        await gone(planted, what, (it_) =>
          judge.answer(exchange(), resultShape(method), it_, server, { tightened: false, head: {}, vault: undefined }),
        );
      }
    }
    assert.ok(places > 150, String(places));
  });

  it("lets no canary of a client through either", async () => {
    let places = 0;
    for (const [shape, values] of [
      [PARAMS, SENT],
      [ANSWERS, ANSWERED],
    ] as const) {
      for (const value of values) {
        for (const planted of plant(value)) {
          places++;
          await gone(planted, JSON.stringify(planted), (it_) =>
            judge.request(exchange(), shape, it_, { tightened: false, head: {} }),
          );
        }
      }
    }
    assert.ok(places > 40, String(places));
  });

  it("leaves what is clean as it is", async () => {
    for (const [method, value] of SAID) {
      const copy = structuredClone(value);
      const options = { tightened: false, head: {}, vault: undefined };
      const { changed, rules } = await judge.answer(exchange(), resultShape(method), copy, server, options);
      assert.deepEqual([changed, rules, copy], [false, [], value], method);
    }
  });

  it("refuses images and files of a server where policy does", async () => {
    const strict = gatewayConfig.parse({ media: { images: "refuse" } });
    const judging = openJudge(strict, guard, () => guard);
    const image = { content: [{ type: "image", data: IMAGE, mimeType: "image/png" }] };
    const options = { tightened: false, head: {}, vault: undefined };
    const isRefused = (error: unknown): boolean => isHoldfastError(error, "gateway.media-refused");
    await assert.rejects(judging.answer(exchange(), resultShape("tools/call"), image, server, options), isRefused);
    // And what a client's model answers to a server's question, in either of its ways.
    const said = { role: "assistant", content: { type: "image", data: IMAGE, mimeType: "image/png" } };
    const sending = { tightened: false, head: {} };
    await assert.rejects(judging.request(exchange(), ANSWERS, said, sending), isRefused);
    await assert.rejects(judging.request(exchange(), PARAMS, { inputResponses: { q: said } }, sending), isRefused);
    await judge.request(exchange(), ANSWERS, said, sending);
  });

  it("reads a server's text as harshly as requests, where injections are concerned", () => {
    const of = (injection: object): string =>
      answerGuards(gatewayConfig.parse({ guards: { injection } }).guards).injection.response;
    assert.equal(of({}), "flag");
    assert.equal(of({ request: "block" }), "block");
    assert.equal(of({ request: "flag", response: "block" }), "block");
    assert.equal(of({ request: "off" }), "off");
  });
});

async function gone(planted: Fields, what: string, work: (value: Fields) => Promise<unknown>): Promise<void> {
  try {
    await work(planted);
  } catch (error) {
    assert.ok(isHoldfastError(error) && /^gateway\.(?:(?:answer-)?blocked|media-mismatch)$/.test(error.code), what);
    return;
  }
  assert.ok(!JSON.stringify(planted).includes(CANARY), what);
}

/** The value once for each of its texts and names, with the canary there. */
function plant(value: unknown): Fields[] {
  const planted: unknown[] = [];
  const visit = (at: unknown, put: (made: unknown) => unknown): void => {
    if (typeof at === "string") planted.push(put(CANARY));
    else if (Array.isArray(at)) {
      for (const [index, item] of at.entries()) visit(item, (made) => put(at.with(index, made)));
    } else if (typeof at === "object" && at !== null) {
      for (const [name, item] of Object.entries(at)) {
        visit(item, (made) => put({ ...at, [name]: made }));
        planted.push(
          put(Object.fromEntries([...Object.entries(at).filter(([other]) => other !== name), [CANARY, item]])),
        );
      }
    }
  };
  visit(value, (made) => made);
  return planted.map((made) => structuredClone(made) as Fields);
}
