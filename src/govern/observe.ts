/**
 * Asking proofs. Whatever a proof does, the answer is an observation: one that throws, hangs or answers in another form
 * than the contract's becomes `unknown`, which the posture shows as «no evidence» and never as holding.
 *
 * @module
 */

import { isHoldfastError, type Clock, type Observation, type Proof, type RecordedObservation } from "../core/index.ts";
import { governError } from "./errors.ts";

/** A proof that already has its services in hand. */
export type BoundProof = Proof<void>;

export interface ObserveOptions {
  readonly clock: Clock;
  /** Most milliseconds for one proof. Default: two minutes. */
  readonly timeoutMs?: number;
  /** Called before each proof with its id, how many are done and how many there are. */
  readonly progress?: (id: string, done: number, total: number) => void;
}

/** Two minutes: the slowest proof reads a whole ledger, some 100 MB a second. */
const PROOF_TIMEOUT_MS = 120_000;

const OUTCOMES: ReadonlySet<unknown> = new Set(["holds", "fails", "unknown"]);

/**
 * Asks each proof once, one after the other, so that checks do not disturb what they measure.
 *
 * Never rejects because of a proof. An observation is dated by the moment its proof was asked, not answered: it says
 * nothing about what happened after that.
 */
export async function observe(
  proofs: readonly BoundProof[],
  options: ObserveOptions,
): Promise<readonly RecordedObservation[]> {
  const observations: RecordedObservation[] = [];
  for (const [index, proof] of proofs.entries()) {
    options.progress?.(proof.id, index, proofs.length);
    const observedAt = options.clock.now();
    const observation = await ask(proof, options.timeoutMs ?? PROOF_TIMEOUT_MS);
    observations.push({ ...observation, proof: proof.id, control: proof.control, observedAt });
  }
  return observations;
}

async function ask(proof: BoundProof, timeoutMs: number): Promise<Observation> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(governError("govern.proof-timeout", { detail: `${proof.id}, ${timeoutMs} ms` })),
      timeoutMs,
    );
  });
  try {
    return checked(await Promise.race([proof.observe(), late]));
  } catch (error) {
    return {
      outcome: "unknown",
      // The words of a foreign error stay out: they may carry a secret, and the observation goes into the ledger.
      observed: `could not be checked: ${isHoldfastError(error) ? `${error.code}, ${error.message}` : "core.internal"}`,
      expected: proof.question,
      scope: "nothing was observed",
    };
  } finally {
    clearTimeout(timer);
  }
}

/** Exactly the four fields of the contract, so that nothing else that a proof returns reaches the ledger. */
function checked(answer: Observation): Observation {
  const { outcome, observed, expected, scope } = answer;
  const texts: readonly unknown[] = [observed, expected, scope];
  if (!OUTCOMES.has(outcome) || !texts.every((text) => typeof text === "string" && text.trim() !== "")) {
    throw governError("govern.proof-invalid");
  }
  return { outcome, observed, expected, scope };
}
