/**
 * What `models` plugs into the product.
 *
 * @module
 */

import type { Module } from "../core/index.ts";
import { ModelsErrors } from "./errors.ts";
import { signCommands } from "./sign/commands.ts";

export const modelsModule: Module = {
  name: "models",
  summary: "says of model files whether they may be trusted, and keeps it so",
  errors: ModelsErrors,
  commands: [...signCommands],
};
