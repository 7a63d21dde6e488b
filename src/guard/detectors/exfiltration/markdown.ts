/**
 * Reads Markdown's images, links and link definitions (CommonMark 0.31, sections 4.7, 6.3 and 6.4), as leniently as
 * the most lenient of its readers: an address counts whether or not what follows it is well formed.
 *
 * Code is read too: where a code block ends, readers do not agree.
 *
 * @module
 */

import type { Judge } from "./target.ts";
import type { Reading } from "./rules.ts";

/** Units of an address that is read to its end. */
export const ADDRESS_BOUND = 2048;
/** Units of an image's description that are held back. */
const ALT_BOUND = 1024;
/** Units of a label, and of what may stand between an address and its closing parenthesis. */
const LABEL_BOUND = 256;
const TITLE_BOUND = 512;
/** Labels of images, and of definitions that lead outside, that are remembered. */
const MAX_LABELS = 1024;

/** What the text so far says about the rest. */
export interface MarkdownState {
  /** An image began whose description was too long to wait for: the next address is taken for its. */
  lateImage: boolean;
  /** Labels that images refer to; labels whose definition leads outside. */
  readonly imageLabels: Set<string>;
  readonly outsideLabels: Set<string>;
}

export function markdownState(): MarkdownState {
  return { lateImage: false, imageLabels: new Set(), outsideLabels: new Set() };
}

/** Reads the image at `![`. A finding covers all of it. */
export function readImage(text: string, at: number, final: boolean, judge: Judge, state: MarkdownState): Reading {
  if (at + 1 >= text.length) return final ? undefined : { waitFrom: at };
  if (text.charCodeAt(at + 1) !== OPEN_BRACKET) return undefined;
  const limit = at + ALT_BOUND;
  const close = closingBracket(text, at + 2, limit);
  if (close === -1) {
    if (!final && text.length < limit) return { waitFrom: at };
    state.lateImage = true;
    return undefined;
  }
  const next = close + 1;
  if (next >= text.length && !final) return { waitFrom: at };
  switch (text.charCodeAt(next)) {
    case OPEN_PARENTHESIS: {
      const address = readAddress(text, next + 1, final);
      if (address === undefined) return undefined;
      if (address === "wait") return { waitFrom: at };
      const rule = judgeAddress(address, judge, "load");
      if (rule === undefined) return undefined;
      if (address.unclosed) return { rule, start: at, end: address.end, grows: true };
      const end = closingParenthesis(text, address.end, final);
      return end === "wait" ? { waitFrom: at } : { rule, start: at, end };
    }
    case OPEN_BRACKET: {
      const end = text.indexOf("]", next + 1);
      if (end === -1 && !final && text.length - next < LABEL_BOUND) return { waitFrom: at };
      if (end === -1 || end - next > LABEL_BOUND) return undefined;
      const label = end === next + 1 ? text.slice(at + 2, close) : text.slice(next + 1, end);
      return imageByLabel(label, at, end + 1, state);
    }
    default:
      return imageByLabel(text.slice(at + 2, close), at, next, state);
  }
}

/** Reads what follows the `]` at `at`: the address of a link, or of a definition. A finding covers the address. */
export function readAfterBracket(
  text: string,
  at: number,
  final: boolean,
  judge: Judge,
  state: MarkdownState,
): Reading {
  if (at + 1 >= text.length) return final ? undefined : { waitFrom: at };
  const next = text.charCodeAt(at + 1);
  if (next !== OPEN_PARENTHESIS && next !== COLON) return undefined;
  const label = next === COLON ? labelBefore(text, at) : undefined;
  if (next === COLON && label === undefined) return undefined;
  const address = readAddress(text, at + 2, final);
  if (address === undefined) return undefined;
  if (address === "wait") return { waitFrom: at };
  const image = label === undefined ? state.lateImage : isImageLabel(state, label);
  if (label === undefined) state.lateImage = false;
  const rule = judgeAddress(address, judge, image ? "load" : "click");
  if (label !== undefined && !image && judgeAddress(address, judge, "load") !== undefined) {
    remember(state.outsideLabels, label);
  }
  if (rule === undefined) return { passTo: address.end };
  return { rule, start: address.start, end: address.end, grows: address.unclosed };
}

interface Address {
  readonly start: number;
  readonly end: number;
  readonly raw: string;
  /** The limit came before its end. */
  readonly unclosed: boolean;
}

/** Reads a link destination from behind `(` or `]:`. */
function readAddress(text: string, from: number, final: boolean): Address | "wait" | undefined {
  let start = from;
  // Browsers drop controls before an address too.
  while (start < text.length && start - from < 64 && text.charCodeAt(start) <= 0x20) start += 1;
  if (start >= text.length) return final ? undefined : "wait";
  const limit = Math.min(text.length, start + ADDRESS_BOUND);
  const angled = text.charCodeAt(start) === LESS;
  let depth = 0;
  let end = angled ? start + 1 : start;
  for (; end < limit; end++) {
    const unit = text.charCodeAt(end);
    if (angled ? unit === GREATER || unit === NEWLINE : unit <= 0x20) break;
    if (unit === BACKSLASH && end + 1 < limit && isPunctuation(text.charCodeAt(end + 1))) end += 1;
    else if (!angled && unit === OPEN_PARENTHESIS) depth += 1;
    else if (!angled && unit === CLOSE_PARENTHESIS && --depth < 0) break;
  }
  if (end >= text.length && !final && end < start + ADDRESS_BOUND) return "wait";
  const unclosed = end >= start + ADDRESS_BOUND;
  return { start, end: Math.min(end, text.length), raw: text.slice(angled ? start + 1 : start, end), unclosed };
}

/** A backslash may be an escape or part of the address, so both are judged. */
function judgeAddress({ raw, unclosed }: Address, judge: Judge, use: "load" | "click"): ReturnType<Judge> {
  const unescaped = raw.includes("\\") ? raw.replaceAll(/\\([!-/:-@[-`{-~])/g, "$1") : raw;
  const rule = judge(unescaped, use) ?? (unescaped === raw ? undefined : judge(raw, use));
  return rule === undefined || !unclosed ? rule : "unclosed-address";
}

/** Index behind the `)` that ends the link, or behind the address where none follows. */
function closingParenthesis(text: string, from: number, final: boolean): number | "wait" {
  const limit = from + TITLE_BOUND;
  let quote = 0;
  for (let at = from; at < limit; at++) {
    if (at >= text.length) return final ? from : "wait";
    const unit = text.charCodeAt(at);
    if (quote !== 0) {
      if (unit === quote) quote = 0;
    } else if (unit === QUOTE || unit === APOSTROPHE) quote = unit;
    else if (unit === CLOSE_PARENTHESIS) return at + 1;
    else if (unit === NEWLINE && text.charCodeAt(at + 1) === NEWLINE) return from;
  }
  return from;
}

/** Index of the `]` that closes the bracket before `from`; -1 if none is in reach. */
function closingBracket(text: string, from: number, limit: number): number {
  let depth = 0;
  const stop = Math.min(text.length, limit);
  const first = text.indexOf("]", from);
  if (first === -1 || first >= stop) return -1;
  for (let at = from; at < stop; at++) {
    const unit = text.charCodeAt(at);
    if (unit === BACKSLASH) at += 1;
    else if (unit === OPEN_BRACKET) depth += 1;
    else if (unit === CLOSE_BRACKET && --depth < 0) return at;
  }
  return -1;
}

function imageByLabel(written: string, start: number, end: number, state: MarkdownState): Reading {
  const label = normalised(written);
  if (state.outsideLabels.has(label)) return { rule: "image", start, end };
  remember(state.imageLabels, label);
  return undefined;
}

/** The label of the definition whose `]` is at `at`, if its `[` begins a line. */
function labelBefore(text: string, at: number): string | undefined {
  const open = text.lastIndexOf("[", at - 1);
  if (open === -1 || at - open > LABEL_BOUND) return undefined;
  let before = open - 1;
  while (before >= 0 && open - before <= 8 && /[ \t>*+-]/.test(text.charAt(before))) before -= 1;
  if (before >= 0 && text.charCodeAt(before) !== NEWLINE) return undefined;
  return normalised(text.slice(open + 1, at));
}

/** Labels match without regard to case and white space (section 4.7). */
function normalised(label: string): string {
  return label.trim().replaceAll(/\s+/g, " ").toLowerCase();
}

/** Whether an image before referred to the label. Past the limit of labels, any may be one. */
function isImageLabel({ imageLabels }: MarkdownState, label: string): boolean {
  return imageLabels.has(label) || imageLabels.size >= MAX_LABELS;
}

function remember(labels: Set<string>, label: string): void {
  if (labels.size < MAX_LABELS) labels.add(label);
}

function isPunctuation(unit: number): boolean {
  return (
    (unit >= 0x21 && unit <= 0x2f) ||
    (unit >= 0x3a && unit <= 0x40) ||
    (unit >= 0x5b && unit <= 0x60) ||
    (unit >= 0x7b && unit <= 0x7e)
  );
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const OPEN_PARENTHESIS = 0x28;
const CLOSE_PARENTHESIS = 0x29;
const COLON = 0x3a;
const LESS = 0x3c;
const GREATER = 0x3e;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
