/**
 * A folder of policies: read, taken apart, named and checked, all of it before a single one counts.
 *
 *     policies/
 *       models.cedar     its first policy goes by `models.cedar#1`, or by what its annotation says: @id("shop-models")
 *       data.cedar
 *
 * @module
 */

import { hash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { decodeUtf8, isHoldfastError } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import type { Cedar, CedarPolicies, CedarPolicy, CedarProblem } from "./cedar.ts";

export interface Policy extends CedarPolicy {
  /** What receipts show. */
  readonly id: string;
  readonly file: string;
  /** Where it begins in the file, from 1. */
  readonly line: number;
}

export interface PolicyProblem extends CedarProblem {
  /** Undefined: of the folder as a whole. */
  readonly file: string | undefined;
  /** In the file, from 1. */
  readonly line: number | undefined;
}

export interface PolicyFolder {
  readonly folder: string;
  readonly policies: readonly Policy[];
  /** SHA-256 of names and contents of the files: which policies were in force. */
  readonly digest: string;
  /** What keeps them from being used. */
  readonly errors: readonly PolicyProblem[];
  /** What is probably not meant, such as a policy that can never apply. */
  readonly warnings: readonly PolicyProblem[];
}

/** Files, bytes of one and policies at most: every one is looked at for every request. */
const MOST_FILES = 200;
const MOST_BYTES = 1_048_576;
const MOST_POLICIES = 2_000;
/** Ids stand in receipts, which hold so many of them. */
const ID = /^[\w.:#@/-]{1,128}$/;

/**
 * Reads and checks the policies of a folder. What is wrong with them is in the result, all of it.
 *
 * @throws `gateway.policy-invalid` where the folder or a file cannot be read
 */
export function readPolicies(folder: string, cedar: Cedar): PolicyFolder {
  const files = readFolder(folder);
  const policies: Policy[] = [];
  const errors: PolicyProblem[] = [];
  const say = (file: string | undefined, message: string): void => {
    errors.push({ file, line: undefined, policy: undefined, message, help: undefined, at: undefined });
  };

  for (const { name, text } of files) {
    const parsed = cedar.parse(text);
    if ("problems" in parsed) {
      errors.push(...parsed.problems.map((one) => ({ ...one, file: name, line: lineAt(text, one.at) })));
    } else {
      policies.push(
        ...parsed.policies.map((one, at) => ({
          ...one,
          id: one.id ?? `${name}#${at + 1}`,
          file: name,
          line: text.slice(0, one.start).split("\n").length,
        })),
      );
    }
  }
  const seen = new Set<string>();
  for (const { id, file } of policies) {
    if (!ID.test(id)) say(file, `the id ${JSON.stringify(id)} is not 1 to 128 of letters, digits and . : # @ / - _`);
    if (seen.has(id)) say(file, `two policies have the id ${id}`);
    seen.add(id);
  }
  if (files.length === 0) say(undefined, "there is no *.cedar file in it, and without a policy nothing is permitted");
  else if (policies.length === 0 && errors.length === 0) say(undefined, "there is no policy in its files");
  if (policies.length > MOST_POLICIES) say(undefined, `more than ${MOST_POLICIES} policies`);

  const checked = errors.length === 0 ? cedar.validate(textsOf(policies)) : { errors: [], warnings: [] };
  const placed = (problem: CedarProblem): PolicyProblem => {
    const policy = policies.find(({ id }) => id === problem.policy);
    if (policy === undefined) return { ...problem, file: undefined, line: undefined };
    return { ...problem, file: policy.file, line: policy.line + (lineAt(policy.text, problem.at) ?? 1) - 1 };
  };
  return {
    folder,
    policies,
    digest: hash("sha256", JSON.stringify(files.map(({ name, text }) => [name, text]))),
    errors: [...errors, ...checked.errors.map(placed)],
    warnings: checked.warnings.map(placed),
  };
}

/** Policies by id, as the engine takes them. */
export function textsOf(policies: readonly Policy[]): CedarPolicies {
  return Object.fromEntries(policies.map(({ id, text }) => [id, text]));
}

/** One line for a problem: `models.cedar:12: shop-models: what is wrong (what to do)`. */
export function problemLine({ file, line, policy, message, help }: PolicyProblem): string {
  const place = file === undefined || line === undefined ? file : `${file}:${line}`;
  const where = [place, policy].filter((part) => part !== undefined);
  return [...where, `${message}${help === undefined ? "" : ` (${help})`}`].join(": ");
}

/** The line of an offset in UTF-8 bytes, from 1. */
function lineAt(text: string, at: number | undefined): number | undefined {
  return at === undefined ? undefined : Buffer.from(text, "utf8").subarray(0, at).toString("latin1").split("\n").length;
}

function readFolder(folder: string): readonly { readonly name: string; readonly text: string }[] {
  const unreadable = (path: string, cause: unknown): Error => {
    const why = isHoldfastError(cause) ? "not UTF-8" : ((cause as NodeJS.ErrnoException).code ?? "unknown error");
    return gatewayError("gateway.policy-invalid", { detail: `${path} (${why})`, cause });
  };
  let names: readonly string[];
  try {
    names = readdirSync(folder)
      .filter((name) => name.endsWith(".cedar") && !name.startsWith("."))
      .toSorted();
  } catch (cause) {
    throw unreadable(folder, cause);
  }
  if (names.length > MOST_FILES) {
    throw gatewayError("gateway.policy-invalid", { detail: `${folder}: more than ${MOST_FILES} files` });
  }
  return names.map((name) => {
    const path = join(folder, name);
    try {
      if (statSync(path).size <= MOST_BYTES) return { name, text: decodeUtf8(readFileSync(path)) };
    } catch (cause) {
      throw unreadable(path, cause);
    }
    throw gatewayError("gateway.policy-invalid", { detail: `${path}: more than ${MOST_BYTES} bytes` });
  });
}
