import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  rCall,
  rEnvironment,
  rFile,
  rNested,
  rNull,
  rPairs,
  rPromise,
  rReals,
  rStrings,
  rSymbol,
  rVector,
} from "../../../../test/models/r.ts";
import { scanBytes } from "../../../../test/models/scan.ts";
import { vector as fileOf } from "../../../../test/models/vectors.ts";
import { int, joined, utf8 } from "../../../../test/models/writer.ts";
import { compressedFormat } from "./compressed.ts";
import { r } from "./r.ts";

const vector = (name: string) => fileOf(`r/${name}`);

const scan = (bytes: Uint8Array) => {
  const { rules, verdict } = scanBytes([r, compressedFormat], bytes);
  return [verdict, ...rules];
};
const id = rStrings("id");
const system = rCall("system", id);

describe("what R saved", () => {
  const plain = ["xdr-2.rds", "xdr-3.rds", "xdr.rda", "ascii-2.rds", "ascii-3.rds", "ascii.rda", "little-endian.rds"];
  for (const name of [
    ...plain,
    "gzip.rds",
    "xz.rda",
    "compiled.rds",
    "promise-of-argument.rds",
    "promise-of-dots.rds",
  ]) {
    it(`is clean in ${name}`, () => {
      assert.deepEqual(scan(vector(name)), ["clean"]);
    });
  }

  const bad = {
    "bad-promise-xdr.rda": ["malicious", "r.promise", "r.promise-dangerous"],
    "bad-promise-ascii.rda": ["malicious", "r.promise", "r.promise-dangerous"],
    "bad-promise-gzip.rda": ["malicious", "r.promise", "r.promise-dangerous"],
    "bad-promise-of-argument.rds": ["malicious", "r.promise-dangerous"],
    "bad-function.rds": ["suspicious", "r.code-dangerous"],
    "bad-compiled.rds": ["suspicious", "r.code-dangerous"],
  };
  for (const [name, expected] of Object.entries(bad)) {
    it(`is reported in ${name}`, () => {
      assert.deepEqual(scan(vector(name)), expected);
    });
  }

  it("is read to its last byte: cut anywhere it is not clean", () => {
    for (const name of [...plain, "compiled.rds", "promise-of-argument.rds"]) {
      const whole = vector(name);
      // The line's end behind the last word of the ASCII form says nothing.
      for (let size = 40; size < whole.length - 1; size += 7) {
        assert.deepEqual(scan(whole.subarray(0, size)), ["inconclusive", "r.invalid"], `${name} ${size}`);
      }
    }
  });
});

describe("a promise", () => {
  const names = rCall("c", rStrings("a"));
  it("is reported wherever no value of a function's argument is", () => {
    const places = {
      "the object itself": rPromise(names),
      "an element": rVector([rReals(1), rPromise(names)]),
      "an attribute": rVector([rReals(1)], rPairs(["names", rPromise(names)])),
      "a value of a pairlist": rPairs(["a", rPromise(names)]),
      "an element of what an environment binds": rEnvironment(rPairs(["a", rVector([rPromise(names)])])),
      "the value of another": rPromise(names, rPromise(names)),
      "the rest of a list": joined(int(2, 4, true), rReals(1), rPromise(names)),
    };
    for (const [place, item] of Object.entries(places)) {
      for (const version of [2, 3] as const) {
        assert.deepEqual(scan(rFile(item, version)), ["malicious", "r.promise"], `${place} ${version}`);
      }
    }
  });

  it("is no finding in an environment's list or table, and none where it was evaluated", () => {
    const frame = rPairs(["a", rPromise(names)]);
    for (const item of [
      rEnvironment(frame),
      rEnvironment(rNull, rVector([rNull, frame])),
      rPromise(names, rReals(2)),
    ]) {
      assert.deepEqual(scan(rFile(item)), ["clean"]);
    }
  });

  it("that would run commands is one in an environment too, however it names them", () => {
    const qualified = rCall(rCall("::", rSymbol("base"), rSymbol("system2")), id);
    for (const code of [system, qualified, rCall("do.call", rStrings("system"), id), rCall("(", system)]) {
      const item = rEnvironment(rPairs(["a", rPromise(code)]));
      assert.deepEqual(scan(rFile(item)), ["malicious", "r.promise-dangerous"]);
    }
  });
});

describe("code that R saved", () => {
  it("is suspicious where it calls what runs commands, and not where that is only named", () => {
    assert.deepEqual(scan(rFile(system)), ["suspicious", "r.code-dangerous"]);
    // A formula of a variable of that name, and a text.
    assert.deepEqual(scan(rFile(rVector([rCall("~", rSymbol("y"), rSymbol("system")), rStrings("system")]))), [
      "clean",
    ]);
  });

  it("is called what it is by a name that was written before", () => {
    const reference = int((1 << 8) | 255, 4, true);
    const item = rVector([rSymbol("system"), joined(int(6, 4, true), reference, rNull)]);
    assert.deepEqual(scan(rFile(item)), ["suspicious", "r.code-dangerous"]);
    const none = joined(int(6, 4, true), reference, rNull);
    assert.deepEqual(scan(rFile(none)), ["inconclusive", "r.invalid"]);
  });
});

describe("R's formats", () => {
  it("are known by their marks, with a line's end before the ASCII form", () => {
    const text = vector("bad-promise-ascii.rda").subarray(5);
    assert.deepEqual(scan(joined(utf8("\n"), text)).slice(0, 2), ["malicious", "r.promise"]);
    assert.deepEqual(scan(joined(utf8("RDX3\n"), rFile(rPairs(["a", rPromise(system)]), 3)))[0], "malicious");
    assert.deepEqual(scan(utf8("X\nabcdefghijklmnop")), ["not-a-model"]);
    assert.deepEqual(scan(utf8("A\nsome text that is none of it")), ["not-a-model"]);
  });

  it("of old versions are not called clean", () => {
    for (const mark of ["RDX1\n", "RDA1\n", "RDB1\n"]) {
      assert.deepEqual(scan(utf8(`${mark}anything`)), ["inconclusive", "r.old-format"]);
    }
  });

  it("end on lies of counts, types and depths", () => {
    const lies = [
      rNested(3_000),
      int(77, 4, true),
      joined(int(14, 4, true), int(-2, 4, true)),
      joined(int(19, 4, true), int(9, 4, true)),
    ];
    for (const lie of lies) assert.deepEqual(scan(rFile(lie)), ["inconclusive", "r.invalid"]);
    const most = joined(int(14, 4, true), int(-1, 4, true), int(2 ** 31 - 1, 4, true), int(-1, 4, true));
    assert.deepEqual(scan(rFile(most)), ["inconclusive", "r.invalid"]);
  });
});
