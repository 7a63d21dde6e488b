/**
 * WordPiece as BERT has it (Devlin et al. 2018; Song et al. 2021, "Fast WordPiece Tokenization"): the text without
 * accents and in lower case; words between white space, every punctuation mark and Chinese character one of its own; and
 * of each word the longest piece of the vocabulary that it begins with, then of the rest the longest that may go on a
 * word, and so on. A word that cannot be cut so to its end, or is too long, is unknown as a whole.
 *
 * As the Rust library `tokenizers` does it, which the weights are trained with. One thing is done in another order:
 * there, control characters go before accents are parted from letters, here together with the accents. That can change
 * the order of marks that stay, none of which is in a vocabulary, so the word is unknown either way.
 *
 * @module
 */

import { codePointAt } from "../../core/index.ts";
import { ALONE, NOTHING, readKinds, SPACE, WORD } from "./bert-characters.ts";
import type { Encode } from "./tokenizer.ts";
import { fields, number, string, unread, type Fields } from "./tokenizer-file.ts";
import { buildTrie } from "./trie.ts";

/** Makes the encoder of a file with a WordPiece model. @throws `guard.model-invalid` */
export function openWordPiece(file: Fields): Encode {
  checkNormaliser(file["normalizer"]);
  if (fields(file["pre_tokenizer"])["type"] !== "BertPreTokenizer") throw unread("pre_tokenizer");
  const { pieces, unknown, prefix, maxCharacters } = readModel(file["model"]);
  const trie = buildTrie(pieces);
  /** Where the pieces begin that go on a word. */
  let rest = 0;
  for (let at = 0; at < prefix.length && rest !== -1; at++) rest = trie.child(rest, prefix.charCodeAt(at));
  const kinds = readKinds();
  const units = new Uint16Array(maxCharacters * 2);

  /** Appends the pieces of the word in `units`. */
  const endWord = (size: number, ids: number[]): void => {
    const first = ids.length;
    for (let at = 0; at < size;) {
      let node = at === 0 ? 0 : rest;
      let longest = -1;
      let end = at;
      for (let to = at; to < size && node !== -1;) {
        node = trie.child(node, units[to++] as number);
        const piece = node === -1 ? -1 : trie.pieceAt(node);
        if (piece === -1) continue;
        longest = piece;
        end = to;
      }
      if (longest === -1) {
        ids.length = first;
        ids.push(unknown);
        return;
      }
      ids.push(longest);
      at = end;
    }
  };

  return (text, ids) => {
    const words = normalise(text);
    let size = 0;
    let characters = 0;
    for (let at = 0; at <= words.length; at++) {
      const point = codePointAt(words, at) ?? SPACE_POINT;
      const kind = kinds[point];
      if (point > 0xffff) at++;
      if (kind === NOTHING) continue;
      if (kind !== WORD) {
        if (characters > maxCharacters) ids.push(unknown);
        else endWord(size, ids);
        size = 0;
        characters = 0;
        if (kind === SPACE) continue;
      }
      if (characters++ < maxCharacters) {
        units[size++] = point > 0xffff ? words.charCodeAt(at - 1) : point;
        if (point > 0xffff) units[size++] = words.charCodeAt(at);
      }
      if (kind === ALONE) {
        endWord(size, ids);
        size = 0;
        characters = 0;
      }
    }
  };
}

/** Stands behind the text, to end its last word. */
const SPACE_POINT = 0x20;

// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\x00-\x7f]*$/;

/** In lower case, letters and their accents apart. */
function normalise(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  // Character by character, a sigma at the end of a word is one like any other.
  return text.normalize("NFD").replaceAll("\u03a3", "\u03c3").toLowerCase();
}

function checkNormaliser(value: unknown): void {
  const step = fields(value);
  const accents = step["strip_accents"] ?? step["lowercase"];
  const known = step["type"] === "BertNormalizer" && step["clean_text"] === true && step["lowercase"] === true;
  if (!known || step["handle_chinese_chars"] !== true || accents !== true) throw unread("normalizer");
}

interface Model {
  readonly pieces: readonly string[];
  readonly unknown: number;
  readonly prefix: string;
  readonly maxCharacters: number;
}

function readModel(value: unknown): Model {
  const model = fields(value);
  const vocabulary = Object.entries(fields(model["vocab"]));
  const pieces: string[] = Array.from({ length: vocabulary.length }, () => "");
  for (const [piece, id] of vocabulary) {
    // Every id from 0 on once.
    if (piece === "" || pieces[number(id)] !== "") throw unread("model vocab");
    pieces[number(id)] = piece;
  }
  const unknown = pieces.indexOf(string(model["unk_token"]));
  if (unknown === -1) throw unread("model unk_token");
  const maxCharacters = number(model["max_input_chars_per_word"]);
  if (!Number.isInteger(maxCharacters) || maxCharacters < 1 || maxCharacters > 1000) {
    throw unread("model max_input_chars_per_word");
  }
  const prefix = string(model["continuing_subword_prefix"]);
  if (prefix === "") throw unread("model continuing_subword_prefix");
  return { pieces, unknown, prefix, maxCharacters };
}
