/**
 * Whether a pickle stands at a place. Protocols 0 and 1 have no mark of their own, and any text begins with some
 * instruction: what counts is whether a loader would get anywhere.
 *
 * @module
 */

import type { Source } from "../../source.ts";
import type { MachineHost } from "./host.ts";
import { PickleMachine, type Trial } from "./machine.ts";
import { Op } from "./opcodes.ts";

/** Instructions that a trial runs: what is still a pickle then is one. */
const MOST = 4_096;

/** The newest protocol. */
const MAX_PROTOCOL = 5;

/**
 * True where a loader that begins at `at` would come to the end of a pickle, or, before it fails, call something, change
 * something, or name something dangerous and go on.
 *
 * @param trial any place in data may begin so by chance: the mark of a pickle that breaks before it does anything counts
 *   only at the `start`, where one is expected, and not `within` other bytes
 */
export function isPickleAt(source: Source, at: number, trial: Trial = "start"): boolean {
  const [first, second, third] = new Uint8Array(source.read(at, 3));
  if (first === undefined || second === undefined) return false;
  const marked = first === Op.PROTO && second <= MAX_PROTOCOL;
  let left = MOST;
  const host: MachineHost = {
    report: () => {},
    nested: () => {},
    steps: (amount) => (left -= amount) >= -MOST / 2,
  };
  const machine = new PickleMachine(source, at, host);
  const end = machine.run(trial);
  // A name alone is two lines of any text that begins with a c: it counts behind the mark, or before another instruction.
  if (machine.calls > 0 || (machine.dangerous && (marked || machine.count > 2))) return true;
  // One that names nothing does nothing.
  if (end === "stopped") return !machine.faulty && (trial === "start" || machine.named);
  if (end === "given-up") return true;
  // Whoever reads on finds it broken, and says so.
  return trial === "start" && marked && (machine.named || third === Op.FRAME || machine.count > MARKED_COUNT);
}

/** Instructions behind a PROTO that bytes which are no pickle do not have by chance. */
const MARKED_COUNT = 6;
