/**
 * Log probabilities: an answer's text once more, as tokens, with the tokens that the model might have said instead
 * (OpenAI API reference, «logprobs»: an object of two lists in Chat Completions, one list in Responses; Gemini API,
 * «LogprobsResult»). A secret can stand in them that stands nowhere else, so they are read as lanes of
 * text: the chosen tokens in a row, and the alternatives of each rank in a row.
 *
 * @module
 */

import { isObject } from "./walk.ts";

export interface Lane {
  /** `content`, `content/#rank2`, `refusal/#bytes`: unique within the object. */
  readonly name: string;
  readonly text: string;
}

/**
 * The lanes of log probabilities of any form. Whatever strings it holds beyond the documented fields are one more
 * lane, so that nothing in it goes unread.
 */
export function logprobLanes(value: unknown): readonly Lane[] {
  const lanes = new Map<string, string>();
  const add = (name: string, text: string): void => {
    if (text !== "") lanes.set(name, (lanes.get(name) ?? "") + text);
  };
  if (Array.isArray(value)) {
    for (const entry of value as readonly unknown[]) addEntry(entry, "tokens", add);
    return [...lanes].map(([name, text]) => ({ name, text }));
  }
  if (!isObject(value)) return rest(value);
  for (const [list, entries] of Object.entries(value)) {
    if (list === "chosenCandidates" && Array.isArray(entries)) {
      for (const entry of entries as readonly unknown[]) addEntry(entry, list, add);
      continue;
    }
    if (list === "topCandidates" && Array.isArray(entries)) {
      for (const entry of entries as readonly unknown[]) addRanks(entry, list, add);
      continue;
    }
    if ((list !== "content" && list !== "refusal") || !Array.isArray(entries)) {
      add("#rest", `${list === "content" || list === "refusal" ? "" : `${list}\n`}${strings(entries)}`);
      continue;
    }
    for (const entry of entries as readonly unknown[]) addEntry(entry, list, add);
  }
  return [...lanes].map(([name, text]) => ({ name, text }));
}

function addEntry(entry: unknown, lane: string, add: (name: string, text: string) => void): void {
  if (!isObject(entry)) {
    add("#rest", strings(entry));
    return;
  }
  for (const [name, value] of Object.entries(entry)) {
    if (name === "token" && typeof value === "string") add(lane, value);
    else if (name === "bytes") addBytes(value, entry["token"], lane, add);
    else if (name === "top_logprobs" && Array.isArray(value)) {
      value.forEach((alternative, rank) => {
        addEntry(alternative, `${lane}/#rank${rank}`, add);
      });
    } else if (!NUMBERS.has(name) || typeof value !== "number") add("#rest", `${name}\n${strings(value)}`);
  }
}

/** Gemini gives the alternatives of each token in an object of their own. */
function addRanks(entry: unknown, lane: string, add: (name: string, text: string) => void): void {
  const { candidates, ...others } = isObject(entry) ? entry : { candidates: undefined, others: entry };
  if (Array.isArray(candidates)) {
    candidates.forEach((alternative, rank) => {
      addEntry(alternative, `${lane}/#rank${rank}`, add);
    });
  } else add("#rest", strings(candidates));
  add("#rest", strings(others));
}

const NUMBERS: ReadonlySet<string> = new Set(["logprob", "logProbability", "tokenId"]);

/** The bytes of a token matter where they say something else than its text does. */
function addBytes(bytes: unknown, token: unknown, lane: string, add: (name: string, text: string) => void): void {
  if (bytes === null) return;
  if (!Array.isArray(bytes)) {
    add("#rest", strings(bytes));
    return;
  }
  const items = bytes as readonly unknown[];
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(items, (byte) => Number(byte)));
  if (text !== token) add(`${lane}/#bytes`, text);
  // What is no byte may be text, and is none of those that were decoded.
  if (items.some((byte) => typeof byte !== "number")) add("#rest", strings(items));
}

function rest(value: unknown): readonly Lane[] {
  const text = strings(value);
  return text === "" ? [] : [{ name: "#rest", text }];
}

/** Every string and name in `value`, one to a line. */
function strings(value: unknown): string {
  if (typeof value === "string") return `${value}\n`;
  if (Array.isArray(value)) return value.map(strings).join("");
  if (!isObject(value)) return "";
  return Object.entries(value)
    .map(([name, member]) => `${name}\n${strings(member)}`)
    .join("");
}
