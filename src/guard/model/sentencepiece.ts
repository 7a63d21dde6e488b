/**
 * The tokenizer in the manner of SentencePiece: NFKC, replacements, lower case, strip; Metaspace; Unigram.
 *
 * @module
 */

import { readCharacterClass } from "./characters.ts";
import type { Encode } from "./tokenizer.ts";
import { fields, list, number, string, unread, type Fields } from "./tokenizer-file.ts";
import { createUnigram } from "./unigram.ts";

const SPACE = 0x20;
/** U+2581, which stands for a space inside pieces. */
const META = 0x2581;

/** Makes the encoder of a file with a Unigram model. @throws `guard.model-invalid` */
export function openSentencePiece(file: Fields): Encode {
  const normalise = normaliser(file["normalizer"]);
  checkMetaspace(file["pre_tokenizer"]);
  const { pieces, unknown } = readPieces(file["model"]);
  const unigram = createUnigram(pieces, unknown);
  let units = new Uint16Array(4096);

  return (text, ids) => {
    const words = normalise(text);
    if (words === "") return;
    if (words.length >= units.length) units = new Uint16Array(words.length * 2);
    let start = 0;
    let size = 0;
    units[size++] = META;
    for (let at = 0; at < words.length; at++) {
      const unit = words.charCodeAt(at);
      if (unit === SPACE || unit === META) {
        // A text that begins with the mark has the first one already.
        if (at === 0) continue;
        unigram.segment(units, start, size, ids);
        start = size;
        units[size++] = META;
      } else {
        units[size++] = unit;
      }
    }
    unigram.segment(units, start, size, ids);
  };
}

/** One step of the file's `normalizer`, and all in it. */
function normaliser(value: unknown): (text: string) => string {
  const step = fields(value);
  switch (step["type"]) {
    case "Sequence": {
      const steps = list(step["normalizers"]).map(normaliser);
      return (text) => steps.reduce((result, one) => one(result), text);
    }
    case "NFKC":
      return (text) => (ASCII.test(text) ? text : text.normalize("NFKC"));
    case "Lowercase":
      return (text) => text.toLowerCase();
    case "Strip":
      if (step["strip_left"] !== true || step["strip_right"] !== true) throw unread("normalizer Strip of one side");
      return (text) => text.trim();
    case "Replace":
      return replacement(fields(step["pattern"]), string(step["content"]));
    default:
      throw unread("normalizer");
  }
}

// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\x00-\x7f]*$/;

function replacement(pattern: Fields, content: string): (text: string) => string {
  const literal = pattern["String"];
  if (typeof literal === "string") return (text) => text.replaceAll(literal, () => content);
  const { has, runs } = readCharacterClass(string(pattern["Regex"]));
  return (text) => {
    let result = "";
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      if (!has(text.charCodeAt(at))) continue;
      result += text.slice(from, at) + content;
      if (runs) while (has(text.charCodeAt(at + 1))) at++;
      from = at + 1;
    }
    return from === 0 ? text : result + text.slice(from);
  };
}

function checkMetaspace(value: unknown): void {
  const step = fields(value);
  const known = step["type"] === "Metaspace" && step["replacement"] === "\u2581" && step["prepend_scheme"] === "always";
  if (!known || step["split"] !== true) throw unread("pre_tokenizer");
}

function readPieces(value: unknown): { pieces: readonly (readonly [string, number])[]; unknown: number } {
  const model = fields(value);
  if (model["type"] !== "Unigram" || model["byte_fallback"] === true) throw unread("model");
  const pieces = list(model["vocab"]).map((entry): readonly [string, number] => {
    const [piece, score] = list(entry);
    return [string(piece), number(score)];
  });
  const unknown = number(model["unk_id"]);
  if (pieces[unknown] === undefined) throw unread("model unk_id");
  return { pieces, unknown };
}
