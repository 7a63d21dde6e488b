/**
 * The text of one message of MCP: its parameters, result or error, and what of its head is the sender's own words. Both
 * who judges messages (`judge.ts`) and the matrix of what is read (`covered.ts`) take it from here.
 *
 * @module
 */

import type { TextSpan } from "../../guard/index.ts";
import { collect, type Collected } from "../wire/collect.ts";
import type { Shape } from "../wire/index.ts";
import { ANSWER, REQUEST } from "../wire/read.ts";
import type { Message } from "./message.ts";

/** The members of a message that its sender words freely; left out: those that are known words, and numbers. */
export interface Head {
  readonly id?: string;
  readonly method?: string;
}

/** Pointers of a head's texts: no field has such a name, so that a mask there becomes a block. */
const HEAD = { id: "/#head/id", method: "/#head/method" } as const;

/** The head of a message: an id that is a text, and of a notification its method, which a server may make up. */
export function headOf(message: Message): Head {
  return {
    ...("id" in message && typeof message.id === "string" ? { id: message.id } : {}),
    ...(message.kind === "notification" ? { method: message.method } : {}),
  };
}

/**
 * Every text of a message: of a client's `request`, or of what a server says.
 *
 * @throws `gateway.request-invalid`, of a server's `gateway.upstream-invalid`, where it has too many parts
 */
export function textOf(shape: Shape, value: unknown, of: "request" | "answer", head: Head): Collected {
  const isRequest = of === "request";
  const collected = collect(shape, value, isRequest ? "user" : "tool", isRequest ? REQUEST : ANSWER);
  const spans = (["id", "method"] as const).flatMap((name): TextSpan[] => {
    const text = head[name];
    return text === undefined || text === "" ? [] : [{ pointer: HEAD[name], text, origin: "metadata" }];
  });
  return spans.length === 0 ? collected : { ...collected, spans: [...spans, ...collected.spans] };
}
