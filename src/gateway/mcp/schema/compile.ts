/**
 * JSON Schema, made ready: a tool's `inputSchema` becomes a tree of rules that `validate.ts` walks. Nothing is evaluated
 * as code, patterns run in RE2, and nothing is fetched.
 *
 * What cannot be enforced is refused, never ignored: a keyword that the dialects know and this does not, a reference to
 * somewhere else, a pattern with look-around. Then the tool cannot be called, and its definition says why. Keywords that
 * no dialect knows, and those that only describe, are passed over, as the standard says.
 *
 * Dialects: 2020-12 (without `$schema`), 2019-09 and draft-07.
 *
 * Sources: JSON Schema 2020-12, Core sections 8 to 10 and Validation section 6; draft-07, Validation section 6; MCP
 * 2026-07-28, «JSON Schema Usage».
 *
 * @module
 */

import { RE2JS } from "re2js";

import { gatewayError } from "../../errors.ts";
import { isObject } from "../../wire/walk.ts";

/** One schema. Every member that is there must hold. */
export interface Rules {
  /** The schema is `false`. */
  readonly never?: true;
  readonly ref?: () => Rules;
  readonly types?: ReadonlySet<string>;
  readonly values?: readonly unknown[];
  readonly number?: {
    readonly minimum?: number;
    readonly maximum?: number;
    readonly above?: number;
    readonly below?: number;
    readonly multipleOf?: number;
  };
  readonly string?: { readonly min?: number; readonly max?: number; readonly pattern?: RE2JS };
  readonly list?: {
    readonly prefix: readonly Rules[];
    readonly rest?: Rules;
    readonly contains?: Rules;
    readonly minContains: number;
    readonly maxContains: number;
    readonly min?: number;
    readonly max?: number;
    readonly unique: boolean;
  };
  readonly object?: {
    readonly properties: ReadonlyMap<string, Rules>;
    readonly patterns: readonly (readonly [RE2JS, Rules])[];
    readonly rest?: Rules;
    readonly names?: Rules;
    readonly required: readonly string[];
    readonly dependent: readonly (readonly [name: string, needs: readonly string[] | Rules])[];
    readonly min?: number;
    readonly max?: number;
  };
  readonly all?: readonly Rules[];
  readonly any?: readonly Rules[];
  readonly one?: readonly Rules[];
  readonly not?: Rules;
  readonly when?: { readonly test: Rules; readonly yes?: Rules; readonly no?: Rules };
}

/** Schemas within one schema, and instructions of one pattern. */
const MOST_SCHEMAS = 4_096;
const MOST_INSTRUCTIONS = 1_000;

const DIALECTS: ReadonlySet<unknown> = new Set([
  undefined,
  "https://json-schema.org/draft/2020-12/schema",
  "https://json-schema.org/draft/2019-09/schema",
  "http://json-schema.org/draft-07/schema",
  "http://json-schema.org/draft-07/schema#",
]);

/** What changes the meaning of a schema and is not understood here. */
const REFUSED = ["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$anchor"] as const;
const REFUSED_TOO = ["unevaluatedProperties", "unevaluatedItems"] as const;

/**
 * Makes a schema ready.
 *
 * @throws `gateway.mcp-schema-unenforceable`, whose detail quotes nothing but keywords
 *
 * @example
 * ```ts
 * const rules = compileSchema({ type: "object", properties: { n: { type: "integer" } }, required: ["n"] });
 * violation(rules, { n: "1" }); // { at: "/n", why: "must be integer" }
 * ```
 */
export function compileSchema(root: unknown): Rules {
  if (isObject(root) && !DIALECTS.has(root["$schema"])) throw unenforceable("a dialect that is not known ($schema)");
  const made = new Map<object, Rules>();
  let count = 0;

  const compile = (schema: unknown): Rules => {
    if (typeof schema === "boolean") return schema ? {} : { never: true };
    if (!isObject(schema)) throw unenforceable("a schema that is neither an object nor a boolean");
    const known = made.get(schema);
    if (known !== undefined) return known;
    if (++count > MOST_SCHEMAS) throw unenforceable(`more than ${MOST_SCHEMAS} schemas in one`);
    const rules: Rules = {};
    made.set(schema, rules);
    return Object.assign(rules, rulesOf(schema));
  };

  function rulesOf(schema: Readonly<Record<string, unknown>>): Rules {
    for (const keyword of [...REFUSED, ...REFUSED_TOO]) {
      if (Object.hasOwn(schema, keyword)) throw unenforceable(keyword);
    }
    // An id of its own moves where references lead. At the root that changes nothing for those within.
    if (schema !== root && schema["$id"] !== undefined) throw unenforceable("$id within the schema");
    const { $ref: ref } = schema;
    const rules: { -readonly [Name in keyof Rules]: Rules[Name] | undefined } = {};
    if (ref !== undefined) rules.ref = refer(ref);
    if (schema["type"] !== undefined) rules.types = typesOf(schema["type"]);
    if (schema["enum"] !== undefined) rules.values = listOf(schema["enum"], "enum");
    if (Object.hasOwn(schema, "const")) {
      rules.values = rules.values === undefined ? [schema["const"]] : rules.values;
      if (schema["enum"] !== undefined) rules.all = [{ values: [schema["const"]] }];
    }
    rules.number = given({
      minimum: numberOf(schema, "minimum"),
      maximum: numberOf(schema, "maximum"),
      above: numberOf(schema, "exclusiveMinimum"),
      below: numberOf(schema, "exclusiveMaximum"),
      multipleOf: numberOf(schema, "multipleOf"),
    });
    rules.string = given({
      min: countOf(schema, "minLength"),
      max: countOf(schema, "maxLength"),
      pattern: schema["pattern"] === undefined ? undefined : patternOf(schema["pattern"]),
    });
    rules.list = listRules(schema);
    rules.object = objectRules(schema);
    const all = schemasOf(schema, "allOf");
    if (all !== undefined) rules.all = [...(rules.all ?? []), ...all];
    rules.any = schemasOf(schema, "anyOf");
    rules.one = schemasOf(schema, "oneOf");
    if (schema["not"] !== undefined) rules.not = compile(schema["not"]);
    if (schema["if"] !== undefined) {
      rules.when = given({
        test: compile(schema["if"]),
        yes: schema["then"] === undefined ? undefined : compile(schema["then"]),
        no: schema["else"] === undefined ? undefined : compile(schema["else"]),
      }) as Rules["when"];
    }
    return given(rules) ?? {};
  }

  function listRules(schema: Readonly<Record<string, unknown>>): Rules["list"] {
    const { items } = schema;
    // Before 2020-12 a list of schemas under `items` was what is `prefixItems` now, and `additionalItems` the rest.
    const isTuple = Array.isArray(items);
    const prefix = (isTuple ? items : listOf(schema["prefixItems"] ?? [], "prefixItems")).map(compile);
    const rest = isTuple ? schema["additionalItems"] : items;
    const contains = schema["contains"];
    const found = {
      min: countOf(schema, "minItems"),
      max: countOf(schema, "maxItems"),
      rest: rest === undefined ? undefined : compile(rest),
      contains: contains === undefined ? undefined : compile(contains),
    };
    const unique = schema["uniqueItems"] === true;
    if (prefix.length === 0 && !unique && given(found) === undefined) return undefined;
    return {
      ...given(found),
      prefix,
      unique,
      minContains: countOf(schema, "minContains") ?? 1,
      maxContains: countOf(schema, "maxContains") ?? Number.POSITIVE_INFINITY,
    };
  }

  function objectRules(schema: Readonly<Record<string, unknown>>): Rules["object"] {
    const properties = new Map(membersOf(schema, "properties").map(([name, value]) => [name, compile(value)]));
    const patterns = membersOf(schema, "patternProperties").map(
      ([pattern, value]) => [patternOf(pattern), compile(value)] as const,
    );
    const dependent = [
      ...membersOf(schema, "dependentRequired").map(([name, needs]) => [name, namesOf(needs)] as const),
      ...membersOf(schema, "dependentSchemas").map(([name, value]) => [name, compile(value)] as const),
      ...membersOf(schema, "dependencies").map(
        ([name, value]) => [name, Array.isArray(value) ? namesOf(value) : compile(value)] as const,
      ),
    ];
    const required = schema["required"] === undefined ? [] : namesOf(schema["required"]);
    const rest = schema["additionalProperties"];
    const names = schema["propertyNames"];
    const found = {
      min: countOf(schema, "minProperties"),
      max: countOf(schema, "maxProperties"),
      rest: rest === undefined ? undefined : compile(rest),
      names: names === undefined ? undefined : compile(names),
    };
    const isEmpty = properties.size + patterns.length + dependent.length + required.length === 0;
    return isEmpty && given(found) === undefined
      ? undefined
      : { ...given(found), properties, patterns, dependent, required };
  }

  function schemasOf(schema: Readonly<Record<string, unknown>>, keyword: string): readonly Rules[] | undefined {
    const value = schema[keyword];
    if (value === undefined) return undefined;
    const all = listOf(value, keyword);
    if (all.length === 0) throw unenforceable(`${keyword} without a schema`);
    return all.map(compile);
  }

  /** A reference is followed when it is met: it may lead to a schema that contains it. It must lead somewhere, though. */
  function refer(ref: unknown): () => Rules {
    if (typeof ref !== "string" || !/^#(?:\/|$)/.test(ref)) throw unenforceable("$ref to another document");
    let target: unknown = root;
    for (const token of ref.split("/").slice(1)) {
      const name = decode(token).replaceAll("~1", "/").replaceAll("~0", "~");
      const members = Array.isArray(target) ? (target as unknown as Readonly<Record<string, unknown>>) : target;
      if (typeof members !== "object" || members === null || !Object.hasOwn(members, name)) {
        throw unenforceable("$ref that leads nowhere");
      }
      target = (members as Readonly<Record<string, unknown>>)[name];
    }
    const rules = compile(target);
    return () => rules;
  }

  return compile(root);
}

const TYPES: ReadonlySet<unknown> = new Set(["null", "boolean", "object", "array", "number", "string", "integer"]);

function typesOf(value: unknown): ReadonlySet<string> {
  const types = Array.isArray(value) ? value : [value];
  if (!types.every((type) => TYPES.has(type))) throw unenforceable("type");
  return new Set(types as string[]);
}

function listOf(value: unknown, keyword: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unenforceable(keyword);
  return value;
}

function namesOf(value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every((name) => typeof name === "string")) throw unenforceable("a list of names");
  return value;
}

function membersOf(schema: Readonly<Record<string, unknown>>, keyword: string): readonly [string, unknown][] {
  const value = schema[keyword];
  if (value === undefined) return [];
  if (!isObject(value)) throw unenforceable(keyword);
  return Object.entries(value);
}

function numberOf(schema: Readonly<Record<string, unknown>>, keyword: string): number | undefined {
  const value = schema[keyword];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || (keyword === "multipleOf" && value <= 0)) throw unenforceable(keyword);
  return value;
}

function countOf(schema: Readonly<Record<string, unknown>>, keyword: string): number | undefined {
  const value = numberOf(schema, keyword);
  if (value !== undefined && !(Number.isInteger(value) && value >= 0)) throw unenforceable(keyword);
  return value;
}

/** @throws `gateway.mcp-schema-unenforceable` for a pattern that RE2 cannot run in linear time */
export function patternOf(value: unknown): RE2JS {
  if (typeof value !== "string") throw unenforceable("pattern");
  try {
    const pattern = RE2JS.compile(RE2JS.translateRegExp(value));
    if (pattern.programSize() <= MOST_INSTRUCTIONS) return pattern;
  } catch (cause) {
    throw gatewayError("gateway.mcp-schema-unenforceable", {
      detail: "a pattern that cannot run in linear time",
      cause,
    });
  }
  throw unenforceable("a pattern that is too large");
}

function decode(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    throw unenforceable("$ref that is not a URI");
  }
}

/** `options` without what is undefined; undefined where nothing is left. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } | undefined {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as never);
}

function unenforceable(detail: string): Error {
  return gatewayError("gateway.mcp-schema-unenforceable", { detail });
}
