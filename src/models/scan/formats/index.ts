/**
 * The formats that a scan knows, explicitly listed. Adding one is adding its file and a line here.
 *
 * @module
 */

import type { Format } from "../format.ts";
import { gguf } from "./gguf.ts";
import { jinja } from "./jinja.ts";
import { safetensors } from "./safetensors.ts";

export const FORMATS: readonly Format[] = [gguf, jinja, safetensors];
