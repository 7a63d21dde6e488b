/**
 * The revisions of MCP that are spoken, and what each asks of a request: its methods, its headers, its metadata.
 *
 * - `2026-07-28` (modern): no sessions. Every request names its version and its client's capabilities in `_meta`, and
 *   repeats its method and name in headers, which must agree with the body.
 * - `2025-11-25` and the two before it (legacy): `initialize` begins a session, to which every later request belongs.
 *
 * A method that is not listed is refused: what a result of it would carry, nobody has looked at. Tasks are among these,
 * whose results come later and by another way than the request that was judged.
 *
 * Sources: MCP 2026-07-28, «Streamable HTTP» (request metadata, value encoding, server validation), «Versioning»;
 * MCP 2025-11-25, «Transports», «Lifecycle».
 *
 * @module
 */

import { gatewayError } from "../errors.ts";
import type { Fields } from "../wire/index.ts";
import { isObject } from "../wire/walk.ts";

export const MODERN = "2026-07-28";
/** The newest first. */
export const LEGACY: readonly string[] = ["2025-11-25", "2025-06-18", "2025-03-26"];
export const VERSIONS: readonly string[] = [MODERN, ...LEGACY];

/** Names of the protocol's own metadata. */
export const META = {
  version: "io.modelcontextprotocol/protocolVersion",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
} as const;

type Era = "modern" | "legacy";

const SHARED = [
  "tools/list",
  "tools/call",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "prompts/list",
  "prompts/get",
  "completion/complete",
];

/** Requests of clients. */
export const METHODS: Readonly<Record<Era, ReadonlySet<string>>> = {
  modern: new Set([...SHARED, "server/discover", "subscriptions/listen"]),
  legacy: new Set([
    ...SHARED,
    "initialize",
    "ping",
    "resources/subscribe",
    "resources/unsubscribe",
    "logging/setLevel",
  ]),
};

/** Notifications of clients. The modern revision has none over HTTP. */
export const NOTIFICATIONS: ReadonlySet<string> = new Set([
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/progress",
  "notifications/roots/list_changed",
]);

/** Requests of servers, by what must be allowed for them. `ping` is everybody's. */
export const SERVER_REQUESTS: ReadonlyMap<string, "elicitation" | "roots" | "sampling" | undefined> = new Map([
  ["ping", undefined],
  ["roots/list", "roots"],
  ["sampling/createMessage", "sampling"],
  ["elicitation/create", "elicitation"],
]);

/** Where the name stands that a request's `Mcp-Name` header repeats. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ["tools/call", "name"],
  ["prompts/get", "name"],
  ["resources/read", "uri"],
]);

/**
 * Which era a request belongs to: a version in its `_meta` or the modern header says modern.
 *
 * @throws `gateway.mcp-version-unsupported`
 */
export function eraOf(header: string | undefined, params: Fields): Era {
  const stated = metaOf(params)?.[META.version];
  for (const version of [header, stated]) {
    if (version !== undefined && !(typeof version === "string" && VERSIONS.includes(version))) {
      throw gatewayError("gateway.mcp-version-unsupported", { detail: `use ${VERSIONS.join(" or ")}` });
    }
  }
  return header === MODERN || stated !== undefined ? "modern" : "legacy";
}

/**
 * Checks the metadata of a modern request against its headers.
 *
 * @throws `gateway.mcp-header-mismatch`, `gateway.mcp-params-invalid`
 */
export function checkModern(
  method: string,
  params: Fields,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): void {
  const meta = metaOf(params);
  if (meta === undefined || typeof meta[META.version] !== "string" || !isObject(meta[META.capabilities])) {
    throw gatewayError("gateway.mcp-params-invalid", {
      detail: `_meta must have ${META.version} and ${META.capabilities}`,
    });
  }
  same("mcp-protocol-version", headers["mcp-protocol-version"], meta[META.version]);
  same("mcp-method", headers["mcp-method"], method);
  const place = NAMED.get(method);
  if (place === undefined) return;
  const name = params[place];
  if (typeof name !== "string")
    throw gatewayError("gateway.mcp-params-invalid", { detail: `${place} is not a string` });
  same("mcp-name", decodeHeader("mcp-name", headers["mcp-name"]), name);
}

/** The headers that say again what a modern request's body says: made from the body, never copied. */
export function modernHeaders(method: string, params: Fields): Record<string, string> {
  const place = NAMED.get(method);
  const name = place === undefined ? undefined : params[place];
  return {
    "mcp-protocol-version": MODERN,
    "mcp-method": method,
    ...(typeof name === "string" ? { "mcp-name": encodeHeader(name) } : {}),
  };
}

/** A value as a header can carry it: as it is, or in base64 where it has other characters than visible ASCII. */
export function encodeHeader(value: string): string {
  const isPlain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !isEncoded(value);
  return isPlain ? value : `${PREFIX}${Buffer.from(value, "utf8").toString("base64")}${SUFFIX}`;
}

/** The value that a header carries. @throws `gateway.mcp-header-mismatch` for base64 that is none, or no UTF-8 */
export function decodeHeader(name: string, value: string | string[] | undefined): string | undefined {
  if (typeof value !== "string" || !isEncoded(value)) return typeof value === "string" ? value : undefined;
  const payload = value.slice(PREFIX.length, -SUFFIX.length);
  const bytes = Buffer.from(payload, "base64");
  const text = bytes.toString("utf8");
  if (bytes.toString("base64") !== payload || !Buffer.from(text, "utf8").equals(bytes)) throw mismatch(name);
  return text;
}

/** The error of a header that says something else than the body. */
export function mismatch(name: string): Error {
  return gatewayError("gateway.mcp-header-mismatch", { detail: name });
}

const PREFIX = "=?base64?";
const SUFFIX = "?=";

function isEncoded(value: string): boolean {
  return value.length >= PREFIX.length + SUFFIX.length && value.startsWith(PREFIX) && value.endsWith(SUFFIX);
}

function same(name: string, header: string | string[] | undefined, body: unknown): void {
  if (header !== body) throw mismatch(name);
}

function metaOf(params: Fields): Fields | undefined {
  const meta = params["_meta"];
  return isObject(meta) ? meta : undefined;
}
