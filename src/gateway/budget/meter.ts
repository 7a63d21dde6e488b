/**
 * How much an upstream has written, counted on its stream: for cutting it at its budget, and for the account of a stream
 * that never says its usage.
 *
 * Without the model's tokenizer no one number is right. The *least* it can be is for cutting: an upstream that keeps to its
 * cap must never be cut. It rests on what servers and tokenizers do: an event of a text that goes on holds a token or
 * more, and over a whole answer a token has six characters at most, where a run of one character (of spaces, of dashes)
 * counts as one. The *estimate* is for the account, and errs high.
 *
 * @module
 */

import type { GuardStream, Origin, TextSpan } from "../../guard/index.ts";
import { estimateTokens } from "../wire/index.ts";

/** Most characters to a token on average: English prose has 4 to 5, every other language fewer. */
const MOST_CHARS = 6;
/** Fewest bytes to an event for it to count as a token: a server that sends letter by letter sends less. */
const LEAST_BYTES = 3;
/** What an estimate is multiplied by to err high: on the worst text measured it is 0.84 of the count. */
export const SAFETY = 1.25;

export class Meter {
  #events = 0;
  #bytes = 0;
  #chars = 0;
  #estimate = 0;
  /** Pointers whose channel is being counted. What is opened below one repeats its text. */
  readonly #counted = new Set<string>();

  /** At least so many tokens were written. */
  get least(): number {
    return Math.max(this.#chars / MOST_CHARS, Math.min(this.#events, this.#bytes / LEAST_BYTES));
  }

  /** About so many tokens were written, rather fewer than more. */
  get estimate(): number {
    return Math.ceil(this.#estimate * SAFETY);
  }

  /** A channel that counts what the model wrote into it. */
  watch(channel: GuardStream, origin: Origin, pointer: string): GuardStream {
    if (origin !== "assistant" || this.#counted.has(pointer)) return channel;
    this.#counted.add(pointer);
    // A text that came whole repeats, in some protocols, what went before it in pieces.
    let first: string | undefined;
    let pieces = 0;
    const count = (text: string): void => {
      this.#events++;
      this.#bytes += Buffer.byteLength(text);
      this.#chars += charsOf(text);
    };
    return {
      push: (text) => {
        this.#estimate += estimateTokens([{ pointer, origin, text }]);
        if (pieces++ === 0) first = text;
        else {
          if (first !== undefined) count(first);
          first = undefined;
          count(text);
        }
        return channel.push(text);
      },
      end: () => {
        this.#counted.delete(pointer);
        return channel.end();
      },
      get verdict() {
        return channel.verdict;
      },
    };
  }

  /** Counts the texts of a whole answer. */
  whole(spans: readonly TextSpan[]): void {
    this.#estimate += estimateTokens(spans.filter(({ origin }) => origin === "assistant"));
  }
}

/** UTF-16 units of a text, each run of one and the same counted once. */
function charsOf(text: string): number {
  let chars = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== text.charCodeAt(at - 1)) chars++;
  return chars;
}
