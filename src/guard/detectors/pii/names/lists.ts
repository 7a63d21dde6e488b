/**
 * People in lists: the company of names makes a name of a word that could be something else.
 *
 * @module
 */

import { Word } from "./gazetteer.ts";
import type { NameMatch } from "./names.ts";
import { isName, type Token } from "./tokens.ts";

/** `Ola, Paris and Kofi`: what stands in a list with people is one of them, if it can be. */
export function joinLists(tokens: readonly Token[], found: readonly NameMatch[]): NameMatch[] {
  if (!found.some(({ id }) => id === "person")) return [...found];
  const at = new Map<number, NameMatch>();
  for (const match of found) at.set(match.start, match);
  const isPersonAt = (token: Token | undefined): boolean => token !== undefined && at.get(token.start)?.id === "person";
  const isLink = (token: Token | undefined): boolean => token !== undefined && /^(?:,|and|or|&)$/.test(token.word);
  const join = (place: number, beside: number): void => {
    const token = tokens[place] as Token;
    const known = at.get(token.start);
    const free =
      known === undefined || (known.id === "location" && known.end === token.end && (token.bits & Word.famous) === 0);
    const canBe =
      token.kind === "capitalised" && (token.bits & (Word.common | Word.stop | Word.group | Word.organisation)) === 0;
    if (!free || !canBe || !(isName(token) || token.bits === 0)) return;
    if (!isLink(tokens[(place + beside) / 2]) || !isPersonAt(tokens[beside])) return;
    at.set(token.start, { id: "person", start: token.start, end: token.end, weak: true });
  };
  for (let place = 2; place < tokens.length; place++) join(place, place - 2);
  for (let place = tokens.length - 3; place >= 0; place--) join(place, place + 2);
  return [...at.values()];
}
