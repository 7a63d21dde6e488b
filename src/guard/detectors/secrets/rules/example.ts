/**
 * Made-up tokens with a right checksum.
 *
 * @module
 */

import { crc32Base62 } from "../checksum.ts";

/** `prefix`, `body` and the CRC-32 of the body. */
export function withCrc32(prefix: string, body: string): string {
  return prefix + body + crc32Base62(body);
}
