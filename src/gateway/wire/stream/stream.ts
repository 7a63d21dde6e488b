/**
 * A streamed answer: bytes of an upstream in, judged bytes out. What the protocols share; each brings a
 * {@link StreamReader} that knows its events.
 *
 * @module
 */

import { isHoldfastError, parseJson } from "../../../core/index.ts";
import { gatewayError } from "../../errors.ts";
import { createSseDecoder, type SseEvent } from "../../sse/index.ts";
import type { ProtocolId, ResponseStream, StreamHooks, StreamOutput, Usage } from "../operation.ts";
import type { Fields } from "../shape.ts";
import { isObject } from "../walk.ts";
import { createRelay, type Relay, type RelayOptions } from "./relay.ts";
import { settle, type Steps } from "./settle.ts";

/** What a protocol knows of its own streams. */
export interface StreamReader {
  /**
   * Reads one event whose data is a JSON object and hands it to the relay. Returns true for the event that ends the
   * stream.
   *
   * @throws the `gateway.upstream-…` errors
   */
  read(source: SseEvent, value: Fields, relay: Relay): Steps<boolean>;
  /** All that a client needs has come, even where the last event itself is missing. */
  readonly whole: boolean;
  readonly usage: Usage | undefined;
  readonly model: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly made?: readonly string[];
}

/** Most levels of the JSON of one event. */
const EVENT_DEPTH = 64;
const EVENT_BYTES = 4 * 1024 * 1024;

export function createResponseStream(
  protocol: ProtocolId,
  reader: StreamReader,
  hooks: StreamHooks,
  options?: RelayOptions,
): ResponseStream {
  const decoder = createSseDecoder();
  const relay = createRelay(hooks, options);
  let last = false;
  let over = false;

  function* take(events: readonly SseEvent[]): Steps<void> {
    for (const event of events) {
      // What comes after the last event is not part of the answer, and no client reads it.
      if (last) return;
      if (event.data === undefined) relay.pass(event);
      else if (event.data === "[DONE]" && protocol === "openai") {
        last = true;
        yield* relay.close();
        relay.pass({ type: undefined, data: event.data });
      } else {
        last = yield* reader.read(event, parseEvent(event.data), relay);
      }
    }
  }

  /** Runs `steps` while the stream goes on. A block is how a stream may end; every other error is the caller's. */
  function* guarded(steps: () => Steps<StreamOutput>): Steps<StreamOutput> {
    if (over) return ENDED;
    try {
      const output = yield* steps();
      over = output.ended;
      return output;
    } catch (error) {
      over = true;
      if (!isHoldfastError(error, "gateway.answer-blocked")) throw error;
      return { bytes: relay.release().text, blocked: true, ended: true };
    }
  }

  function* push(bytes: Uint8Array): Steps<StreamOutput> {
    const fresh = !relay.waiting;
    const { events, verbatim } = decoder.push(bytes);
    yield* take(events);
    const { text, events: released, unchanged } = relay.release();
    // The common case costs no copy: nothing waited before or waits now, nothing was changed, added or left out.
    const asCame = verbatim && fresh && unchanged && released === events.length && !relay.waiting;
    return { bytes: asCame ? bytes : text, blocked: false, ended: last };
  }

  function* end(): Steps<StreamOutput> {
    yield* take(decoder.end());
    yield* relay.close();
    last ||= reader.whole;
    return { bytes: relay.release().text, blocked: false, ended: true };
  }

  return {
    push: (bytes) => settle(guarded(() => push(bytes))),
    end: () => settle(guarded(end)),
    get usage() {
      return reader.usage;
    },
    get model() {
      return reader.model;
    },
    get fingerprint() {
      return reader.fingerprint;
    },
    get made() {
      return reader.made ?? [];
    },
    get complete() {
      return last;
    },
    get unscanned() {
      return relay.unscanned;
    },
  };
}

const ENDED: StreamOutput = { bytes: "", blocked: false, ended: true };

/** What an event's data must be: no guard can read what is not JSON. */
function parseEvent(data: string): Fields {
  let value: unknown;
  try {
    value = parseJson(data, { maxBytes: EVENT_BYTES, maxDepth: EVENT_DEPTH });
  } catch (error) {
    const detail = isHoldfastError(error) ? `an event of the stream: ${error.message}` : "an event of the stream";
    throw gatewayError("gateway.upstream-invalid", { detail });
  }
  if (!isObject(value))
    throw gatewayError("gateway.upstream-invalid", { detail: "an event of the stream is not an object" });
  return value;
}
