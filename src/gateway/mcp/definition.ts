/**
 * The definition of a tool: what a server says of it, pinned by digest. All of it counts, the description as much as the
 * schema and the annotations, for all of it is read by a model.
 *
 * Besides what the guards see in its texts, a definition may be a finding by itself: it imitates another tool, it speaks
 * of the tools of another server (shadowing: how to use a tool is its own server's to say), its schema cannot be
 * enforced.
 *
 * Sources: MCP 2026-07-28, «Tools»; OWASP MCP Top 10 2025 (tool poisoning, shadowing, rug pulls); RFC 8785.
 *
 * @module
 */

import { hash } from "node:crypto";

import { canonicalJson, isHoldfastError } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import type { Fields } from "../wire/index.ts";
import { isObject } from "../wire/walk.ts";
import { compileSchema, type Rules } from "./schema/compile.ts";

/** The place of a server's instructions, which go into a model's prompt, among its definitions. No tool can be named so. */
export const INSTRUCTIONS = "(instructions)";

/** A definition, pinned. */
export interface Definition {
  readonly name: string;
  /** SHA-256 of its canonical JSON. */
  readonly digest: string;
  /** Its canonical JSON. */
  readonly text: string;
}

/** What a definition says of the tool, for a call. */
export interface Tool {
  readonly rules: Rules;
  /** Arguments that a header repeats, by the header's name in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly readOnly: boolean;
}

/** Something about a definition that an operator should know before approving it. */
export interface DefinitionFinding {
  readonly rule: string;
  /** Where in the definition; for people. */
  readonly at: string;
}

/** Names that every reader reads alike: those that MCP recommends, and two characters that older servers use. */
const NAME = /^[\w./:-]{1,128}$/;

/** Pins what a server says of a tool. Undefined where that is no definition that could be kept. */
export function pin(value: unknown, maxBytes: number): Definition | undefined {
  if (!isObject(value)) return undefined;
  const { inputSchema, name } = value;
  if (typeof name !== "string" || !NAME.test(name) || !isObject(inputSchema)) return undefined;
  return pinned(name, value, maxBytes);
}

/** Pins a server's instructions. */
export function pinInstructions(instructions: string, maxBytes: number): Definition | undefined {
  return pinned(INSTRUCTIONS, { instructions }, maxBytes);
}

function pinned(name: string, value: Fields, maxBytes: number): Definition | undefined {
  try {
    const text = canonicalJson(value);
    return Buffer.byteLength(text) > maxBytes ? undefined : { name, digest: hash("sha256", text), text };
  } catch (error) {
    if (!isHoldfastError(error, "core.canonical-unsupported")) throw error;
    return undefined;
  }
}

/**
 * Reads a definition for calls of its tool.
 *
 * @throws `gateway.mcp-schema-unenforceable`
 */
export function readTool(definition: Fields): Tool {
  const { annotations, inputSchema } = definition;
  const rules = compileSchema(inputSchema);
  return {
    rules,
    headers: headersIn(inputSchema as Fields),
    readOnly: isObject(annotations) && annotations["readOnlyHint"] === true,
  };
}

/** What is to be said of a definition beside the guards' findings. `others`: of each other server, the names of its tools. */
export function suspicions(
  definition: Definition,
  value: Fields,
  siblings: readonly string[],
  others: ReadonlyMap<string, readonly string[]>,
): readonly DefinitionFinding[] {
  const found: DefinitionFinding[] = [];
  if (definition.name !== INSTRUCTIONS) {
    try {
      readTool(value);
    } catch (error) {
      if (!isHoldfastError(error, "gateway.mcp-schema-unenforceable")) throw error;
      found.push({ rule: "mcp.schema-unenforceable", at: `/inputSchema: ${error.detail ?? ""}` });
    }
    const skeleton = skeletonOf(definition.name);
    const twin = siblings.find((name) => name !== definition.name && skeletonOf(name) === skeleton);
    if (twin !== undefined) found.push({ rule: "mcp.name-imitates", at: `/name: ${twin}` });
  }
  for (const [server, names] of others) {
    const same = names.find((name) => skeletonOf(name) === skeletonOf(definition.name) && name !== INSTRUCTIONS);
    if (same !== undefined) found.push({ rule: "mcp.name-imitates", at: `/name: ${same} of ${server}` });
    const mentioned = [...names.filter(isTelling), ...(isTelling(server) ? [server] : [])].find((name) =>
      mentions(definition.text, name),
    );
    if (mentioned !== undefined) found.push({ rule: "mcp.shadows", at: `speaks of ${mentioned} of ${server}` });
  }
  return found;
}

/** One place in which two definitions differ. */
export interface Change {
  readonly at: string;
  /** JSON texts; undefined where there is nothing. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What changed from one definition to another, leaf by leaf. */
export function changes(before: unknown, after: unknown, at = ""): readonly Change[] {
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => changes(memberOf(before, name), memberOf(after, name), `${at}/${name}`));
  }
  const [was, is] = [textOf(before), textOf(after)];
  return was === is ? [] : [{ at, before: was, after: is }];
}

/**
 * The arguments that an `x-mcp-header` annotation mirrors. It counts only where `properties` alone lead to it; elsewhere
 * the definition is invalid (MCP 2026-07-28, «Custom Headers from Tool Parameters»).
 */
function headersIn(schema: Fields): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, readonly string[]>();
  let reached = 0;
  const visit = (at: unknown, path: readonly string[]): void => {
    if (!isObject(at)) return;
    const header = at["x-mcp-header"];
    if (header !== undefined) {
      reached++;
      const isName = typeof header === "string" && /^[\w!#$%&'*+.^`|~-]{1,64}$/.test(header);
      const isPrimitive = ["string", "integer", "boolean"].includes(String(at["type"]));
      if (!isName || !isPrimitive || path.length === 0 || headers.has(`mcp-param-${header.toLowerCase()}`))
        throw invalidHeader();
      headers.set(`mcp-param-${header.toLowerCase()}`, path);
    }
    const { properties } = at;
    if (isObject(properties)) for (const [name, inner] of Object.entries(properties)) visit(inner, [...path, name]);
  };
  visit(schema, []);
  if (reached !== countHeaders(schema)) throw invalidHeader();
  return headers;
}

/** Every member named `x-mcp-header` with a text, wherever it stands. An argument of that name has a schema there. */
function countHeaders(value: unknown): number {
  if (!isContainer(value)) return 0;
  return Object.entries(value).reduce((count, [name, inner]) => {
    return count + (name === "x-mcp-header" && !isContainer(inner) ? 1 : countHeaders(inner));
  }, 0);
}

function invalidHeader(): Error {
  return gatewayError("gateway.mcp-schema-unenforceable", { detail: "x-mcp-header where or as it may not be" });
}

/** What two names have in common that look alike, or sound alike to a model. */
function skeletonOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .replaceAll("0", "o")
    .replaceAll(/[1i]/g, "l");
}

/** A name that is no word of everyday language: only such a name tells what is spoken of. */
function isTelling(name: string): boolean {
  return name.length >= 4 && (/[_./:-]/.test(name) || /[a-z][A-Z]/.test(name));
}

function mentions(text: string, name: string): boolean {
  const at = text.indexOf(name);
  if (at === -1) return false;
  const around = `${text.at(at - 1) ?? " "}${text.at(at + name.length) ?? " "}`;
  return !/\w/.test(around);
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function memberOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
