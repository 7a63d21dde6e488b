import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crashRounds } from "./crash.test.ts";

describe("SQLite under many kill -9", () => {
  it("loses nothing in 40 rounds", async (test) => {
    const { acknowledged, found } = await crashRounds(40);
    test.diagnostic(`${acknowledged} rows answered in 40 rounds, ${found} found, 0 lost`);
    assert.ok(acknowledged > 1000 && found >= acknowledged);
  });
});
