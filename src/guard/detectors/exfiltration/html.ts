/**
 * Reads an HTML tag and judges its attributes (HTML Living Standard, sections 13.1.2 and 13.2.5), as leniently as
 * browsers do: attributes without quotes, twice, or in a tag that never closes.
 *
 * @module
 */

import { decodeReferences } from "./entities.ts";
import type { ExfiltrationRule, Reading } from "./rules.ts";
import type { Judge, Use } from "./target.ts";

/** Units of a tag that are read. What has not closed by then is judged by what is there, and is a finding itself. */
export const TAG_BOUND = 4096;
/** Attributes with a value that one tag has. */
const MAX_ATTRIBUTES = 64;

const NAME = /[a-z][a-z0-9-]{0,31}/iy;
/** What an address in a tag's attribute does; other tags' `src` loads, and their `href` is clicked. */
const USES: Readonly<Record<string, Use>> = {
  __proto__: null as never,
  "script src": "run",
  "iframe src": "run",
  "frame src": "run",
  "embed src": "run",
  "object data": "run",
  "applet code": "run",
  "base href": "run",
  "link href": "load",
  "image href": "load",
  "image xlink:href": "load",
  "use href": "load",
  "use xlink:href": "load",
  "feimage href": "load",
  "feimage xlink:href": "load",
  "form action": "run",
  "button formaction": "run",
  "input formaction": "run",
};
const LOADS: ReadonlySet<string> = new Set([
  "src",
  "srcset",
  "imagesrcset",
  "background",
  "poster",
  "dynsrc",
  "lowsrc",
  "ping",
  "data",
  "codebase",
  "archive",
  "manifest",
]);
const CLICKS: ReadonlySet<string> = new Set(["href", "xlink:href", "action", "formaction", "cite"]);
/** Tags that load or run something by an attribute. */
const LOADING: ReadonlySet<string> = new Set(
  "img,image,script,iframe,frame,embed,object,link,base,form,input,video,audio,source,track,body,svg,use,meta,style".split(
    ",",
  ),
);
/** From worst to least: what one tag is reported as. */
const ORDER: readonly ExfiltrationRule[] = [
  "image-data",
  "script-url",
  "event-handler",
  "active-content",
  "tracking-pixel",
  "data-url",
  "image",
  "link-data",
  "overlong-tag",
  "template",
  "file-url",
  "disguised-host",
  "link",
  "data-image",
];

/** Reads the tag at `<`. A finding covers all of it. */
export function readTag(text: string, at: number, final: boolean, judge: Judge): Reading {
  NAME.lastIndex = at + 1;
  const name = NAME.exec(text)?.[0].toLowerCase();
  const nameEnd = NAME.lastIndex;
  if (at + 1 >= text.length || nameEnd >= text.length) return final ? undefined : { waitFrom: at };
  if (name === undefined || !/[\s/>]/.test(text.charAt(nameEnd))) return undefined;
  const tag = readAttributes(text, nameEnd, at + TAG_BOUND, final);
  if (tag === "wait") return { waitFrom: at };
  const rule = judgeTag(name, tag, judge);
  if (rule === undefined) return undefined;
  return { rule, start: at, end: tag.end, grows: tag.cut };
}

interface Tag {
  readonly attributes: ReadonlyMap<string, string>;
  /** Attributes with a value, repeated ones included. */
  readonly valued: number;
  readonly end: number;
  /** A limit came before its end. */
  readonly overlong: boolean;
  /** It came inside a value. */
  readonly cut: boolean;
}

function readAttributes(text: string, from: number, limit: number, final: boolean): Tag | "wait" {
  const attributes = new Map<string, string>();
  const stop = Math.min(text.length, limit);
  let cut = false;
  let valued = 0;
  let at = from;
  while (at < stop) {
    const unit = text.charCodeAt(at);
    if (unit === GREATER) return { attributes, valued, end: at + 1, overlong: false, cut };
    // The next tag: this one never closes, or this `<` is no tag at all.
    if (unit === LESS) return { attributes, valued, end: at, overlong: false, cut };
    if (isSeparator(unit)) {
      at += 1;
      continue;
    }
    const nameStart = at;
    while (at < stop && !endsName(text.charCodeAt(at), at > nameStart)) at += 1;
    const name = text.slice(nameStart, at).toLowerCase();
    while (at < stop && isSpace(text.charCodeAt(at))) at += 1;
    if (at >= stop || text.charCodeAt(at) !== EQUALS) {
      if (!attributes.has(name)) attributes.set(name, "");
      continue;
    }
    at += 1;
    while (at < stop && isSpace(text.charCodeAt(at))) at += 1;
    const [valueStart, valueEnd, next] = readValue(text, at, stop);
    cut = next === undefined;
    // A browser keeps the first of two; a filter may keep the last, so one that is not empty counts.
    const known = attributes.get(name);
    if (known === undefined || known === "") attributes.set(name, decodeReferences(text.slice(valueStart, valueEnd)));
    at = next ?? stop;
    valued += 1;
    if (valued > MAX_ATTRIBUTES) return { attributes, valued, end: at, overlong: true, cut };
  }
  if (!final && at < limit) return "wait";
  return { attributes, valued, end: Math.min(at, text.length), overlong: at >= limit, cut };
}

/** Start and end of a value, and where to go on; `undefined` there: it has no end in reach. */
function readValue(text: string, at: number, stop: number): readonly [number, number, number | undefined] {
  const quote = text.charAt(at);
  if (quote === '"' || quote === "'" || quote === "`") {
    const close = text.indexOf(quote, at + 1);
    return close === -1 || close >= stop ? [at + 1, stop, undefined] : [at + 1, close, close + 1];
  }
  let end = at;
  while (end < stop && !isSpace(text.charCodeAt(end)) && text.charCodeAt(end) !== GREATER) end += 1;
  return [at, end, end < stop ? end : undefined];
}

function judgeTag(
  name: string,
  { attributes, overlong, cut, valued }: Tag,
  judge: Judge,
): ExfiltrationRule | undefined {
  const found = new Set<ExfiltrationRule>();
  const add = (rule: ExfiltrationRule | undefined): void => {
    if (rule !== undefined) found.add(rule);
  };
  for (const [attribute, value] of attributes) {
    // A value in braces is JSX, which is source code and nothing that a browser runs.
    if (/^on[a-z]{3,}$/.test(attribute) && /^[^{]/.test(value)) add("event-handler");
    const use = USES[`${name} ${attribute}`];
    if (use !== undefined) add(judge(value, use));
    else if (attribute.endsWith("srcset")) for (const part of value.split(",")) add(judge(part.trim(), "load"));
    else if (LOADS.has(attribute)) add(judge(value, "load"));
    else if (CLICKS.has(attribute)) add(judge(value, "click"));
    else if (attribute === "style") add(judgeStyle(value, judge));
    else if (attribute === "srcdoc") add("active-content");
  }
  if (name === "script" && !attributes.has("src")) add("active-content");
  if (name === "meta" && /^refresh$/i.test(attributes.get("http-equiv") ?? "")) {
    add(judge(/url\s*=\s*(.*)$/is.exec(attributes.get("content") ?? "")?.[1] ?? "", "run"));
  }
  if ((found.has("image") || found.has("image-data")) && isInvisible(attributes)) add("tracking-pixel");
  // In prose «<a certain» begins no tag: without a value, only names that load something count.
  if (overlong && (cut || valued > MAX_ATTRIBUTES || LOADING.has(name))) add("overlong-tag");
  return ORDER.find((rule) => found.has(rule));
}

/** The worst of a style's addresses. */
function judgeStyle(style: string, judge: Judge): ExfiltrationRule | undefined {
  if (/expression\s*\(|(?:java|vb)script:|-moz-binding|behavior\s*:\s*url/i.test(style)) return "script-url";
  for (const [, address = ""] of style.matchAll(/(?:url\(|@import)\s{0,16}["']?([^"')]{1,2048})/gi)) {
    const rule = judge(address, "load");
    if (rule !== undefined) return rule;
  }
  return undefined;
}

function isInvisible(attributes: ReadonlyMap<string, string>): boolean {
  const tiny = ["width", "height"].filter((side) => /^\s*[01](?:px)?\s*$/i.test(attributes.get(side) ?? ""));
  if (tiny.length > 0 || attributes.has("hidden")) return true;
  return /display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d]*[1-9])|(?:width|height)\s*:\s*[01](?:px|\s*[;"']|$)/i.test(
    attributes.get("style") ?? "",
  );
}

/** An `=` can begin a name, and only there is part of it. */
function endsName(unit: number, begun: boolean): boolean {
  return isSeparator(unit) || unit === GREATER || unit === LESS || (begun && unit === EQUALS);
}

function isSeparator(unit: number): boolean {
  return isSpace(unit) || unit === SLASH;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}

const SLASH = 0x2f;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
