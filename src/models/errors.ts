/**
 * Error codes of `models`. A folder with errors of its own declares them there.
 *
 * @module
 */

import type { ErrorTable } from "../core/index.ts";
import { SignErrors } from "./sign/errors.ts";

export const ModelsErrors = { ...SignErrors } as const satisfies ErrorTable;
