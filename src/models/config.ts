/**
 * The `models` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

import { registryConfig } from "./registry/config.ts";

export const modelsConfig = z.strictObject({ registry: registryConfig }).prefault({});

export type ModelsConfig = z.output<typeof modelsConfig>;
