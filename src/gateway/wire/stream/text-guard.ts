/**
 * The guard of one channel of streamed text, plain or JSON, as steps (`settle.ts`).
 *
 * @module
 */

import type { GuardStream, Restorer, StreamStep } from "../../../guard/index.ts";
import { gatewayError, type GatewayError } from "../../errors.ts";
import { escapeJson, simpleEscape } from "../escape.ts";
import { nextRound, type Steps } from "./settle.ts";

/** Text in, judged text out. The pieces that come out spell what went in, less what was masked. */
export interface TextGuard {
  /** @throws `gateway.answer-blocked` */
  push(text: string): Steps<string>;
  /** What was still held back. @throws `gateway.answer-blocked` */
  end(): Steps<string>;
}

/** Called with a guard that has ended, once: its verdict is final. */
type Closed = (guard: GuardStream) => void;

/** A channel of plain text. */
export function plainGuard(guard: GuardStream, closed: Closed): TextGuard {
  return {
    *push(text) {
      const step = guard.push(text);
      return judged(guard, step instanceof Promise ? yield step : step);
    },
    *end() {
      const ending = guard.end();
      const step = ending instanceof Promise ? yield ending : ending;
      closed(guard);
      return judged(guard, step);
    },
  };
}

/** Units of JSON that are taken apart before others get their turn: some 5 ms of the most tangled. */
const UNITS_PER_ROUND = 16_384;

/**
 * A channel of fragments that spell a JSON text: the arguments of a tool call.
 *
 * Each string in it is a channel of its own, unescaped, so that `\u0041KIA…` hides nothing; a mask there is escaped
 * again and the JSON stays JSON. What comes out of that runs through a second channel as it is, for what spans more
 * than one string; a mask there would tear the JSON, so it becomes a block. Placeholders come back last: what they stand
 * for is the client's own, and no guard of the answer minds it.
 *
 * @param rawStream the channel of the raw text
 * @param open a new channel, for a string
 * @param restorer turns placeholders back, escaped for a string of JSON
 */
export function jsonGuard(
  rawStream: GuardStream,
  open: () => Steps<GuardStream>,
  closed: Closed,
  restorer?: Restorer,
): TextGuard {
  const raw = plainGuard(rawStream, closed);
  // What went into the raw channel and has not come out.
  let rawHeld = "";
  let inString = false;
  // An escape sequence that is not complete yet.
  let escape = "";
  // The string that is being read: its guard, what was not pushed yet, and what has not come out of it, by piece.
  let guard: TextGuard | undefined;
  let fresh = "";
  let pieces: { raw: string; decoded: string }[] = [];
  let changed = false;

  function* take(text: string): Steps<string> {
    let out = "";
    let at = 0;
    while (at < text.length) {
      if (!inString) {
        const quote = text.indexOf('"', at);
        const end = quote === -1 ? text.length : quote + 1;
        out += text.slice(at, end);
        inString = quote !== -1;
        at = end;
      } else if (escape !== "") {
        at = readEscape(text, at);
      } else {
        let end = at;
        while (end < text.length && text[end] !== '"' && text[end] !== "\\") end++;
        if (end > at) add(text.slice(at, end));
        if (text[end] === "\\") escape = "\\";
        if (text[end] === '"') {
          out += (yield* judge()) + (yield* endString()) + '"';
          inString = false;
        }
        at = end + 1;
      }
    }
    return inString ? out + (yield* judge()) : out;
  }

  function add(piece: string, decoded = piece): void {
    pieces.push({ raw: piece, decoded });
    fresh += decoded;
  }

  function readEscape(text: string, at: number): number {
    escape += text[at] as string;
    const hex = escape[1] === "u";
    const broken = hex && !/^\\u[0-9a-fA-F]*$/.test(escape);
    if (broken) {
      // Not an escape after all: a reader that goes on reads the characters, and the last one may be a quote.
      addBroken(escape.slice(0, -1));
      return at;
    }
    if (!hex || escape.length === 6) {
      add(escape, hex ? String.fromCharCode(parseInt(escape.slice(2), 16)) : simpleEscape(escape[1] as string));
      escape = "";
    }
    return at + 1;
  }

  /** The beginning of an escape, `\u00`, whose rest did not come. */
  function addBroken(start: string): void {
    escape = "";
    add(start.slice(0, 2), "u");
    if (start.length > 2) add(start.slice(2));
  }

  /** Runs what was added through the string's guard. */
  function* judge(): Steps<string> {
    if (fresh === "") return "";
    guard ??= plainGuard(yield* open(), closed);
    const text = fresh;
    fresh = "";
    return rewrite(yield* guard.push(text));
  }

  function* endString(): Steps<string> {
    const rest = guard === undefined ? "" : rewrite(yield* guard.end());
    guard = undefined;
    pieces = [];
    changed = false;
    return rest;
  }

  /** The raw form of what a string's guard let out: as it came in, or escaped anew from where it was masked. */
  function rewrite(emitted: string): string {
    let out = "";
    let at = 0;
    let next = 0;
    while (!changed && at < emitted.length) {
      const piece = pieces[next];
      if (piece === undefined) changed = true;
      else if (emitted.startsWith(piece.decoded, at)) {
        out += piece.raw;
        at += piece.decoded.length;
        next++;
      } else if (piece.raw === piece.decoded && piece.decoded.startsWith(emitted.slice(at))) {
        const left = piece.raw.slice(emitted.length - at);
        out += emitted.slice(at);
        at = emitted.length;
        pieces[next] = { raw: left, decoded: left };
      } else changed = true;
    }
    pieces = changed ? [] : pieces.slice(next);
    return out + escapeJson(emitted.slice(at));
  }

  function* judgeRaw(text: string): Steps<string> {
    if (text === "") return "";
    rawHeld += text;
    return release(yield* raw.push(text));
  }

  function release(emitted: string): string {
    if (!rawHeld.startsWith(emitted)) throw blocked(rawStream, "a mask would break the JSON of a tool call");
    rawHeld = rawHeld.slice(emitted.length);
    return restorer === undefined ? emitted : restorer.push(emitted);
  }

  return {
    *push(text) {
      let out = yield* judgeRaw(yield* take(text.slice(0, UNITS_PER_ROUND)));
      for (let at = UNITS_PER_ROUND; at < text.length; at += UNITS_PER_ROUND) {
        yield nextRound();
        out += yield* judgeRaw(yield* take(text.slice(at, at + UNITS_PER_ROUND)));
      }
      return out;
    },
    *end() {
      // The arguments broke off inside a string, perhaps inside an escape.
      if (escape.length > 1) addBroken(escape);
      const rest = inString ? (yield* judge()) + (yield* endString()) + escape : "";
      const out = (yield* judgeRaw(rest)) + release(yield* raw.end());
      if (rawHeld !== "") throw blocked(rawStream, "a mask would break the JSON of a tool call");
      return restorer === undefined ? out : out + restorer.end();
    },
  };
}

/** The error for a channel that may not go on: the rules that fired, never what they saw. */
export function blocked(guard: GuardStream, why?: string): GatewayError {
  const { findings, runs } = guard.verdict;
  const rules = [...new Set(findings.map((finding) => finding.rule))].slice(0, 5);
  const failed = runs.filter((run) => run.outcome === "error").map((run) => `${run.detector} could not check`);
  return gatewayError("gateway.answer-blocked", {
    detail: [...rules, ...failed, ...(why === undefined ? [] : [why])].join(", "),
  });
}

function judged(guard: GuardStream, step: StreamStep): string {
  if (step.blocked) throw blocked(guard);
  return step.emit;
}
