/**
 * Under which licences a model stands: what its files declare, what the texts in its folder are, and whether the two agree.
 * A licence is never concluded from anything less, and a text that resembles none is said to resemble none.
 *
 * @module
 */

import type { Fact } from "../fact.ts";
import { HUB_NAMES, NO_LICENCE, OTHER_LICENCES } from "./catalogue.ts";
import { likenessOf } from "./sketch.ts";
import { SKETCHES, SPDX_IDS } from "./spdx.ts";
import { runsOf, wordsOf } from "./words.ts";

/** A licence that is named, and by what. */
export interface NamedLicence {
  /** An id or expression of SPDX, or `LicenseRef-…`. */
  readonly id: string;
  readonly name: string;
  /** Whether the id, or each one of the expression, is on the SPDX list. */
  readonly listed: boolean;
}

export interface DeclaredLicence extends NamedLicence {
  readonly where: string;
}

export interface DetectedLicence extends NamedLicence {
  /** The file whose text it is. */
  readonly path: string;
  /** By its whole text, by a text that says more besides, or by its title alone. */
  readonly by: "text" | "text with more" | "title";
  /** Of `text`: the share of the licence's runs of words that the file has, from 0 to 1. */
  readonly contained?: number;
}

/** What is wrong with the licences of a model. */
interface LicenceFinding {
  readonly rule:
    | "licence.missing"
    | "licence.unknown"
    | "licence.unrecognised-text"
    | "licence.more-text"
    | "licence.conflict";
  readonly severity: "high" | "medium" | "low";
  readonly message: string;
  readonly remedy: string;
}

export interface Licences {
  readonly declared: readonly DeclaredLicence[];
  readonly detected: readonly DetectedLicence[];
  readonly findings: readonly LicenceFinding[];
}

export interface LicenceText {
  readonly path: string;
  readonly text: string;
}

/** From this share of a licence's runs on, a file is said to have its text. Copies of one licence have 0.95 and more. */
const CONTAINED = 0.9;
/** Over this share of other text the file has more than the licence: terms that add to it, or take from it. */
const EXTRA = 0.1;
/** Among kin, what a run that is missing weighs against one that is there. */
const MISSING = 2;
/** Two licences of which so much is the same are kinds of one: of these only the nearest is named. */
const KIN = 0.3;

/**
 * Judges what is declared (`facts` of the topics `licence`, `licence name`, `licence link`) and the texts of the folder.
 */
export function judgeLicences(facts: readonly Fact[], texts: readonly LicenceText[]): Licences {
  const declared: DeclaredLicence[] = [];
  const findings: LicenceFinding[] = [];
  const hasName = facts.some(({ topic }) => topic === "licence name");
  for (const { topic, value, where } of facts) {
    if (topic !== "licence" && topic !== "licence name") continue;
    const named = nameLicence(value);
    if (named !== undefined) declared.push({ ...named, where });
    // `other` with a name beside it is how the Hub says what its list does not have.
    else if (topic === "licence name") declared.push({ id: refOf(value), name: value, listed: false, where });
    else if (!hasName) {
      findings.push({
        rule: "licence.unknown",
        severity: "medium",
        message: `${where} declares a licence that names none: ${value.slice(0, 100)}`,
        remedy: "ask who publishes it for an id of the SPDX list, or for license_name and license_link",
      });
    }
  }

  const detected: DetectedLicence[] = [];
  for (const { path, text } of texts) {
    const found = detectLicences(text).map((licence) => ({ ...licence, path }));
    detected.push(...found);
    if (found.length === 0) {
      findings.push({
        rule: "licence.unrecognised-text",
        severity: "low",
        message: `${path} is the text of no licence that is known here`,
        remedy: "read it: what it allows is not judged by the catalogue",
      });
    } else if (found.some(({ by }) => by === "text with more")) {
      findings.push({
        rule: "licence.more-text",
        severity: "low",
        message: `${path} has more than the text of ${found.map(({ id }) => id).join(", ")}`,
        remedy: "read the rest: it may add conditions, or be notices of others",
      });
    }
  }

  if (declared.length === 0 && detected.length === 0) {
    findings.push({
      rule: "licence.missing",
      severity: "medium",
      message: "no licence is declared, and none lies in the folder",
      remedy: "without a licence nothing is allowed: ask who publishes it",
    });
  }
  for (const licence of detected) {
    if (declared.length === 0 || declared.some(({ id }) => covers(id, licence.id))) continue;
    findings.push({
      rule: "licence.conflict",
      severity: "high",
      message: `${licence.path} has the text of ${licence.id}, declared is ${declared.map(({ id }) => id).join(", ")}`,
      remedy: "ask who publishes it which of the two holds, and keep to both until then",
    });
  }
  return { declared, detected, findings };
}

/** The licence that a declared value names: an id in any case, an expression of ids, a name of the Hub. */
export function nameLicence(value: string): NamedLicence | undefined {
  const text = fromAddress(value.trim());
  const lower = text.toLowerCase();
  if (NO_LICENCE.includes(lower)) return undefined;
  const id = BY_LOWER.get(lower) ?? HUB_NAMES.get(lower);
  if (id !== undefined) return { id, name: id, listed: true };
  const other = OTHER_LICENCES.find(({ tags, name }) => tags.includes(lower) || name.toLowerCase() === lower);
  if (other !== undefined) return { id: other.ref, name: other.name, listed: false };
  const expression = expressionOf(text);
  return expression === undefined ? undefined : { id: expression, name: expression, listed: true };
}

/** What an address names that stands for a licence; anything else as it is. */
function fromAddress(text: string): string {
  const address = /^https?:\/\/(?:www\.)?(\S{1,200})$/i.exec(text)?.[1]?.toLowerCase() ?? "";
  const creative = /^creativecommons\.org\/licenses\/([a-z-]{2,8})\/(\d\.\d)/.exec(address);
  if (creative !== null) return `cc-${creative[1]}-${creative[2]}`;
  if (address.startsWith("creativecommons.org/publicdomain/zero/1.0")) return "cc0-1.0";
  return (
    /^(?:choosealicense\.com|spdx\.org|opensource\.org)\/licen[cs]es?\/([\w.+-]+?)(?:\.html)?\/?$/.exec(address)?.[1] ??
    text
  );
}

/** Which licences a text has, the nearest first. Empty: none that is known. */
export function detectLicences(text: string): readonly Omit<DetectedLicence, "path">[] {
  const words = wordsOf(text);
  const spoken = ` ${words.join(" ")} `;
  const runs = runsOf(words);
  const near = TEXTS.map(({ id, sketch }) => ({ id, sketch, ...likenessOf(runs, sketch) }))
    .filter(({ contained }) => contained >= CONTAINED)
    .toSorted((a, b) => scoreOf(b) - scoreOf(a));
  const kept: typeof near = [];
  for (const one of near) if (!kept.some((other) => kinship(one.sketch, other.sketch) >= KIN)) kept.push(one);
  const byText = kept.map(({ id, contained, extra }) => {
    const by = extra <= EXTRA ? ("text" as const) : ("text with more" as const);
    return { id, name: id, listed: BY_LOWER.has(id.toLowerCase()), by, contained };
  });
  if (byText.length > 0) return byText;

  // A title may be mentioned anywhere; it counts where a text begins.
  const opening = spoken.slice(0, 2_000);
  const titled = OTHER_LICENCES.find(({ title }) => opening.includes(` ${title} `));
  return titled === undefined ? [] : [{ id: titled.ref, name: titled.name, listed: false, by: "title" }];
}

const BY_LOWER: ReadonlyMap<string, string> = new Map(SPDX_IDS.map((id) => [id.toLowerCase(), id]));

const TEXTS = SKETCHES.map(([id, sketch]) => ({ id, sketch: Buffer.from(sketch, "base64") }));

/** The share of hashes that two sketches have in common. */
function kinship(one: Buffer, other: Buffer): number {
  const hashes = new Set<number>();
  for (let at = 0; at < one.length; at += 4) hashes.add(one.readUInt32BE(at));
  const { contained, extra } = likenessOf(hashes, other);
  return Math.min(contained, 1 - extra);
}

/**
 * How well a licence explains a text: the more of it is there the better, and what is missing counts against it. What the
 * text has besides does not: it may be another licence.
 */
function scoreOf({ contained, size }: { readonly contained: number; readonly size: number }): number {
  return size * (contained - MISSING * (1 - contained));
}

/** Whether the declared id or expression has the detected one in it. GPL's text is the same for `only` and `or later`. */
function covers(declared: string, detected: string): boolean {
  const parts = declared.split(/[\s()]+/).map(familyOf);
  return parts.includes(familyOf(detected));
}

function familyOf(id: string): string {
  return id.replace(/(?:-only|-or-later|\+)$/, "").toLowerCase();
}

/** An SPDX expression in which each id is known, with the ids in the list's own case. */
function expressionOf(text: string): string | undefined {
  if (text.length > 500 || !/\s(?:and|or|with)\s/i.test(text)) return undefined;
  const words = text.replaceAll(/[()]/g, " $& ").trim().split(/\s+/);
  const known = words.map((word) => {
    if (word === "(" || word === ")") return word;
    if (/^(?:and|or|with)$/i.test(word)) return word.toUpperCase();
    return BY_LOWER.get(word.toLowerCase()) ?? BY_LOWER.get(word.toLowerCase().replace(/\+$/, ""));
  });
  if (known.includes(undefined)) return undefined;
  return isExpression(known as readonly string[])
    ? known.join(" ").replaceAll("( ", "(").replaceAll(" )", ")")
    : undefined;
}

/** Ids and operators take turns, and brackets pair. */
function isExpression(words: readonly string[]): boolean {
  let depth = 0;
  let wantsId = true;
  for (const word of words) {
    if (word === "(") {
      if (!wantsId) return false;
      depth++;
    } else if (word === ")") {
      if (wantsId || --depth < 0) return false;
    } else if (word === "AND" || word === "OR" || word === "WITH") {
      if (wantsId) return false;
      wantsId = true;
    } else {
      if (!wantsId) return false;
      wantsId = false;
    }
  }
  return depth === 0 && !wantsId;
}

function refOf(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9.-]+/g, "-").slice(0, 80);
  return `LicenseRef-${plain === "" || plain === "-" ? "unnamed" : plain}`;
}
