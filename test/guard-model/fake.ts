/**
 * A classifier without a model: words set heads, and the test sees what was asked of whom.
 */

import type { CheapReader, Classifier } from "../../src/guard/model/classifier.ts";
import { HEADS, type Head, type HeadScores } from "../../src/guard/model/heads.ts";

export interface FakeClassifier extends Classifier {
  /** Texts that the transformer was asked for. */
  readonly asked: readonly string[];
  /** The most that it was asked for at once. */
  readonly most: number;
}

/** Head to the word that sets it. */
type Words = Readonly<Partial<Record<Head, string>>>;

/**
 * @param sure words that the cheap stage is sure of
 * @param open words that leave a head open, and that the transformer sets it for
 * @param shy words that leave a head open, and that the transformer does not mind
 * @param fails what the transformer rejects with
 */
export function fakeClassifier(
  words: { sure?: Words; open?: Words; shy?: Words; fails?: Error; loaded?: boolean } = {},
): FakeClassifier {
  const { sure = {}, open = {}, shy = {}, fails, loaded = true } = words;
  const asked: string[] = [];
  let now = 0;
  let most = 0;
  let isLoaded = loaded;
  const has = (text: string, word: string | undefined): boolean => word !== undefined && text.includes(word);
  const cheap: CheapReader = {
    version: "fake",
    thresholds: Object.fromEntries(HEADS.map((head) => [head, 0.5])) as HeadScores,
    settle: (text) => {
      const settled: Partial<Record<Head, number>> = {};
      for (const head of HEADS) {
        if (has(text, sure[head])) settled[head] = 0.99;
        else if (!has(text, open[head]) && !has(text, shy[head])) settled[head] = 0.01;
      }
      return settled;
    },
    logit: (text, head) => (has(text, sure[head]) ? 3 : has(text, open[head]) ? 1 : -9),
  };
  return {
    load: () => {
      isLoaded = true;
      return Promise.resolve(cheap);
    },
    get cheap() {
      return isLoaded ? cheap : undefined;
    },
    classify: async (text) => {
      asked.push(text);
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      if (fails !== undefined) throw fails;
      return Object.fromEntries(HEADS.map((head) => [head, has(text, open[head]) ? 0.9 : 0.1])) as HeadScores;
    },
    close: () => Promise.resolve(),
    asked,
    get most() {
      return most;
    },
  };
}
