// oxlint-disable unicorn/no-thenable -- JSON Schema has a keyword of this name, which is no promise's
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Ajv } from "ajv";
import fc from "fast-check";

import { isHoldfastError } from "../../../core/index.ts";
import { compileSchema } from "./compile.ts";
import { violation } from "./validate.ts";

const check = (schema: unknown, value: unknown): ReturnType<typeof violation> =>
  violation(compileSchema(schema), value);

const isSchema = (value: unknown): value is object | boolean => typeof value === "object" || typeof value === "boolean";

/** Schema, what fits, what does not. */
const CASES: readonly (readonly [schema: unknown, fits: readonly unknown[], unfit: readonly unknown[]])[] = [
  [true, [1, null], []],
  [false, [], [1, {}]],
  [{ type: "integer" }, [1, 1.0, -3], [1.5, "1", null]],
  [{ type: ["string", "null"] }, ["", null], [0, {}]],
  [{ enum: [1, { a: [1, 2] }] }, [1, { a: [1, 2] }], [2, { a: [2, 1] }]],
  [{ const: { b: 1, a: 2 } }, [{ a: 2, b: 1 }], [{ a: 2 }]],
  [{ enum: ["a", "b"], const: "b" }, ["b"], ["a"]],
  [{ minimum: 1, maximum: 3 }, [1, 3, "0"], [0.9, 3.1]],
  [{ exclusiveMinimum: 1, exclusiveMaximum: 3 }, [2], [1, 3]],
  [{ multipleOf: 0.1 }, [0.3, 1], [0.35]],
  [{ minLength: 2, maxLength: 3 }, ["ab", "🜁🜁🜁"], ["a", "abcd"]],
  [{ pattern: "^[a-z]+$" }, ["abc", 1], ["ab1"]],
  [{ pattern: "\\u0041" }, ["xA"], ["a"]],
  [{ items: { type: "number" } }, [[], [1, 2], "x"], [[1, "2"]]],
  [{ prefixItems: [{ type: "string" }], items: false }, [["a"], []], [["a", 1], [1]]],
  [{ items: [{ type: "string" }], additionalItems: { type: "number" } }, [["a", 1]], [["a", "b"]]],
  [
    { contains: { const: 1 }, maxContains: 2 },
    [
      [1, 2],
      [1, 1],
    ],
    [[2], [1, 1, 1], []],
  ],
  [{ contains: { const: 1 }, minContains: 0 }, [[], [2]], []],
  [{ minItems: 1, maxItems: 2 }, [[1]], [[], [1, 2, 3]]],
  [
    { uniqueItems: true },
    [[1, "1", [1]]],
    [
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    ],
  ],
  [{ properties: { a: { type: "string" } }, required: ["a"] }, [{ a: "", b: 1 }], [{}, { a: 1 }]],
  [{ properties: { a: {} }, additionalProperties: false }, [{ a: 1 }], [{ a: 1, b: 2 }]],
  [
    { patternProperties: { "^x-": { type: "number" } }, additionalProperties: { type: "string" } },
    [{ "x-a": 1, b: "" }],
    [{ "x-a": "" }, { b: 1 }],
  ],
  [{ propertyNames: { maxLength: 2 } }, [{ ab: 1 }], [{ abc: 1 }]],
  [{ minProperties: 1, maxProperties: 1 }, [{ a: 1 }], [{}, { a: 1, b: 2 }]],
  [{ dependentRequired: { a: ["b"] } }, [{ b: 1 }, { a: 1, b: 1 }], [{ a: 1 }]],
  [{ dependentSchemas: { a: { required: ["b"] } } }, [{ b: 1 }], [{ a: 1 }]],
  [{ dependencies: { a: ["b"], c: { required: ["d"] } } }, [{}], [{ a: 1 }, { c: 1 }]],
  [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, [1], [0, 3]],
  [{ anyOf: [{ type: "string" }, { minimum: 5 }] }, ["", 5], [4]],
  [{ oneOf: [{ multipleOf: 2 }, { multipleOf: 3 }] }, [2, 3], [6, 5]],
  [{ not: { type: "string" } }, [1], ["a"]],
  [{ if: { type: "string" }, then: { minLength: 1 }, else: { minimum: 1 } }, ["a", 1], ["", 0]],
  [{ $defs: { n: { type: "number" } }, properties: { a: { $ref: "#/$defs/n" } } }, [{ a: 1 }], [{ a: "" }]],
  [
    { properties: { child: { $ref: "#" } }, additionalProperties: false },
    [{ child: { child: {} } }],
    [{ child: { x: 1 } }],
  ],
  [{ definitions: { "a/b~c": { type: "null" } }, $ref: "#/definitions/a~1b~0c" }, [null], [1]],
  [{ "x-mcp-header": "Region", format: "uri", description: "d" }, ["anything"], []],
];

describe("arguments against a schema", () => {
  it("fit or do not, keyword by keyword", () => {
    for (const [schema, fits, unfit] of CASES) {
      for (const value of fits) assert.equal(check(schema, value), undefined, JSON.stringify([schema, value]));
      for (const value of unfit) assert.ok(check(schema, value), JSON.stringify([schema, value]));
    }
  });

  it("are judged as by another validator", () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const leaf = fc.oneof(
      fc.constantFrom(
        { type: "string" },
        { type: "integer" },
        { type: "null" },
        { minimum: 1 },
        { maxLength: 2 },
        true,
        false,
      ),
      fc.record({ enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 3 }) }),
    );
    const { schema } = fc.letrec((tie) => ({
      schema: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({
          properties: fc.dictionary(fc.constantFrom("a", "b"), tie("schema")),
          required: fc.uniqueArray(fc.constantFrom("a", "b")),
          additionalProperties: tie("schema"),
        }),
        fc.record({ items: tie("schema"), minItems: fc.nat(2), uniqueItems: fc.boolean() }),
        fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }), not: tie("schema") }),
        fc.record({ oneOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
        fc.record({ if: tie("schema"), then: tie("schema"), else: tie("schema") }),
      ),
    }));
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.dictionary(fc.constantFrom("a", "b", "c"), fc.jsonValue({ maxDepth: 1 })),
    );
    // As they come over a wire: no object without a prototype, which the other one takes for different from any other.
    const parsed = fc.tuple(schema, value).map((drawn) => JSON.parse(JSON.stringify(drawn)) as typeof drawn);
    fc.assert(
      fc.property(parsed, ([made, it_]) => {
        // The other one calls methods that objects of JSON may have as names.
        if (/"(?:valueOf|toString|constructor)":/.test(JSON.stringify([made, it_]))) return;
        // An `enum` with a value twice is a schema that the other one refuses.
        if (!isSchema(made) || ajv.validateSchema(made) !== true) return;
        assert.equal(check(made, it_) === undefined, ajv.validate(made, it_));
      }),
      { numRuns: 120 },
    );
  });

  it("say where and why, in words of the schema alone", () => {
    const schema = {
      type: "object",
      properties: { "a/b": { items: { type: "number" } } },
      additionalProperties: { type: "null" },
    };
    assert.deepEqual(check(schema, { "a/b": [1, "secret"] }), { at: "/a~1b/1", why: "must be number" });
    assert.deepEqual(check(schema, { secret: 1 }), { at: "/*", why: "must be null" });
  });

  it("are refused where checking takes too much work", () => {
    const wide: Record<string, unknown> = {};
    for (let level = 0; level < 40; level++) {
      wide[`l${level}`] = { anyOf: [{ $ref: `#/$defs/l${level + 1}` }, { $ref: `#/$defs/l${level + 1}` }] };
    }
    wide["l40"] = false;
    assert.match(check({ $defs: wide, $ref: "#/$defs/l0" }, 1)?.why ?? "", /steps/);
    assert.match(check({ $defs: wide, not: { $ref: "#/$defs/l0" } }, 1)?.why ?? "", /steps/);
    assert.match(check({ $ref: "#" }, 1)?.why ?? "", /steps/);
  });
});

describe("a schema", () => {
  it("that cannot be enforced is refused, by what it is", () => {
    const refused: readonly (readonly [unknown, RegExp])[] = [
      [{ $schema: "http://json-schema.org/draft-04/schema#" }, /dialect/],
      [{ $ref: "https://evil.example/schema.json" }, /\$ref/],
      [{ $ref: "#/$defs/missing" }, /nowhere/],
      [{ $ref: "#/__proto__" }, /nowhere/],
      [{ $dynamicRef: "#x" }, /\$dynamicRef/],
      [{ properties: { a: { unevaluatedProperties: false } } }, /unevaluatedProperties/],
      [{ properties: { a: { $id: "x" } } }, /\$id/],
      [{ pattern: "(?=a)" }, /linear/],
      [{ pattern: "(a{1,100}){1,100}" }, /linear|large/],
      [{ type: "date" }, /type/],
      [{ anyOf: [] }, /anyOf/],
      [{ minLength: -1 }, /minLength/],
      [{ multipleOf: 0 }, /multipleOf/],
      [{ items: 3 }, /schema/],
      [{ required: [1] }, /names/],
      [[], /schema/],
    ];
    for (const [schema, why] of refused) {
      assert.throws(
        () => compileSchema(schema),
        (error) => isHoldfastError(error, "gateway.mcp-schema-unenforceable") && why.test(error.detail ?? ""),
        JSON.stringify(schema),
      );
    }
    const many = { allOf: Array.from({ length: 4_096 }, () => ({})) };
    assert.throws(() => compileSchema(many), /4096/);
    assert.doesNotThrow(() => compileSchema({ allOf: many.allOf.slice(1) }));
  });
});
