/**
 * The Detector port: what reads text and says what it saw. A detector judges nothing: what a finding leads to is the
 * policy's business (`policy.ts`).
 *
 * Two ways in. `detect` gets a text whole. `open` gets it in pieces, cut anywhere, and must end with the same findings:
 * its {@link Scan} says after every piece up to where the text is judged for good, which is what may leave a stream.
 *
 * A detector sees the text, and, if it says so (`reads`), what the text hides: each view that `normalise/` derives from
 * it. It need not know about either: the guard calls it once for each and points what it found at the caller's own text.
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
  /**
   * Whose text this is: what a detector remembers of it is used again within the same scope only. How fast a verdict comes
   * must not tell one tenant what another has sent.
   */
  readonly scope?: string;
  /** How this text was derived from the caller's own: `["base64"]`. Absent for the caller's own text. */
  readonly view?: readonly string[];
  /** The system prompts in force, for a detector that looks for their return. */
  readonly instructions?: readonly string[];
  /** What the reader of the text has said already: it gives nothing away when it comes back. */
  readonly known?: readonly string[];
}

export interface Detector {
  /** The first word of its rules' ids, and its name in the settings: `secrets`. */
  readonly id: string;
  /** Changes whenever the same text may get other findings. */
  readonly version: string;
  readonly directions: readonly Direction[];
  /** UTF-16 units. A finding depends on nothing further than this from its first unit: what a stream may hold back. */
  readonly longestMatch: number;
  /**
   * `cheap` also says that a text is judged by itself: one of a request in which nothing was found is not read again when
   * it comes again at the same place, as a conversation's history does.
   */
  readonly cost: "cheap" | "moderate" | "expensive";
  /** `views`: `detect` also gets every view derived from the text (`normalise/`). Without it: the text alone. */
  readonly reads?: "text" | "views";
  /**
   * What a stream can rely on. `strict`, without it: nothing that the detector finds leaves the stream. `windowed`: the
   * stream is judged as it passes, every {@link STREAM_STEP} units; so many may have left when the verdict comes.
   * Views are judged that way for every detector.
   */
  readonly guarantee?: "strict" | "windowed";
  /**
   * In steps, what a detector would otherwise do at once when it first reads in this context; undefined where that is no
   * long work. Nothing but how long others wait may depend on it.
   */
  prepare?(context: Pick<DetectContext, "instructions" | "known" | "scope">): Paced<void> | undefined;
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
  /**
   * The calibrated probability that the text is what the detector looks for, from 0 to 1 and whatever its threshold:
   * what an evaluation ranks texts by. Without it, a text with a finding counts as 1 and any other as 0.
   */
  score?(text: string, context: DetectContext): number | Promise<number>;
}

/** UTF-16 units between two looks of a windowed detector at a stream: the most that passes before it is judged. */
export const STREAM_STEP = 256;

/** UTF-16 units that a windowed detector sees at each look. */
export const STREAM_WINDOW = 1024;

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
  /** Of a windowed look: the offset up to which text had already passed when it was found. */
  readonly passed?: number;
}
