import assert from "node:assert/strict";
import { test } from "node:test";

import { isPublished } from "./published.ts";

test("knows the passwords of NuGet's documentation, and nothing like them", () => {
  for (const value of ["33f!!lloppa", "hal+9ooo_da!sY"]) {
    assert.equal(isPublished(value), true);
    assert.equal(isPublished(`${value}x`), false);
  }
});
