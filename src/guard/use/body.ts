/**
 * Bodies of HTTP messages: what servers' middleware has in common. JSON is judged field by field, names included, forms
 * value by value, other text as one; all of it was written by whoever sent it, whatever roles it claims.
 *
 * @module
 */

import {
  DEFAULT_JSON_LIMITS,
  isHoldfastError,
  parseJson,
  problemDetails,
  type ProblemDetails,
} from "../../core/index.ts";
import type { Origin } from "../detector.ts";
import { useError } from "./errors.ts";
import type { UseOptions } from "./exchange.ts";
import type { Reading } from "./texts.ts";

/** What a message that is neither JSON, a form nor text meets: it is refused, or passes unread. */
export type Unread = "refuse" | "pass";

/** Options of the middleware for servers. */
export interface ServerGuardOptions extends UseOptions {
  /** Who wrote the requests. Default: `user`. */
  readonly origin?: Origin;
  /** Also judge what is answered. Default: `false`. */
  readonly responses?: boolean;
  /** Bodies that the guard cannot read: files, streams. Default: `refuse`. */
  readonly unread?: Unread;
  /** Most bytes of a body. Default: 4 MiB. */
  readonly maxBytes?: number;
}

/** Judges a message, and answers with what may pass. */
export type Judge = (message: unknown, reading: Reading) => Promise<unknown>;

/**
 * The body that may pass in place of `text`; the same string where nothing changed.
 *
 * @throws what `judge` throws; `guard.body-unread` for a type that is not read; what `parseJson` throws
 */
export async function guardBody(
  text: string,
  type: string,
  judge: Judge,
  { origin, maxBytes = DEFAULT_JSON_LIMITS.maxBytes, unread }: ServerGuardOptions & { readonly origin: Origin },
): Promise<string> {
  const reading: Reading = { origin, foreign: true };
  if (isJson(type)) {
    const message = parseJson(text, { ...DEFAULT_JSON_LIMITS, maxBytes });
    const changed = await judge(message, reading);
    return changed === message ? text : JSON.stringify(changed);
  }
  if (isForm(type)) {
    const pairs = [...new URLSearchParams(text)];
    const changed = await judge(pairs, reading);
    return changed === pairs ? text : new URLSearchParams(changed as [string, string][]).toString();
  }
  if (isText(type)) return String(await judge(text, reading));
  if (unread === "pass") return text;
  throw unreadError(type);
}

/** Whether {@link guardBody} reads bodies of this content type. */
export function isReadable(type: string): boolean {
  return isJson(type) || isForm(type) || isText(type);
}

/** `application/json` and what is made of it. */
export function isJson(type: string): boolean {
  return /^application\/(?:json|[\w.-]{1,60}\+json) *(?:;|$)/i.test(type);
}

/** The error for a body of this content type. */
export function unreadError(type: string): Error {
  return useError("guard.body-unread", { detail: type === "" ? "a body without a content type" : type.slice(0, 80) });
}

/** An error of ours as RFC 9457 problem details; anything else is for the application's own handler. */
export function problemOf(error: unknown): ProblemDetails {
  if (!isHoldfastError(error)) throw error;
  return problemDetails(error);
}

/** RFC 9457, section 3. */
export const PROBLEM_TYPE = "application/problem+json";

function isForm(type: string): boolean {
  return /^application\/x-www-form-urlencoded *(?:;|$)/i.test(type);
}

/** Events are a stream of messages, not one text. */
function isText(type: string): boolean {
  return /^text\//i.test(type) && !/^text\/event-stream/i.test(type);
}
