/**
 * What can go wrong between MCP clients and servers. `rpc-error.ts` turns each into an error of JSON-RPC.
 *
 * @module
 */

import { Exit, type ErrorTable } from "../../core/index.ts";

export const McpErrors = {
  "gateway.mcp-origin": {
    what: "the request comes from a page that may not call MCP servers",
    hint: "name the page's origin under gateway.mcp.origins, if it is yours",
    status: 403,
  },
  "gateway.mcp-server-unknown": {
    what: "there is no MCP server of this name, or not for this app",
    hint: "check the name after /mcp/; the operator finds the servers under gateway.mcp.servers",
    status: 404,
  },
  "gateway.mcp-not-acceptable": {
    what: "the client does not accept what MCP answers with",
    hint: "send accept: application/json, text/event-stream; for a stream text/event-stream",
    status: 406,
  },
  "gateway.mcp-message-invalid": {
    what: "the message is not one of JSON-RPC 2.0 as MCP has it",
    hint: "compare it with the specification of MCP, «Messages»",
    status: 400,
  },
  "gateway.mcp-method-unknown": {
    what: "the method is none that goes through the gateway, or its feature is switched off for this server",
    hint: "use the methods of the protocol revision; the operator finds the features under gateway.mcp.servers",
    status: 400,
  },
  "gateway.mcp-params-invalid": {
    what: "the parameters lack something that the protocol revision demands",
    hint: "compare them with the specification of MCP",
    status: 400,
  },
  "gateway.mcp-version-unsupported": {
    what: "the protocol revision is not one that is spoken here",
    hint: "use one that the detail names",
    status: 400,
  },
  "gateway.mcp-header-mismatch": {
    what: "a header says something else than the body, or is missing",
    hint: "send mcp-protocol-version, mcp-method, mcp-name and mcp-param-… as the body says",
    status: 400,
  },
  "gateway.mcp-session-missing": {
    what: "the request names no session",
    hint: "begin one with `initialize`, and send the mcp-session-id of its answer",
    status: 400,
  },
  "gateway.mcp-session-unknown": {
    what: "there is no such session, or it has ended",
    hint: "begin a new one with `initialize`",
    status: 404,
  },
  "gateway.mcp-too-many-sessions": {
    what: "the key has as many sessions as it may have",
    hint: "end one with DELETE, or wait until unused ones expire",
    status: 429,
  },
  "gateway.mcp-resumption": {
    what: "streams cannot be resumed here",
    hint: "leave last-event-id out, and make the request again",
    status: 400,
  },
  "gateway.mcp-tool-unknown": {
    what: "the server has no such tool for clients of the gateway",
    hint: "list the tools first; the operator finds the allow list under gateway.mcp.servers",
    status: 400,
  },
  "gateway.mcp-tool-unapproved": {
    what: "the tool waits for an operator",
    hint: "ask the operator to look at `holdfast mcp diff` and to approve it with `holdfast mcp approve`",
    status: 403,
  },
  "gateway.mcp-schema-unenforceable": {
    what: "the tool's schema cannot be enforced, so that the tool cannot be called",
    hint: "ask whoever runs the server for a schema of JSON Schema 2020-12 without what the detail names",
    status: 403,
  },
  "gateway.mcp-arguments-invalid": {
    what: "the arguments do not fit the tool's schema",
    hint: "correct what the detail names",
    status: 400,
  },
  "gateway.mcp-arguments-refused": {
    what: "policy does not let the tool be called with these arguments",
    hint: "use what is allowed; the operator finds the rules under gateway.mcp.servers",
    status: 403,
  },
  "gateway.mcp-flow": {
    what: "untrusted text was taken in, and must not reach this tool without approval",
    hint: "ask the operator for `holdfast mcp allow`, then make the same call again",
    status: 403,
  },
  "gateway.mcp-asks": {
    what: "the server asked the client for something that policy does not let it ask",
    hint: "the operator finds what it may ask under gateway.mcp.servers",
    status: 502,
  },
  "gateway.mcp-server-rejected": {
    what: "the MCP server did not take the request",
    hint: "check that the server speaks the protocol revision of the client",
    status: 400,
  },
  "gateway.mcp-rule-invalid": {
    what: "a rule about arguments under gateway.mcp.servers cannot be used",
    hint: "correct the pattern that the detail names: RE2's syntax, without look-around",
    exit: Exit.usage,
  },
  "gateway.mcp-definition-unknown": {
    what: "no such definition was seen of this server",
    hint: "list them with `holdfast mcp tools`",
    status: 404,
    exit: Exit.usage,
  },
  "gateway.mcp-definition-changed": {
    what: "the definition that was seen last is another one than the digest names",
    hint: "look at it again with `holdfast mcp diff`",
    status: 409,
    exit: Exit.usage,
  },
  "gateway.mcp-call-unknown": {
    what: "no such call waits",
    hint: "list them with `holdfast mcp calls`",
    status: 404,
    exit: Exit.usage,
  },
} as const satisfies ErrorTable;
