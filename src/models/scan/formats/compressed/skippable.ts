/**
 * Skippable frames, which LZ4 and zstd share: bytes of somebody else's, that readers leave out.
 *
 * Source: RFC 8878 section 3.1.2, LZ4 Frame Format Description 1.6.4.
 *
 * @module
 */

import type { Source } from "../../source.ts";

/** The lowest four bits are free. */
const SKIPPABLE = 0x184d_2a50;

/** Where the next frame with `magic` begins, at `start` or behind skippable ones; undefined where there is none. */
export function frameAt(source: Source, start: number, magic: number): number | undefined {
  for (let at = start; ;) {
    const head = source.read(at, 8);
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const found = head.length < 4 ? undefined : view.getUint32(0, true);
    if (found === magic) return at;
    if (found === undefined || head.length < 8 || (found & ~0xf) >>> 0 !== SKIPPABLE) return undefined;
    at += 8 + view.getUint32(4, true);
  }
}
