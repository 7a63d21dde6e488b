/**
 * Control, Proof, Posture: from a practice, by a live check, to an answer that ages.
 *
 *     control  a practice with an id that never changes (`catalog/controls.yaml`)
 *     proof    a question that is asked again and again, and the observation that answers it
 *     posture  the fold of the newest observation of every proof, per control, at one moment
 *
 * The fold is pure: staleness is arithmetic on the time asked about, so a control turns stale without any job running.
 *
 * @module
 */

/** A practice of the catalogue. */
export interface Control {
  /** `G9`, `R1`, … Never reused, never renumbered. */
  readonly id: string;
  readonly title: string;
  /** The stage of the life cycle it belongs to: an id of the catalogue's stages. */
  readonly stage: string;
  /** The question that evidence must answer. */
  readonly question: string;
}

/** What a proof saw. `unknown` is «could not check», which never counts as holding. */
export interface Observation {
  readonly outcome: "holds" | "fails" | "unknown";
  /** What was seen, with its numbers. One sentence for people. */
  readonly observed: string;
  /** What would have to be seen for `holds`. */
  readonly expected: string;
  /** What was looked at and what was not: an observation says nothing beyond its scope. */
  readonly scope: string;
}

/** The live check of a control. `observe` gets the services that its module declared. */
export interface Proof<Services = unknown> {
  /** `ledger.audit-trail`: the part and the check. */
  readonly id: string;
  /** Id of the {@link Control} it speaks for. */
  readonly control: string;
  readonly question: string;
  /** How long an observation stays fresh, in milliseconds. */
  readonly freshFor: number;
  readonly observe: (services: Services) => Promise<Observation>;
}

/** An observation as it is kept: who made it, when, and where in the ledger it stands. */
export interface RecordedObservation extends Observation {
  readonly proof: string;
  readonly control: string;
  /** Milliseconds since the epoch. */
  readonly observedAt: number;
  /** Index of its evidence in the ledger, once it is there. */
  readonly ledgerIndex?: number;
}

export type PostureStatus = "holds" | "fails" | "stale" | "no evidence";

export interface ControlPosture {
  readonly control: Control;
  readonly status: PostureStatus;
  /** The proofs that speak for this control, each with its newest observation, if any. */
  readonly proofs: readonly {
    readonly id: string;
    readonly question: string;
    readonly status: PostureStatus;
    readonly latest?: RecordedObservation;
  }[];
}

export interface Posture {
  readonly at: number;
  readonly controls: readonly ControlPosture[];
  readonly counts: Readonly<Record<PostureStatus, number>>;
}

/**
 * Folds observations into the posture at `at` (milliseconds since the epoch).
 *
 * A control holds only when every proof that speaks for it holds and is fresh; one that fails makes it fail; else one
 * that is stale makes it stale; a control without proofs, or with a proof that has never been observed or could not
 * be checked, has no evidence. An observation dated after `at` counts as not made yet.
 */
export function foldPosture(
  controls: readonly Control[],
  proofs: readonly Pick<Proof, "id" | "control" | "question" | "freshFor">[],
  observations: readonly RecordedObservation[],
  at: number,
): Posture {
  const newest = new Map<string, RecordedObservation>();
  for (const observation of observations) {
    const known = newest.get(observation.proof);
    if (observation.observedAt > at) continue;
    if (known === undefined || observation.observedAt >= known.observedAt) newest.set(observation.proof, observation);
  }

  const counts: Record<PostureStatus, number> = { holds: 0, fails: 0, stale: 0, "no evidence": 0 };
  const folded = controls.map((control): ControlPosture => {
    const own = proofs
      .filter((proof) => proof.control === control.id)
      .map(({ id, question, freshFor }) => {
        const latest = newest.get(id);
        const status = proofStatus(latest, freshFor, at);
        return latest === undefined ? { id, question, status } : { id, question, status, latest };
      });
    const status = worst(own.map((proof) => proof.status));
    counts[status] += 1;
    return { control, status, proofs: own };
  });
  return { at, controls: folded, counts };
}

function proofStatus(latest: RecordedObservation | undefined, freshFor: number, at: number): PostureStatus {
  if (latest === undefined || latest.outcome === "unknown") return "no evidence";
  if (latest.outcome === "fails") return "fails";
  return at - latest.observedAt > freshFor ? "stale" : "holds";
}

function worst(statuses: readonly PostureStatus[]): PostureStatus {
  for (const status of ["fails", "no evidence", "stale"] as const) {
    if (statuses.includes(status)) return status;
  }
  return statuses.length === 0 ? "no evidence" : "holds";
}
