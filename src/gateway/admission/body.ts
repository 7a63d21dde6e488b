/**
 * Reading a request's body: whole, bounded, never truncated.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";

import { gatewayError } from "../errors.ts";
import type { Cancellation } from "../upstream/dispatch.ts";

/**
 * The body of a request. More than `limit` bytes is refused, as soon as it is known: by `content-length` before a byte
 * is read, else when the limit is passed.
 *
 * @throws `gateway.body-too-large`, `gateway.request-aborted`
 */
export function readBody(request: IncomingMessage, limit: number, cancellation: Cancellation): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const announced = Number(request.headers["content-length"] ?? 0);
    if (announced > limit) {
      reject(tooLarge(limit));
      return;
    }
    if (request.destroyed || cancellation.cancelled) {
      // It left while its key was looked up: its events are over, and waiting for one would be for ever.
      reject(gatewayError("gateway.request-aborted"));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > limit) settle(() => reject(tooLarge(limit)));
    };
    const onEnd = (): void => {
      settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)));
    };
    const onAbort = (): void => {
      settle(() => reject(gatewayError("gateway.request-aborted")));
    };
    const settle = (how: () => void): void => {
      cancellation.onCancel = undefined;
      request.off("data", onData).off("end", onEnd).off("error", onAbort).off("close", onAbort);
      // An error after this has nobody to tell; without a listener it would end the process.
      request.on("error", ignore);
      how();
    };
    cancellation.onCancel = onAbort;
    request.on("data", onData).on("end", onEnd).on("error", onAbort).on("close", onAbort);
  });
}

function ignore(): void {}

/** How long the rest of a refused request is swallowed, in milliseconds. */
const SWALLOW_MS = 2_000;

/**
 * Lets go of what the client still sends after its request was refused. A connection that is reset while the client
 * writes would lose the refusal, and one that is read for ever would be a gift to an attacker: the rest is thrown away
 * unread for two seconds, then the connection is cut.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.complete) return;
  const timer = setTimeout(() => {
    request.socket.destroy();
  }, SWALLOW_MS);
  timer.unref();
  request.once("close", () => {
    clearTimeout(timer);
  });
  request.resume();
}

function tooLarge(limit: number): Error {
  return gatewayError("gateway.body-too-large", { detail: `limit ${limit} bytes (bodyBytes)` });
}
