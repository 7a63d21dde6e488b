/**
 * Holds a value against a schema that `compile.ts` made ready, within a bound of work: a schema of a stranger may name
 * itself a thousand times over.
 *
 * @module
 */

import { codePointAt, canonicalJson } from "../../../core/index.ts";
import { isObject } from "../../wire/walk.ts";
import type { Rules } from "./compile.ts";

/** What is wrong with a value, and where. */
export interface Violation {
  /** A JSON Pointer, whose parts are names that the schema knows, or positions; `*` stands for any other name. */
  readonly at: string;
  /** A fixed phrase. */
  readonly why: string;
}

/** Schemas that are held against values in one validation, and how deep. */
const MOST_STEPS = 100_000;
const MOST_LEVELS = 200;

/**
 * The first thing that is wrong with `value`; undefined where nothing is. What takes too much work is wrong: it could not
 * be checked.
 */
export function violation(rules: Rules, value: unknown): Violation | undefined {
  let steps = 0;
  const exhausted: Violation = { at: "", why: `takes more than ${MOST_STEPS} steps to check` };
  let isExhausted = false;

  const check = (schema: Rules, at: string, it: unknown, level: number): Violation | undefined => {
    if (isExhausted || ++steps > MOST_STEPS || level > MOST_LEVELS) {
      isExhausted = true;
      return exhausted;
    }
    if (schema.never === true) return { at, why: "is not allowed here" };
    const inner = (other: Rules): Violation | undefined => check(other, at, it, level + 1);
    if (schema.types !== undefined && !isOfType(it, schema.types)) {
      return { at, why: `must be ${[...schema.types].join(" or ")}` };
    }
    if (schema.values !== undefined && !schema.values.some((one) => isSame(one, it))) {
      return { at, why: "must be one of the values that are listed" };
    }
    const own =
      (typeof it === "number" ? checkNumber(schema, at, it) : undefined) ??
      (typeof it === "string" ? checkString(schema, at, it) : undefined) ??
      (Array.isArray(it) ? checkList(schema, at, it, level) : undefined) ??
      (isObject(it) ? checkObject(schema, at, it, level) : undefined);
    if (own !== undefined) return own;
    const referred = schema.ref === undefined ? undefined : inner(schema.ref());
    if (referred !== undefined) return referred;
    for (const one of schema.all ?? []) {
      const wrong = inner(one);
      if (wrong !== undefined) return wrong;
    }
    if (schema.any !== undefined && schema.any.every((one) => inner(one) !== undefined)) {
      return { at, why: "matches none of anyOf" };
    }
    if (schema.one !== undefined && schema.one.filter((one) => inner(one) === undefined).length !== 1) {
      return { at, why: "matches not exactly one of oneOf" };
    }
    if (schema.not !== undefined && inner(schema.not) === undefined) return { at, why: "matches what it must not" };
    if (schema.when !== undefined) {
      const { no, test, yes } = schema.when;
      const branch = inner(test) === undefined ? yes : no;
      if (branch !== undefined) return inner(branch);
    }
    return undefined;
  };

  function checkList({ list }: Rules, at: string, it: readonly unknown[], level: number): Violation | undefined {
    if (list === undefined) return undefined;
    if (it.length < (list.min ?? 0)) return { at, why: `has less than ${list.min} items (minItems)` };
    if (it.length > (list.max ?? it.length)) return { at, why: `has more than ${list.max} items (maxItems)` };
    let matching = 0;
    for (const [index, item] of it.entries()) {
      const rest = list.prefix[index] ?? list.rest;
      const wrong = rest === undefined ? undefined : check(rest, `${at}/${index}`, item, level + 1);
      if (wrong !== undefined) return wrong;
      if (list.contains !== undefined && check(list.contains, at, item, level + 1) === undefined) matching++;
    }
    if (list.contains !== undefined && (matching < list.minContains || matching > list.maxContains)) {
      return { at, why: "does not have the items that it must contain" };
    }
    if (list.unique && new Set(it.map((item) => keyOf(item))).size !== it.length) {
      return { at, why: "has an item twice (uniqueItems)" };
    }
    return undefined;
  }

  function checkObject({ object }: Rules, at: string, it: Readonly<Record<string, unknown>>, level: number) {
    if (object === undefined) return undefined;
    const names = Object.keys(it);
    if (names.length < (object.min ?? 0)) return { at, why: `has less than ${object.min} members (minProperties)` };
    if (names.length > (object.max ?? names.length)) {
      return { at, why: `has more than ${object.max} members (maxProperties)` };
    }
    for (const name of object.required) {
      if (!Object.hasOwn(it, name)) return { at: `${at}/${escape(name)}`, why: "is required" };
    }
    for (const name of names) {
      const wrong = checkMember(object, at, name, it[name], level);
      if (wrong !== undefined) return wrong;
    }
    for (const [name, needs] of object.dependent) {
      if (!Object.hasOwn(it, name)) continue;
      if (Array.isArray(needs)) {
        const missing = (needs as readonly string[]).find((need) => !Object.hasOwn(it, need));
        if (missing !== undefined) return { at: `${at}/${escape(missing)}`, why: "is required" };
      } else {
        const wrong = check(needs as Rules, at, it, level + 1);
        if (wrong !== undefined) return wrong;
      }
    }
    return undefined;
  }

  function checkMember(
    object: NonNullable<Rules["object"]>,
    at: string,
    name: string,
    value_: unknown,
    level: number,
  ): Violation | undefined {
    if (object.names !== undefined && check(object.names, at, name, level + 1) !== undefined) {
      return { at, why: "has a member of a name that is not allowed" };
    }
    const own = object.properties.get(name);
    const place = own === undefined ? `${at}/*` : `${at}/${escape(name)}`;
    const matching = object.patterns.filter(([pattern]) => pattern.test(name)).map(([, rules_]) => rules_);
    if (own !== undefined) matching.push(own);
    if (matching.length === 0 && object.rest !== undefined) {
      return object.rest.never === true
        ? { at, why: "has a member that is not known" }
        : check(object.rest, place, value_, level + 1);
    }
    for (const rules_ of matching) {
      const wrong = check(rules_, place, value_, level + 1);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  const found = check(rules, "", value, 0);
  // Within `not` and `anyOf` a refusal for want of steps would count for the opposite of what it is.
  return isExhausted ? exhausted : found;
}

function checkNumber({ number }: Rules, at: string, it: number): Violation | undefined {
  if (number === undefined) return undefined;
  const { above, below, maximum, minimum, multipleOf } = number;
  if (minimum !== undefined && it < minimum) return { at, why: `is less than ${minimum}` };
  if (maximum !== undefined && it > maximum) return { at, why: `is more than ${maximum}` };
  if (above !== undefined && it <= above) return { at, why: `is not more than ${above}` };
  if (below !== undefined && it >= below) return { at, why: `is not less than ${below}` };
  if (multipleOf !== undefined && !isMultiple(it, multipleOf)) return { at, why: `is not a multiple of ${multipleOf}` };
  return undefined;
}

function checkString({ string }: Rules, at: string, it: string): Violation | undefined {
  if (string === undefined) return undefined;
  const { max, min, pattern } = string;
  const isLong = max !== undefined && it.length > max && lengthOf(it) > max;
  if (isLong) return { at, why: `is longer than ${max} characters (maxLength)` };
  if (min !== undefined && lengthOf(it) < min) return { at, why: `is shorter than ${min} characters (minLength)` };
  if (pattern !== undefined && !pattern.test(it)) return { at, why: "does not match the pattern" };
  return undefined;
}

function isOfType(it: unknown, types: ReadonlySet<string>): boolean {
  if (it === null) return types.has("null");
  if (Array.isArray(it)) return types.has("array");
  if (typeof it === "number") return types.has("number") || (types.has("integer") && Number.isInteger(it));
  return types.has(typeof it);
}

/** Quotients of decimal fractions are off by a rounding: 0.3 is a multiple of 0.1. */
function isMultiple(it: number, of: number): boolean {
  const quotient = it / of;
  return (
    Number.isFinite(quotient) && Math.abs(quotient - Math.round(quotient)) <= Math.abs(quotient) * Number.EPSILON * 2
  );
}

function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || one === null) return one === other;
  return typeof other === "object" && other !== null && keyOf(one) === keyOf(other);
}

/** One text for one value. Lone surrogates have no canonical form, and are themselves in this one. */
function keyOf(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch {
    return JSON.stringify(value);
  }
}

/** Length in characters, as the standard counts (Validation section 6.3.1). */
function lengthOf(text: string): number {
  let length = 0;
  for (let at = 0; at < text.length; length++) at += (codePointAt(text, at) ?? 0) > 0xffff ? 2 : 1;
  return length;
}

function escape(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
