/**
 * An adapter: any detector next to the guard's own in `holdfast guard eval`. This one counts words.
 *
 *     holdfast guard eval mine.jsonl --detector unicode --adapter examples/guard/adapter.mjs
 */

export const name = "words";
export const version = "1";
/** From this score on a text counts as flagged. */
export const threshold = 0.5;

const WORDS = ["ignore", "previous instructions", "system prompt", "jailbreak"];

/** A number, or `{ score, flagged }`; a promise of either where the detector is a service. */
export function detect(text) {
  const lower = text.toLowerCase();
  return WORDS.filter((word) => lower.includes(word)).length / 2;
}
