import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "./errors.ts";
import { decodeUtf8, parseJson } from "./json.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const refuses = (text: string | Uint8Array, code: string, limits = { maxBytes: 1_000_000, maxDepth: 64 }): void => {
  assert.throws(
    () => parseJson(text, limits),
    (error) => isHoldfastError(error, code),
  );
};

describe("parseJson", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.boolean(), (text, pretty) => {
        const written = pretty ? JSON.stringify(JSON.parse(text), null, 2) : text;
        assert.deepEqual(parseJson(bytes(written)), JSON.parse(written));
      }),
    );
  });

  it("refuses what JSON.parse refuses, and never throws anything but its own errors", () => {
    const piece = fc.constantFrom("{", "}", "[", "]", ",", ":", '"', "\\", "a", "1", "true", "null", " ", "\\u0061");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const text = pieces.join("");
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        try {
          parseJson(text);
          assert.equal(valid, true);
        } catch (error) {
          assert.ok(isHoldfastError(error));
          if (valid) assert.equal(error.code, "core.json-duplicate-name");
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("refuses the same name twice, however it is written", () => {
    refuses('{"a":1,"a":2}', "core.json-duplicate-name");
    refuses('{"a":1,"\\u0061":2}', "core.json-duplicate-name");
    refuses('[{"x":{"role":"user","b":[1,2],"role":"system"}}]', "core.json-duplicate-name");
    refuses('{"":1,"":2}', "core.json-duplicate-name");
    assert.deepEqual(parseJson('{"a":{"a":1},"b":[{"a":2},{"a":3}],"c":"a"}'), {
      a: { a: 1 },
      b: [{ a: 2 }, { a: 3 }],
      c: "a",
    });
  });

  it("refuses the same name twice among few and many, however they are written and wherever they stand", () => {
    const written = fc.constantFrom(
      (name: string) => JSON.stringify(name),
      (name: string) =>
        `"\\u${name.charCodeAt(0).toString(16).padStart(4, "0")}${JSON.stringify(name.slice(1)).slice(1)}`,
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 40 }),
        fc.array(written, { minLength: 41, maxLength: 41 }),
        fc.nat(),
        fc.nat(),
        (names, ways, at, from) => {
          // Each holds an object with the names of all, which say nothing of each other.
          const inner = `{${names.map((name, index) => `${ways[index]?.(name)}:[{}]`).join()}}`;
          const members = names.map((name, index) => `${ways[index]?.(name)}:${index % 3 === 0 ? inner : index}`);
          assert.deepEqual(Object.keys(parseJson(`{${members.join()}}`) as object).length, names.length);
          const again = `${ways[40]?.(names[from % names.length] as string)}:0`;
          const twice = members.toSpliced(
            (from % names.length) + 1 + (at % (names.length - (from % names.length))),
            0,
            again,
          );
          refuses(`{${twice.join()}}`, "core.json-duplicate-name");
          refuses(`[{"x":{${twice.join()}},"y":1}]`, "core.json-duplicate-name");
        },
      ),
    );
  });

  it("takes the name __proto__ for a name", () => {
    const value = parseJson('{"__proto__":{"admin":true}}') as object;
    assert.deepEqual(Object.keys(value), ["__proto__"]);
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });

  it("refuses depth by its limit, without recursion", () => {
    const limits = { maxBytes: 10_000_000, maxDepth: 64 };
    assert.doesNotThrow(() => parseJson("[".repeat(64) + "]".repeat(64), limits));
    refuses("[".repeat(65) + "]".repeat(65), "core.json-too-deep", limits);
    refuses("[".repeat(1_000_000), "core.json-too-deep", limits);
    refuses('{"a":'.repeat(10_000), "core.json-too-deep", limits);
  });

  it("refuses size by its limit, in bytes", () => {
    refuses(bytes('"éé"'), "core.json-too-large", { maxBytes: 5, maxDepth: 4 });
    assert.equal(parseJson(bytes('"éé"'), { maxBytes: 6, maxDepth: 4 }), "éé");
  });

  it("refuses bytes that are not UTF-8", () => {
    for (const bad of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xf0, 0x9f],
    ]) {
      refuses(Uint8Array.from(bad), "core.utf8-invalid");
    }
    refuses(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31]), "core.json-invalid");
    assert.throws(
      () => decodeUtf8(Uint8Array.from([0x80])),
      (error) => isHoldfastError(error, "core.utf8-invalid"),
    );
  });

  it("never quotes the text in its message", () => {
    for (const text of ['{"password":hunter2}', '{"a":1,"hunter2":1,"hunter2":2}', '"hunter2']) {
      try {
        parseJson(text);
        assert.fail("accepted");
      } catch (error) {
        assert.ok(isHoldfastError(error));
        assert.equal(`${error.message} ${error.hint}`.includes("hunter2"), false);
      }
    }
  });

  it("does work in proportion to the text", () => {
    // Strings of backslashes and quotes are where a naive reader of escapes becomes quadratic.
    for (const text of [`"${"\\\\".repeat(200_000)}"`, `"${'\\"'.repeat(200_000)}"`]) {
      const started = performance.now();
      parseJson(text, { maxBytes: 1_000_000, maxDepth: 4 });
      // A quadratic reader takes minutes here; the bound is loose on purpose.
      assert.ok(performance.now() - started < 5_000);
    }
  });
});
