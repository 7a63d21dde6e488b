/**
 * The formats that a scan knows, explicitly listed. Adding one is adding its file and a line here.
 *
 * @module
 */

import type { Format } from "../format.ts";

export const FORMATS: readonly Format[] = [];
