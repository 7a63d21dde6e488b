/**
 * Mask: the text that is left when what was found must not pass.
 *
 * Two kinds of region. A *label* region becomes `[masked:<rule>]`, or the placeholder of a vault where the policy
 * tokenises; regions that overlap become one, under the rule of the one that starts first. A *strip* region keeps what its detector's `strip` keeps, character by character. Where
 * the two overlap, the label wins. The result depends on the regions alone, never on how the text was cut, which is
 * what lets one piece of code serve a whole text and a stream.
 *
 * @module
 */

import { isHighSurrogate } from "../core/index.ts";
import { STEP, type Paced } from "./pace.ts";
import type { Vault } from "./vault.ts";

/** A part of the text that must not pass as it is. Offsets in UTF-16 units. */
export interface Region {
  readonly start: number;
  readonly end: number;
  readonly rule: string;
  /** Of the detector; `undefined`: a label region. */
  readonly strip: ((text: string) => string) | undefined;
  /** Where the text of the region is kept, when it is tokenised instead of masked. */
  readonly vault?: Vault | undefined;
  /** What it becomes, if not `[masked:<rule>]`. */
  readonly label?: string;
}

/**
 * Regions of a whole text with the labels that overlap made one, and the placeholders of those that are tokenised. One
 * that overlaps a masked one is masked with it: what the policy takes away for good does not come back.
 */
export function mergeLabels(text: string, regions: readonly Region[]): readonly Region[] {
  if (regions.every(({ vault }) => vault === undefined)) return regions;
  const merged: { start: number; end: number; rule: string; strip: undefined; vault: Vault | undefined }[] = [];
  const labels = regions.filter(({ strip }) => strip === undefined).toSorted((a, b) => a.start - b.start);
  for (const { start, end, rule, vault } of labels) {
    const last = merged.at(-1);
    if (last === undefined || start >= last.end) merged.push({ start, end, rule, strip: undefined, vault });
    else {
      last.end = Math.max(last.end, end);
      if (vault === undefined) last.vault = undefined;
    }
  }
  return [
    ...merged.map(({ vault, ...region }) =>
      vault === undefined
        ? region
        : { ...region, label: vault.placeholder(region.rule, text.slice(region.start, region.end)) },
    ),
    ...regions.filter(({ strip }) => strip !== undefined),
  ];
}

/** `text` with every region masked. */
export function* maskText(text: string, regions: readonly Region[]): Paced<string> {
  let out = "";
  for (let from = 0; from < text.length;) {
    const to = stepEnd(text, from);
    out += maskRange(text, 0, from, to, regions);
    from = to;
    if (from < text.length) yield;
  }
  return out;
}

/**
 * The masked form of the channel's units `from` to `to`.
 *
 * @param text the part of the channel that is in memory
 * @param base the channel's offset of `text[0]`
 * @param regions every region that reaches into the range, in any order
 */
export function maskRange(text: string, base: number, from: number, to: number, regions: readonly Region[]): string {
  const labels = regions.filter(({ strip }) => strip === undefined).toSorted((a, b) => a.start - b.start);
  const strips = regions.filter(({ strip }) => strip !== undefined);
  let out = "";
  let at = from;
  for (const { start, end, rule, label = `[masked:${rule}]` } of labels) {
    if (end <= at || start >= to) continue;
    // A region that starts before `at` has its label already, or lies under the label of one that started earlier.
    if (start >= at) out += stripRange(text, base, at, start, strips) + label;
    at = Math.min(end, to);
  }
  return out + stripRange(text, base, at, to, strips);
}

/** Where the step from `from` on ends: never inside a surrogate pair, which `strip` takes or leaves whole. */
function stepEnd(text: string, from: number): number {
  const to = Math.min(text.length, from + STEP);
  return isHighSurrogate(text.charCodeAt(to - 1)) ? Math.min(text.length, to + 1) : to;
}

/** Units `from` to `to` outside every label region. */
function stripRange(text: string, base: number, from: number, to: number, strips: readonly Region[]): string {
  if (strips.length === 0) return text.slice(from - base, to - base);
  const edges = new Set([from, to]);
  for (const { start, end } of strips) {
    if (start > from && start < to) edges.add(start);
    if (end > from && end < to) edges.add(end);
  }
  const cuts = [...edges].toSorted((a, b) => a - b);
  let out = "";
  for (let index = 0; index + 1 < cuts.length; index++) {
    const start = cuts[index] as number;
    const end = cuts[index + 1] as number;
    let piece = text.slice(start - base, end - base);
    for (const region of strips) {
      if (region.start <= start && region.end >= end && region.strip !== undefined) piece = region.strip(piece);
    }
    out += piece;
  }
  return out;
}
