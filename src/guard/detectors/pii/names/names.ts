/**
 * People, places, organisations and groups in running text: the gazetteer says what a capitalised word may be, its
 * neighbours decide what it is.
 *
 * A word that is only a name (Heinrich) is one by itself. One that is also an English word (Grace, May) needs company: a
 * title, another name beside it, or words that names follow. A name that is also a place's (Paris) goes by the
 * preposition before it.
 *
 * @module
 */

import { fold, isKnownSmall, isPlacePhrase, Word } from "./gazetteer.ts";
import { joinLists } from "./lists.ts";
import { hasPart, isName, tokensOf, type Token } from "./tokens.ts";
import {
  AT_ORGANISATION,
  AT_PLACE,
  FORMS_OF_ADDRESS,
  IN_PLACE,
  LIKELY_NAME,
  NAME_SUFFIX,
  ONLY_PEOPLE_DO,
  ORG_FORM,
  ORG_HEAD,
  ORG_SUFFIX,
  ORG_TAIL,
  ORGANISATION_DOES,
  PARTICLES,
  PEOPLE_ONLY,
  PERSON_DOES,
  SURE_NAME,
  SURELY_PLACE,
  TITLES,
  TOWN_ENDING,
  TOWN_HEAD,
  ending,
  endsWith,
} from "./words.ts";

export interface NameMatch {
  readonly id: "person" | "location" | "organization" | "title" | "group";
  readonly start: number;
  readonly end: number;
  /** Whether only what stands around it speaks for it. */
  readonly weak: boolean;
}

/** Before a name in small letters. */
const SMALL_NAME = ending(/(?:\bname(?:'s| is| was)?[:?]?|\bnamed|\bmrs?\.?|\bms\.?|\bdr\.?)\s$/);

/** Units of text before a name that are looked at. */
const CONTEXT = 40;

/** Every name in `text` from `from` to `to`; what lies around is only looked at. */
export function findNames(text: string, from: number, to: number): NameMatch[] {
  if (!hasPart(text, from, to)) return [];
  const tokens = tokensOf(text, from, to);
  const found: NameMatch[] = [];
  for (let at = 0; at < tokens.length;) {
    const token = tokens[at] as Token;
    const title = titleAt(tokens, at);
    if (title > 0) {
      const first = tokens[at] as Token;
      if (FORMS_OF_ADDRESS.has(first.word.toLowerCase())) {
        found.push({ id: "title", start: first.start, end: first.end + (first.stopped ? 1 : 0), weak: false });
      }
      const end = runEnd(tokens, at + title);
      const name = trimName(tokens, at + title, end);
      pushSpan(found, "person", tokens, at + title, name, false);
      at = Math.max(name, at + title);
      continue;
    }
    if (!isNamelike(token)) {
      at += token.kind === "small" ? readSmall(text, tokens, at, found) : 1;
      continue;
    }
    const end = runEnd(tokens, at);
    at = readRun(text, tokens, at, end, found);
  }
  return joinLists(tokens, found);
}

function isNamelike({ kind }: Token): boolean {
  return kind === "capitalised" || kind === "capitals" || kind === "initial";
}

/** How many tokens a title with a name behind it takes; 0 for none. */
function titleAt(tokens: readonly Token[], at: number): number {
  const token = tokens[at] as Token;
  if (!token.titled || !TITLES.has(token.word.toLowerCase())) return 0;
  const next = token.stopped ? at + 2 : at + 1;
  const name = tokens[next];
  if (name === undefined || !isNamelike(name) || !(name.joined || token.stopped)) return 0;
  // «General Motors», «May I», «Pan American»: a title before an ordinary word is none.
  if (token.kind === "small" && !/^(?:mr|mrs|ms|dr|miss|prof)$/.test(token.word)) return 0;
  if ((name.bits & Word.stop) !== 0 || (name.kind === "initial" && name.word === "I")) return 0;
  if (!token.stopped && !FORMS_OF_ADDRESS.has(token.word.toLowerCase()) && !isName(name)) return 0;
  return next - at;
}

/** Where the run of words that may make one name, from `at` on, ends. */
function runEnd(tokens: readonly Token[], at: number): number {
  let end = at;
  while (end < tokens.length) {
    const token = tokens[end] as Token;
    if (end > at && (!token.joined || titleAt(tokens, end) > 0)) break;
    if (isNamelike(token)) {
      end += 1;
      // The full stop of an initial or an abbreviation belongs to the name.
      const next = tokens[end];
      if (next?.word === "." && next.start === token.end) {
        const after = tokens[end + 1];
        const abbreviation = token.kind === "initial" || /^(?:St|Jr|Sr|Mt|Ft|Co|Inc|Ltd|Corp)$/.test(token.word);
        if (!abbreviation || after === undefined || !after.joined || !isNamelike(after)) break;
        end += 1;
      } else if (next !== undefined && "-&".includes(next.word) && next.joined && isNamelikeAt(tokens, end + 1)) {
        end += 1;
      }
      continue;
    }
    // University of Sussex, Isle of Man.
    const before = tokens[end - 1];
    if (token.word === "of" && end > at && before !== undefined) {
      const head = ORG_HEAD.test(before.word) || (before.bits & Word.placeStart) !== 0;
      const next = tokens[end + 1]?.word === "the" ? end + 2 : end + 1;
      if (!head || !isNamelikeAt(tokens, next)) break;
      end = next;
      continue;
    }
    // A particle, or two, inside a name.
    const inside = token.kind === "small" && PARTICLES.has(token.word) && end > at;
    if (!inside) break;
    const second = tokens[end + 1];
    if (isNamelikeAt(tokens, end + 1)) end += 1;
    else if (second?.kind === "small" && PARTICLES.has(second.word) && second.joined && isNamelikeAt(tokens, end + 2))
      end += 2;
    else break;
  }
  return end;
}

function isNamelikeAt(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at];
  return token !== undefined && token.joined && isNamelike(token);
}

/** Divides a run among organisations, places, groups and people. */
function readRun(text: string, tokens: readonly Token[], from: number, to: number, found: NameMatch[]): number {
  const before = (at: number): string =>
    text.slice(Math.max(0, (tokens[at] as Token).start - CONTEXT), (tokens[at] as Token).start).toLowerCase();

  let at = from;
  const organisation = organisationEnd(text, tokens, from, to);
  if (organisation !== undefined) {
    pushSpan(found, "organization", tokens, organisation.from, organisation.to, false);
    if (organisation.from > from) readRun(text, tokens, from, organisation.from, found);
    at = organisation.to;
  }
  while (at < to) {
    const token = tokens[at] as Token;
    if (!isNamelike(token) || ((token.bits & Word.stop) !== 0 && !startsPhrase(tokens, at, to))) {
      at += 1;
      continue;
    }
    const left = before(at);
    const place = Math.max(placeEnd(tokens, at, to), townEnd(tokens, at, to));
    if (place > at + 1 && !(isName(token) && endsWith(left, SURE_NAME) && !endsWith(left, AT_PLACE))) {
      pushSpan(found, "location", tokens, at, place, false);
      at = place;
      continue;
    }
    if (token.bits & Word.group && !(hasFirst(token) && endsWith(left, SURE_NAME))) {
      const next = tokens[at + 1];
      if (!(isStrongFirst(token) && next !== undefined && at + 1 < to && isName(next))) {
        found.push({ id: "group", start: token.start, end: token.end, weak: (token.bits & Word.common) !== 0 });
        at += 1;
        continue;
      }
    }
    const end = trimName(tokens, at, to);
    const person = isPerson(text, tokens, at, end, left);
    if (person !== undefined) {
      pushSpan(found, "person", tokens, at, end, person === "weak");
      at = end;
      continue;
    }
    if (token.bits & Word.organisation) {
      found.push({ id: "organization", start: token.start, end: token.end, weak: false });
    } else if (token.kind !== "initial" && isSurelyPlace(tokens, at, left)) {
      pushSpan(found, "location", tokens, at, Math.max(end, at + 1), true);
      at = Math.max(end, at + 1);
      continue;
    } else if (isPlace(token, left, text, end - at)) {
      found.push({ id: "location", start: token.start, end: token.end, weak: false });
    } else if (isFirm(text, tokens, at, to, left) && token.kind !== "initial" && !(token.bits & Word.stop)) {
      pushSpan(found, "organization", tokens, at, to, true);
      at = to;
      continue;
    } else if (isUnknownPlace(token, left)) {
      found.push({ id: "location", start: token.start, end: token.end, weak: true });
    }
    at += 1;
  }
  return Math.max(at, to);
}

/** Whether a word that is hardly ever a name is one here: `New York`, `Will Smith`. */
function startsPhrase(tokens: readonly Token[], at: number, to: number): boolean {
  const { bits } = tokens[at] as Token;
  if ((bits & (Word.placeStart | Word.group)) !== 0) return true;
  const next = tokens[at + 1];
  if ((bits & Word.first) === 0 || next === undefined || at + 1 >= to) return false;
  return (next.bits & Word.last) !== 0 && (next.bits & (Word.stop | Word.place)) === 0 && next.kind === "capitalised";
}

/** An organisation by its form: `Acme Widgets Ltd`, `University of Sussex`, `Smith & Sons`. */
function organisationEnd(
  text: string,
  tokens: readonly Token[],
  from: number,
  to: number,
): { from: number; to: number } | undefined {
  let start = from;
  while (start < to && ((tokens[start] as Token).bits & Word.stop) !== 0) start += 1;
  for (let at = to - 1; at > start; at--) {
    const { word, kind } = tokens[at] as Token;
    if (!isNamelike({ kind } as Token)) continue;
    if (ORG_FORM.test(word)) return { from: start, to: at + 1 };
    // Words that also end other names need a capitalised word before them that is not a first name alone.
    if (ORG_SUFFIX.test(word) && at - start >= 1 && word.length > 2) return { from: start, to: at + 1 };
  }
  const head = tokens[start];
  if (
    head !== undefined &&
    start < to &&
    ORG_HEAD.test(head.word) &&
    tokens[start + 1]?.word === "of" &&
    to > start + 2
  ) {
    return { from: start, to };
  }
  // `Miller, Ng and Sons` and `Acme, Inc.`: the form stands behind a comma.
  const last = tokens[to - 1] as Token;
  const tail = ORG_TAIL.exec(text.slice(last.end, last.end + 32));
  if (tail === null || start >= to) return firmEnd(tokens, start, to);
  return { from: start, to };
}

/** `Miller, Ng and Ott`: three family names in a row, as law firms and made-up companies are called. */
function firmEnd(tokens: readonly Token[], start: number, to: number): { from: number; to: number } | undefined {
  const names = [start, start + 2, start + 4].map((at) => tokens[at]);
  if (to !== start + 1 || tokens[start + 1]?.word !== "," || tokens[start + 3]?.word !== "and") return undefined;
  const family = names.every((token) => token !== undefined && (token.bits & Word.last) !== 0 && isNamelike(token));
  const given = names.filter(
    (token) => token !== undefined && (token.bits & (Word.given | Word.family)) === Word.given,
  );
  return family && given.length < 2 ? { from: start, to: start + 5 } : undefined;
}

/** The end of a town that begins with such a word as North or Port; `at` if there is none. */
function townEnd(tokens: readonly Token[], at: number, to: number): number {
  const head = tokens[at] as Token;
  if (!head.headsTown || !TOWN_HEAD.has(head.word.toLowerCase())) return at;
  const next = tokens[at + 1]?.word === "." ? at + 2 : at + 1;
  const town = tokens[next];
  if (town === undefined || next >= to || town.kind !== "capitalised") return at;
  if (
    (town.bits & (Word.stop | Word.group)) !== 0 ||
    (town.bits & (Word.common | Word.first | Word.last)) === Word.common
  )
    return at;
  return next + 1;
}

/** The end of the longest name of a place of two words or more that begins at `at`; `at` if there is none. */
function placeEnd(tokens: readonly Token[], at: number, to: number): number {
  if (((tokens[at] as Token).bits & Word.placeStart) === 0) return at;
  let folded = fold((tokens[at] as Token).word);
  let end = at;
  for (let next = at + 1; next < Math.min(tokens.length, at + 5); next++) {
    const token = tokens[next] as Token;
    if (token.word === ".") continue;
    if (token.word === "-") folded += "-";
    else folded += (folded.endsWith("-") ? "" : "_") + fold(token.word);
    if (next < to && isPlacePhrase(folded)) end = next + 1;
  }
  return end;
}

/** The end of what, from `at` on, can be a person's name: at most five words, none of them only an English word. */
function trimName(tokens: readonly Token[], at: number, to: number): number {
  let end = at;
  let words = 0;
  let solid = at;
  while (end < to && words < 5) {
    const token = tokens[end] as Token;
    const onlyWord = (token.bits & Word.common) !== 0 && (token.bits & (Word.first | Word.last)) === 0;
    if (isNamelike(token) && (onlyWord || ((token.bits & Word.stop) !== 0 && words > 0))) break;
    if (isNamelike(token) && (token.bits & Word.group) !== 0 && !isName(token)) break;
    if (isNamelike(token)) {
      words += 1;
      solid = end + 1;
    }
    end += 1;
  }
  if (solid > at && NAME_SUFFIX.test((tokens[solid - 1] as Token).word) && solid - at === 1) return at;
  return solid;
}

function hasFirst({ bits }: Token): boolean {
  return (bits & Word.first) !== 0;
}

/** A given name that is nothing else. */
function isStrongFirst({ bits }: Token): boolean {
  return (bits & Word.first) !== 0 && (bits & (Word.common | Word.place | Word.group)) === 0;
}

function isPerson(
  text: string,
  tokens: readonly Token[],
  at: number,
  end: number,
  left: string,
): "sure" | "weak" | undefined {
  const words = tokens.slice(at, end).filter(isNamelike);
  const [first, second] = words;
  if (first === undefined || words.every(({ kind }) => kind === "initial")) return undefined;
  if (words.every(({ kind }) => kind === "capitals") && !words.some(isName)) return undefined;
  const last = words.at(-1) as Token;
  const sure = (): boolean => endsWith(left, SURE_NAME);
  const right = text.slice((tokens[end - 1] as Token).end, (tokens[end - 1] as Token).end + 16);
  const only = (): boolean => ONLY_PEOPLE_DO.test(right);
  const does = (): boolean => only() || PERSON_DOES.test(right);
  const speaks = (): boolean => first.opening && /^: ?["“]/.test(right);
  const likely = (): boolean => endsWith(left, LIKELY_NAME) || does() || speaks();

  if (words.length > 1 && second !== undefined) {
    if (hasFirst(first) && (isName(last) || last.bits === 0)) {
      const bare = (first.bits & Word.common) !== 0 && (last.bits & (Word.common | Word.place)) !== 0;
      return bare && !sure() && first.opening ? undefined : "sure";
    }
    // Ann C Oe: an initial between two names.
    const middle = words.slice(1, -1).some(({ kind }) => kind === "initial");
    if (middle && last.kind !== "initial" && !words.some(({ bits }) => (bits & Word.stop) !== 0)) return "sure";
    if (first.kind === "initial" && (isName(last) || sure() || likely()) && last.kind !== "initial") return "sure";
    if ((last.bits & Word.last) !== 0 && (last.bits & Word.common) === 0 && first.bits === 0) return "sure";
    if (
      words.some(isName) &&
      !endsWith(left, IN_PLACE) &&
      (first.bits & Word.common) === 0 &&
      (first.bits & Word.place) === 0
    )
      return "weak";
    if (sure() && (first.bits & Word.stop) === 0) return "weak";
    if (first.bits !== 0 || last.bits !== 0 || first.kind !== "capitalised" || last.kind !== "capitalised")
      return undefined;
    if (endsWith(left, AT_ORGANISATION) || ORGANISATION_DOES.test(right) || endsWith(left, SURELY_PLACE))
      return undefined;
    const before = tokens[at - 1];
    const titled = first.joined && before?.kind === "capitalised" && (before.bits & Word.common) !== 0;
    return does() ||
      titled ||
      endsWith(left, LIKELY_NAME) ||
      isLine(text, first.start, last.end) ||
      isAccented(first) ||
      isAccented(last)
      ? "weak"
      : undefined;
  }

  if ((first.bits & Word.stop) !== 0 && !sure()) return undefined;
  if (endsWith(left, IN_PLACE) && !isStrongFirst(first)) return undefined;
  if (
    (first.bits & (Word.given | Word.family)) !== 0 &&
    (first.bits & Word.famous) === 0 &&
    first.kind !== "capitals"
  ) {
    if ((first.bits & Word.given) !== 0) return "sure";
    if (likely() && !first.opening) return "weak";
  }
  // Short words are names somewhere, and abbreviations everywhere.
  if (isStrongFirst(first) && first.word.length < 4) return likely() || sure() ? "weak" : undefined;
  if (isStrongFirst(first)) return first.kind === "capitals" && !sure() ? undefined : "sure";
  if (first.bits === 0 && first.kind === "capitalised" && (only() || speaks() || endsWith(left, PEOPLE_ONLY)))
    return "weak";
  if ((first.bits & Word.famous) !== 0) return only() && hasFirst(first) ? "weak" : undefined;
  if (sure() && (isName(first) || first.bits === 0) && !endsWith(left, AT_PLACE)) return "weak";
  if (hasFirst(first) && (first.bits & Word.place) !== 0 && (first.bits & Word.common) === 0) {
    return !endsWith(left, AT_PLACE) && likely() && first.kind !== "capitals" ? "weak" : undefined;
  }
  // In the middle of a sentence a family name needs no more; at its beginning it does.
  if (
    isName(first) &&
    (first.bits & (Word.common | Word.place | Word.organisation)) === 0 &&
    first.kind === "capitalised"
  ) {
    if (!first.opening || only() || speaks()) return endsWith(left, AT_ORGANISATION) ? undefined : "weak";
  }
  if (hasFirst(first) && (first.bits & Word.common) !== 0 && likely() && !first.opening) {
    return PERSON_DOES.test(right) && !endsWith(left, AT_PLACE) ? "weak" : undefined;
  }
  return undefined;
}

/** Whether the words to the end of the run are an organisation, by what stands around them. */
function isFirm(text: string, tokens: readonly Token[], at: number, to: number, left: string): boolean {
  const { end } = tokens[to - 1] as Token;
  return endsWith(left, AT_ORGANISATION) || ORGANISATION_DOES.test(text.slice(end, end + 48));
}

/** A word, also one in capitals, behind words that only places follow. */
function isSurelyPlace(tokens: readonly Token[], at: number, left: string): boolean {
  const { bits, word } = tokens[at] as Token;
  const plainWord = (bits & (Word.stop | Word.common | Word.group | Word.organisation)) !== 0;
  return endsWith(left, SURELY_PLACE) && !plainWord && word.length > 2;
}

/** A word that nothing is known of, where a place would stand. */
function isUnknownPlace({ bits, kind, word, opening }: Token, left: string): boolean {
  if (kind !== "capitalised" || opening || (bits & (Word.common | Word.stop | Word.group | Word.organisation)) !== 0)
    return false;
  return (
    (endsWith(left, IN_PLACE) && (bits & Word.first) === 0) ||
    (bits === 0 && TOWN_ENDING.test(word) && endsWith(left, AT_PLACE))
  );
}

/** Nothing else stands on the line: a signature, the head of a letter. */
function isLine(text: string, start: number, end: number): boolean {
  return (
    /(?:^|\n)[>\s]{0,4}$/.test(text.slice(Math.max(0, start - 6), start)) &&
    /^[ ,]?(?:\n|$)/.test(text.slice(end, end + 2))
  );
}

function isAccented({ word }: Token): boolean {
  return /[\u0080-\uffff]/.test(word);
}

/** A known place of one word, unless it is a plain word or a name in a place where only those would stand. */
function isPlace(token: Token, left: string, text: string, words: number): boolean {
  if ((token.bits & Word.place) === 0) return false;
  if (token.kind === "capitals" && token.word.length < 4 && !/^(?:USA?|UK|UAE|NYC|USSR|EU|DC|LA)$/.test(token.word))
    return false;
  const famous = (token.bits & Word.famous) !== 0;
  if (
    endsWith(left, AT_PLACE) &&
    (famous || endsWith(left, IN_PLACE) || (token.bits & (Word.given | Word.family | Word.common)) === 0)
  )
    return true;
  const state = /^, (?:[A-Z]{2}\b|\p{Lu}\p{L}+)/u.test(text.slice(token.end, token.end + 12));
  if ((token.bits & Word.common) !== 0) return state && !token.opening;
  return (words <= 1 && (famous || (token.bits & (Word.given | Word.family)) === 0)) || state;
}

/** Reads a word in small letters: one that is a name all the same, or stands where the text says that a name comes. */
function readSmall(text: string, tokens: readonly Token[], at: number, found: NameMatch[]): number {
  const token = tokens[at] as Token;
  if ((token.bits & Word.stop) !== 0 || token.word.length < 3) return 1;
  const left = text.slice(Math.max(0, token.start - CONTEXT), token.start).toLowerCase();
  const said = endsWith(left, SMALL_NAME);
  const next = tokens[at + 1];
  const joined = next?.kind === "small" && next.joined && (next.bits & Word.stop) === 0;
  const second =
    joined && (next.bits & Word.last) !== 0 && ((next.bits & Word.common) === 0 || (next.bits & Word.family) !== 0);
  const person = (token.bits & Word.given) !== 0 && (token.bits & Word.common) === 0;
  if (person || (said && (token.bits & Word.first) !== 0 && ((token.bits & Word.common) === 0 || second))) {
    const length = second ? 2 : 1;
    pushSpan(found, "person", tokens, at, at + length, true);
    return length;
  }
  if (!isKnownSmall(token.bits)) return 1;
  const id = (token.bits & Word.group) !== 0 ? "group" : "location";
  found.push({ id, start: token.start, end: token.end, weak: true });
  return 1;
}

function pushSpan(
  found: NameMatch[],
  id: NameMatch["id"],
  tokens: readonly Token[],
  from: number,
  to: number,
  weak: boolean,
): void {
  const first = tokens[from];
  const last = tokens[to - 1];
  if (first !== undefined && last !== undefined && to > from)
    found.push({ id, start: first.start, end: last.end, weak });
}
