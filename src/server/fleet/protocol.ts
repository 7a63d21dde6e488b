/**
 * What the primary and its workers say to each other. Both are this product, of one version, on one machine, and one
 * started the other: the types are the contract, and nothing is parsed again.
 *
 *     primary -> worker   start, replies to storage and appends, prepare, commit, abort, metrics, stop
 *     worker -> primary   listening or failed, storage, appends, prepared, metrics, status, log
 *
 * @module
 */

import { Exit, HoldfastError, isHoldfastError } from "../../core/index.ts";
import type { GatewayConfig, Tally, TelemetryConfig } from "../../gateway/index.ts";
import type { RegistryConfig } from "../../models/index.ts";
import type { StorageReply, StorageRequest } from "../../storage/index.ts";
import { errorFields, type LogFields, type LogLevel } from "../log.ts";

/** An error on its way between processes. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** How a worker stands. */
export interface Status {
  readonly tally: Tally;
  readonly ready: { readonly ready: boolean; readonly why?: string };
  /** PEM of the certificate that it shows, where it speaks TLS. */
  readonly certificate?: string;
}

/** What a worker begins with. It reads no configuration itself: all workers run on the one that the primary has. */
export interface Start {
  readonly kind: "start";
  readonly config: GatewayConfig;
  /** Where all workers listen, when the configuration leaves the port to the system. */
  readonly listen: string | undefined;
  readonly telemetry: TelemetryConfig;
  /** URLs of what workers reach themselves; undefined: through the primary. */
  readonly storageUrl: string | undefined;
  readonly countersUrl: string | undefined;
  readonly home: string;
  readonly commitmentKeyFile: string;
  /** Who may approve models, for admission. */
  readonly registry: RegistryConfig;
}

export type ToWorker =
  | Start
  | { readonly kind: "storage"; readonly replies: readonly StorageReply[] }
  | { readonly kind: "appended"; readonly replies: readonly Appended[] }
  | { readonly kind: "prepare"; readonly call: number; readonly config: GatewayConfig }
  | { readonly kind: "commit" | "abort"; readonly call: number }
  | { readonly kind: "metrics"; readonly call: number }
  | { readonly kind: "stop"; readonly graceMs: number | undefined };

/** Without a fault it is durable. */
export interface Appended {
  readonly call: number;
  readonly fault?: Fault;
}

export type ToPrimary =
  | { readonly kind: "hello" }
  | { readonly kind: "listening"; readonly address: { readonly host: string; readonly port: number } }
  | { readonly kind: "failed"; readonly fault: Fault }
  | { readonly kind: "storage"; readonly requests: readonly StorageRequest[] }
  | { readonly kind: "append"; readonly entries: readonly { readonly call: number; readonly entry: Uint8Array }[] }
  | { readonly kind: "prepared"; readonly call: number; readonly fault?: Fault }
  | { readonly kind: "metrics"; readonly call: number; readonly text: string }
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "stopped"; readonly status: Status }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string; readonly fields: LogFields };

/** An error as it travels. Of one that is not ours only what may be logged. */
export function toFault(error: unknown): Fault {
  if (isHoldfastError(error)) return { code: error.code, message: error.message, hint: error.hint };
  const what = Object.values(errorFields(error)).join(" ");
  return { code: "core.internal", message: what, hint: "look in the log of the server" };
}

/** The error that a fault was. */
export function fromFault({ code, message, hint }: Fault): HoldfastError {
  return new HoldfastError(code, { what: message, hint, exit: Exit.incomplete });
}
