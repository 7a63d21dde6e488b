/**
 * The door of the server-sent events.
 *
 * @module
 */

export { createSseDecoder, type SseDecoder, type SseEvent } from "./decode.ts";
export { encodeEvent } from "./encode.ts";
