/**
 * Arrays in pickles of joblib: behind the object that describes it, in the middle of the instructions, stand the bytes of
 * the array, or, for arrays of objects, another pickle.
 *
 * Source: joblib/numpy_pickle.py 1.5, NumpyArrayWrapper.read_array.
 *
 * @module
 */

import type { MachineHost } from "./host.ts";
import { PickleMachine } from "./machine.ts";
import type { ObjectValue, Value } from "./values.ts";

/**
 * Bytes behind the object that are its array's, where it is a wrapper of joblib. What cannot be told is undefined: the
 * machine goes on there, and says where it fails.
 */
export function arrayBehind(object: ObjectValue, machine: PickleMachine, host: MachineHost): number | undefined {
  const { of, state } = object;
  if (of?.module !== "joblib.numpy_pickle" || of.name !== "NumpyArrayWrapper" || state?.kind !== "dict")
    return undefined;
  const at = machine.reader.position;
  const type = machine.text(firstOf(state.entries.get("dtype")));
  if (type === undefined) return undefined;
  if (/^[|=<>]?O/.test(type)) {
    const inner = new PickleMachine(machine.source, at, host);
    inner.run();
    return inner.reader.position - at;
  }
  const item = itemBytes(type);
  const count = product(state.entries.get("shape"));
  if (item === undefined || count === undefined) return undefined;
  return paddingAt(machine, state.entries.get("numpy_array_alignment_bytes")) + item * count;
}

/** The name that a dtype was made from: `numpy.dtype("f8", False, True)`. */
function firstOf(type: Value | undefined): Value | undefined {
  if (type?.kind !== "object" || type.of?.name !== "dtype" || type.args.kind !== "tuple") return undefined;
  return type.args.items?.[0];
}

/** Bytes of one item, by the name of its type: a letter and a number of bytes, of `U` four times as many. */
function itemBytes(type: string): number | undefined {
  const match = /^[|=<>]?([a-zA-Z])(\d{1,9})$/.exec(type);
  if (match === null) return undefined;
  const bytes = Number(match[2]);
  return match[1] === "U" ? 4 * bytes : bytes;
}

function product(shape: Value | undefined): number | undefined {
  if (shape?.kind !== "tuple" || shape.items === undefined) return undefined;
  let count = 1;
  for (const item of shape.items) {
    if (item.kind !== "int" || item.value < 0) return undefined;
    count *= item.value;
  }
  return count;
}

/** The byte that counts the padding, and the padding, in files that align their arrays. */
function paddingAt(machine: PickleMachine, alignment: Value | undefined): number {
  if (alignment?.kind !== "int") return 0;
  return 1 + Math.max(0, machine.reader.peek());
}
