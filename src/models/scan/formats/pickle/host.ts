/**
 * What the pickle machine runs for: who takes its findings, its literals, and what is loaded inside of it.
 *
 * @module
 */

import type { ScanRule } from "../../finding.ts";
import type { Source } from "../../source.ts";
import type { PickleMachine } from "./machine.ts";
import type { BytesValue, ObjectValue, TextValue } from "./values.ts";

export interface MachineHost {
  readonly report: (rule: ScanRule, at: { readonly offset: number; readonly detail?: string }) => void;
  /** Takes steps from the budget; false ends the run. */
  readonly steps: (amount: number) => boolean;
  /** Literal bytes that a loader inside of the pickle reads. */
  readonly nested: (source: Source, offset: number) => void;
  /** Literal text or bytes, of some length. */
  readonly literal?: (value: BytesValue | TextValue) => void;
  /** Bytes of an array that joblib keeps behind the object, in the stream; undefined: it is none of joblib's. */
  readonly arrayBehind?: (object: ObjectValue, machine: PickleMachine) => number | undefined;
}
