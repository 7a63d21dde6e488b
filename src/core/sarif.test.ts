import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { artifactUri } from "./sarif.ts";

test("a file below the folder has a relative reference, any other its URL", () => {
  assert.equal(artifactUri("/work/a/b.txt", "/work"), "a/b.txt");
  assert.equal(artifactUri("/work/a/b.txt", "/work/"), "a/b.txt");
  assert.equal(artifactUri("/worker/a b", "/work"), "file:///worker/a%20b");
  assert.equal(artifactUri("/a", "/"), "a");
  assert.equal(artifactUri("/work/..a", "/work"), "..a");
  assert.equal(artifactUri("D:/models/a", "C:/work"), "file:///D:/models/a");
});

test("a reference never reads as a scheme, a query or a fragment, and leads back to its file", () => {
  assert.equal(artifactUri("/work/c:a?b#c d%41[é]", "/work"), "c%3Aa%3Fb%23c%20d%2541%5B%C3%A9%5D");
  const name = fc
    .string({ unit: "binary", minLength: 1, maxLength: 8 })
    .filter((text) => !/^\.{1,2}$|[/\0]/.test(text));
  fc.assert(
    fc.property(
      fc.array(name, { minLength: 1, maxLength: 3 }),
      fc.constantFrom("/work", "/elsewhere"),
      (names, folder) => {
        const file = `/work/${names.join("/")}`;
        const reference = artifactUri(file, folder);
        assert.doesNotMatch(reference.replace(/^file:/, ""), /[:?#\s]/);
        assert.equal(decodeURIComponent(new URL(reference, "file:///work/").pathname), file.toWellFormed());
      },
    ),
  );
});
