/**
 * Observing proofs before they turn stale: each in its own time, since some are cheap and some read a whole ledger.
 *
 * @module
 */

import { observe } from "./observe.ts";
import type { GovernServices } from "./posture.ts";
import { newestObservations, recordObservations } from "./store.ts";

/**
 * Asks and records the proofs whose newest observation is older than `share` of their freshness, or was not conclusive.
 * A share of 0 asks all.
 */
export async function observeDue(
  services: Pick<GovernServices, "clock" | "db" | "proofs">,
  share: number,
): Promise<void> {
  const db = await services.db();
  const proofs = services.proofs();
  const now = services.clock.now();
  const newest = await newestObservations(
    db,
    proofs.map((proof) => proof.id),
    now,
  );
  const due = proofs.filter(({ id, freshFor }) => {
    const latest = newest.find((observation) => observation.proof === id);
    return latest === undefined || latest.outcome !== "holds" || now - latest.observedAt >= freshFor * share;
  });
  if (due.length === 0) return;
  await recordObservations(db, await observe(due, { clock: services.clock }));
}
