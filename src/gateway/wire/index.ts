/**
 * The door of the wire protocols.
 *
 * @module
 */

export { errorBody, errorEvent, formatFor } from "./error.ts";
export { escapeJson } from "./escape.ts";
export { readEverything } from "./everything.ts";
export type { MediaPart } from "./media.ts";
export { operations, upstreamPath } from "./operations.ts";
export type {
  ErrorFormat,
  Operation,
  ParsedRequest,
  ProtocolId,
  ResponseStream,
  StreamHooks,
  Unscanned,
  Usage,
} from "./operation.ts";
export { setAtPointer } from "./pointer.ts";
export type { EventShape, Fields, RecordShape, Shape } from "./shape.ts";
export { estimateTokens, MOST_TOKENS_PER_UNIT } from "./tokens.ts";
