/**
 * What all protocols share in messages for tests. Written by hand.
 *
 * @module
 */

/** Larger than what is read as text in spite of being base64. */
export const IMAGE = "iVBORw0KGgo".repeat(500);

export const schema = {
  type: "object",
  title: "t",
  description: "d",
  required: ["city"],
  properties: { city: { type: ["string", "null"], enum: ["a"], pattern: "p", default: "x" }, list: { items: {} } },
  $defs: { n: { const: "c", anyOf: [{ type: "null" }], not: true } },
  additionalProperties: false,
  "x-own": ["y"],
};
