/**
 * What all operations share in reading a message: when it is refused, and how a number is believed.
 *
 * @module
 */

import { gatewayError } from "../errors.ts";
import type { Fields } from "./shape.ts";
import { isObject } from "./walk.ts";

/** What is done about a message that is not as it should be. */
export interface Strictness {
  /** A field has another type than its shape says. Throws to refuse the message, returns to read on. */
  mismatch(pointer: string, expected: string): void;
  /** There is more of something than its limit. Throws. */
  tooMany(limit: number, what: string): never;
}

/** A request must be what the protocol says. */
export const REQUEST: Strictness = {
  mismatch: requestMismatch,
  tooMany: (limit, what) => requestMismatch("", `at most ${limit} ${what}`),
};

/** An answer's field of another type is read as text: servers differ, and reading it is what matters. */
export const ANSWER: Strictness = {
  mismatch() {},
  tooMany(limit, what) {
    throw gatewayError("gateway.upstream-invalid", { detail: `more than ${limit} ${what}` });
  },
};

/** Refuses a request. The pointer names known fields only, so it cannot quote the caller's text. */
function requestMismatch(pointer: string, expected: string): never {
  throw gatewayError("gateway.request-invalid", {
    detail: `${pointer === "" ? "the body" : pointer}: expected ${expected}`,
  });
}

/** @throws `gateway.request-invalid` */
export function requireRequest(value: unknown): Fields {
  return isObject(value) ? value : requestMismatch("", "an object");
}

/** The answer as an object with the list of objects that makes it one. @throws `gateway.upstream-invalid` */
export function requireAnswer(value: unknown, listName: string): Fields {
  const list = isObject(value) ? value[listName] : undefined;
  if (!Array.isArray(list)) {
    throw gatewayError("gateway.upstream-invalid", { detail: `the answer has no list named ${listName}` });
  }
  if (!list.every(isObject)) {
    throw gatewayError("gateway.upstream-invalid", { detail: `${listName} has members that are no objects` });
  }
  return value as Fields;
}

/** A count as an upstream or a caller states it, if it is one. */
export function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The id of what an upstream keeps of an answer: in a list, empty where `value` has none. */
export function idIn(value: unknown, name = "id"): readonly string[] {
  const id = isObject(value) ? value[name] : undefined;
  return typeof id === "string" && id !== "" ? [id] : [];
}
