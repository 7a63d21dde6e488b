/**
 * The tokenizer: from a text to the numbers that the transformer reads. Reads the `tokenizer.json` of Hugging Face, as
 * far as the guard's weights use it: NFKC, replacements, lower case, strip; Metaspace; Unigram; a template of special
 * tokens around it. Any other step is refused, since a step left out would make other tokens than the training did.
 *
 * Held to the Rust library `tokenizers` by `test/vectors/guard-tokenizer`.
 *
 * @module
 */

import { parseJson } from "../../core/index.ts";
import { readCharacterClass } from "./characters.ts";
import { modelError } from "./errors.ts";
import { createUnigram } from "./unigram.ts";

export interface Tokenizer {
  /**
   * The sequences that a text is read in, each of at most `maxTokens` with its special tokens. One, unless the text has
   * more; then they overlap, so that nothing is cut without being whole in another.
   */
  sequences(text: string, maxTokens: number): readonly (readonly number[])[];
}

/** Tokens that two neighbouring sequences share. */
const SHARED_TOKENS = 48;

const MAX_BYTES = 64 * 1024 * 1024;

/** Reads `tokenizer.json`. @throws `guard.model-invalid` */
export function openTokenizer(bytes: Uint8Array): Tokenizer {
  const file = readFile(bytes);
  const normalise = normaliser(file["normalizer"]);
  checkMetaspace(file["pre_tokenizer"]);
  const { pieces, unknown } = readUnigram(file["model"]);
  const unigram = createUnigram(pieces, unknown);
  const added = readAddedTokens(file["added_tokens"]);
  const { before, after } = readTemplate(file["post_processor"]);
  const around = before.length + after.length;
  let units = new Uint16Array(4096);

  const encodeText = (text: string, ids: number[]): void => {
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
  /** Special tokens that stand in the text itself count as such, as in the training. */
  const encode = (text: string): number[] => {
    const ids: number[] = [];
    let from = 0;
    for (let at = text.indexOf("<"); at !== -1; at = text.indexOf("<", at + 1)) {
      const token = added.find(({ content }) => text.startsWith(content, at));
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

const SPACE = 0x20;
/** U+2581, which stands for a space inside pieces. */
const META = 0x2581;

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

type Fields = Readonly<Record<string, unknown>>;

function readFile(bytes: Uint8Array): Fields {
  try {
    return fields(parseJson(bytes, { maxBytes: MAX_BYTES, maxDepth: 16 }));
  } catch (cause) {
    throw modelError("guard.model-invalid", { detail: "tokenizer.json", cause });
  }
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

function readUnigram(value: unknown): { pieces: readonly (readonly [string, number])[]; unknown: number } {
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

function readAddedTokens(value: unknown): readonly { readonly id: number; readonly content: string }[] {
  return list(value).map((entry) => {
    const token = fields(entry);
    const content = string(token["content"]);
    const exact = !["single_word", "lstrip", "rstrip", "normalized"].some((option) => token[option] === true);
    if (!exact || !content.startsWith("<")) throw unread("added_tokens");
    return { id: number(token["id"]), content };
  });
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

function fields(value: unknown): Fields {
  if (typeof value !== "object" || value === null) throw unread("shape");
  return value as Fields;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unread("shape");
  return value;
}

function string(value: unknown): string {
  if (typeof value !== "string") throw unread("shape");
  return value;
}

function number(value: unknown): number {
  if (typeof value !== "number") throw unread("shape");
  return value;
}

function unread(what: string): Error {
  return modelError("guard.model-invalid", { detail: `tokenizer.json: ${what} is not read` });
}
