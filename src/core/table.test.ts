import assert from "node:assert/strict";
import { test } from "node:test";

import { textTable } from "./table.ts";

const STYLE = { bold: (text: string) => `*${text}*`, dim: String, red: String, green: String, yellow: String };

test("columns are as wide as their widest cell, and no line ends in spaces", () => {
  const table = textTable(
    ["ID", "STATE", "NOTE"],
    [
      ["4fQx", "on"],
      ["a", "revoked", "x"],
    ],
    STYLE,
  );
  assert.equal(table, "*ID    STATE    NOTE*\n4fQx  on\na     revoked  x");
});

test("a table without rows is its head", () => {
  assert.equal(textTable(["A", "B"], [], STYLE), "*A  B*");
});

test("a table may have very many rows", () => {
  const rows = Array.from({ length: 200_000 }, (_, index) => [String(index)]);
  assert.equal(textTable(["N"], rows, STYLE).split("\n").length, 200_001);
});
