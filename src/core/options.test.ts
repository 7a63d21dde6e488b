import assert from "node:assert/strict";
import { test } from "node:test";

import { listOption, textOption } from "./options.ts";

test("an option is read as a text, or as a list of what was given", () => {
  const options = { app: "shop", tag: ["a", "b"], all: true, none: undefined };
  assert.equal(textOption(options, "app"), "shop");
  assert.deepEqual(listOption(options, "app"), ["shop"]);
  assert.deepEqual(listOption(options, "tag"), ["a", "b"]);
  for (const name of ["tag", "all", "none", "missing"]) assert.equal(textOption(options, name), undefined, name);
  for (const name of ["all", "none", "missing"]) assert.deepEqual(listOption(options, name), [], name);
});
