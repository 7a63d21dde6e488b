/**
 * The `models` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

import { registryConfig } from "./registry/config.ts";
import { sealConfig } from "./seal/config.ts";

export const modelsConfig = z.strictObject({ registry: registryConfig, seal: sealConfig }).prefault({});

export type ModelsConfig = z.output<typeof modelsConfig>;
