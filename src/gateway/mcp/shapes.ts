/**
 * What is known of the fields of MCP's messages, as data for the walker (`wire/walk.ts`): which text came from where, and
 * where base64 stands. The walker reads every other string too, so that nothing depends on this list being complete.
 *
 * Everything that a server says is text of nobody who may give instructions: `tool`, and `document` for resources and
 * prompts. What a client sends with a call was written by a model.
 *
 * Source: the schemas of MCP 2026-07-28 and 2025-11-25.
 *
 * @module
 */

import type { Origin } from "../../guard/index.ts";
import { any, base64, from, list, record, text, variant, word, type Shape } from "../wire/shape.ts";

/** What a server sends: results, notifications, requests of its own, errors. */
export function resultShape(method: string): Shape {
  return from(originOf(method), record(FIELDS, { rest: any }));
}

/** Where the text of a result comes from, as the guards are told and receipts say. */
export function originOf(method: string): Origin {
  return DOCUMENTS.has(method) ? "document" : "tool";
}

const DOCUMENTS: ReadonlySet<string> = new Set(["resources/read", "prompts/get"]);

/** Text, or bytes in base64 whose object says of which type. */
const resource: Shape = record({ uri: text, mimeType: text, text, blob: base64 }, { rest: any });

const block: Shape = variant(
  "type",
  {
    text: record({ type: word("text"), text }, { rest: any }),
    image: record({ type: word("image"), data: { is: "base64", media: "image" }, mimeType: text }, { rest: any }),
    audio: record({ type: word("audio"), data: { is: "base64", media: "file" }, mimeType: text }, { rest: any }),
    resource: record({ type: word("resource"), resource }, { rest: any }),
  },
  any,
);

const blocks: Shape = { is: "either", list: list(block), record: block };

/** What a client answers to a server's request: a model's text or picture, or a person's words. */
const answer: Shape = record({ content: blocks }, { rest: any });

/** What a client sends: parameters of its requests, and its answers to a server's, in a request of their own or within one. */
export const PARAMS: Shape = record(
  {
    name: text,
    uri: { is: "reference" },
    arguments: from("assistant", any),
    inputResponses: from("assistant", record({}, { rest: answer })),
  },
  { rest: any },
);
export const ANSWERS: Shape = from("assistant", answer);

const FIELDS: Readonly<Record<string, Shape>> = {
  resultType: word("complete", "input_required"),
  content: blocks,
  contents: list(resource),
  messages: list(record({ role: word("user", "assistant"), content: blocks }, { rest: any })),
};
