/**
 * The door of the server-sent events.
 *
 * @module
 */

export { createSseDecoder, type SseEvent } from "./decode.ts";
export { encodeEvent } from "./encode.ts";
