/**
 * From the text of a `holdfast.yaml` to a checked configuration, or to every problem in it with its place.
 *
 * The text is hostile until checked: its size, depth and the expansion of its aliases are bounded, a name that occurs
 * twice is refused, and a problem never quotes a value, since a value may be a password that was put in the wrong field.
 *
 * @module
 */

import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from "yaml";

import { nearest } from "./suggest.ts";
import { configJsonSchema, configSchema, type Config } from "./schema.ts";
import { expectation, fieldsAt, schemaAt } from "./expectation.ts";

export interface ConfigProblem {
  /** Where to look: `holdfast.yaml:3:5`, or the name of an environment variable. */
  readonly place: string;
  /** The field: `gateway.limits.bodyBytes`; empty for the document as a whole. */
  readonly path: string;
  readonly what: string;
  readonly hint: string;
}

export type ConfigResult =
  | { readonly config: Config; readonly problems: readonly [] }
  | { readonly config?: never; readonly problems: readonly ConfigProblem[] };

/** A value that an environment variable puts in place of the file's. */
export interface ConfigOverride {
  readonly variable: string;
  readonly path: readonly string[];
  readonly value: string;
}

/** Far more than any configuration; a file beyond it is the wrong file. */
export const MAX_CONFIG_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;

/**
 * Checks `text`, known to people as `file`, with `overrides` laid over it. An empty text is a valid configuration: all
 * defaults.
 */
export function readConfig(text: string, file: string, overrides: readonly ConfigOverride[] = []): ConfigResult {
  const whole = (what: string, hint: string): ConfigResult => ({ problems: [{ place: file, path: "", what, hint }] });
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    return whole(`larger than ${MAX_CONFIG_BYTES} bytes`, "check that this is the right file");
  }

  const lines = new LineCounter();
  let document: Document;
  let value: unknown;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      // Pretty errors and warnings quote the source.
      prettyErrors: false,
      logLevel: "error",
      uniqueKeys: true,
      schema: "core",
    });
    // What follows the first problem of the syntax is often no more than its echo.
    const [broken] = [...document.errors, ...document.warnings];
    if (broken !== undefined) {
      const problem = {
        place: at(file, lines, broken.pos[0]),
        path: "",
        what: YAML_PROBLEMS[broken.code] ?? "not valid YAML",
        hint: "check the indentation, the quotes and the colons near this place",
      };
      return { problems: [problem] };
    }
    value = document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
  } catch (error) {
    return error instanceof ReferenceError
      ? whole(`its aliases expand to more than the limit of ${MAX_ALIASES}`, "write the values out")
      : whole("nested too deep to read", "flatten the file");
  }

  const merged = override(value ?? {}, overrides);
  const result = configSchema.safeParse(merged, { reportInput: false });
  if (result.success) return { config: result.data, problems: [] };

  const schema = configJsonSchema();
  const problems = result.error.issues.flatMap((issue): ConfigProblem[] => {
    const path = issue.path.map(String);
    const place = placeOf(path, file, lines, document, overrides);
    if (issue.code === "unrecognized_keys") {
      const known = fieldsAt(schema, path);
      return issue.keys.map((key) => {
        const near = nearest(key, known);
        return {
          place: placeOf([...path, key], file, lines, document, overrides),
          path: [...path, key].join("."),
          what: "unknown field",
          hint: near === undefined ? `fields here: ${known.join(", ")}` : `did you mean ${near}`,
        };
      });
    }
    const field = schemaAt(schema, path);
    const expected = expectation(field);
    const missing = issue.code === "invalid_type" && valueAt(merged, path) === undefined;
    // Messages of our own schemas say what they expect; zod's generic ones are put in words that name the range.
    const own = issue.code === "custom" || (issue.code === "invalid_format" && issue.format === "regex");
    const expects = own ? issue.message.replace(/^(?!expected|the )/, "expected ") : `expected ${expected}`;
    return [
      {
        place,
        path: path.join("."),
        what: missing ? `missing, ${expects}` : expects,
        hint:
          typeof field?.["description"] === "string" ? `it is ${field["description"]}` : "see docs/reference/config.md",
      },
    ];
  });
  return { problems };
}

const YAML_PROBLEMS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "the same field twice",
  TAG_RESOLVE_FAILED: "a YAML tag that is not supported",
  MULTIPLE_DOCS: "more than one YAML document",
  TAB_AS_INDENT: "a tab in the indentation, where YAML wants spaces",
  BAD_INDENT: "wrong indentation",
};

function at(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}

/** The place of a field, or of the nearest thing around it that is there. */
function placeOf(
  path: readonly string[],
  file: string,
  lines: LineCounter,
  document: Document,
  overrides: readonly ConfigOverride[],
): string {
  const variable = overrides.find((entry) => entry.path.join(".") === path.join("."))?.variable;
  if (variable !== undefined) return variable;

  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const name of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
      if (pair === undefined) break;
      offset = isNode(pair.key) ? pair.key.range?.[0] : undefined;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(name)];
      if (isNode(node)) offset = node.range?.[0];
    } else {
      break;
    }
  }
  return offset === undefined ? file : at(file, lines, offset);
}

/** A copy of `value` with the overrides in place. What is not a map is left for the schema to refuse. */
function override(value: unknown, overrides: readonly ConfigOverride[]): unknown {
  let result = value;
  for (const { path, value: replacement } of overrides) result = put(result, path, replacement);
  return result;
}

function put(value: unknown, path: readonly string[], replacement: string): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return replacement;
  if (value !== undefined && (typeof value !== "object" || value === null || Array.isArray(value))) return value;
  const object = (value ?? {}) as Record<string, unknown>;
  return { ...object, [name]: put(object[name], rest, replacement) };
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}
