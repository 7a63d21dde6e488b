/**
 * What a server answers, on its way to the client: each message is read before any of it leaves. A stream goes on message
 * by message; an error in its midst ends it, as the answer to the request.
 *
 * @module
 */

import { parseJson } from "../../core/index.ts";
import type { Vault } from "../../guard/index.ts";
import { mayListTool } from "../authorize/permit.ts";
import { gatewayError } from "../errors.ts";
import { encodeEvent } from "../sse/index.ts";
import type { UpstreamAnswer } from "../upstream/dispatch.ts";
import type { Fields } from "../wire/index.ts";
import { isObject } from "../wire/walk.ts";
import type { Call } from "./call.ts";
import type { Asked, McpServices } from "./asked.ts";
import {
  askServer,
  readMessages,
  readRefusal,
  refused,
  type Limits,
  type ServerRequest,
  type Taken,
} from "./forward.ts";
import type { Message } from "./message.ts";
import { LEGACY, SERVER_REQUESTS } from "./protocol.ts";
import type { Session } from "./session.ts";
import { originOf, resultShape } from "./shapes.ts";
import { headOf } from "./text.ts";

/** Results that are for a model to read. */
const READ_BY_MODELS: ReadonlySet<string> = new Set(["tools/call", "resources/read", "prompts/get"]);

/**
 * Sends a request to the server and its answer to the client.
 *
 * @throws the `gateway.upstream-…` errors, `gateway.answer-blocked`, `gateway.mcp-server-rejected`,
 *   `gateway.mcp-session-unknown`
 */
export async function relay(
  asked: Asked,
  call: Call,
  request: ServerRequest,
  vault: Vault | undefined,
  services: McpServices,
): Promise<void> {
  const { ending, exchange, server } = asked;
  const { callMs } = services.config.mcp.timeouts;
  const timer = setTimeout(() => {
    const detail = `${server.name}: the whole answer (mcp.timeouts.callMs)`;
    ending.end(gatewayError("gateway.upstream-timeout", { detail }));
  }, callMs);
  if (request.listens) clearTimeout(timer);
  const attempt = (exchange.upstream = { name: server.name });
  try {
    const answer = await askServer(server, request, ending.cancellation, attempt, services.clock);
    if (answer.status === 200) await answered(asked, call, answer, vault, services);
    else await rejected(asked, call, answer, services);
  } finally {
    clearTimeout(timer);
  }
}

/** Relays the stream of a session. @throws the `gateway.upstream-…` errors, `gateway.answer-blocked` */
export async function listen(
  asked: Asked,
  session: Session,
  answer: UpstreamAnswer,
  services: McpServices,
): Promise<void> {
  const { exchange, reply, server } = asked;
  if (!/^text\/event-stream *(?:;|$)/i.test(answer.headers["content-type"] ?? "")) {
    answer.abort();
    throw gatewayError("gateway.upstream-invalid", { detail: `${server.name}: not a stream of events` });
  }
  const context = services.flow.contextOf(asked.principal, session.digest);
  reply.open();
  await readMessages(server.name, answer, limitsOf(services), async (message, text) => {
    if (message.kind === "result" || message.kind === "error") throw stray(server.name);
    await reply.write(event(await judged(asked, undefined, context, message, text, undefined, services)));
    return "more";
  });
  exchange.outcome = "served";
  await reply.end("");
}

/** The answer with status 200: messages, the last of which is the answer to the request. */
async function answered(
  asked: Asked,
  call: Call,
  answer: UpstreamAnswer,
  vault: Vault | undefined,
  services: McpServices,
): Promise<void> {
  const { exchange, reply, server } = asked;
  const isStream = /^text\/event-stream/i.test(answer.headers["content-type"] ?? "");
  // The answer to `initialize` carries the session's id in a header, so it cannot begin before it is known.
  const streams = isStream && call.method !== "initialize";
  let last: string | undefined;
  const take = async (message: Message, text: string): Promise<Taken> => {
    const isAnswer = message.kind === "result" || message.kind === "error";
    // An error without an id would be one that the client cannot tell its request by.
    if (isAnswer && message.id !== call.id) throw stray(server.name);
    if (!isAnswer && !isStream)
      throw gatewayError("gateway.upstream-invalid", { detail: `${server.name}: not an answer` });
    const out = await judged(asked, call, call.context, message, text, vault, services);
    if (isAnswer) {
      last = out;
      return "enough";
    }
    if (!streams) return "more";
    if (!reply.opened) {
      exchange.stream = true;
      reply.open();
    }
    await reply.write(event(out));
    return "more";
  };
  await readMessages(server.name, answer, limitsOf(services), take);
  if (last === undefined) {
    if (call.method === "subscriptions/listen" && reply.opened) {
      exchange.outcome = "served";
      await reply.end("");
      return;
    }
    throw gatewayError("gateway.upstream-broken", { detail: `${server.name}: the stream ended without the answer` });
  }
  const headers = call.method === "initialize" ? await begin(asked, answer, last, services) : {};
  exchange.outcome = "served";
  if (reply.opened) await reply.end(event(last));
  else if (!streams) await reply.whole(200, headers, last);
  else {
    exchange.stream = true;
    reply.open();
    await reply.end(event(last));
  }
}

/** Another status: an error of the protocol goes on with it, once it was read; anything else is told in our words. */
async function rejected(asked: Asked, call: Call, answer: UpstreamAnswer, services: McpServices): Promise<void> {
  const { exchange, reply, server } = asked;
  const { status } = answer;
  if (status === 404 && call.session !== undefined) {
    answer.abort();
    await services.sessions.end(call.session);
    throw gatewayError("gateway.mcp-session-unknown");
  }
  if (status !== 400 && status !== 404) {
    answer.abort();
    throw refused(server.name, status);
  }
  const refusal = await readRefusal(answer);
  if (refusal === undefined) throw refused(server.name, status);
  const text = await judged(asked, call, call.context, refusal.message, refusal.text, undefined, services);
  exchange.outcome = "served";
  await reply.whole(status, {}, text);
}

/**
 * Reads one message of a server, and gives what may leave of it.
 *
 * @throws `gateway.answer-blocked`, `gateway.mcp-asks`, `gateway.upstream-invalid`
 */
async function judged(
  asked: Asked,
  call: Call | undefined,
  context: string,
  message: Message,
  text: string,
  vault: Vault | undefined,
  services: McpServices,
): Promise<string> {
  const { exchange, server, tightened } = asked;
  const { flow, judge } = services;
  if (message.kind === "request") checkAsks(asked, message.method);
  const method = message.kind === "result" || message.kind === "error" ? (call?.method ?? "") : message.method;
  const value = message.kind === "result" ? message.result : message.kind === "error" ? message.error : message.params;
  const admission = message.kind === "result" ? await admit(asked, method, value, services) : undefined;
  const read = unlabelled(admission?.rest ?? value);
  const { changed, rules } = await judge.answer(exchange, resultShape(method), read, server, {
    tightened,
    vault,
    // Of an answer the id is the client's own.
    head: message.kind === "result" || message.kind === "error" ? {} : headOf(message),
  });
  const isRead = message.kind === "request" || READ_BY_MODELS.has(method);
  // Before anybody can have read it.
  if (isRead || rules.length > 0) await flow.takeIn(context, server.name, rules);
  if (isRead || rules.length > 0)
    exchange.mcp = { ...exchange.mcp, server: server.name, context: rules.length > 0 ? "findings" : "untrusted" };
  const labels = message.kind === "result" && services.config.mcp.labels && READ_BY_MODELS.has(method);
  if (!changed && read === value && !labels) return text;
  const whole: Fields = { ...read, ...admission?.kept };
  const out = labels ? labelled(whole, { origin: originOf(method), server: server.name, findings: rules }) : whole;
  const { kind, ...envelope } = message;
  const member = kind === "result" ? "result" : kind === "error" ? "error" : "params";
  return JSON.stringify({ jsonrpc: "2.0", ...envelope, [member]: out });
}

/**
 * Results that say what a server is and has: of its tools those go on that are approved and that the caller may call, of its instructions the approved
 * ones, of its capabilities those that there is a way to use. `rest` is what is still to be read.
 */
async function admit(
  { http, principal, server }: Asked,
  method: string,
  result: Fields,
  { authorizer, catalogue, clock }: McpServices,
): Promise<{ readonly rest: Fields; readonly kept: Fields } | undefined> {
  if (method === "tools/list") {
    const { tools, ...rest } = result;
    const address = http.socket.remoteAddress ?? "";
    const may = mayListTool(authorizer, principal, server.name, { address, now: clock.now() });
    const kept: Fields[] = [];
    for (const tool of await catalogue.admit(server, tools)) if (await may(String(tool["name"]))) kept.push(tool);
    return { rest, kept: { tools: kept } };
  }
  if (method !== "initialize" && method !== "server/discover") return undefined;
  const { capabilities, instructions, ...others } = result;
  if (method === "initialize" && !LEGACY.includes(String(result["protocolVersion"]))) {
    const detail = `${server.name}: a protocol version that is not spoken here`;
    throw gatewayError("gateway.upstream-invalid", { detail });
  }
  const hidden = new Set([
    "tasks",
    ...(server.config.resources ? [] : ["resources"]),
    ...(server.config.prompts ? [] : ["prompts"]),
  ]);
  const left = Object.entries(isObject(capabilities) ? capabilities : {}).filter(([name]) => !hidden.has(name));
  const says =
    typeof instructions === "string" && instructions !== "" && (await catalogue.admitInstructions(server, instructions))
      ? { instructions }
      : {};
  return { rest: { ...others, capabilities: Object.fromEntries(left) }, kept: says };
}

/** Begins a session for a server that took a client in, and gives the headers that say so. */
async function begin(
  { principal, server }: Asked,
  answer: UpstreamAnswer,
  text: string,
  { sessions }: McpServices,
): Promise<Record<string, string>> {
  const message = parseJson(text, { maxBytes: text.length * 4, maxDepth: 512 }) as {
    result?: { protocolVersion?: unknown };
  };
  if (message.result === undefined) return {};
  const upstream = answer.headers["mcp-session-id"];
  if (upstream !== undefined && (typeof upstream !== "string" || !/^[\x21-\x7e]{1,1024}$/.test(upstream))) {
    throw gatewayError("gateway.upstream-invalid", { detail: `${server.name}: a session id that is none` });
  }
  const id = await sessions.begin(principal, server.name, String(message.result.protocolVersion), upstream);
  return { "mcp-session-id": id };
}

/** @throws `gateway.mcp-asks` */
function checkAsks({ server }: Asked, method: string): void {
  const needs = SERVER_REQUESTS.get(method);
  if (SERVER_REQUESTS.has(method) && (needs === undefined || server.config.asks.includes(needs))) return;
  throw gatewayError("gateway.mcp-asks", {
    detail: SERVER_REQUESTS.has(method) ? `${server.name}: ${method}` : server.name,
  });
}

function event(data: string): string {
  return encodeEvent({ type: "message", data });
}

/** Where a result's label stands. Nobody else's word stands there, whether results are labelled or not. */
const LABEL = "dev.holdfast/provenance";

function labelled(result: Fields, label: Fields): Fields {
  const meta = isObject(result["_meta"]) ? result["_meta"] : {};
  return { ...result, _meta: { ...meta, [LABEL]: label } };
}

function unlabelled(value: Fields): Fields {
  const { _meta } = value;
  if (!isObject(_meta) || !Object.hasOwn(_meta, LABEL)) return value;
  const { [LABEL]: _, ...meta } = _meta;
  return { ...value, _meta: meta };
}

function limitsOf({ config }: McpServices): Limits {
  const { messageBytes, messages } = config.mcp.limits;
  return { messageBytes, messages, jsonDepth: config.limits.jsonDepth };
}

function stray(name: string): Error {
  return gatewayError("gateway.upstream-invalid", { detail: `${name}: the answer to another request` });
}
