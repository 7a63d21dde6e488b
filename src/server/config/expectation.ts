/**
 * What a field of the configuration takes, in words, read from its JSON Schema: the one source of the editor's help,
 * the reference and the error messages.
 *
 * @module
 */

/** A JSON Schema, as far as `z.toJSONSchema` makes it from ours. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The schema of the field at `path`, through lists and alternatives; undefined where there is none. */
export function schemaAt(schema: JsonSchema, path: readonly string[]): JsonSchema | undefined {
  let current: JsonSchema | undefined = schema;
  for (const name of path) current = current === undefined ? undefined : step(current, name);
  return current;
}

/** The names of the fields that the map at `path` may have. */
export function fieldsAt(schema: JsonSchema, path: readonly string[]): readonly string[] {
  const found = schemaAt(schema, path);
  if (found === undefined) return [];
  return [found, ...alternatives(found)].flatMap((entry) => Object.keys(asSchema(entry["properties"]) ?? {}));
}

/** `a whole number from 4 to 512`, `one of "openai", "anthropic"`, `a list of at least 1`. */
export function expectation(schema: JsonSchema | undefined): string {
  if (schema === undefined) return "another value";
  const choices = schema["enum"];
  if (Array.isArray(choices)) return `one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}`;
  const either = alternatives(schema);
  if (either.length > 0) return either.map(expectation).join(" or ");
  switch (schema["type"]) {
    case "integer":
    case "number":
      return `${schema["type"] === "integer" ? "a whole number" : "a number"}${range(schema)}`;
    case "string":
      return schema["format"] === "uri" ? "a URL" : "a text";
    case "boolean":
      return "true or false";
    case "array":
      return typeof schema["minItems"] === "number" ? `a list of at least ${schema["minItems"]}` : "a list";
    case "object": {
      const names = Object.keys(asSchema(schema["properties"]) ?? {});
      return names.length === 0 ? "a map" : `a map with ${names.join(", ")}`;
    }
    default:
      return "another value";
  }
}

function range(schema: JsonSchema): string {
  const { minimum, maximum } = schema;
  // JSON Schema states the bound of safe integers where there is no bound of ours.
  const low = typeof minimum === "number" && minimum > Number.MIN_SAFE_INTEGER;
  const high = typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER;
  if (low && high) return ` from ${minimum} to ${maximum}`;
  if (low) return ` of at least ${minimum}`;
  return high ? ` of at most ${maximum}` : "";
}

function step(schema: JsonSchema, name: string): JsonSchema | undefined {
  for (const entry of [schema, ...alternatives(schema)]) {
    const properties = asSchema(entry["properties"]);
    if (properties !== undefined && Object.hasOwn(properties, name)) return asSchema(properties[name]);
    const items = asSchema(entry["items"]);
    if (items !== undefined && /^\d+$/.test(name)) return items;
  }
  return undefined;
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const either = schema["anyOf"] ?? schema["oneOf"];
  return Array.isArray(either) ? (either as readonly JsonSchema[]) : [];
}

function asSchema(value: unknown): JsonSchema | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonSchema) : undefined;
}
