/**
 * The Unicode detector: characters that people do not see and models read.
 *
 * It finds text hidden in tag characters, bytes in variation selectors, bits in zero-width characters, words split by
 * them, and displays that differ from what is read (Trojan Source). It leaves alone what belongs: joiners of Persian and
 * Hindi, flags, families and keycaps, ideographic variants, isolates around right-to-left text.
 *
 * It does not judge letters that look alike (homoglyphs): they are seen.
 *
 * @module
 */

import type { Finding } from "../../../core/index.ts";
import type { Detector } from "../../detector.ts";
import { STEP } from "../../pace.ts";
import { isPlainAscii, nextHidden, stripHidden } from "./characters.ts";
import { BIDI_REACH, openUnicodeScan } from "./scan.ts";

const NOTHING: readonly Finding[] = [];

/**
 * @example
 * ```ts
 * import { unicodeDetector } from "holdfast/guard";
 *
 * const context = { direction: "request", origin: "user", pointer: "/messages/0/content" } as const;
 * unicodeDetector.detect("ig\u200Bnore", context); // one finding of unicode.split-word, units 2 to 3
 * ```
 */
export const unicodeDetector = {
  id: "unicode",
  version: "1.0.0",
  directions: ["request", "response"],
  longestMatch: BIDI_REACH + 2,
  cost: "cheap",
  detect: (text, { pointer }) => {
    if (isPlainAscii(text) || nextHidden(text, 0) === -1) return NOTHING;
    const scan = openUnicodeScan(pointer);
    void scan.push(text);
    void scan.end();
    return scan.hits.map(({ finding }) => finding);
  },
  *read(text, { pointer }) {
    const scan = openUnicodeScan(pointer);
    for (let at = 0; at < text.length; at += STEP) {
      void scan.push(text.slice(at, at + STEP));
      yield;
    }
    void scan.end();
    return scan.hits.map(({ finding }) => finding);
  },
  open: ({ pointer }) => openUnicodeScan(pointer),
  strip: stripHidden,
} as const satisfies Detector;
