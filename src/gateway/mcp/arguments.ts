/**
 * Limits on the arguments of tools, beyond the tools' own schemas: which hosts a URL may name, what a path may look like,
 * how long a text may be. They are the operator's, where a schema is the server's.
 *
 * A URL must be one that every reader reads alike. What the URL parser changes in a host (`0x7f.1`, full-width digits, a
 * user before an `@`, a backslash, white space around it) is refused: a tool may read it differently.
 *
 * Sources: WHATWG URL standard; RFC 6901 (JSON Pointer).
 *
 * @module
 */

import type { RE2JS } from "re2js";

import { isHoldfastError } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import { covers } from "../identity/principal.ts";
import { isObject } from "../wire/walk.ts";
import type { ArgumentRule, McpServerConfig } from "./config.ts";
import { patternOf } from "./schema/compile.ts";
import type { Violation } from "./schema/validate.ts";

/** The rules of one server, made ready: what is wrong with a call's arguments, if anything is. */
export type ArgumentPolicy = (tool: string, args: unknown) => Violation | undefined;

/**
 * Makes the rules ready.
 *
 * @throws `gateway.mcp-rule-invalid` for a pattern that RE2 does not take
 */
export function argumentPolicy({
  name,
  arguments: rules,
}: Pick<McpServerConfig, "name" | "arguments">): ArgumentPolicy {
  const ready = rules.map((rule) => ({ rule, tokens: tokensOf(rule.at), pattern: compile(name, rule) }));
  return (tool, args) => {
    for (const { pattern, rule, tokens } of ready) {
      if (!covers(rule.tools, tool)) continue;
      const places = placesOf(args, tokens);
      if (places.length === 0 && rule.required) return { at: rule.at, why: "is required" };
      for (const { at, value } of places) {
        const why = wrongWith(value, rule, pattern);
        if (why !== undefined) return { at, why };
      }
    }
    return undefined;
  };
}

/**
 * Whether a text is an http or https URL of one of the hosts, in its plain form.
 *
 * @example
 * ```ts
 * isUrlOf("https://docs.example.com/a", ["*.example.com"]); // true
 * isUrlOf("https://example.com@evil.test/", ["example.com"]); // false
 * ```
 */
export function isUrlOf(text: string, hosts: readonly string[]): boolean {
  // The authority as it is written, up to what begins the path; no user, no percent signs, nothing invisible.
  const written = /^https?:\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?=[/?#]|$)/i.exec(text)?.[1];
  if (written === undefined || /[\s\\]/.test(text) || !URL.canParse(text)) return false;
  const { hostname } = new URL(text);
  if (written.toLowerCase() !== hostname) return false;
  return hosts.some((host) => (host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host));
}

function compile(server: string, { at, pattern }: ArgumentRule): RE2JS | undefined {
  if (pattern === undefined) return undefined;
  try {
    return patternOf(pattern);
  } catch (cause) {
    if (!isHoldfastError(cause)) throw cause;
    throw gatewayError("gateway.mcp-rule-invalid", {
      detail: `${server}, ${at}: ${cause.detail ?? "its pattern"}`,
      cause,
    });
  }
}

function tokensOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

interface Place {
  readonly at: string;
  readonly value: unknown;
}

/** The values at a pointer, each with its place; `*` goes into every item of a list, or member of an object. */
function placesOf(args: unknown, tokens: readonly string[]): readonly Place[] {
  let places: readonly Place[] = [{ at: "", value: args }];
  for (const token of tokens) {
    places = places.flatMap(({ at, value }) => {
      if (token === "*")
        return Object.values(isContainer(value) ? value : {}).map((item) => ({ at: `${at}/*`, value: item }));
      if (!isContainer(value) || !Object.hasOwn(value, token)) return [];
      const own = (value as Readonly<Record<string, unknown>>)[token];
      return [{ at: `${at}/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`, value: own }];
    });
  }
  return places;
}

function isContainer(value: unknown): value is object {
  return Array.isArray(value) || isObject(value);
}

/** What a rule about texts says of something else is that it may not be there. */
function wrongWith(value: unknown, rule: ArgumentRule, pattern: RE2JS | undefined): string | undefined {
  const { hosts, maxChars, values } = rule;
  if (values !== undefined && !values.some((one) => one === value)) return "is not one of the values that are allowed";
  if (pattern === undefined && hosts === undefined && maxChars === undefined) return undefined;
  if (typeof value !== "string") return "is not a text, which the rule is about";
  if (maxChars !== undefined && value.length > maxChars) return `is longer than ${maxChars} characters (maxChars)`;
  if (pattern !== undefined && !pattern.testExact(value)) return "does not match the pattern that is allowed";
  if (hosts !== undefined && !isUrlOf(value, hosts))
    return "is not a plain http or https URL of a host that is allowed";
  return undefined;
}
