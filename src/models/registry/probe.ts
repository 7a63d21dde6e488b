/**
 * What the gateway would be answered: proofs ask the admission itself, and do not infer it from what it should say.
 *
 * @module
 */

import { openAdmission } from "./admission.ts";
import type { RegistryServices } from "./services.ts";
import type { Release } from "./store.ts";

/** Somebody who would like to use a release. */
export interface Asking {
  readonly release: Release;
  readonly app: string;
}

/** An app that no grant names: names of apps have no `:`. */
export const STRANGER = "proof:stranger";

/** Those requests that would be served. */
export async function admitted(
  { clock, config, db }: Pick<RegistryServices, "clock" | "config" | "db">,
  requests: readonly Asking[],
): Promise<readonly Asking[]> {
  const admission = openAdmission({ db: await db(), clock, config: config.models.registry });
  try {
    await admission.open();
    return requests.filter(({ release: { model, digest }, app }) => {
      return admission.judge({ reference: `${model}@sha256:${digest}` }, { app }).admitted;
    });
  } finally {
    await admission.close();
  }
}
