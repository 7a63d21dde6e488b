/**
 * Error codes of `models`. A folder with errors of its own declares them there.
 *
 * @module
 */

import type { ErrorTable } from "../core/index.ts";

export const ModelsErrors = {} as const satisfies ErrorTable;
