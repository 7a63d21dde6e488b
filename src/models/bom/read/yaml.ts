/**
 * Reads YAML of strangers: front matter of model cards, MLflow's `MLmodel`. Plain data only: no anchors, aliases or tags,
 * and everything that could make a small text expensive has a limit that is checked before values are made.
 *
 * Source: YAML 1.2.2, core schema.
 *
 * @module
 */

import { Parser, parseDocument, type CST } from "yaml";

import { bomError } from "../errors.ts";

const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;
const MAX_NODES = 100_000;
/** Of one map: names are compared each with each. */
const MAX_NAMES = 2_000;

/** @throws `models.metadata-invalid`, `models.metadata-limit` */
export function parseYaml(text: string): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES)
    throw bomError("models.metadata-limit", { detail: `YAML of ${bytes} bytes, at most ${MAX_BYTES}` });
  checkTokens(text);
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    strict: true,
    uniqueKeys: true,
    logLevel: "silent",
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    throw bomError("models.metadata-invalid", {
      detail: `YAML${line === undefined ? "" : ` at line ${line}`}: ${error.code}`,
    });
  }
  return document.toJS({ maxAliasCount: 0 }) as unknown;
}

/** The tokens are made without recursion; what walks them afterwards recurses, so depth is judged here. */
function checkTokens(text: string): void {
  const waiting: { readonly token: CST.Token; readonly depth: number }[] = [];
  let nodes = 0;
  let documents = 0;
  for (const token of new Parser().parse(text)) {
    if (token.type === "document" && ++documents > 1) {
      throw bomError("models.metadata-invalid", { detail: "YAML with more than one document" });
    }
    waiting.push({ token, depth: 0 });
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { token, depth } = next;
    if (++nodes > MAX_NODES)
      throw bomError("models.metadata-limit", { detail: `YAML of more than ${MAX_NODES} nodes` });
    if (depth > MAX_DEPTH) throw bomError("models.metadata-limit", { detail: `YAML of more than ${MAX_DEPTH} levels` });
    if (token.type === "alias" || token.type === "anchor" || token.type === "tag") {
      throw bomError("models.metadata-invalid", {
        detail: `YAML with ${token.type === "alias" ? "an alias" : `a ${token.type}`}`,
      });
    }
    if (token.type === "document") {
      for (const start of token.start) waiting.push({ token: start, depth });
      if (token.value !== undefined) waiting.push({ token: token.value, depth });
    } else if ("items" in token) {
      if (token.items.length > MAX_NAMES && token.type !== "block-seq") {
        throw bomError("models.metadata-limit", { detail: `a YAML map of more than ${MAX_NAMES} names` });
      }
      for (const { start, key, sep, value } of token.items) {
        for (const mark of [...start, ...(sep ?? [])]) waiting.push({ token: mark, depth });
        if (key !== undefined && key !== null) waiting.push({ token: key, depth: depth + 1 });
        if (value !== undefined) waiting.push({ token: value, depth: depth + 1 });
      }
    }
  }
}
