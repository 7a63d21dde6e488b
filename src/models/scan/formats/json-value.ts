/**
 * Reads values of foreign JSON without trusting their shape.
 *
 * @module
 */

/** Whether `value` is an object of JSON, not an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value of a JSON document and the way to it. */
export interface JsonPlace {
  readonly value: unknown;
  /** Its name or index in `parent`. Empty for the document. */
  readonly name: string;
  readonly parent: JsonPlace | undefined;
}

/** Every object and array of a JSON document, the document first, in their order and without recursion. */
export function* jsonContainers(root: unknown): Generator<JsonPlace, void, undefined> {
  const open: JsonPlace[] = [{ value: root, name: "", parent: undefined }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value } = place;
    if (typeof value !== "object" || value === null) continue;
    yield place;
    for (const [name, inner] of Object.entries(value).toReversed()) {
      if (typeof inner === "object" && inner !== null) open.push({ value: inner, name, parent: place });
    }
  }
}

/** The RFC 6901 pointer to `place`. */
export function pointerOf(place: JsonPlace): string {
  const names: string[] = [];
  for (let at: JsonPlace = place; at.parent !== undefined; at = at.parent) {
    names.push(at.name.replaceAll("~", "~0").replaceAll("/", "~1"));
  }
  return names
    .toReversed()
    .map((name) => `/${name}`)
    .join("");
}
