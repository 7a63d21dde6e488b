/**
 * Writes safetensors files for tests.
 *
 * @module
 */

import { int, joined, utf8, zeros } from "./writer.ts";

/** The header as it stands, and the data behind it. */
export function safetensorsOf(header: string, data = zeros(0)): Uint8Array {
  const bytes = utf8(header);
  return joined(int(bytes.length, 8), bytes, data);
}

/** Two tensors that cover 20 bytes. */
export function honestSafetensors(): Uint8Array {
  const header = {
    __metadata__: { format: "pt" },
    a: { dtype: "F32", shape: [2, 2], data_offsets: [0, 16] },
    b: { dtype: "BF16", shape: [2], data_offsets: [16, 20] },
  };
  return safetensorsOf(JSON.stringify(header).padEnd(160), zeros(20));
}
