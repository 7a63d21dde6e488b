/**
 * A streamed message (Anthropic API reference, «Streaming Messages»): `message_start`, then for each block
 * `content_block_start`, `content_block_delta`s and `content_block_stop`, then `message_delta` and `message_stop`.
 *
 * @module
 */

import { gatewayError } from "../../errors.ts";
import type { SseEvent } from "../../sse/index.ts";
import type { ResponseStream, StreamHooks, Usage } from "../operation.ts";
import { count, idIn } from "../read.ts";
import type { Fields } from "../shape.ts";
import type { Part, Relay } from "../stream/relay.ts";
import type { Steps } from "../stream/settle.ts";
import { createResponseStream } from "../stream/stream.ts";
import { upstreamError } from "../stream/upstream-error.ts";
import { isObject } from "../walk.ts";
import { blockDelta, otherEvent, startBlock } from "./response.ts";
import { anthropicUsage } from "./usage.ts";

export function messageStream(hooks: StreamHooks): ResponseStream {
  let usage: Usage | undefined;
  let model: string | undefined;
  // The one container that the code of an answer runs in.
  let made: readonly string[] = [];

  function* read(source: SseEvent, value: Fields, relay: Relay): Steps<boolean> {
    const type = value["type"];
    if (source.type === "error" || type === "error") throw upstreamError(value["error"]);
    // Clients go by the name or by the type. Where the two differ, they would read another event than the guards did.
    if (source.type !== undefined && source.type !== type) {
      throw gatewayError("gateway.upstream-invalid", { detail: "an event's name is not its type" });
    }
    const message = value["message"];
    if (isObject(message) && typeof message["model"] === "string") model = message["model"];
    usage = anthropicUsage(value["usage"], isObject(message) ? anthropicUsage(message["usage"], usage) : usage);

    for (const holder of [message, value["delta"]]) {
      const container = isObject(holder) ? idIn(holder["container"]) : [];
      if (container.length > 0) made = container;
    }

    const scope = `/content/${count(value["index"]) ?? 0}`;
    const first = takeFirstText(value);
    const start = first === undefined ? source : { ...source, data: JSON.stringify(value) };
    if (type === "message_stop") yield* relay.close();
    yield* relay.event(start, value, partsOf(value, scope), type === "content_block_stop" ? [scope] : []);
    if (first !== undefined) {
      const delta = { type: "content_block_delta", index: value["index"] ?? 0, delta: first };
      yield* relay.event({ type: delta.type, data: JSON.stringify(delta) }, delta, partsOf(delta, scope));
    }
    return type === "message_stop";
  }

  return createResponseStream(
    "anthropic",
    {
      read,
      whole: false,
      get usage() {
        return usage;
      },
      get model() {
        return model;
      },
      get made() {
        return made;
      },
    },
    hooks,
  );
}

/** What to read in an event. A block and the deltas that continue it stand at one pointer. */
function partsOf(value: Fields, scope: string): readonly Part[] {
  const parts: Part[] = [];
  const { content_block: block, delta, ...rest } = value;
  if (value["type"] === "content_block_start") {
    parts.push({ shape: startBlock, value: block, pointer: scope, origin: "assistant" });
    parts.push({ shape: otherEvent, value: delta === undefined ? rest : { ...rest, delta }, copy: true, ...ROOT });
  } else if (value["type"] === "content_block_delta") {
    parts.push({ shape: blockDelta, value: delta, pointer: scope, origin: "assistant" });
    parts.push({
      shape: otherEvent,
      value: block === undefined ? rest : { ...rest, content_block: block },
      copy: true,
      ...ROOT,
    });
  } else parts.push({ shape: otherEvent, value, ...ROOT });
  return parts;
}

const ROOT = { pointer: "", origin: "metadata" } as const;

/**
 * A block may start with text that its deltas continue. Takes it out of the block, as the delta that says the same,
 * so that it is the first piece of the channel.
 */
function takeFirstText(value: Fields): Fields | undefined {
  const block = value["content_block"];
  if (value["type"] !== "content_block_start" || !isObject(block)) return undefined;
  for (const field of ["text", "thinking"]) {
    const text = block[field];
    if (block["type"] !== field || typeof text !== "string" || text === "") continue;
    block[field] = "";
    return { type: `${field}_delta`, [field]: text };
  }
  return undefined;
}
