/**
 * Errors as MCP clients raise them: JSON-RPC error objects, with the HTTP status that the protocol asks for.
 *
 * A request that was understood gets its refusal as the answer to it, with status 200: a client raises that as the error
 * of the call, by its code, where any other status would be a failure of the transport. What was refused before that
 * (no key, no session, not JSON-RPC) gets its own status. The code of Holdfast stands in `error.data.code`.
 *
 * Codes are JSON-RPC's and MCP's own where one of these means the same; else the HTTP status, since new codes belong
 * outside of the range that JSON-RPC reserves.
 *
 * Source: MCP 2026-07-28, «Overview», «Error Codes»; JSON-RPC 2.0 section 5.1.
 *
 * @module
 */

import type { GatewayError } from "../errors.ts";
import { encodeEvent } from "../sse/index.ts";
import type { RpcId } from "./message.ts";

/** How errors are written in one exchange. */
export interface ErrorWriter {
  body(error: GatewayError, requestId: string): { readonly status: number; readonly body: string };
  /** For a stream that has begun. */
  event(error: GatewayError, requestId: string): string;
}

/** What is known of the message that an exchange is about, as far as errors go. */
export class Conversation implements ErrorWriter {
  /** Of the request, once it is known. */
  id: RpcId | undefined;
  /** The message is a request of the protocol: what is refused from now on is refused as the answer to it. */
  understood = false;
  /** What else an error says, for a code of the protocol that has data of its own. */
  data: Readonly<Record<string, unknown>> = {};

  body(error: GatewayError, requestId: string): { status: number; body: string } {
    const { id, understood } = this;
    const own = STATUS.get(error.code);
    return {
      status: own ?? (understood && id !== undefined ? 200 : error.status),
      body: JSON.stringify(rpcError(id, error, requestId, this.data)),
    };
  }

  /** On a stream that answers no request there is nobody who waits for an error: it ends. */
  event(error: GatewayError, requestId: string): string {
    if (this.id === undefined) return "";
    return encodeEvent({ type: "message", data: JSON.stringify(rpcError(this.id, error, requestId, this.data)) });
  }
}

/** Codes with a number of their own. */
const CODES: ReadonlyMap<string, number> = new Map([
  ["core.json-invalid", -32700],
  ["core.utf8-invalid", -32700],
  ["core.json-duplicate-name", -32700],
  ["gateway.mcp-message-invalid", -32600],
  ["gateway.mcp-method-unknown", -32601],
  ["gateway.mcp-params-invalid", -32602],
  ["gateway.mcp-tool-unknown", -32602],
  ["gateway.mcp-arguments-invalid", -32602],
  ["gateway.mcp-header-mismatch", -32020],
  ["gateway.mcp-version-unsupported", -32022],
  ["gateway.internal", -32603],
]);

/** What keeps its status even as the answer to a request: the protocol says so, or a client acts on it. */
const STATUS: ReadonlyMap<string, number> = new Map([
  ["gateway.mcp-session-unknown", 404],
  ["gateway.mcp-server-rejected", 400],
]);

function rpcError(
  id: RpcId | undefined,
  error: GatewayError,
  requestId: string,
  data: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return {
    jsonrpc: "2.0",
    ...(id === undefined ? {} : { id }),
    error: {
      code: CODES.get(error.code) ?? (error.status === 400 ? -32600 : error.status),
      message: `${error.message}; ${error.hint}`,
      data: { ...data, code: error.code, requestId },
    },
  };
}
