/** Earlier answers and files by their ids: whoever got one may go on with it, and nobody else learns that it exists. */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, describe, it } from "node:test";

import { systemClock } from "../../src/core/index.ts";
import { createKey } from "../../src/gateway/index.ts";
import { AUDIENCE, startIssuer, type TestIssuer } from "../identity/issuer.ts";
import { startFakeUpstream, type FakeUpstream, type RecordedRequest } from "../upstreams/fake.ts";
import { chat, startHarness, type Answer, type Harness } from "./harness.ts";

let harness: Harness;
let issuer: TestIssuer;
let one: FakeUpstream;
let two: FakeUpstream;
const keys: Record<string, string> = {};
let made = 0;

/** An upstream that keeps what it answered. */
function responses(request: RecordedRequest, response: ServerResponse): boolean {
  const stream = request.json?.["stream"] === true;
  if (request.path === "/v1/chat/completions") return spoken(response, `audio_${++made}`, stream);
  if (request.path === "/v1/messages") return contained(response, `container_${++made}`, stream);
  if (request.path !== "/v1/responses") return false;
  const id = `resp_${++made}`;
  const text = request.json?.["input"] === "leak" ? `my key is ${["AKIA", "Z3MGNQ4WTRKXUVYB"].join("")}` : "hi";
  const item = {
    id: `msg_${made}`,
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text, annotations: [] }],
  };
  const whole = { id, object: "response", created_at: 0, status: "completed", model: "m", output: [item], usage: null };
  if (!stream) return json(response, whole);
  const events = [
    { type: "response.created", response: { ...whole, status: "in_progress", output: [] } },
    { type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: whole },
  ];
  return sse(response, events);
}

/** A chat completion that speaks. */
function spoken(response: ServerResponse, id: string, stream: boolean): boolean {
  const audio = { id, data: "", transcript: "hi", expires_at: 0 };
  const base = { id: "chatcmpl-1", created: 0, model: "m" };
  const finish_reason = "stop";
  if (!stream) {
    const message = { role: "assistant", content: null, audio };
    return json(response, { ...base, object: "chat.completion", choices: [{ index: 0, message, finish_reason }] });
  }
  const chunk = (delta: object, more: object = { finish_reason: null }) => ({
    ...base,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, ...more }],
  });
  return sse(response, [chunk({ role: "assistant", audio }), chunk({}, { finish_reason })], "data: [DONE]\n\n");
}

/** A message whose code ran in a container. */
function contained(response: ServerResponse, id: string, stream: boolean): boolean {
  const container = { id, expires_at: "2026-12-01T00:00:00Z" };
  const base = { id: "msg_a", type: "message", role: "assistant", model: "m", stop_sequence: null };
  const usage = { input_tokens: 1, output_tokens: 1 };
  if (!stream) {
    return json(response, {
      ...base,
      content: [{ type: "text", text: "hi" }],
      stop_reason: "end_turn",
      usage,
      container,
    });
  }
  return sse(response, [
    { type: "message_start", message: { ...base, content: [], stop_reason: null, usage } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hi" } },
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null, container },
      usage: { output_tokens: 1 },
    },
    { type: "message_stop" },
  ]);
}

function json(response: ServerResponse, value: unknown): true {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  return true;
}

function sse(response: ServerResponse, events: readonly object[], last = ""): true {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) {
    const name = "type" in event ? `event: ${String(event.type)}\n` : "";
    response.write(`${name}data: ${JSON.stringify(event)}\n\n`);
  }
  response.end(last);
  return true;
}

before(async () => {
  issuer = await startIssuer();
  one = await startFakeUpstream({ answer: responses });
  two = await startFakeUpstream({ answer: responses });
  harness = await startHarness({
    upstreams: [
      { name: "one", protocol: "openai", url: one.url, models: ["m"] },
      { name: "two", protocol: "openai", url: two.url, models: ["m", "only-two"] },
      { name: "three", protocol: "anthropic", url: two.url },
    ],
    config: {
      guards: { injection: { request: "off" }, secrets: { response: "block" } },
      authorization: { shared: [{ id: "file-shared", apps: ["shop"] }] },
      identity: { issuers: [{ name: "corp", issuer: issuer.url, audience: [AUDIENCE], app: "portal" }] },
    },
  });
  for (const app of ["shop", "thief"]) keys[app] = (await createKey(harness.db, { app }, systemClock)).key.reveal();
  keys["shop again"] = (await createKey(harness.db, { app: "shop" }, systemClock)).key.reveal();
});

after(async () => {
  await harness.close();
  await Promise.all([issuer.close(), one.close(), two.close()]);
});

const ask = (who: string, body: object): Promise<Answer> =>
  harness.post("/v1/responses", { model: "m", input: "hi", ...body }, { authorization: `Bearer ${keys[who] ?? who}` });

/** The id of a new answer, and of its item. */
async function answered(who: string, more: object = {}): Promise<{ id: string; item: string }> {
  const { status, text } = await ask(who, more);
  assert.equal(status, 200, text);
  return { id: /resp_\d+/.exec(text)?.[0] ?? "", item: /msg_\d+/.exec(text)?.[0] ?? "" };
}

async function refused(who: string, body: object): Promise<void> {
  const before = one.requests.length + two.requests.length;
  const answer = await ask(who, body);
  assert.equal(answer.status, 404, answer.text);
  const receipt = await harness.receipt(answer.headers.get("x-request-id"));
  assert.deepEqual([receipt.error, receipt.outcome], ["gateway.reference-unknown", "refused"]);
  assert.equal(one.requests.length + two.requests.length, before, "nothing was asked");
}

describe("an earlier answer", () => {
  for (const stream of [false, true]) {
    it(`can be gone on with by every key of its app, and by no other app${stream ? ", streamed" : ""}`, async () => {
      const { id, item } = await answered("shop", { stream });
      assert.equal((await ask("shop", { previous_response_id: id })).status, 200);
      assert.equal((await ask("shop again", { previous_response_id: id, stream: true })).status, 200);
      assert.equal((await ask("shop", { input: [{ type: "item_reference", id: item }] })).status, 200);
      await refused("thief", { previous_response_id: id });
      await refused("thief", { previous_response_id: id, stream: true });
      await refused("thief", { input: [{ type: "item_reference", id: item }] });
      await refused(await issuer.token(), { previous_response_id: id });
    });
  }

  it("is a user's own, within one app", async () => {
    const alice = await issuer.token({ sub: "alice" });
    const { id } = await answered(alice);
    assert.equal((await ask(alice, { previous_response_id: id })).status, 200);
    assert.equal((await ask(await issuer.token({ sub: "alice", jti: "2" }), { previous_response_id: id })).status, 200);
    await refused(await issuer.token({ sub: "bob" }), { previous_response_id: id });
    await refused("shop", { previous_response_id: id });
  });

  it("goes to the upstream that made it, and to a model there that may be asked", async () => {
    const { id } = await answered("shop", { model: "only-two" });
    const before = one.requests.length;
    assert.equal((await ask("shop", { previous_response_id: id })).status, 200);
    assert.equal(one.requests.length, before);
    const other = await answered("shop");
    await refused("shop", { model: "only-two", previous_response_id: other.id });
  });

  it("that was blocked is nobody's", async () => {
    for (const stream of [false, true]) {
      const answer = await ask("shop", { input: "leak", stream });
      assert.equal(answer.text.includes("AKIA"), false);
      await refused("shop", { previous_response_id: `resp_${made}` });
    }
  });

  it("that nobody got is told apart from another's by nothing", async () => {
    const { id } = await answered("shop");
    const bodies = [];
    for (const previous of [id, "resp_999999"]) {
      const answer = await ask("thief", { previous_response_id: previous });
      bodies.push(answer.text.replaceAll(/[0-9a-f-]{36}/g, "<id>"));
    }
    assert.equal(bodies[0], bodies[1]);
  });
});

describe("what an answer leaves behind", () => {
  const send = (who: string, path: string, body: object): Promise<Answer> =>
    harness.post(path, { model: "m", ...body }, { authorization: `Bearer ${keys[who] ?? ""}` });
  const user = { role: "user", content: "hi" };
  const ways: Readonly<Record<string, readonly [string, object, (id: string) => object]>> = {
    "its sound": [
      "/v1/chat/completions",
      { messages: [user] },
      (id) => ({ messages: [user, { role: "assistant", audio: { id } }, user] }),
    ],
    "its container": [
      "/v1/messages",
      { max_tokens: 9, messages: [user] },
      (id) => ({ max_tokens: 9, messages: [user], container: id }),
    ],
    "its container, as a record": [
      "/v1/messages",
      { max_tokens: 9, messages: [user] },
      (id) => ({ max_tokens: 9, messages: [user], container: { id, skills: [] } }),
    ],
  };
  for (const [what, [path, first, next]] of Object.entries(ways)) {
    for (const stream of [false, true]) {
      it(`${what} is for its app alone${stream ? ", streamed" : ""}`, async () => {
        const { text } = await send("shop", path, { ...first, stream });
        const id = /(?:audio|container)_\d+/.exec(text)?.[0] ?? assert.fail(text);
        assert.equal((await send("shop again", path, next(id))).status, 200);
        const thief = await send("thief", path, next(id));
        assert.equal(thief.status, 404, thief.text);
        assert.equal((await send("shop", path, next(`${id}0`))).status, 404);
      });
    }
  }
});

describe("what the gateway did not see being made", () => {
  const places: Readonly<Record<string, object>> = {
    "a file": { input: [{ role: "user", content: [{ type: "input_file", file_id: "file-1" }] }] },
    "an image": { input: [{ role: "user", content: [{ type: "input_image", file_id: "file-1" }] }] },
    "a conversation": { conversation: "conv_1" },
    "a conversation's record": { conversation: { id: "conv_1" } },
    "a stored prompt": { prompt: { id: "pmpt_1" } },
    "a vector store": { tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }] },
    "a container": { tools: [{ type: "code_interpreter", container: "cntr_1" }] },
    "a container of the shell": {
      tools: [{ type: "shell", environment: { type: "container_reference", container_id: "cntr_1" } }],
    },
    "a container of an earlier call": {
      input: [{ type: "code_interpreter_call", id: "ci_1", code: "1", container_id: "cntr_1", outputs: [] }],
    },
    "a skill": {
      tools: [
        {
          type: "shell",
          environment: { type: "container_auto", skills: [{ type: "skill_reference", skill_id: "skill_1" }] },
        },
      ],
    },
    "the mask of an image": { tools: [{ type: "image_generation", input_image_mask: { file_id: "file-1" } }] },
    "a tunnel": { tools: [{ type: "mcp", server_label: "x", tunnel_id: "tunnel_1" }] },
    "an item by its id alone": { input: [{ id: "msg_0" }] },
    "a generated image": { input: [{ type: "image_generation_call", id: "ig_1" }] },
    "reasoning that is kept": { input: [{ type: "reasoning", id: "rs_1", summary: [], encrypted_content: null }] },
  };
  for (const [what, body] of Object.entries(places)) {
    it(`${what} is unknown`, async () => {
      await refused("shop", body);
    });
  }

  it("is for the apps that the configuration names", async () => {
    const file = { input: [{ role: "user", content: [{ type: "input_file", file_id: "file-shared" }] }] };
    assert.equal((await ask("shop", file)).status, 200);
    await refused("thief", file);
  });

  it("is unknown on other routes as well, but for the web", async () => {
    const send = (part: object): Promise<Answer> => harness.post("/v1/chat/completions", chat([part], { model: "m" }));
    assert.equal((await send({ type: "file", file: { file_id: "file-1" } })).status, 404);
    const own = { max_tokens: 9, messages: [{ role: "user", content: "hi" }], model: "m" };
    for (const [type, status] of [
      ["custom", 404],
      ["anthropic", 200],
    ] as const) {
      const container = { skills: [{ type, skill_id: "skill_1", version: "latest" }] };
      assert.equal((await harness.post("/v1/messages", { ...own, container })).status, status, type);
    }
    assert.equal(
      (await send({ type: "image_url", image_url: { url: "https://pictures.example/cat.png" } })).status,
      200,
    );
  });
});
