/**
 * A streamed answer of the Gemini API (`streamGenerateContent?alt=sse`): each event is an answer of its own, whose texts
 * continue those before. There is no event that ends it: the last one says why each candidate finished, and the
 * connection closes. Some models have said so with every event, so a text ends with the stream alone.
 *
 * @module
 */

import { gatewayError, type GatewayError } from "../../errors.ts";
import type { SseEvent } from "../../sse/index.ts";
import type { ResponseStream, StreamHooks, Usage } from "../operation.ts";
import type { Fields, Shape } from "../shape.ts";
import type { Part, Relay } from "../stream/relay.ts";
import type { Steps } from "../stream/settle.ts";
import { createResponseStream } from "../stream/stream.ts";
import { upstreamError } from "../stream/upstream-error.ts";
import { isObject, ownIndex } from "../walk.ts";
import { generateChunk } from "./response.ts";
import { geminiUsage } from "./usage.ts";

export function generateStream(hooks: StreamHooks): ResponseStream {
  // The candidates that have begun, and whether the last that was said of each is that it finished.
  const candidates = new Map<number, boolean>();
  let refused = false;
  let usage: Usage | undefined;
  let model: string | undefined;

  function* read(source: SseEvent, value: Fields, relay: Relay): Steps<boolean> {
    if (source.type === "error" || (value["error"] ?? null) !== null) throw upstreamError(value["error"] ?? value);
    usage = geminiUsage(value["usageMetadata"]) ?? usage;
    if (typeof value["modelVersion"] === "string") model = value["modelVersion"];
    const feedback = value["promptFeedback"];
    if (isObject(feedback) && typeof feedback["blockReason"] === "string") refused = true;
    const finished = take(value["candidates"]);
    const parts: Part[] = [{ shape: generateChunk, value, pointer: "", origin: "metadata" }];
    // Events have no names. One that a server adds is a text like any other.
    if (source.type !== undefined)
      parts.push({ shape: eventName, value: source.type, pointer: "/event", origin: "metadata" });
    yield* relay.event(source, value, parts, [], finished);
    return false;
  }

  /** Notes the candidates of an event. True where one of them finished, so that the text before may wait for the end. */
  function take(list: unknown): boolean {
    if (!Array.isArray(list)) return false;
    let finished = false;
    list.forEach((candidate: unknown, position) => {
      if (!isObject(candidate)) return;
      // Some clients go by the index of a candidate, others by its place in the event.
      const index = ownIndex(candidate, position);
      if (index !== position) throw odd("a candidate that is not in its place");
      checkThoughts(candidate["content"]);
      const reason = candidate["finishReason"];
      const ended = typeof reason === "string" && reason !== "" && reason !== "FINISH_REASON_UNSPECIFIED";
      finished ||= ended;
      if (candidates.size < MAX_CANDIDATES) candidates.set(index, ended);
    });
    return finished;
  }

  return createResponseStream(
    "gemini",
    {
      read,
      get whole() {
        return candidates.size > 0 ? [...candidates.values()].every(Boolean) : refused;
      },
      get usage() {
        return usage;
      },
      get model() {
        return model;
      },
    },
    hooks,
  );
}

/** Candidates that are remembered; `candidateCount` is at most 8. */
const MAX_CANDIDATES = 1_024;
const eventName: Shape = { is: "text", sealed: true };

/** Whether a text is a thought decides what clients put it to, so it must be said in a way that all of them read alike. */
function checkThoughts(content: unknown): void {
  const parts = isObject(content) ? content["parts"] : undefined;
  if (!Array.isArray(parts)) return;
  for (const part of parts as readonly unknown[]) {
    if (!isObject(part)) continue;
    const { thought } = part;
    if (thought !== undefined && thought !== null && typeof thought !== "boolean")
      throw odd("a thought that is no boolean");
  }
}

function odd(detail: string): GatewayError {
  return gatewayError("gateway.upstream-invalid", { detail });
}
