/**
 * What `models` plugs into the product.
 *
 * @module
 */

import type { Module } from "../core/index.ts";
import { bomCommands } from "./bom/commands.ts";
import { ModelsErrors } from "./errors.ts";
import { withStore } from "./registry/at-rest.ts";
import { registryMigrations } from "./registry/migrations.ts";
import { registryAdmin, registryCommands, registryJobs, registryProofs } from "./registry/module.ts";
import type { RegistryServices } from "./registry/services.ts";
import { scanCommands } from "./scan/commands.ts";
import { sealCommands, type SealServices } from "./seal/commands.ts";
import { sealMigrations } from "./seal/migrations.ts";
import { sealJobs, sealProofs, type SealProofServices } from "./seal/module.ts";
import { signCommands } from "./sign/commands.ts";

/** What `models` needs from the product. */
export type ModelsServices = SealServices & SealProofServices & RegistryServices;

export const modelsModule: Module<ModelsServices> = {
  name: "models",
  summary: "says of model files whether they may be trusted, and keeps it so",
  errors: ModelsErrors,
  migrations: [...registryMigrations, ...sealMigrations],
  commands: [...scanCommands, ...signCommands, ...sealCommands, ...registryCommands, ...bomCommands],
  routes: registryAdmin,
  proofs: [...registryProofs, ...sealProofs.map(withStore)],
  jobs: [...registryJobs, ...sealJobs],
};
