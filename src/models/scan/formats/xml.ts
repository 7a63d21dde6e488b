/**
 * XML of models: OpenVINO's graphs and PMML. It is read as tags and attributes only; entities and document types, with
 * which XML readers can be made to read other files or to fill their memory, are reported instead of followed.
 *
 * Source: docs.openvino.ai (OpenVINO IR format), dmg.org (PMML 4.4), OWASP XML external entity prevention.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import type { Source } from "../source.ts";
import { leavesFolder } from "./path.ts";
import { BRINGS_CODE, EXHAUSTS, SUPPLY_CHAIN, TOUCHES_FILES } from "./references.ts";
import { readText, TEXT_RULES } from "./text.ts";

const RULES = {
  entity: {
    id: "xml.entity",
    severity: "high",
    verdict: "malicious",
    why: "it declares entities of others or of files, with which a reader is made to read other files and addresses, or to fill its memory",
    remedy: "do not read it: models need no entities",
    references: [...TOUCHES_FILES, ...EXHAUSTS],
  },
  doctype: {
    id: "xml.document-type",
    severity: "medium",
    verdict: "suspicious",
    why: "it has a document type, which a model needs none of and which readers may fetch from elsewhere",
    remedy: "do not read it: get it again from its publisher",
    references: [...TOUCHES_FILES],
  },
  include: {
    id: "xml.include",
    severity: "high",
    verdict: "suspicious",
    why: "it includes another file or address, which readers that resolve it take into the model",
    remedy: "do not read it: a model is one file",
    references: [...TOUCHES_FILES],
  },
  custom: {
    id: "openvino.custom-layer",
    severity: "medium",
    verdict: "suspicious",
    why: "it needs a layer that OpenVINO does not have: a native library that somebody must load",
    remedy: "load it only with an extension that you built, and only if you expected one",
    references: [...BRINGS_CODE],
  },
  library: {
    id: "openvino.library",
    severity: "high",
    verdict: "suspicious",
    why: "a layer names a library or a file, which the format does not have",
    remedy: "do not load it: get it again from its publisher",
    references: [...BRINGS_CODE],
  },
  range: {
    id: "openvino.weight-range",
    severity: "high",
    verdict: "suspicious",
    why: "a constant is said to lie at a place that is none, which makes readers look elsewhere",
    remedy: "do not load it: get it again from its publisher",
    references: [...SUPPLY_CHAIN],
  },
  broken: {
    id: "xml.broken",
    severity: "low",
    verdict: "inconclusive",
    why: "a tag of it has no end, or is longer than any, so that not all of it was read",
    remedy: "get it again from its publisher",
    references: [...SUPPLY_CHAIN],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Bytes of XML that are read: the graph of the largest language models takes some 30 MB. */
const MAX_XML = 128 * 1024 * 1024;

/** Characters of a tag with its attributes. */
const MAX_TAG = 16 * 1024;

export const xml: Format = {
  id: "xml",
  rules: [...Object.values(RULES), TEXT_RULES.tooLarge],
  sniff: (source, name) => /\.(?:xml|pmml)$/i.test(name) || looksLikeModel(source),
  scan: (source, context) => {
    const text = readText(source, context, MAX_XML);
    if (text !== undefined && context.spend("steps", text.length)) scanTags(text, context);
  },
};

function looksLikeModel(source: Source): boolean {
  const head = String.fromCharCode(...source.read(0, 1024));
  return /^[\s\u00ef\u00bb\u00bf]{0,9}<(?:\?xml|net\s|PMML)/.test(head) && /<(?:net|PMML)\s/.test(head);
}

/** Visits tags in their order. Comments and CDATA are text; what else begins with «<!» is a declaration. */
function scanTags(text: string, context: ScanContext): void {
  let at = text.indexOf("<");
  while (at >= 0) {
    let end: number;
    if (text.startsWith("<!--", at)) end = endAfter(text, "-->", at + 4);
    else if (text.startsWith("<![CDATA[", at)) end = endAfter(text, "]]>", at + 9);
    else if (text.startsWith("<!", at)) {
      judgeDeclaration(text.slice(at, at + MAX_DECLARATION), context);
      end = at + 2;
    } else {
      end = endOfTag(text, at);
      if (end - at > MAX_TAG) end = -1;
      if (end > 0) judgeTag(text.slice(at, end), context);
    }
    if (end < 0) {
      context.report(RULES.broken, { detail: `at character ${at}` });
      return;
    }
    at = text.indexOf("<", end);
  }
}

function endAfter(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? -1 : found + mark.length;
}

/** Behind the «>» that ends the tag: one in quotes does not. */
function endOfTag(text: string, from: number): number {
  let quote = "";
  for (let at = from; at < text.length; at++) {
    const character = text[at] as string;
    if (quote !== "") {
      if (character === quote) quote = "";
    } else if (character === '"' || character === "'") quote = character;
    else if (character === ">") return at + 1;
  }
  return -1;
}

/** Characters of a declaration that are looked at. */
const MAX_DECLARATION = 1_024;

function judgeDeclaration(head: string, context: ScanContext): void {
  const entity = /^<!ENTITY\b[^>]*/i.exec(head)?.[0];
  // One that only stands for a word does no harm; one that names a file, or others, does.
  if (entity !== undefined && /\b(?:SYSTEM|PUBLIC)\b|[&%]/i.test(entity)) {
    context.report(RULES.entity, { detail: head.slice(0, 40) });
  } else if (entity !== undefined || /^<!DOCTYPE/i.test(head))
    context.report(RULES.doctype, { detail: head.slice(0, 40) });
}

/** Sets of operators that OpenVINO brings: opset1 to those of today, and its own experimental one. */
const OPSET = /^(?:opset[0-9]{1,3}|experimental|ie_internal_opset|type_relaxed_opset|[0-9]{1,3})$/;

function judgeTag(tag: string, context: ScanContext): void {
  const name = /^<\/?([A-Za-z_][\w.:-]{0,100})/.exec(tag)?.[1];
  if (name === "layer") {
    const version = attribute(tag, "version");
    const what = `${attribute(tag, "type") ?? "?"} ${attribute(tag, "name") ?? ""}`;
    if (version !== undefined && !OPSET.test(version)) context.report(RULES.custom, { detail: `${version} ${what}` });
    const library = attribute(tag, "library") ?? attribute(tag, "path") ?? attribute(tag, "file");
    if (library !== undefined) context.report(RULES.library, { detail: `${what}: ${library}` });
  } else if (name === "data") {
    for (const key of ["offset", "size"] as const) {
      const value = attribute(tag, key);
      if (value !== undefined && attribute(tag, "element_type") !== undefined && !isPlace(value)) {
        context.report(RULES.range, { detail: `${key} ${value}` });
      }
    }
  } else if (name?.endsWith(":include") === true) {
    const href = attribute(tag, "href");
    if (href !== undefined) context.report(RULES.include, { detail: href });
  } else if (name === "extension" || name === "CustomLayer") {
    const path = attribute(tag, "path") ?? attribute(tag, "library");
    if (path !== undefined) context.report(RULES.library, { detail: `${name} ${leavesFolder(path) ?? ""} ${path}` });
  }
}

function isPlace(value: string): boolean {
  return /^[0-9]{1,16}$/.test(value) && Number.isSafeInteger(Number(value));
}

/** The value of an attribute of `tag`, outside other values. */
function attribute(tag: string, name: string): string | undefined {
  for (const match of tag.matchAll(/([A-Za-z_][\w.:-]{0,100})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)')/g)) {
    if (match[1] === name) return match[2] ?? match[3];
  }
  return undefined;
}
