/**
 * Messages of which no field is known: every string and every name in them is text.
 *
 * @module
 */

import { collect, type Collected } from "./collect.ts";
import { ANSWER, REQUEST } from "./read.ts";
import { any } from "./shape.ts";

/**
 * Reads all of a message.
 *
 * @throws `gateway.request-invalid`, of an answer `gateway.upstream-invalid`, where it has too many parts
 */
export function readEverything(value: unknown, of: "request" | "answer"): Collected {
  const isRequest = of === "request";
  return collect(any, value, isRequest ? "user" : "assistant", isRequest ? REQUEST : ANSWER);
}
