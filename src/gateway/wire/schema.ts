/**
 * A JSON Schema (draft 2020-12) inside a request: the parameters of a tool, the form of an answer. The keywords are
 * known, so that pointers into a schema can be read and its keywords are not taken for a caller's text; descriptions,
 * defaults, constants, patterns and property names are the text that a model reads.
 *
 * @module
 */

import { any, boolean, json, list, number, record, text, word, type Shape } from "./shape.ts";

const schema: Shape = { is: "lazy", shape: () => either };
const schemas: Shape = list(schema);
const named: Shape = { is: "map", of: schema };

const keywords = record(
  {
    type: {
      is: "either",
      text: word("object", "array", "string", "number", "integer", "boolean", "null"),
      list: list(word("object", "array", "string", "number", "integer", "boolean", "null")),
    },
    title: text,
    description: text,
    default: any,
    const: any,
    enum: list(any),
    examples: any,
    pattern: text,
    format: text,
    $ref: text,
    $id: text,
    $schema: text,
    $comment: text,
    required: list(text),
    properties: named,
    patternProperties: named,
    $defs: named,
    definitions: named,
    items: { is: "either", record: schema, list: schemas, boolean },
    prefixItems: schemas,
    additionalProperties: { is: "either", record: schema, boolean },
    anyOf: schemas,
    allOf: schemas,
    oneOf: schemas,
    not: schema,
    minimum: number,
    maximum: number,
    minLength: number,
    maxLength: number,
    minItems: number,
    maxItems: number,
    uniqueItems: boolean,
    nullable: boolean,
  },
  { rest: any },
);

const either: Shape = { is: "either", record: keywords, boolean };

/** A schema, given as an object. Some clients send it as a JSON text; no schema at all is `null`. */
export const jsonSchema: Shape = { is: "either", record: keywords, text: json, boolean };
