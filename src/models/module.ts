/**
 * What `models` plugs into the product.
 *
 * @module
 */

import type { Module } from "../core/index.ts";
import { ModelsErrors } from "./errors.ts";
import { registryMigrations } from "./registry/migrations.ts";
import { registryCommands, registryJobs, registryProofs } from "./registry/module.ts";
import type { RegistryServices } from "./registry/services.ts";
import { signCommands } from "./sign/commands.ts";

export const modelsModule: Module<RegistryServices> = {
  name: "models",
  summary: "says of model files whether they may be trusted, and keeps it so",
  errors: ModelsErrors,
  migrations: registryMigrations,
  commands: [...signCommands, ...registryCommands],
  proofs: registryProofs,
  jobs: registryJobs,
};
