/**
 * Server-sent events, out: the one form in which the gateway writes an event, which is the form that the model APIs
 * themselves write.
 *
 * @module
 */

import type { SseEvent } from "./decode.ts";

/**
 * The text of one event.
 *
 * @example
 * ```ts
 * encodeEvent({ type: "ping", data: "{}" }); // "event: ping\ndata: {}\n\n"
 * encodeEvent({ type: undefined, data: undefined }); // ":\n\n", a comment: a sign of life
 * ```
 */
export function encodeEvent({ type, data }: SseEvent): string {
  if (data === undefined) return ":\n\n";
  const body = data.includes("\n") ? data.replaceAll("\n", "\ndata: ") : data;
  return type === undefined ? `data: ${body}\n\n` : `event: ${type}\ndata: ${body}\n\n`;
}
