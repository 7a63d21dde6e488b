/**
 * One message of a client: what it may ask, what of it is sent to the server, and what comes back.
 *
 * @module
 */

import { coreError, isHoldfastError, parseJson, type HoldfastError } from "../../core/index.ts";
import { readBody } from "../admission/body.ts";
import { gatewayError } from "../errors.ts";
import { covers } from "../identity/principal.ts";
import type { Fields } from "../wire/index.ts";
import { isObject } from "../wire/walk.ts";
import type { CallableTool } from "./catalogue.ts";
import type { McpServerConfig } from "./config.ts";
import { checkAccept, sessionHeaders, sessionOf, type Asked, type McpServices } from "./asked.ts";
import { askServer, type ServerRequest } from "./forward.ts";
import { idOf, readMessage, type Message, type RpcId } from "./message.ts";
import { checkPermitted } from "./permitted.ts";
import {
  checkModern,
  decodeHeader,
  encodeHeader,
  eraOf,
  LEGACY,
  METHODS,
  mismatch,
  modernHeaders,
  NOTIFICATIONS,
  VERSIONS,
} from "./protocol.ts";
import { relay } from "./relay.ts";
import { violation, type Violation } from "./schema/validate.ts";
import type { Session } from "./session.ts";
import { ANSWERS, PARAMS } from "./shapes.ts";
import { headOf } from "./text.ts";

/** A request of a client, understood. */
export interface Call {
  readonly id: RpcId;
  readonly method: string;
  /** What was asked, after masking: what is sent, but for what a server may not know. */
  readonly params: Fields;
  /** Undefined for a modern request, and for `initialize`. */
  readonly session: Session | undefined;
  /** The flow context. */
  readonly context: string;
}

/**
 * Answers a `POST`.
 *
 * @throws the errors of the message, of policy and of the server
 */
export async function answerPost(asked: Asked, services: McpServices): Promise<void> {
  const { conversation, http } = asked;
  const { "content-encoding": encoding = "identity", "content-type": type = "" } = http.headers;
  if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type) || encoding !== "identity") {
    throw gatewayError("gateway.media-type");
  }
  checkAccept(http.headers, ["application/json", "text/event-stream"]);
  const { body, value } = await read(asked, services);
  conversation.id = idOf(value);
  const message = readMessage(value);
  const version = http.headers["mcp-protocol-version"];
  const params = message.kind === "request" || message.kind === "notification" ? message.params : {};
  conversation.data = { supported: VERSIONS, ...(typeof version === "string" ? { requested: version } : {}) };
  const era = eraOf(typeof version === "string" ? version : undefined, params);
  conversation.data = {};
  if (message.kind === "request") {
    await answerRequest(asked, message, era, body, services);
    return;
  }
  // An answer of a client belongs to a request of the server, not to one of its own.
  conversation.id = undefined;
  if (era === "modern") throw gatewayError("gateway.mcp-message-invalid", { detail: "not a request" });
  await pass(asked, message, body, services);
}

/** The body, within its limits, as it came and as a value. */
async function read(asked: Asked, { committer, config }: McpServices): Promise<{ body: Buffer; value: unknown }> {
  const { ending, exchange, http } = asked;
  const { bodyBytes, jsonDepth } = config.limits;
  const body = await readBody(http, bodyBytes, ending.cancellation);
  exchange.request = { bytes: body.length, commitment: committer.commit(exchange.id, "request", body) };
  try {
    return { body, value: parseJson(body, { maxBytes: bodyBytes, maxDepth: jsonDepth }) };
  } catch (error) {
    if (!isHoldfastError(error, "core.json-too-deep")) throw error;
    throw coreError("core.json-too-deep", { detail: `limit ${jsonDepth} levels (jsonDepth)` });
  }
}

async function answerRequest(
  asked: Asked,
  message: Extract<Message, { kind: "request" }>,
  era: "modern" | "legacy",
  body: Buffer,
  services: McpServices,
): Promise<void> {
  const { conversation, exchange, http, principal, server } = asked;
  const { id, method, params } = message;
  if (era === "modern") checkModern(method, params, http.headers);
  if (!METHODS[era].has(method) || !isOffered(server.config, method)) throw unknownMethod(era);
  exchange.route = `mcp.${method}`;
  exchange.mcp = { method, server: server.name };
  const session = era === "modern" || method === "initialize" ? undefined : await sessionOf(asked, services);
  conversation.understood = true;
  if (params["task"] !== undefined) {
    throw gatewayError("gateway.request-unsupported", {
      detail: "task: a result that comes later, and by another way",
    });
  }
  const context = services.flow.contextOf(principal, session?.digest);
  // Masking changes the parameters in place: what is mirrored in headers is checked against what the client wrote.
  const tool = method === "tools/call" ? await toolOf(asked, params, services) : undefined;
  if (era === "modern") checkMirrored(tool, params, http.headers);
  // So is what an operator allows: a placeholder is another one each time.
  const written = tool?.hasSideEffects === true ? structuredClone(params["arguments"]) : undefined;
  if (COUNTED.has(method)) await services.budgets.reserveCall(exchange, callOf(asked, tool, params));
  const { changed, vault } = await services.judge.request(exchange, PARAMS, params, {
    tightened: asked.tightened,
    head: headOf(message),
  });
  checkPermitted(asked, tool === undefined ? undefined : (params["name"] as string), services);
  if (tool !== undefined) await checkCall(asked, tool, params, { context, written }, services);
  const outgoing = method === "initialize" ? offered(server.config, params) : params;
  const request: ServerRequest = {
    method: "POST",
    headers:
      era === "modern"
        ? { ...modernHeaders(method, params), ...mirrored(tool, params) }
        : session === undefined
          ? {}
          : sessionHeaders(session),
    body: changed || outgoing !== params ? encode({ jsonrpc: "2.0", id, method, params: outgoing }) : body,
    listens: method === "subscriptions/listen",
  };
  await relay(asked, { id, method, params, session, context }, request, vault, services);
}

/** Sends on what nobody answers: notifications, and the client's answers to a server's requests. */
async function pass(
  asked: Asked,
  message: Exclude<Message, { kind: "request" }>,
  body: Buffer,
  services: McpServices,
): Promise<void> {
  const { ending, exchange, reply, server } = asked;
  if (message.kind === "notification" && !NOTIFICATIONS.has(message.method)) throw unknownMethod("legacy");
  const method = message.kind === "notification" ? message.method : "answer";
  exchange.route = `mcp.${method}`;
  exchange.mcp = { method, server: server.name };
  const session = await sessionOf(asked, services);
  const [shape, value] =
    message.kind === "notification"
      ? ([PARAMS, message.params] as const)
      : ([ANSWERS, message.kind === "result" ? message.result : message.error] as const);
  const { changed } = await services.judge.request(exchange, shape, value, {
    tightened: asked.tightened,
    head: headOf(message),
  });
  checkPermitted(asked, undefined, services);
  const { kind, ...rest } = message;
  const request: ServerRequest = {
    method: "POST",
    headers: sessionHeaders(session),
    body: changed ? encode({ jsonrpc: "2.0", ...rest }) : body,
    listens: false,
  };
  const attempt = (exchange.upstream = { name: server.name });
  const answer = await askServer(server, request, ending.cancellation, attempt, services.clock);
  const { status } = answer;
  answer.abort();
  if (status === 404) {
    await services.sessions.end(session);
    throw gatewayError("gateway.mcp-session-unknown");
  }
  if (status >= 300)
    throw gatewayError("gateway.mcp-server-rejected", { detail: `${server.name}: ${status}, of a ${kind}` });
  exchange.outcome = "served";
  await reply.whole(202, {}, "");
}

/** The tool of a call. The receipt names it once it is known to be one: until then its name is the client's text. */
async function toolOf({ exchange, server }: Asked, params: Fields, services: McpServices): Promise<CallableTool> {
  const { name } = params;
  if (typeof name !== "string") throw gatewayError("gateway.mcp-params-invalid", { detail: "name is not a string" });
  const tool = await services.catalogue.tool(server, name);
  exchange.mcp = { ...exchange.mcp, server: server.name, definition: tool.digest, tool: name };
  return tool;
}

/** What budgets count: what makes a server work. Sessions and listings are what a client has to go through. */
const COUNTED: ReadonlySet<string> = new Set(["tools/call", "resources/read", "prompts/get", "completion/complete"]);

/** A call as budgets know it: `mcp:<server>/<tool>`, and `mcp:<server>` for all that is no tool. */
function callOf(
  { principal, server }: Asked,
  tool: CallableTool | undefined,
  params: Fields,
): { readonly principal: Asked["principal"]; readonly name: string; readonly price: number } {
  if (tool === undefined) return { principal, name: `mcp:${server.name}`, price: 0 };
  const name = params["name"] as string;
  const priced = server.config.prices.find(({ tools }) => covers(tools, name));
  return { principal, name: `mcp:${server.name}/${name}`, price: priced?.call ?? 0 };
}

/**
 * Schema, rules, flow: in the order of cost. `written`: the arguments as the client wrote them.
 *
 * @throws `gateway.mcp-arguments-…`, `gateway.mcp-flow`
 */
async function checkCall(
  { exchange, server }: Asked,
  tool: CallableTool,
  params: Fields,
  { context, written }: { readonly context: string; readonly written: unknown },
  { flow }: McpServices,
): Promise<void> {
  const name = params["name"] as string;
  const args = params["arguments"] ?? {};
  const unfit = violation(tool.rules, args);
  if (unfit !== undefined) throw gatewayError("gateway.mcp-arguments-invalid", { detail: say(name, unfit) });
  const against = server.checkArguments(name, args);
  if (against !== undefined) throw gatewayError("gateway.mcp-arguments-refused", { detail: say(name, against) });
  if (!tool.hasSideEffects) return;
  await flow.pass(context, { server: server.name, tool: name, arguments: written, requestId: exchange.id });
}

function say(tool: string, { at, why }: Violation): string {
  return `${tool}, arguments${at}: ${why}`;
}

/** Which of a server's features clients may use. */
function isOffered({ prompts, resources }: McpServerConfig, method: string): boolean {
  return (resources || !method.startsWith("resources/")) && (prompts || !method.startsWith("prompts/"));
}

/**
 * What a server hears of a client at the beginning of a session: a revision that both may speak, and only what it may ask
 * of the client.
 */
function offered({ asks }: McpServerConfig, params: Fields): Fields {
  const { capabilities, protocolVersion } = params;
  const version = LEGACY.includes(String(protocolVersion)) ? protocolVersion : LEGACY[0];
  const allowed = Object.entries(isObject(capabilities) ? capabilities : {}).filter(([name]) => {
    return name !== "tasks" && (!ASKED.has(name) || (asks as readonly string[]).includes(name));
  });
  return { ...params, protocolVersion: version, capabilities: Object.fromEntries(allowed) };
}

const ASKED: ReadonlySet<string> = new Set(["elicitation", "roots", "sampling"]);

/** What a client mirrors of its arguments must be what they are. @throws `gateway.mcp-header-mismatch` */
function checkMirrored(tool: CallableTool | undefined, params: Fields, headers: Asked["http"]["headers"]): void {
  for (const [name, path] of tool?.headers ?? []) {
    const expected = mirror(params["arguments"], path);
    if (decodeHeader(name, headers[name]) !== expected) throw mismatch(name);
  }
}

/** The headers that mirror what is sent. */
function mirrored(tool: CallableTool | undefined, params: Fields): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, path] of tool?.headers ?? []) {
    const value = mirror(params["arguments"], path);
    if (value !== undefined) headers[name] = encodeHeader(value);
  }
  return headers;
}

function mirror(args: unknown, path: readonly string[]): string | undefined {
  let value: unknown = args;
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof value === "string" ? value : value === undefined || value === null ? undefined : JSON.stringify(value);
}

/** The modern revision tells an unknown method by its status, too. */
function unknownMethod(era: "modern" | "legacy"): HoldfastError {
  return gatewayError("gateway.mcp-method-unknown", era === "modern" ? { status: 404 } : {});
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), "utf8");
}
