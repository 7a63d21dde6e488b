/**
 * How an exchange may end from outside: the client leaves, or one of its times is up. Each cancels what is under way,
 * at whatever stage, and says afterwards which it was.
 *
 * @module
 */

import type { ServerResponse } from "node:http";

import { gatewayError, type GatewayError } from "./errors.ts";
import type { Cancellation } from "./upstream/dispatch.ts";

export interface Ending {
  readonly cancellation: Cancellation;
  /** The client went away before its response was whole. */
  readonly gone: () => boolean;
  /** The error that ended it, if a time did. */
  readonly error: () => GatewayError | undefined;
  /** Ends it now. */
  readonly end: (error: GatewayError) => void;
  readonly dispose: () => void;
}

/** How long a client has for what was still to be sent when the time was up, in milliseconds. */
const LAST_BYTES_MS = 1_000;

/** Watches over one exchange, for at most `totalMs`. */
export function watchEnd(response: ServerResponse, totalMs: number): Ending {
  const cancellation: Cancellation = { cancelled: false, onCancel: undefined };
  let gone = false;
  let error: GatewayError | undefined;
  const cancel = (): void => {
    cancellation.cancelled = true;
    cancellation.onCancel?.();
  };
  const end = (why: GatewayError): void => {
    error ??= why;
    cancel();
    // A client that does not read would otherwise hold the exchange for as long as it likes.
    setTimeout(() => {
      if (!response.writableFinished) response.destroy();
    }, LAST_BYTES_MS).unref();
  };
  const onClose = (): void => {
    if (response.writableFinished) return;
    gone = true;
    cancel();
  };
  response.on("close", onClose);
  const timer = setTimeout(() => {
    end(gatewayError("gateway.upstream-timeout", { detail: "the whole answer (totalMs)" }));
  }, totalMs);
  return {
    cancellation,
    gone: () => gone,
    error: () => error,
    end,
    dispose: () => {
      clearTimeout(timer);
      response.off("close", onClose);
    },
  };
}
