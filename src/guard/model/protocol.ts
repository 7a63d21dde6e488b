/**
 * What the classifier and its thread say to each other.
 *
 * @module
 */

import type { Gate } from "../../core/index.ts";
import type { ModelErrorCode } from "./errors.ts";
import type { WeightsFolder } from "./weights.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly folder: WeightsFolder;
  readonly maxTokens: number;
  /** Columns of the model's answer. */
  readonly heads: number;
  /** Threads that one run of the model may use. */
  readonly threads: number;
  /** Around all native code (`core/gate.ts`). */
  readonly gate: Gate;
}

export interface Question {
  readonly call: number;
  readonly text: string;
}

/** An error, as it crosses from one thread to the other. */
export interface Fault {
  readonly code: ModelErrorCode;
  readonly detail?: string;
}

/** An answer to a call, or, without a call, why the thread will never answer any. */
export type Answer =
  | { readonly call: number; readonly logits: Float32Array }
  | { readonly call: number; readonly fault: Fault }
  | { readonly broken: Fault };
