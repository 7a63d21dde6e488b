/**
 * Server-sent events, bytes in and events out: the `text/event-stream` parsing of the HTML standard (section 9.2.6),
 * for an upstream that may be hostile.
 *
 * Incremental: any cut of the bytes gives the same events. Linear: each byte is looked at once, however small the
 * pieces. Bounded: an event longer than the limit is an error. Only `event` and `data` survive: comments, `id`,
 * `retry` and unknown fields are text that no guard reads and no client of a model API needs, so they are dropped.
 *
 * Stricter than the standard in one point: bytes that are not UTF-8 are an error instead of U+FFFD. Laxer in one: an
 * event that the end of the stream cuts off before its blank line still counts, since some servers end that way.
 *
 * @module
 */

import { gatewayError } from "../errors.ts";

export interface SseEvent {
  /** The `event` field; `undefined` where there is none, which means `message`. */
  readonly type: string | undefined;
  /** The `data` lines joined with `\n`; `undefined` for a block of comments alone: a sign of life. */
  readonly data: string | undefined;
}

interface SseChunk {
  readonly events: readonly SseEvent[];
  /**
   * The bytes are exactly what {@link encodeEvent} writes for these events, and nothing is pending on either side: who
   * changes no event may pass the bytes on as they are.
   */
  readonly verbatim: boolean;
}

export interface SseDecoder {
  /** @throws `gateway.upstream-invalid` for bytes that are not UTF-8 and for an event over the limit */
  push(bytes: Uint8Array): SseChunk;
  /** The event that the end of the stream cut off, if any. @throws `gateway.upstream-invalid` */
  end(): readonly SseEvent[];
}

/** Most UTF-16 units of one event: far above what any model API sends, far below what hurts. */
const MAX_EVENT_CHARS = 4 * 1024 * 1024;

const LF = 0x0a;

/** A decoder for one stream. */
export function createSseDecoder(maxEventChars: number = MAX_EVENT_CHARS): SseDecoder {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  // The line that is not ended yet. Grows by concatenation, which the engine does not flatten until it is complete.
  let line = "";
  let type: string | undefined;
  let data: string | undefined;
  let commented = false;
  let size = 0;
  let started = false;
  // The last chunk ended with CR: an LF that comes next belongs to the same line end.
  let afterCr = false;
  // The last chunk ended at the end of a line, not inside a character.
  let atLineEnd = true;
  // Something in this chunk is not as encodeEvent would write it.
  let odd = false;
  let events: SseEvent[] = [];

  function decode(bytes: Uint8Array | undefined): string {
    try {
      return bytes === undefined ? utf8.decode() : utf8.decode(bytes, { stream: true });
    } catch {
      throw gatewayError("gateway.upstream-invalid", { detail: "the stream is not valid UTF-8" });
    }
  }

  function grow(text: string): void {
    size += text.length;
    if (size > maxEventChars) {
      throw gatewayError("gateway.upstream-invalid", { detail: `an event of more than ${maxEventChars} characters` });
    }
    line += text;
  }

  function dispatch(): void {
    if (data !== undefined) events.push({ type, data });
    else if (commented) events.push({ type: undefined, data: undefined });
    // Blank lines, comments and an event without data are dropped or written anew.
    if (data === undefined) odd = true;
    type = undefined;
    data = undefined;
    commented = false;
    size = 0;
  }

  function endLine(): void {
    if (line === "") {
      dispatch();
      return;
    }
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const spaced = line.startsWith(": ", colon);
    const value = colon === -1 ? "" : line.slice(spaced ? colon + 2 : colon + 1);
    if (name === "data") {
      data = data === undefined ? value : `${data}\n${value}`;
      if (!spaced) odd = true;
    } else if (name === "event") {
      if (!spaced || type !== undefined || data !== undefined || value === "") odd = true;
      type = value === "" ? undefined : value;
    } else {
      if (name === "") commented = true;
      odd = true;
    }
    line = "";
  }

  function take(text: string): void {
    let at = 0;
    if (!started && text !== "") {
      started = true;
      if (text.startsWith("\uFEFF")) {
        at = 1;
        odd = true;
      }
    }
    if (afterCr && text !== "") {
      if (text.startsWith("\n", at)) at += 1;
      afterCr = false;
    }
    // Carriage returns are rare: one search tells whether this text has any.
    let cr = text.indexOf("\r", at);
    if (cr !== -1) odd = true;
    let lf = text.indexOf("\n", at);
    while (cr !== -1 || lf !== -1) {
      const byCr = cr !== -1 && (lf === -1 || cr < lf);
      const end = byCr ? cr : lf;
      grow(text.slice(at, end));
      endLine();
      at = end + 1;
      if (byCr) {
        if (at === text.length) afterCr = true;
        else if (text.startsWith("\n", at)) at += 1;
        cr = text.indexOf("\r", at);
      }
      if (lf !== -1 && lf < at) lf = text.indexOf("\n", at);
    }
    if (at < text.length) grow(text.slice(at));
  }

  const pending = (): boolean => line !== "" || type !== undefined || data !== undefined || commented;

  return {
    push(bytes) {
      events = [];
      odd = pending() || afterCr || !atLineEnd;
      take(decode(bytes));
      atLineEnd = bytes.length > 0 ? bytes[bytes.length - 1] === LF : atLineEnd;
      return { events, verbatim: !odd && !pending() && atLineEnd };
    },
    end() {
      events = [];
      take(decode(undefined));
      if (line !== "") endLine();
      if (pending()) dispatch();
      return events;
    },
  };
}
