import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { parseDigest } from "./digest.ts";
import { checkPaths, isReleaseReference, parseReference } from "./reference.ts";

const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);
const HEX = "ab".repeat(32);

describe("references", () => {
  it("names models, aliases and digests", () => {
    assert.deepEqual(parseReference("bot"), { model: "bot" });
    assert.deepEqual(parseReference("acme/bot-1.5_b@prod"), { model: "acme/bot-1.5_b", alias: "prod" });
    assert.deepEqual(parseReference(`bot@sha256:${HEX}`), { model: "bot", digits: HEX });
    assert.deepEqual(parseReference("bot@sha256:abababababab"), { model: "bot", digits: "abababababab" });
    assert.equal(isReleaseReference("bot@prod"), true);
    assert.equal(isReleaseReference("bot"), false);
  });

  // Each could pass for another name to a person or to a file system.
  for (const bad of [
    "Bot",
    "bоt",
    "bot ",
    "-bot",
    "bot-",
    "a..b",
    "a/../b",
    "a//b",
    "/a",
    "a/",
    "",
    "bot@",
    "@prod",
    "bot@Prod",
    "bot@prod@prod",
    "bot:1",
    "bot@sha256:ABABABABABAB",
    "bot@sha512:abababababab",
    "bot@sha256:abab",
    `bot@sha256:${HEX}0`,
    "bot\u0000",
    "a/b/c/d",
    "x".repeat(64),
  ]) {
    it(`refuses ${JSON.stringify(bad)}`, () => {
      assert.throws(() => parseReference(bad), code("models.reference-invalid"));
    });
  }
});

describe("digests", () => {
  it("takes one algorithm in one spelling", () => {
    assert.equal(parseDigest(`sha256:${HEX}`), HEX);
    for (const bad of [
      HEX,
      `sha512:${HEX}${HEX}`,
      `SHA256:${HEX}`,
      `sha256:${HEX.toUpperCase()}`,
      `sha256:${HEX}00`,
      `sha256:${HEX.slice(2)}`,
      `sha256: ${HEX}`,
      `sha256:${HEX}\n`,
      "md5:0cc175b9c0f1b6a831c399e269772661",
      `sha256+x:${HEX}`,
    ]) {
      assert.throws(() => parseDigest(bad), code("models.digest-invalid"), bad);
    }
  });
});

describe("names of files", () => {
  const check = (...paths: string[]): void => checkPaths(paths.map((path) => ({ path })));

  it("takes what models have", () => {
    check(
      "model-00001-of-00002.safetensors",
      "onnx/model.onnx",
      "a b/ü.txt",
      ".gitignore",
      "..a",
      "tokenizer/日本.json",
    );
  });

  for (const bad of [
    "../a",
    "a/../b",
    "a/..",
    "/etc/passwd",
    "a//b",
    "./a",
    "a/.",
    "",
    "a\\b",
    "C:a",
    "a:b",
    "a\u0000",
    "a\nb",
    "a\u001b[2J",
    "a.",
    "a /b",
    "\ud800",
    "x/".repeat(33) + "x",
    "x".repeat(1025),
  ]) {
    it(`refuses ${JSON.stringify(bad).slice(0, 40)}`, () => {
      assert.throws(() => check(bad), code("models.path-unsafe"));
    });
  }

  it("refuses two that fall together, and a file that is also a folder", () => {
    for (const pair of [
      ["a", "a"],
      ["README.md", "readme.md"],
      ["ü", "u\u0308"],
      ["ﬁle", "file"],
      ["a", "a/b"],
      ["A/b", "a"],
    ]) {
      assert.throws(() => check(...pair), code("models.path-unsafe"), pair.join(" "));
    }
  });

  it("lets nothing out of the folder", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("..", ".", "a", "/", "\\", ":", "b", "")), (parts) => {
        const path = parts.join("");
        try {
          check(path);
        } catch {
          return;
        }
        assert.ok(!path.startsWith("/") && !path.split("/").includes("..") && !path.includes("\\"), path);
      }),
    );
  });
});
