import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import {
  ALNUM,
  charactersOf,
  classOf,
  exampleOf,
  HEX,
  leastOf,
  mostOf,
  runCharactersOf,
  sourceOf,
  UUID,
  WORD,
  type Form,
} from "./form.ts";
import { seeded } from "./rules/seeded.ts";

test("a form's pattern is what it says, with nothing of it read as an operator", () => {
  assert.equal(sourceOf(["glpat-", [WORD, 20]]), "glpat-[\\x2d0-9A-Z_a-z]{20}");
  assert.equal(sourceOf(["a.b(", ["=", 0, 2]]), "a\\.b\\([\\x3d]{0,2}");
  assert.match("123e4567-E89B-12d3-a456-426614174000", new RegExp(`^${sourceOf(UUID)}$`));
});

test("lengths and characters follow from the parts", () => {
  const form: Form = ["k_", [HEX, 3, 5], "-", [ALNUM, 2]];
  assert.deepEqual([leastOf(form), mostOf(form)], [8, 10]);
  assert.equal(charactersOf(form), `k_${HEX}-${ALNUM}`);
  assert.equal(runCharactersOf(form), HEX + ALNUM);
});

test("a class holds exactly its characters", () => {
  const character = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code));
  fc.assert(
    fc.property(fc.uniqueArray(character, { minLength: 1 }), (characters) => {
      const pattern = new RegExp(`^[${classOf(characters.join(""))}]$`);
      for (let code = 0x20; code <= 0x7e; code++) {
        const unit = String.fromCharCode(code);
        assert.equal(pattern.test(unit), characters.includes(unit), unit);
      }
    }),
  );
});

test("an example of a form matches its pattern", () => {
  const run = fc.tuple(fc.constantFrom(HEX, ALNUM, WORD, "=!$"), fc.integer({ min: 1, max: 9 }));
  const part = fc.oneof(fc.constantFrom("a.", "\\[", "b-"), run);
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), fc.nat(), (form, seed) => {
      const example = exampleOf(form, seeded(seed));
      assert.match(example, new RegExp(`^${sourceOf(form)}$`));
      assert.equal(example.length, leastOf(form));
    }),
  );
});
