/**
 * What sealing plugs into the module of `models` besides its commands: its proof and its job, as data.
 *
 * @module
 */

import type { Clock, Job, Proof } from "../../core/index.ts";
import type { Db } from "../../storage/index.ts";
import type { SealConfig } from "./config.ts";

/** What the proof and the job need from the product. */
export interface SealProofServices {
  readonly clock: Clock;
  readonly db: () => Promise<Db>;
  readonly config: { readonly models: { readonly seal: SealConfig } };
  readonly source: { readonly cwd: string };
}

const DAY_MS = 86_400_000;

export const sealProofs: readonly Proof<SealProofServices>[] = [
  {
    id: "models.sealed-at-rest",
    control: "M6",
    question:
      "Are the sets that hold models and data at rest sealed, unchanged, and without anything unsealed in them?",
    freshFor: DAY_MS,
    observe: async (services) => await (await import("./proofs.ts")).observeSealed(services),
  },
];

export const sealJobs: readonly Job<SealProofServices>[] = [
  {
    name: "seal-audit",
    every: DAY_MS,
    load: async () => (await import("./at-rest.ts")).auditSets,
  },
];
