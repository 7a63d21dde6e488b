/**
 * The tokenizer: from a text to the numbers that the transformer reads. Reads the `tokenizer.json` of Hugging Face, as
 * far as weights of the guard use it: Unigram behind Metaspace, and a template of special tokens around it. Any other
 * step is refused, since a step left out would make other tokens than the training did. `truncation` and `padding` are not read: how a long text is cut is said here, and no text is padded.
 *
 * Held to the Rust library `tokenizers` by `test/vectors/guard-tokenizer`.
 *
 * @module
 */

import { openSentencePiece } from "./sentencepiece.ts";
import { fields, list, number, readFile, string, unread } from "./tokenizer-file.ts";

export interface Tokenizer {
  /**
   * The sequences that a text is read in, each of at most `maxTokens` with its special tokens. One, unless the text has
   * more; then they overlap, so that nothing is cut without being whole in another.
   */
  sequences(text: string, maxTokens: number): readonly (readonly number[])[];
}

/** Appends the ids of a well-formed text in which no special token stands to `ids`. */
export type Encode = (text: string, ids: number[]) => void;

/** Tokens that two neighbouring sequences share. */
const SHARED_TOKENS = 48;

/** Reads `tokenizer.json`. @throws `guard.model-invalid` */
export function openTokenizer(bytes: Uint8Array): Tokenizer {
  const file = readFile(bytes);
  const encodeText = openSentencePiece(file);
  const { added, mark } = readAddedTokens(file["added_tokens"]);
  const { before, after } = readTemplate(file["post_processor"]);
  const around = before.length + after.length;

  /** Special tokens that stand in the text itself count as such, as in the training. */
  const encode = (text: string): number[] => {
    const ids: number[] = [];
    const there = added.filter(({ content }) => text.includes(content));
    let from = 0;
    for (let at = there.length === 0 ? -1 : text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) {
      const token = there.find(({ content }) => text.startsWith(content, at));
      if (token === undefined) continue;
      encodeText(text.slice(from, at), ids);
      ids.push(token.id);
      from = at + token.content.length;
      at = from - 1;
    }
    encodeText(text.slice(from), ids);
    return ids;
  };

  return {
    sequences: (text, maxTokens) => {
      const ids = encode(text.toWellFormed());
      return chunks(ids, maxTokens - around).map((chunk) => [...before, ...chunk, ...after]);
    },
  };
}

/** Parts of at most `most`, of about one size, each sharing {@link SHARED_TOKENS} with the next. */
function chunks(ids: readonly number[], most: number): (readonly number[])[] {
  if (ids.length <= most) return [ids];
  const shared = Math.min(SHARED_TOKENS, most >> 1);
  const parts = Math.ceil((ids.length - shared) / (most - shared));
  const step = (ids.length - shared) / parts;
  return Array.from({ length: parts }, (_, part) =>
    ids.slice(Math.floor(part * step), Math.floor((part + 1) * step) + shared),
  );
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
}

/** The tokens to be found in a text as they are, the longest first, and the character that all of them begin with. */
function readAddedTokens(value: unknown): { added: readonly AddedToken[]; mark: string } {
  const added = list(value).map((entry): AddedToken => {
    const token = fields(entry);
    const content = string(token["content"]);
    const exact = !["single_word", "lstrip", "rstrip", "normalized"].some((option) => token[option] === true);
    if (!exact) throw unread("added_tokens");
    return { id: number(token["id"]), content };
  });
  const mark = added[0]?.content[0];
  if (mark === undefined || !added.every(({ content }) => content.startsWith(mark))) throw unread("added_tokens");
  return { added: added.toSorted((one, other) => other.content.length - one.content.length), mark };
}

/** The ids before and after the text in the template of a single sequence. */
function readTemplate(value: unknown): { before: readonly number[]; after: readonly number[] } {
  const step = fields(value);
  if (step["type"] !== "TemplateProcessing") throw unread("post_processor");
  const specials = fields(step["special_tokens"]);
  const before: number[] = [];
  const after: number[] = [];
  let side = before;
  for (const entry of list(step["single"]).map(fields)) {
    if (entry["Sequence"] !== undefined) {
      side = after;
    } else {
      const name = string(fields(entry["SpecialToken"])["id"]);
      side.push(...list(fields(specials[name])["ids"]).map(number));
    }
  }
  return { before, after };
}
