/**
 * What a pickle may do with what stands on its stack: call it, make instances of it, give it state and items.
 *
 * @module
 */

import type { ScanRule } from "../../finding.ts";
import { CONTAINERS } from "./allowed.ts";
import { describeGlobal, GRADE_RULES, judgeGlobal } from "./judge.ts";
import { PICKLE_RULES } from "./rules.ts";
import type { BytesValue, GlobalValue, ObjectValue, TextValue, Value } from "./values.ts";

export interface CallHost {
  readonly report: (rule: ScanRule, detail: string) => void;
  /** CPython refuses this, and ends. */
  readonly fault: (what: string) => void;
  readonly called: () => void;
  /** A file inside the pickle: bytes, or the text that stands for them, a byte each. */
  readonly nested: (bytes: BytesValue | TextValue) => void;
}

/**
 * `getattr(cls, name)`, which is another way to write the name `cls.name`: that global, where it is on the list. Undefined
 * for any other call.
 */
export function attributeOf(
  callable: Value,
  args: Value,
  literals: { readonly text: (value: Value | undefined) => string | undefined },
): GlobalValue | undefined {
  if (callable.kind !== "global" || callable.use !== "attribute" || args.kind !== "tuple") return undefined;
  const [owner, attribute, ...more] = args.items ?? [];
  const name = literals.text(attribute);
  if (owner?.kind !== "global" || name === undefined || more.length > 0) return undefined;
  const found = judgeGlobal(owner.module, `${owner.name}.${name}`);
  return found.grade === "allowed" ? found : undefined;
}

/** `callable(*args)`, as REDUCE does it. */
export function callValue(callable: Value, args: Value, host: CallHost): Value {
  if (!isCallable(callable, host)) return { kind: "unknown" };
  host.called();
  if (callable.kind !== "global") {
    host.report(PICKLE_RULES.callComputed, "REDUCE");
    return { kind: "unknown" };
  }
  if (args.kind === "unknown" || args.kind === "object") {
    host.report(PICKLE_RULES.callComputed, `${callable.module}.${callable.name} with arguments that a call made`);
  } else if (args.kind !== "tuple") {
    host.fault("arguments that are no tuple");
  }
  checkCall(callable, args, host);
  return made(callable, args);
}

/**
 * `cls.__new__(cls, *args)`, as NEWOBJ does it (`how` is `new`), or what INST and OBJ do: a call, or `__new__` where
 * there are no arguments.
 */
export function instantiate(callable: Value, args: Value, host: CallHost, how: "new" | "call" = "call"): Value {
  const bare = args.kind === "tuple" && args.items?.length === 0;
  if (callable.kind !== "global" || callable.use !== "instance" || (how === "call" && !bare)) {
    return callValue(callable, args, host);
  }
  host.called();
  return made(callable, args);
}

/** `obj.__setstate__(state)` or `obj.__dict__.update(state)`: BUILD. */
export function checkState(target: Value, host: CallHost): void {
  if (target.kind === "global") changed(target, "BUILD", host);
  else if (target.kind !== "object" && target.kind !== "unknown" && target.kind !== "storage") {
    host.fault(`BUILD of a ${target.kind}`);
  }
}

/** `obj[key] = value`, `obj.append(item)`, `obj.add(item)`: what `kind` of container the instruction is for. */
export function checkItems(target: Value, kind: "list" | "dict" | "set", host: CallHost): void {
  if (target.kind === kind || target.kind === "unknown") return;
  if (target.kind === "global") {
    changed(target, kind === "dict" ? "SETITEM" : "APPEND", host);
  } else if (target.kind === "object") {
    const { of } = target;
    if (of === undefined || of.grade !== "allowed" || of.use === "instance") return;
    if (!CONTAINERS.has(`${of.module}.${of.name}`)) host.report(PICKLE_RULES.items, `${of.module}.${of.name}`);
  } else if (kind === "dict" && target.kind === "list") {
    // list[index] = value is legal, and no pickler writes it.
    host.fault("items of a list");
  } else {
    host.fault(`items of a ${target.kind}`);
  }
}

function changed(target: GlobalValue, how: string, host: CallHost): void {
  host.called();
  host.report(PICKLE_RULES.changed, `${how} on ${target.module}.${target.name}`);
}

function isCallable({ kind }: Value, host: CallHost): boolean {
  if (kind === "global" || kind === "object" || kind === "unknown") return true;
  host.fault(`a call of a ${kind}`);
  return false;
}

function checkCall(callable: GlobalValue, args: Value, host: CallHost): void {
  if (callable.grade !== "allowed") {
    host.report(GRADE_RULES[callable.grade].call, describeGlobal(callable));
    return;
  }
  const path = `${callable.module}.${callable.name}`;
  const items = args.kind === "tuple" ? args.items : undefined;
  const [first] = items ?? [];
  switch (callable.use) {
    case "call":
      // The factory is called by whoever reads a key that is missing.
      if (callable.name === "defaultdict" && first !== undefined && first.kind !== "global" && first.kind !== "none") {
        host.report(PICKLE_RULES.callComputed, path);
      }
      if (ALLOCATES.has(path) && first?.kind === "int" && first.value > MOST_ALLOCATED) {
        host.report(PICKLE_RULES.allocates, `${path}: ${first.value} bytes`);
      }
      return;
    case "nested":
      if (first?.kind === "bytes") host.nested(first);
      else if (first?.kind === "object" && isEncode(first)) host.nested(first.args.items[0]);
      else host.report(PICKLE_RULES.callDangerous, `${path}: loads more code or data`);
      return;
    case "apply":
      if (first?.kind !== "global") {
        host.report(PICKLE_RULES.callComputed, path);
        return;
      }
      const place = APPLIED_TO.get(callable.name);
      if (place !== undefined) checkCall(first, items?.[place] ?? { kind: "unknown" }, host);
      else if (first.grade !== "allowed") host.report(GRADE_RULES[first.grade].call, describeGlobal(first));
      else if (first.use === "type-of" || first.use === "attribute")
        host.report(PICKLE_RULES.callDangerous, describeGlobal(first));
      return;
    case "type-of":
    case "attribute":
      if (callable.use === "type-of" && items?.length === 1 && isConstant(first)) return;
      host.report(PICKLE_RULES.callDangerous, describeGlobal(callable));
      return;
    default:
      host.report(PICKLE_RULES.callUnknown, `${path}, which is allowed, but not to be called`);
  }
}

/** What Python has one of, so that its type has no name to be loaded by. */
function isConstant(value: Value | undefined): boolean {
  if (value?.kind === "none") return true;
  return value?.kind === "global" && CONSTANTS.has(`${value.module}.${value.name}`);
}

const CONSTANTS: ReadonlySet<string> = new Set(
  ["Ellipsis", "NotImplemented"].flatMap((name) => [`builtins.${name}`, `__builtin__.${name}`]),
);

/** Where the arguments stand that a function hands to its first one. */
const APPLIED_TO: ReadonlyMap<string, number> = new Map([
  ["_rebuild_from_type_v2", 2],
  ["_create_array", 1],
]);

/** What takes memory by a number alone, and how much of it no model takes so. */
const ALLOCATES: ReadonlySet<string> = new Set(
  ["bytes", "bytearray"].flatMap((name) => [`builtins.${name}`, `__builtin__.${name}`]),
);
const MOST_ALLOCATED = 1024 ** 3;

/** `_codecs.encode(text, "latin1")`, by which protocols before 3 write bytes. */
function isEncode(value: ObjectValue): value is ObjectValue & { readonly args: { readonly items: [TextValue] } } {
  const { of, args } = value;
  return of?.module === "_codecs" && of.name === "encode" && args.kind === "tuple" && args.items?.[0]?.kind === "text";
}

/** `copyreg._reconstructor(cls, …)` makes a `cls`. */
function made(callable: GlobalValue, args: Value): ObjectValue {
  const first = args.kind === "tuple" ? args.items?.[0] : undefined;
  const of = callable.use === "apply" && first?.kind === "global" ? first : callable;
  return { kind: "object", of, args, state: undefined };
}
