/**
 * The version of this package.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import { parseJson } from "../core/index.ts";

/** As in package.json, two levels up from `src/server` in a clone and from `dist/server` in the published package. */
export const VERSION: string = (
  parseJson(readFileSync(new URL("../../package.json", import.meta.url))) as { readonly version: string }
).version;
