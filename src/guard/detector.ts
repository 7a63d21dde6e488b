/**
 * The Detector port: what reads text and says what it saw. A detector judges nothing: what a finding leads to is the
 * policy's business (`policy.ts`).
 *
 * Two ways in. `detect` gets a text whole. `open` gets it in pieces, cut anywhere, and must end with the same findings:
 * its {@link Scan} says after every piece up to where the text is judged for good, which is what may leave a stream.
 *
 * @module
 */

import type { Finding } from "../core/index.ts";
import type { Paced } from "./pace.ts";

export type Direction = "request" | "response";

/** Where a text came from. Text of a `tool` or a `document` was written by nobody who may give instructions. */
export type Origin = "system" | "user" | "assistant" | "tool" | "document" | "metadata";

/** One text field of a message. */
export interface TextSpan {
  /** RFC 6901 JSON Pointer to the field. */
  readonly pointer: string;
  /** The field's decoded text. */
  readonly text: string;
  readonly origin: Origin;
}

/** What a detector is told about the text that it reads. */
export interface DetectContext {
  readonly direction: Direction;
  readonly origin: Origin;
  readonly pointer: string;
}

export interface Detector {
  /** The first word of its rules' ids, and its name in the settings: `secrets`. */
  readonly id: string;
  /** Changes whenever the same text may get other findings. */
  readonly version: string;
  readonly directions: readonly Direction[];
  /** UTF-16 units. A finding depends on nothing further than this from its first unit: what a stream may hold back. */
  readonly longestMatch: number;
  readonly cost: "cheap" | "moderate" | "expensive";
  /**
   * Every finding in `text`, by its start. Locations are UTF-16 offsets in `text` under `context.pointer`; no finding
   * holds any of the matched text.
   */
  detect(text: string, context: DetectContext): readonly Finding[] | Promise<readonly Finding[]>;
  /**
   * The same as `detect`, for a long text: a few milliseconds of work at most between two steps, so that others get
   * their turn. Without it a long text is read in one go.
   */
  read?(text: string, context: DetectContext): Paced<readonly Finding[]>;
  /** Reads one channel in pieces, exactly. Without it a stream runs `detect` over a window (`window.ts`). */
  open?(context: DetectContext): Scan;
  /**
   * What is left of a masked piece of text. Without it, the whole match becomes `[masked:<rule>]`. Must not care where
   * a text is cut: `strip(a) + strip(b) === strip(a + b)`.
   */
  readonly strip?: (text: string) => string;
}

/** One channel of text, read in pieces. */
export interface Scan {
  /**
   * Takes the next piece, once the one before is taken, and returns the offset before which everything is judged: no later piece adds a hit that
   * starts there. A hit that is still growing reaches at least up to that offset.
   */
  push(text: string): number | Promise<number>;
  /** There is no more: judges the rest. */
  end(): void | Promise<void>;
  /** What was found so far, by start. Offsets count from the start of the channel. */
  readonly hits: readonly Hit[];
}

/** A finding that may still grow, as a private key does until its last line. */
export interface Hit {
  /** The finding as it was when it was first certain. Does not depend on how the text was cut. */
  readonly opening: Finding;
  /** The finding as it is now. */
  readonly finding: Finding;
}
