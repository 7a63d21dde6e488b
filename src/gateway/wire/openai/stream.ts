/**
 * A streamed chat completion (OpenAI API reference, «Streaming»): chunks with deltas by choice, then `[DONE]`.
 *
 * @module
 */

import type { SseEvent } from "../../sse/index.ts";
import type { ResponseStream, StreamHooks, Usage } from "../operation.ts";
import { idIn } from "../read.ts";
import type { Fields, Shape } from "../shape.ts";
import type { Part, Relay } from "../stream/relay.ts";
import type { Steps } from "../stream/settle.ts";
import { createResponseStream } from "../stream/stream.ts";
import { upstreamError } from "../stream/upstream-error.ts";
import { isObject, ownIndex } from "../walk.ts";
import { chatChunk } from "./response.ts";
import { openaiUsage } from "./usage.ts";

export function chatStream(hooks: StreamHooks): ResponseStream {
  // The choices that have begun, and whether each has ended.
  const choices = new Map<number, boolean>();
  let usage: Usage | undefined;
  let model: string | undefined;
  let fingerprint: string | undefined;
  const made = new Set<string>();

  function* read(source: SseEvent, value: Fields, relay: Relay): Steps<boolean> {
    if (source.type === "error" || (value["error"] ?? null) !== null || value["object"] === "error") {
      throw upstreamError(value["error"] ?? value);
    }
    usage = openaiUsage(value["usage"]) ?? usage;
    if (typeof value["model"] === "string") model = value["model"];
    if (typeof value["system_fingerprint"] === "string") fingerprint = value["system_fingerprint"];
    if (hooks.dropUsage === true && isUsageOnly(value)) return false;
    const parts: Part[] = [{ shape: chatChunk, value, pointer: "", origin: "metadata" }];
    // Chat completions have no named events. One that a server adds is a text like any other.
    if (source.type !== undefined)
      parts.push({ shape: eventName, value: source.type, pointer: "/event", origin: "metadata" });
    yield* relay.event(source, value, parts, finished(value["choices"]));
    // `[DONE]` ends the stream; it is not JSON and never comes here.
    return false;
  }

  /** The pointers of the choices that end with this chunk. */
  function finished(list: unknown): string[] {
    if (!Array.isArray(list)) return [];
    const pointers: string[] = [];
    list.forEach((choice: unknown, position) => {
      if (!isObject(choice)) return;
      const index = ownIndex(choice, position);
      for (const id of audioOf(choice, "delta")) if (made.size < MAX_CHOICES) made.add(id);
      // Some servers send an empty reason with every chunk but the last.
      const ended = typeof choice["finish_reason"] === "string" && choice["finish_reason"] !== "";
      if (choices.size < MAX_CHOICES) choices.set(index, ended || choices.get(index) === true);
      if (ended) pointers.push(`/choices/${index}`);
    });
    return pointers;
  }

  return createResponseStream(
    "openai",
    {
      read,
      get whole() {
        return choices.size > 0 && [...choices.values()].every(Boolean);
      },
      get usage() {
        return usage;
      },
      get model() {
        return model;
      },
      get fingerprint() {
        return fingerprint;
      },
      get made() {
        return [...made];
      },
    },
    hooks,
  );
}

/** The id of the sound that a choice speaks, by which a later message may name it. */
export function audioOf(choice: unknown, where: "message" | "delta"): readonly string[] {
  const spoken = isObject(choice) ? choice[where] : undefined;
  return isObject(spoken) ? idIn(spoken["audio"]) : [];
}

/** The event that `stream_options.include_usage` adds: no choices, and the usage of all. */
function isUsageOnly({ choices, usage }: Fields): boolean {
  return Array.isArray(choices) && choices.length === 0 && isObject(usage);
}

/** Choices that are remembered; `n` is at most 128. */
const MAX_CHOICES = 1_024;
const eventName: Shape = { is: "text", sealed: true };
