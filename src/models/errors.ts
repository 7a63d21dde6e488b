/**
 * Error codes of `models`. A folder with errors of its own declares them there.
 *
 * @module
 */

import type { ErrorTable } from "../core/index.ts";
import { BomErrors } from "./bom/errors.ts";
import { RegistryErrors } from "./registry/errors.ts";
import { ScanErrors } from "./scan/errors.ts";
import { SealErrors } from "./seal/errors.ts";
import { SignErrors } from "./sign/errors.ts";

export const ModelsErrors = {
  ...BomErrors,
  ...RegistryErrors,
  ...ScanErrors,
  ...SealErrors,
  ...SignErrors,
} as const satisfies ErrorTable;
