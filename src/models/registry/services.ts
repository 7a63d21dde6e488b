/**
 * What the registry's commands, proofs and jobs need from the product, and how they open the registry with it.
 *
 * @module
 */

import { join } from "node:path";

import type { Clock } from "../../core/index.ts";
import type { Db } from "../../storage/index.ts";
import { openBlobs, type BlobStore } from "./blobs.ts";
import type { RegistryConfig } from "./config.ts";
import { openOperators } from "./decision.ts";
import type { Registry } from "./store.ts";

export interface RegistryServices {
  readonly clock: Clock;
  /** The data folder. */
  readonly home: string;
  readonly db: () => Promise<Db>;
  readonly config: {
    readonly models: { readonly registry: RegistryConfig };
    readonly gateway: { readonly admission: "off" | "warn" | "enforce" };
  };
  readonly source: { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string };
}

/** @throws `models.operator-key-invalid` */
export async function openRegistry(services: Pick<RegistryServices, "clock" | "db" | "config">): Promise<Registry> {
  const { approvals, drillMaxMs, operators, signers } = services.config.models.registry;
  return {
    db: await services.db(),
    clock: services.clock,
    operators: openOperators(operators),
    rules: { approvals, drillMaxMs, signers },
  };
}

/** The blobs of this installation: `models/` of the data folder, sealed where the configuration says so. */
export async function openStore({ home, clock, config, source }: RegistryServices): Promise<BlobStore> {
  const folder = storeFolder({ home });
  const { seal } = config.models.registry;
  const sealing =
    seal === undefined ? undefined : async () => (await import("./store-key.ts")).storeForm(folder, seal, source);
  const blobs = await openBlobs(folder, sealing);
  await blobs.sweep(clock.now());
  return blobs;
}

export function storeFolder({ home }: Pick<RegistryServices, "home">): string {
  return join(home, "models");
}
