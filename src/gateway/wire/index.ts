/**
 * The door of the wire protocols.
 *
 * @module
 */

export { errorBody, errorEvent } from "./error.ts";
export { escapeJson } from "./escape.ts";
export { operations } from "./operations.ts";
export type { Operation, ParsedRequest, ProtocolId, ResponseStream, Unscanned, Usage } from "./operation.ts";
export { setAtPointer } from "./pointer.ts";
export { estimateTokens, MOST_TOKENS_PER_UNIT } from "./tokens.ts";
