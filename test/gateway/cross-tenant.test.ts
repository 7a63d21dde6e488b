/**
 * The matrix of tenants: everything that is kept for one, and everybody who might get at it. Two apps, each with two keys
 * and a user; each row says what is kept, and who may use it. All others learn nothing of it and take nothing from it.
 *
 * Places that name what an upstream keeps come from the shapes of the protocols, and what the gateway keeps itself from
 * its tables, so that a new field and a new table are in the matrix, or fail it.
 */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, describe, it } from "node:test";

import { systemClock } from "../../src/core/index.ts";
import { createKey, gatewayModule } from "../../src/gateway/index.ts";
import { referencesIn } from "../../src/gateway/authorize/references.ts";
import { samplesOf, type Sample } from "../../src/gateway/matrix/samples.ts";
import { operations, type Operation } from "../../src/gateway/wire/index.ts";
import { AUDIENCE, startIssuer, type TestIssuer } from "../identity/issuer.ts";
import { startMcp, type McpHarness } from "../mcp/gateway.ts";
import { json, startHostileServer, stream, INITIALIZED, type HostileServer } from "../mcp/hostile.ts";
import { startFakeUpstream, type FakeUpstream, type RecordedRequest } from "../upstreams/fake.ts";
import { chat, type Answer } from "./harness.ts";
import { REQUESTS } from "./requests.ts";
import { beginSession, call, codeOf, listTools, text } from "./mcp-by-hand.ts";

/** Who there is: whose it is, another key of the same app, a user of it, and the same of another app. */
const EVERYBODY = ["owner", "sibling", "user", "stranger", "second stranger", "strange user", "nobody"] as const;
type Who = (typeof EVERYBODY)[number];
type People = Readonly<Record<Who, string>>;

/** The keys of each who begins anew in a row. */
interface Limits {
  readonly requestsPerMinute?: number;
}

const AWS_KEY = ["AKIA", "QYLPMN5HHHFPZAM2"].join("");
const MAIL = "maria.schmidt@example.com";

let harness: McpHarness;
let issuer: TestIssuer;
let upstream: FakeUpstream;
let tools: HostileServer;
let made = 0;

before(async () => {
  issuer = await startIssuer();
  tools = await startHostileServer();
  upstream = await startFakeUpstream({ answer: keeping, text: echo });
  const { url } = upstream;
  const user = (name: string, app: string, iss: string) => ({
    name,
    issuer: iss,
    audience: [`${AUDIENCE}-${app}`],
    app,
    jwks: `${issuer.url}/keys`,
  });
  harness = await startMcp(
    { tools: { url: tools.url, approve: "changes", readOnly: ["read"] } },
    { limits: { sessions: 100 } },
    {
      upstreams: [
        { name: "openai", protocol: "openai", url },
        { name: "anthropic", protocol: "anthropic", url },
        { name: "gemini", protocol: "gemini", url: url.replace(/v1$/, "v1beta") },
      ],
      config: {
        guards: { injection: { request: "off" }, pii: { request: "tokenise", response: "flag" } },
        authorization: { shared: [{ id: "kept-of-shop", apps: ["shop"] }] },
        identity: {
          issuers: [user("shop-users", "shop", issuer.url), user("bank-users", "bank", `${issuer.url}/bank`)],
        },
        limits: { requestsPerMinute: 1_000_000 },
        budgets: [
          { name: "app", what: "requests", limit: 100, window: "day", per: ["app"], who: { model: ["budget-of-app"] } },
          { name: "key", what: "requests", limit: 100, window: "day", per: ["key"], who: { model: ["budget-of-key"] } },
        ],
        // An app's share is out of reach here, so that a stage is that of the one who asked.
        extraction: { embeddings: { observe: "off", refuse: 12 }, appFactor: 1_000, alarms: { perMinute: 1_000_000 } },
      },
    },
  );
  tools.on("tools/list", { tools: [tool("read"), tool("send")] });
  tools.on("ping", {});
});

after(async () => {
  await harness?.close();
  await Promise.all([issuer?.close(), upstream?.close(), tools?.close()]);
});

function tool(name: string): object {
  return { name, description: `Does ${name}.`, inputSchema: { type: "object" } };
}

/** The last text that was sent, back: what the upstream knows of, a leak would show. */
function echo({ json: body }: RecordedRequest): readonly string[] {
  const messages = (body?.["messages"] ?? []) as { content: unknown }[];
  const content = messages.at(-1)?.content;
  return [typeof content === "string" ? content : "hi"];
}

/** An upstream that keeps its answers, under ids of its own. */
function keeping({ json: body, path }: RecordedRequest, response: ServerResponse): boolean {
  const id = `kept_${++made}`;
  const answer = (value: object): true => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    return true;
  };
  if (body?.["stream"] === true) return false;
  if (path === "/v1/responses") {
    const output = [
      { id: `msg_${id}`, type: "message", role: "assistant", status: "completed", content: [] },
      { id: `rs_${id}`, type: "reasoning", summary: [] },
      { id: `ig_${id}`, type: "image_generation_call", status: "completed", result: "" },
      { id: `ci_${id}`, type: "code_interpreter_call", code: "1", container_id: `cntr_${id}`, outputs: [] },
    ];
    return answer({ id: `resp_${id}`, object: "response", created_at: 0, status: "completed", model: "m", output });
  }
  if (path === "/v1/chat/completions" && body?.["modalities"] !== undefined) {
    const audio = { id: `audio_${id}`, data: "", transcript: "hi", expires_at: 0 };
    const message = { role: "assistant", content: null, audio };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return answer({ id: "c", object: "chat.completion", created: 0, model: "m", choices });
  }
  if (path === "/v1/messages") {
    const container = { id: `container_${id}`, expires_at: "2026-12-01T00:00:00Z" };
    const content = [{ type: "text", text: "hi" }];
    const usage = { input_tokens: 1, output_tokens: 1 };
    return answer({ id: "m", type: "message", role: "assistant", model: "m", content, usage, container });
  }
  return false;
}

async function newPeople(limits: Limits = {}): Promise<People> {
  const key = async (app: string): Promise<string> =>
    (await createKey(harness.db, { app, ...limits }, systemClock)).key.reveal();
  const sub = `person-${++made}`;
  return {
    owner: await key("shop"),
    sibling: await key("shop"),
    user: await issuer.token({ sub, aud: `${AUDIENCE}-shop` }),
    stranger: await key("bank"),
    "second stranger": await key("bank"),
    "strange user": await issuer.token({ sub, aud: `${AUDIENCE}-bank`, iss: `${issuer.url}/bank` }),
    nobody: "",
  };
}

const bearer = (credential: string): Record<string, string> => ({ authorization: `Bearer ${credential}` });
const post = (path: string, body: object, credential: string): Promise<Answer> =>
  harness.post(path, body, bearer(credential));
const responses = (credential: string, body: object): Promise<Answer> =>
  post("/v1/responses", { model: "m", input: "hi", ...body }, credential);
const ask = (credential: string, content: string, more: object = {}): Promise<Answer> =>
  post("/v1/chat/completions", chat(content, more), credential);
const served = ({ status }: Answer): boolean => status === 200;
const idIn = ({ text: said }: Answer, prefix: string): string =>
  new RegExp(`${prefix}_kept_\\d+`).exec(said)?.[0] ?? assert.fail(said);
/** Spends a tenth of a budget. Whoever asks afterwards sees in the headers whether that was theirs. */
async function spent(owner: string, model: string): Promise<(credential: string) => Promise<boolean>> {
  const left = async (credential: string): Promise<number> => {
    const { headers } = await ask(credential, "hi", { model });
    return Number(/;r=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1]);
  };
  for (let asked = 1; asked <= 10; asked++) assert.equal(await left(owner), 100 - asked);
  return async (credential) => (await left(credential)) < 90;
}

/** One row: what is kept. */
interface Kept {
  readonly what: string;
  /** Tables of the gateway that hold it. */
  readonly tables: readonly string[];
  readonly for: readonly Who[];
  /** Makes it for the owner, and returns how somebody tries to get at it: true where that worked. */
  readonly make: (people: People) => Promise<(credential: string) => Promise<boolean>>;
  readonly limits?: Limits;
}

const APP: readonly Who[] = ["owner", "sibling"];
const OWNER: readonly Who[] = ["owner"];

/** An answer's ids, and how each is named in the request that goes on with it. */
const answered = (what: string, prefix: string, naming: (id: string) => object): Kept => ({
  what,
  tables: ["upstream_references"],
  for: APP,
  async make({ owner }) {
    const id = idIn(await responses(owner, {}), prefix);
    return async (credential) => served(await responses(credential, naming(id)));
  },
});

const session = (server: string, credential: string): Promise<Record<string, string>> =>
  beginSession(harness, server, credential);

/** Begins a session and takes a text in that is not to be trusted. */
async function tainted(credential: string): Promise<Record<string, string>> {
  const headers = await session("tools", credential);
  await listTools(harness, "tools", headers);
  tools.on("tools/call", text(`take this ${AWS_KEY}`));
  assert.ok((await harness.rpc("tools", call("read"), headers)).result);
  tools.on("tools/call", text("done"));
  return headers;
}

const ROWS: readonly Kept[] = [
  answered("an answer", "resp", (id) => ({ previous_response_id: id })),
  answered("an item of an answer", "msg", (id) => ({ input: [{ type: "item_reference", id }] })),
  answered("an item, without its type", "msg", (id) => ({ input: [{ id }] })),
  answered("reasoning", "rs", (id) => ({ input: [{ type: "reasoning", id, summary: [], encrypted_content: null }] })),
  answered("a generated image", "ig", (id) => ({ input: [{ type: "image_generation_call", id }] })),
  answered("a container", "cntr", (id) => ({ tools: [{ type: "code_interpreter", container: id }] })),
  {
    what: "the sound of an answer",
    tables: ["upstream_references"],
    for: APP,
    async make({ owner }) {
      const id = idIn(await ask(owner, "hi", { modalities: ["audio"] }), "audio");
      const spoken = { role: "assistant", audio: { id } };
      const user = { role: "user", content: "hi" };
      return async (credential) => served(await ask(credential, "", { messages: [user, spoken, user] }));
    },
  },
  {
    what: "the container of a message",
    tables: ["upstream_references"],
    for: APP,
    async make({ owner }) {
      const body = { ...chat("hi"), max_tokens: 9 };
      const id = idIn(await post("/v1/messages", body, owner), "container");
      return async (credential) => served(await post("/v1/messages", { ...body, container: id }, credential));
    },
  },
  {
    what: "what a placeholder stands for",
    tables: [],
    // Not even for who hid it, in a later request.
    for: [],
    async make({ owner }) {
      const own = await ask(owner, `write to ${MAIL}`);
      assert.ok(own.text.includes(MAIL), "it came back to who sent it");
      const placeholder = /write to (\S+?)"/.exec(upstream.requests.at(-1)?.body ?? "")?.[1] ?? "";
      assert.ok(placeholder !== "" && !placeholder.includes(MAIL));
      return async (credential) => (await ask(credential, `write to ${placeholder}`)).text.includes(MAIL);
    },
  },
  {
    what: "a session of MCP",
    tables: ["mcp_sessions"],
    for: OWNER,
    async make({ owner }) {
      const headers = await session("tools", owner);
      const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
      return async (credential) =>
        (await harness.rpc("tools", ping, { ...headers, ...bearer(credential) })).result !== undefined;
    },
  },
  {
    what: "the stream of a session of MCP",
    tables: ["mcp_sessions"],
    for: OWNER,
    async make({ owner }) {
      const headers = await session("tools", owner);
      tools.on("GET", (_, response) => {
        stream(response, [{ jsonrpc: "2.0", method: "notifications/tools/list_changed" }]);
      });
      return async (credential) =>
        served(await harness.get("/mcp/tools", { ...headers, accept: "text/event-stream", ...bearer(credential) }));
    },
  },
  {
    what: "the end of a session of MCP, there and here",
    tables: ["mcp_sessions"],
    for: OWNER,
    async make({ owner }) {
      tools.on("initialize", ({ id }, response) => {
        json(response, { jsonrpc: "2.0", id, result: INITIALIZED }, { "mcp-session-id": "of-the-server" });
      });
      const headers = await session("tools", owner);
      tools.on("initialize", INITIALIZED);
      return async (credential) => {
        const asked = tools.requests.length;
        const ended = await fetch(`${harness.url}/mcp/tools`, {
          method: "DELETE",
          headers: { ...headers, ...bearer(credential) },
        });
        await ended.text();
        assert.equal(tools.requests.length > asked, ended.status === 200);
        return ended.status === 200;
      };
    },
  },
  {
    what: "an answer to what a server asked in a session of MCP",
    tables: ["mcp_sessions"],
    for: OWNER,
    async make({ owner }) {
      const headers = await session("tools", owner);
      const answer = { jsonrpc: "2.0", id: 9, result: { roots: [] } };
      return async (credential) =>
        (await harness.rpc("tools", answer, { ...headers, ...bearer(credential) })).status === 202;
    },
  },
  {
    what: "what a context has taken in",
    tables: ["mcp_contexts"],
    // Where it is felt: tools with side effects wait.
    for: OWNER,
    async make({ owner }) {
      await tainted(owner);
      return async (credential) => {
        if (credential === "") return false;
        const headers = await session("tools", credential);
        await listTools(harness, "tools", headers);
        return codeOf(await harness.rpc("tools", call("send"), headers)) === "gateway.mcp-flow";
      };
    },
  },
  {
    what: "a call that an operator allowed",
    tables: ["mcp_calls"],
    for: OWNER,
    async make({ owner }) {
      const headers = await tainted(owner);
      // With what a guard hides in it, so that no two are the same on their way out.
      const sent = call("send", { to: MAIL });
      const waits = await harness.rpc("tools", sent, headers);
      const id = /holdfast mcp allow ([0-9a-f]+)/.exec(waits.error?.message ?? "")?.[1] ?? assert.fail(waits.text);
      await harness.operator("allow", { id });
      return async (credential) => {
        if (credential === "") return false;
        return (await harness.rpc("tools", sent, await tainted(credential))).result !== undefined;
      };
    },
  },
  {
    what: "what an app has spent",
    tables: ["budget_spend", "budget_marks"],
    for: [...APP, "user"],
    make: async ({ owner }) => await spent(owner, "budget-of-app"),
  },
  {
    what: "what a key has spent",
    tables: ["budget_spend", "budget_marks"],
    for: OWNER,
    make: async ({ owner }) => await spent(owner, "budget-of-key"),
  },
  {
    what: "a rate that is used up",
    tables: [],
    for: OWNER,
    limits: { requestsPerMinute: 2 },
    async make({ owner }) {
      for (let asked = 0; asked < 2; asked++) assert.equal((await ask(owner, "hi")).status, 200);
      return async (credential) => (await ask(credential, "hi")).status === 429;
    },
  },
  {
    what: "how much was asked of a model",
    tables: ["extraction_watches", "extraction_states"],
    for: OWNER,
    async make({ owner }) {
      const embed = (credential: string, input: readonly string[]): Promise<Answer> =>
        post("/v1/embeddings", { model: "m", input }, credential);
      const many = Array.from({ length: 12 }, (_, index) => `text ${index}`);
      assert.equal((await embed(owner, many)).status, 200);
      return async (credential) =>
        (await embed(credential, ["one more"])).json.error?.code === "gateway.extraction-refused";
    },
  },
];

/** Tables of what is the operator's: who there is, and which tools were approved. */
const OF_THE_OPERATOR = ["apps", "api_keys", "mcp_definitions"];

describe("what the gateway keeps", () => {
  for (const { for: whose, limits, make, tables: _, what } of ROWS) {
    it(`${what}: for ${whose.join(" and ") || "nobody"}`, async () => {
      const people = await newPeople(limits);
      const attempt = await make(people);
      // The owner last: it must have outlived whatever the others did to it.
      for (const who of EVERYBODY.toReversed()) {
        assert.equal(await attempt(people[who]), whose.includes(who), who);
      }
    });
  }

  it("has a row for each of its tables", () => {
    const tables = gatewayModule.migrations.flatMap(({ statements }) =>
      statements.flatMap((statement) => /^create table (\w+)/.exec(statement)?.[1] ?? []),
    );
    assert.ok(tables.length > OF_THE_OPERATOR.length);
    const rows = ROWS.flatMap((row) => row.tables);
    assert.deepEqual(
      tables.filter((table) => !rows.includes(table) && !OF_THE_OPERATOR.includes(table)),
      [],
    );
  });
});

const KEPT = "kept-of-shop";

/** The request with the id in the place of the sample, if that is a place that names something. */
function naming(operation: Operation, sample: Sample): object | undefined {
  if (sample.form !== "text") return undefined;
  const body = { ...REQUESTS[operation.id], ...(sample.build(KEPT) as object) };
  try {
    return referencesIn(operation.parseRequest(body, "m"), []).includes(KEPT) ? body : undefined;
  } catch {
    // The sample is in a place that is refused with any text.
    return undefined;
  }
}

describe("what an upstream keeps, by every place that can name it", () => {
  let named = 0;
  for (const operation of operations) {
    const { id, path, queries, shapes } = operation;
    if (shapes.request === undefined) continue;
    it(`is for its app alone: ${id}`, async () => {
      const people = await newPeople();
      const url = `${path.replace("{model}", "m")}${queries[0] === "" ? "" : `?${queries[0] ?? ""}`}`;
      for (const sample of samplesOf(shapes.request ?? { is: "any" })) {
        const body = naming(operation, sample);
        if (body === undefined) continue;
        named++;
        for (const who of ["owner", "stranger", "strange user"] as const) {
          const asked = upstream.requests.length;
          const answer = await post(url, body, people[who]);
          const mayAsk = who === "owner";
          const expected = mayAsk ? 200 : 404;
          assert.equal(answer.status, expected, `${sample.field}: ${who}: ${answer.text}`);
          assert.equal(upstream.requests.length - asked, mayAsk ? 1 : 0, `${sample.field}: ${who}`);
        }
      }
    });
  }

  it("was named in many places, in each protocol", () => {
    assert.ok(named > 200, `${named}`);
  });
});
