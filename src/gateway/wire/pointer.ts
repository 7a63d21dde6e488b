/**
 * Writes a masked text back to where the walker found it.
 *
 * @module
 */

import { parseJson } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import { isObject } from "./walk.ts";

/**
 * Replaces the text at `pointer` (in the form of `walk.ts`) in a parsed message, in place.
 *
 * A pointer that goes on below a string goes into the JSON that the string holds: the string is parsed, changed and
 * written anew, so that quotes and escapes stay right. Masks must come in the order of the spans: a JSON text before
 * the strings in it.
 *
 * Some text cannot be changed without breaking what it is part of: signed thinking, property names, the head of a
 * `data:` URL, the text that a payload of base64 holds, and a tool call's arguments where the masked text would no longer parse. There a mask becomes a block.
 * Masking one of an answer's log probabilities drops all of that choice: they repeat the text.
 *
 * @param code what a client is told where the text cannot be changed: that the request was blocked, or the answer
 * @throws `code`
 *
 * @example
 * ```ts
 * const body = { messages: [{ role: "user", content: "my key is AKIA…" }] };
 * setAtPointer(body, "/messages/0/content", "my key is [masked:secrets.aws-access-key-id]");
 * ```
 */
export function setAtPointer(
  value: unknown,
  pointer: string,
  text: string,
  code: "gateway.blocked" | "gateway.answer-blocked" = "gateway.blocked",
): void {
  const tokens = pointer.split("/").slice(1);
  if (setAt({ value }, "value", tokens, text)) return;
  throw gatewayError(code, { detail: `the text at ${pointer} cannot be masked` });
}

/** Most levels of a JSON text inside a string. Deeper ones are read unescaped, as text. */
export const JSON_TEXT_DEPTH = 64;

type Holder = Record<string | number, unknown>;

/** False where the text cannot be changed. */
function setAt(holder: Holder, name: string | number, tokens: readonly string[], text: string): boolean {
  const target = holder[name];
  const [token, ...rest] = tokens;
  if (token === undefined) {
    if (typeof target !== "string" || isSealed(holder) || SEALED_FIELDS.has(name)) return false;
    if (name === "arguments" && parseText(target).valid && !parseText(text).valid) return false;
    holder[name] = text;
    return true;
  }
  if (typeof target === "string") {
    const inside = parseText(target);
    if (!inside.valid || !setAt(inside, "value", tokens, text)) return false;
    holder[name] = JSON.stringify(inside.value);
    return true;
  }
  if (Array.isArray(target)) {
    const index = Number(token);
    if (!Number.isSafeInteger(index) || index < 0 || index >= target.length) return false;
    return setAt(target as unknown as Holder, index, rest, text);
  }
  if (!isObject(target)) return false;
  const member = /^#\d+$/.test(token) ? Object.keys(target)[Number(token.slice(1))] : token;
  if (member === undefined || !Object.hasOwn(target, member)) return false;
  if (LOGPROBS.has(member) && token === member) {
    target[member] = Array.isArray(target[member]) ? [] : null;
    return true;
  }
  return setAt(target, member, rest, text);
}

const LOGPROBS: ReadonlySet<string> = new Set(["logprobs", "logprobsResult", "logprobs_result"]);

/** Anthropic signs its thinking blocks, and seals the redacted ones: its API refuses them once they have changed. */
function isSealed(holder: Holder): boolean {
  return typeof holder["signature"] === "string" || SEALED_TYPES.has(holder["type"]);
}

const SEALED_TYPES: ReadonlySet<unknown> = new Set(["thinking", "redacted_thinking"]);
/** What the other APIs take back only as they gave it. */
const SEALED_FIELDS: ReadonlySet<unknown> = new Set([
  "encrypted_content",
  "encrypted_stdout",
  "thoughtSignature",
  "thought_signature",
]);

function parseText(text: string): { valid: boolean; value: unknown } & Holder {
  try {
    return { valid: true, value: parseJson(text, { maxBytes: text.length, maxDepth: JSON_TEXT_DEPTH }) };
  } catch {
    return { valid: false, value: undefined };
  }
}
