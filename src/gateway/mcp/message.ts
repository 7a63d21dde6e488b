/**
 * JSON-RPC 2.0 messages, as MCP has them: what may be said at all, whoever says it.
 *
 * Stricter than JSON-RPC where MCP is: an id is a string or an integer, parameters and results are objects, and there are
 * no batches. Stricter than both in one point: a message has no members besides those of its kind, since what stands
 * there no shape would know and no client needs.
 *
 * Sources: JSON-RPC 2.0 sections 4 and 5; MCP 2026-07-28 and 2025-11-25, «Overview», «Messages».
 *
 * @module
 */

import { gatewayError } from "../errors.ts";
import type { Fields } from "../wire/index.ts";
import { isObject } from "../wire/walk.ts";

export type RpcId = string | number;

export type Message =
  | { readonly kind: "request"; readonly id: RpcId; readonly method: string; readonly params: Fields }
  | { readonly kind: "notification"; readonly method: string; readonly params: Fields }
  | { readonly kind: "result"; readonly id: RpcId; readonly result: Fields }
  /** An error may be about a message whose id could not be read. */
  | { readonly kind: "error"; readonly id: RpcId | undefined; readonly error: Fields };

/** Characters of an id, and of a method's name. */
const ID_CHARS = 256;
const METHOD_CHARS = 128;

const MEMBERS = {
  call: new Set(["jsonrpc", "id", "method", "params"]),
  result: new Set(["jsonrpc", "id", "result"]),
  error: new Set(["jsonrpc", "id", "error"]),
  details: new Set(["code", "message", "data"]),
};

/**
 * Reads a message from a parsed value.
 *
 * @throws `gateway.mcp-message-invalid`, whose detail quotes nothing of it
 *
 * @example
 * ```ts
 * readMessage({ jsonrpc: "2.0", id: 1, method: "tools/list" }); // { kind: "request", id: 1, method: "tools/list", params: {} }
 * ```
 */
export function readMessage(value: unknown): Message {
  if (Array.isArray(value)) throw invalid("a batch: send one message at a time");
  if (!isObject(value)) throw invalid("not an object");
  if (value["jsonrpc"] !== "2.0") throw invalid("jsonrpc is not 2.0");
  if (Object.hasOwn(value, "method")) return readCall(value);
  if (Object.hasOwn(value, "result")) {
    onlyMembers(value, MEMBERS.result);
    const { result } = value;
    if (!isObject(result)) throw invalid("result is not an object");
    return { kind: "result", id: readId(value["id"]), result };
  }
  if (!Object.hasOwn(value, "error")) throw invalid("neither method, result nor error");
  onlyMembers(value, MEMBERS.error);
  const { error } = value;
  if (!isObject(error) || !Number.isSafeInteger(error["code"]) || typeof error["message"] !== "string") {
    throw invalid("error is not an object with a code and a message");
  }
  onlyMembers(error, MEMBERS.details);
  const id = value["id"] === undefined || value["id"] === null ? undefined : readId(value["id"]);
  return { kind: "error", id, error };
}

/** The id of what is perhaps no valid message: so that its sender can tell which one was refused. */
export function idOf(value: unknown): RpcId | undefined {
  const id = isObject(value) ? value["id"] : undefined;
  return isId(id) ? id : undefined;
}

function readCall(value: Fields): Message {
  onlyMembers(value, MEMBERS.call);
  const { method, params = {} } = value;
  if (typeof method !== "string" || !/^[\w$/.-]+$/.test(method) || method.length > METHOD_CHARS) {
    throw invalid("method is not a method's name");
  }
  if (!isObject(params)) throw invalid("params is not an object");
  if (!Object.hasOwn(value, "id")) return { kind: "notification", method, params };
  return { kind: "request", id: readId(value["id"]), method, params };
}

function readId(id: unknown): RpcId {
  if (!isId(id)) throw invalid("id is neither an integer nor a string of some characters");
  return id;
}

function isId(id: unknown): id is RpcId {
  return typeof id === "string" ? id.length <= ID_CHARS : Number.isSafeInteger(id);
}

function onlyMembers(value: Fields, known: ReadonlySet<string>): void {
  if (!Object.keys(value).every((name) => known.has(name))) throw invalid("a member that such a message does not have");
}

function invalid(detail: string): Error {
  return gatewayError("gateway.mcp-message-invalid", { detail });
}
