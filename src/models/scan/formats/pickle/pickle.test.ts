/** What published bypasses of scanners do, and what honest picklers write. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";

import { scanBytes } from "../../../../../test/models/scan.ts";
import { randomOf } from "../../../../../test/models/mutate.ts";
import * as p from "../../../../../test/models/pickle.ts";
import { DEFAULT_SCAN_LIMITS } from "../../limits.ts";
import { compressedFormat } from "../compressed.ts";
import { Op } from "./opcodes.ts";
import { pickleFormat } from "./pickle.ts";

/** BINUNICODE with a character for each byte. */
const bytesAsText = (bytes: Uint8Array): p.Part => {
  const text = Buffer.from(Buffer.from(bytes).toString("latin1"));
  return ["X", p.u32(text.length), text];
};
/** A payload that no search of the bytes sees. */
const ZIPPED = gzipSync(p.PAYLOAD);
const scan = (...parts: readonly p.Part[]) => scanBytes([pickleFormat, compressedFormat], p.assemble(...parts));
const orderedDict = p.global("collections", "OrderedDict");
const instance = [orderedDict, Op.EMPTY_TUPLE, Op.REDUCE];
const memo = (index: number): p.Part => [Op.BINPUT, index];

describe("pickles that are clean", () => {
  const clean: readonly (readonly [string, readonly p.Part[]])[] = [
    ["a dictionary", [p.BENIGN]],
    ["protocol 0", ["(dp0\nVa\np1\nI1\ns."]],
    ["an OrderedDict with items", [p.proto(), instance, p.text("a"), Op.NONE, Op.SETITEM, Op.STOP]],
    [
      "a tensor of torch",
      [
        p.proto(2),
        p.global("torch._utils", "_rebuild_tensor_v2"),
        [Op.MARK, Op.MARK, p.text("storage"), p.global("torch", "FloatStorage"), p.text("0"), p.text("cpu")],
        [Op.BININT1, 4, Op.TUPLE, Op.BINPERSID, Op.BININT1, 0, Op.EMPTY_TUPLE, Op.EMPTY_TUPLE, Op.NEWFALSE],
        [instance, Op.TUPLE, Op.REDUCE, Op.STOP],
      ],
    ],
    [
      "an array of numpy",
      [
        p.proto(3),
        [p.global("numpy.core.multiarray", "_reconstruct"), p.global("numpy", "ndarray"), Op.BININT1, 0, Op.TUPLE1],
        ["C\u0001b", Op.TUPLE3, Op.REDUCE, Op.EMPTY_TUPLE, Op.BUILD, Op.STOP],
      ],
    ],
    ["a class of torch.nn, as an instance", [p.proto(2), p.global("torch.nn.modules.linear", "Linear"), ")\x81}b."]],
    [
      "an object of protocol 0",
      ["ccopy_reg\n_reconstructor\n(cargparse\nNamespace\nc__builtin__\nobject\nNtR(dp0\nb."],
    ],
    ["a range of Python 2", ["c__builtin__\nxrange\n(I0\nI3\nI1\ntR."]],
    [
      "a storage in bytes, as protocol 2 writes them",
      [
        p.proto(2),
        [p.global("torch.storage", "_load_from_bytes"), p.global("_codecs", "encode")],
        [bytesAsText(p.assemble(p.proto(2), Op.BININT1, 0xff, Op.STOP)), p.text("latin1"), "\x86R\x85R."],
      ],
    ],
    [
      "a class with its source, as older files of torch hold them",
      [
        [p.proto(2), "(", p.text("module"), p.global("torch.nn.modules.linear", "Linear"), p.text("linear.py")],
        [p.text("class Linear: pass"), "tQ)\x81}b."],
      ],
    ],
    [
      "a function that is kept with arguments",
      [p.proto(2), p.global("functools", "partial"), p.global("numpy", "log1p"), "\x85R."],
    ],
    ["the type of None, as Python itself writes it", [p.proto(), p.stackGlobal("builtins", "type"), "N\x85R."]],
    [
      "the type of an ellipsis",
      [p.proto(2), p.global("__builtin__", "type"), p.global("__builtin__", "Ellipsis"), "\x85R."],
    ],
    [
      "a time zone, whose method is named by getattr",
      [
        [
          p.proto(2),
          p.global("__builtin__", "getattr"),
          p.global("zoneinfo", "ZoneInfo"),
          p.text("_unpickle"),
          "\x86R",
        ],
        [p.text("Europe/Berlin"), Op.BININT1, 1, "\x86R."],
      ],
    ],
    ["two pickles, one behind the other", [p.BENIGN, p.BENIGN]],
    ["frames that fit", [p.proto(), p.frame(p.assemble(Op.EMPTY_DICT, Op.STOP))]],
  ];
  for (const [what, parts] of clean) {
    it(`lets ${what} be`, () => assert.deepEqual(scan(...parts), { verdict: "clean", rules: [], findings: [] }));
  }

  it("says what stands behind, and does not mind", () => {
    assert.deepEqual(scan(p.BENIGN, "some text behind").rules, ["pickle.bytes-behind"]);
    assert.equal(scan(p.BENIGN, "some text behind").verdict, "clean");
  });
});

describe("bytes that are no pickle", () => {
  const texts = [
    "",
    ".",
    "notapkl",
    "cat\ndog\nbird\n",
    "cmod\n\xf8\n",
    "import os\nimport sys\n",
    "isympy\nsympy\n",
    "ctypes\ncommon\n",
    '{"a":1}',
    "(see below)\n",
    "\x89PNG\r\n",
  ];
  for (const text of texts) {
    it(`leaves ${JSON.stringify(text)} alone`, () => assert.equal(scan(text).verdict, "not-a-model"));
  }
});

describe("pickles that run something", () => {
  const bad: readonly (readonly [string, readonly p.Part[], string])[] = [
    ["a call", [p.PAYLOAD], "pickle.call-dangerous"],
    [
      "a class that is made",
      [p.proto(2), p.global("builtins", "type"), p.text("X"), p.global("builtins", "object"), "\x85}\x87R."],
      "pickle.call-dangerous",
    ],
    [
      "the type of anything",
      [p.proto(2), p.global("builtins", "type"), p.text("X"), "\x85R."],
      "pickle.call-dangerous",
    ],
    ["the type of no one thing", [p.proto(2), p.global("builtins", "type"), ")R."], "pickle.call-dangerous"],
    [
      "a class that is made by another call",
      [p.proto(2), p.global("functools", "partial"), p.global("builtins", "type"), "\x85R."],
      "pickle.call-dangerous",
    ],
    [
      "what the type of None would make",
      [p.proto(2), p.global("builtins", "type"), "N\x85R)R."],
      "pickle.call-computed",
    ],
    ["a change of every class", [p.proto(2), p.global("builtins", "type"), "}b."], "pickle.global-changed"],
    [
      "an attribute of what may be named",
      [p.proto(2), p.global("builtins", "getattr"), p.global("zoneinfo", "ZoneInfo"), p.text("__init__"), "\x86R."],
      "pickle.call-dangerous",
    ],
    [
      "an attribute of what a call made",
      [
        p.proto(2),
        p.global("builtins", "getattr"),
        p.reduce(p.global("builtins", "str"), "x"),
        p.text("join"),
        "\x86R.",
      ],
      "pickle.call-dangerous",
    ],
    [
      "an attribute that another call takes",
      [p.proto(2), p.global("functools", "partial"), p.global("builtins", "getattr"), "\x85R."],
      "pickle.call-dangerous",
    ],
    ["a call without PROTO", ["cos\nsystem\n(S'id'\ntR."], "pickle.call-dangerous"],
    ["STACK_GLOBAL", [p.proto(), p.reduce(p.stackGlobal("posix", "system"), "id"), "."], "pickle.call-dangerous"],
    ["names in escapes", [p.proto(0), "V\\u006fs\nVsystem\n\x93(Vid\ntR."], "pickle.call-dangerous"],
    ["names in quoted escapes", [p.proto(0), "S'\\x6fs'\nS'system'\n\x93(Vid\ntR."], "pickle.call-dangerous"],
    [
      "names out of the memo",
      [p.proto(), p.text("os"), memo(9), "0", p.text("system"), memo(8), "0h\x09h\x08\x93)R."],
      "pickle.call-dangerous",
    ],
    ["INST", ["(S'id'\nios\nsystem\n."], "pickle.call-dangerous"],
    ["OBJ", [p.proto(1), "(", p.global("os", "system"), p.text("id"), "o."], "pickle.call-dangerous"],
    [
      "OBJ whose result is thrown away",
      [p.proto(1), "(", p.global("os", "system"), p.text("id"), "o0N."],
      "pickle.call-dangerous",
    ],
    [
      "NEWOBJ",
      [p.proto(2), p.global("subprocess", "Popen"), p.text("id"), Op.TUPLE1, Op.NEWOBJ, "."],
      "pickle.call-dangerous",
    ],
    [
      "NEWOBJ_EX",
      [p.proto(), p.global("subprocess", "Popen"), p.text("id"), Op.TUPLE1, Op.EMPTY_DICT, Op.NEWOBJ_EX, "."],
      "pickle.call-dangerous",
    ],
    [
      "a submodule of a bad module",
      [p.proto(2), p.global("asyncio.unix_events", "_UnixSubprocessTransport"), "."],
      "pickle.global-dangerous",
    ],
    [
      "a module found in another one",
      [p.proto(), p.stackGlobal("torch.serialization", "os.system"), ")R."],
      "pickle.global-dangerous",
    ],
    [
      "the module itself as an attribute",
      [p.proto(), p.stackGlobal("torch.serialization", "os"), "."],
      "pickle.global-dangerous",
    ],
    [
      "a harmless function of the language",
      [p.proto(), p.reduce(p.stackGlobal("builtins", "print"), "x"), "."],
      "pickle.call-dangerous",
    ],
    ["numpy.__builtins__", [p.proto(), p.stackGlobal("numpy", "__builtins__"), "."], "pickle.global-dangerous"],
    [
      "a dunder that is on no list",
      [p.proto(), p.stackGlobal("collections", "OrderedDict.__init__"), "."],
      "pickle.global-dunder",
    ],
    [
      "BUILD on a module",
      [p.proto(), p.stackGlobal("torch", "_utils"), Op.EMPTY_DICT, Op.BUILD, "."],
      "pickle.global-changed",
    ],
    ["BUILD on an allowed class", [p.proto(), orderedDict, Op.EMPTY_DICT, Op.BUILD, "."], "pickle.global-changed"],
    [
      "SETITEM on an allowed class",
      [p.proto(), p.global("numpy", "ndarray"), p.text("a"), "Ns."],
      "pickle.global-changed",
    ],
    [
      "SETITEMS on an allowed class",
      [p.proto(), p.global("numpy", "ndarray"), "(", p.text("a"), "Nu."],
      "pickle.global-changed",
    ],
    ["APPEND to an allowed class", [p.proto(), p.global("torch", "Size"), "Na."], "pickle.global-changed"],
    [
      "a name that a call made",
      [p.proto(), p.reduce(p.global("builtins", "str"), "os"), p.text("system"), Op.STACK_GLOBAL, "."],
      "pickle.global-computed",
    ],
    ["a call of what a call made", [p.proto(), instance, ")R."], "pickle.call-computed"],
    ["arguments that a call made", [p.proto(), orderedDict, instance, "R."], "pickle.call-computed"],
    [
      "a factory that a call made",
      [p.proto(), p.global("collections", "defaultdict"), instance, "\x85R."],
      "pickle.call-computed",
    ],
    [
      "_rebuild_from_type_v2 on a function",
      [
        p.proto(),
        p.global("torch._tensor", "_rebuild_from_type_v2"),
        "(",
        p.global("os", "system"),
        p.global("torch", "Tensor"),
        p.text("id"),
        "\x85NtR.",
      ],
      "pickle.call-dangerous",
    ],
    [
      "a pickle in the bytes of a storage",
      [p.proto(3), p.global("torch.storage", "_load_from_bytes"), "B", p.u32(p.PAYLOAD.length), p.PAYLOAD, "\x85R."],
      "pickle.call-dangerous",
    ],
    [
      "a pickle in the bytes of a storage that a text stands for",
      [
        [p.proto(2), p.global("torch.storage", "_load_from_bytes"), p.global("_codecs", "encode")],
        [bytesAsText(p.PAYLOAD), p.text("latin1"), "\x86R\x85R."],
      ],
      "pickle.call-dangerous",
    ],
    [
      "_rebuild_from_type_v2 on bytes that are loaded",
      [
        [p.proto(3), p.global("torch._tensor", "_rebuild_from_type_v2"), "("],
        [p.global("torch.storage", "_load_from_bytes"), "C\x02N.", ["C", ZIPPED.length, ZIPPED], "\x85NtR."],
      ],
      "pickle.call-dangerous",
    ],
    [
      "partial of a function",
      [p.proto(2), p.global("functools", "partial"), p.global("os", "system"), "\x85R."],
      "pickle.call-dangerous",
    ],
    ["a payload behind a mark that breaks off", [p.proto(9), p.PAYLOAD], "pickle.call-dangerous"],
    ["a payload behind a stack that is empty", [p.proto(4), "00", p.PAYLOAD], "pickle.call-dangerous"],
    ["a hidden name in lines", [p.BENIGN, "\0\0 garbage Vos\nVsystem\n\x93"], "pickle.hidden"],
    [
      "a hidden name in long texts",
      [p.BENIGN, "\0\0", Op.BINUNICODE8, p.u64(2), "os", Op.BINUNICODE8, p.u64(6), "system\x93"],
      "pickle.hidden",
    ],
    ["a second pickle", [p.BENIGN, p.PAYLOAD], "pickle.call-dangerous"],
    [
      "a payload before a broken end",
      [p.assemble(p.proto(2), p.reduce(p.global("os", "system"), "id")), "X"],
      "pickle.call-dangerous",
    ],
    [
      "a payload behind a broken pickle",
      [p.proto(2), p.global("collections", "OrderedDict"), "\xff\xff", p.PAYLOAD],
      "pickle.call-dangerous",
    ],
    ["a payload behind garbage", [p.BENIGN, "\0\0 garbage ", p.PAYLOAD], "pickle.call-dangerous"],
    ["a payload of protocol 0 behind garbage", [p.BENIGN, "\0\0 garbage cos\nsystem\n(S'id'\ntR."], "pickle.hidden"],
    [
      "a payload behind a memo that is missing",
      [p.proto(2), p.global("torch", "Size"), "h\x63", p.reduce(p.global("os", "system"), "id"), "."],
      "pickle.global-dangerous",
    ],
    [
      "a payload in bytes that a fault swallows",
      [p.proto(2), p.global("collections", "OrderedDict"), "RB", p.u32(p.PAYLOAD.length), p.PAYLOAD, "."],
      "pickle.call-dangerous",
    ],
  ];
  for (const [what, parts, rule] of bad) {
    it(`finds ${what}`, () => {
      const { verdict, rules } = scan(...parts);
      assert.ok(rules.includes(rule), `${verdict}: ${rules.join()}`);
      assert.equal(verdict, "malicious");
    });
  }
});

describe("bytes in a pickle", () => {
  const inside = (...parts: readonly p.Part[]) => {
    const bytes = p.assemble(...parts);
    return scan(p.proto(), Op.BINBYTES, p.u32(bytes.length), bytes, ".");
  };

  it("are numbers of arrays, which look like anything by chance", () => {
    // As they stand in arrays of weights: the mark, and a frame, a number of the registry, constants, a name.
    const noise = "\x3f\x93\x95\xc1\xf0\x77\x3e\xb2\xfe".repeat(4);
    const chances: readonly p.Part[] = [
      "\x95",
      [Op.EXT4, "\xf7\xa8\xd5\x3e"],
      ["K\x01K\x02K\x03K\x04"],
      "N.",
      "cab\ncd\n",
    ];
    for (const chance of chances) {
      for (const version of [2, 3, 4, 5]) {
        assert.deepEqual(inside(noise, p.proto(version), chance, noise), { verdict: "clean", rules: [], findings: [] });
      }
    }
  });

  it("are a pickle where they call something, whatever their frames say", () => {
    const payload = p.assemble(p.reduce(p.global("mymodel", "run"), "id"), Op.STOP);
    const lies = [p.frame(payload, 1), p.frame(payload, 2 ** 40), [Op.FRAME, "\xff".repeat(7), "\x7f", payload]];
    for (const lie of [payload, p.frame(payload), ...lies]) {
      const { rules, verdict } = inside("\0\x3f", p.proto(4), lie);
      assert.ok(rules.includes("pickle.call-unknown"), rules.join(" "));
      assert.notEqual(verdict, "clean");
    }
  });

  it("hide nothing behind many beginnings that are none: it is found, or a limit is named", () => {
    const literal = p.assemble("\x80\x04\0".repeat(20_000), p.PAYLOAD);
    assert.ok(inside(literal).rules.includes("pickle.call-dangerous"));
    const file = p.assemble(p.proto(), Op.BINBYTES, p.u32(literal.length), literal, ".");
    const limited = scanBytes(pickleFormat, file, "a.pkl", { ...DEFAULT_SCAN_LIMITS, steps: 200_000 });
    assert.deepEqual([limited.verdict, limited.rules], ["inconclusive", ["scan.limit-steps"]]);
  });

  it("are none in megabytes of random numbers", () => {
    const random = randomOf(11);
    const bytes = Uint8Array.from({ length: 8_000_000 }, () => random(256));
    assert.deepEqual(inside(bytes), { verdict: "clean", rules: [], findings: [] });
  });
});

describe("pickles that nobody can vouch for", () => {
  const odd: readonly (readonly [string, readonly p.Part[], string])[] = [
    ["a name that is on no list", [p.proto(), p.stackGlobal("mymodel", "Net"), "."], "pickle.global-unknown"],
    ["a call of it", [p.proto(), p.reduce(p.stackGlobal("mymodel", "Net")), "."], "pickle.call-unknown"],
    ["an exception", [p.proto(), p.reduce(p.stackGlobal("builtins", "ValueError"), "x"), "."], "pickle.call-unknown"],
    [
      "a class of data in a bad module",
      [p.proto(), p.stackGlobal("inspect", "Signature"), "."],
      "pickle.global-unknown",
    ],
    [
      "a checkpoint of many machines",
      [p.proto(), p.stackGlobal("torch.distributed.tensor", "DTensor"), "."],
      "pickle.global-unknown",
    ],
    ["an attribute of an attribute", [p.proto(), p.stackGlobal("mymodel", "Net.make"), "."], "pickle.global-dotted"],
    ["a call of what is only a value", [p.proto(), p.reduce(p.global("torch", "float32")), "."], "pickle.call-unknown"],
    [
      "a call of what is only an instance",
      [p.proto(), p.reduce(p.global("argparse", "Namespace"), "a"), "."],
      "pickle.call-unknown",
    ],
    ["a payload of protocol 0 in a text", [p.proto(), p.text("cos\nsystem\n(S'id'\ntR."), "."], "pickle.in-literal"],
    ["the extension registry", [p.proto(2), Op.EXT1, 5, ")R."], "pickle.extension"],
    ["a persistent id of text", ["Pfile:///etc/passwd\n."], "pickle.persistent-id"],
    ["a persistent id that is no storage", [p.proto(2), p.text("module"), "\x85Q."], "pickle.persistent-id"],
    [
      "a storage of a type that is none",
      [p.proto(2), "(", p.text("storage"), p.global("mymodel", "FloatStorage"), p.text("0"), p.text("cpu"), "K\x01tQ."],
      "pickle.persistent-id",
    ],
    ["a bomb", [p.proto(2), p.global("builtins", "bytearray"), "\x8a\x06\0\0\0\0\0\x10\x85R."], "pickle.allocates"],
    ["items of a tensor", [p.proto(2), p.reduce(p.global("torch", "Tensor")), "NNs."], "pickle.items-on-object"],
    ["a frame that is too short", [p.proto(), p.frame(p.assemble(p.text("abcdef"), "0N."), 3)], "pickle.frame"],
    ["a frame in a frame", [p.proto(), p.frame(p.assemble(p.frame(p.assemble("N.")), ""), 11)], "pickle.frame"],
    ["a frame with room behind STOP", [p.proto(), p.frame(p.assemble("N.NNNN"))], "pickle.frame"],
  ];
  for (const [what, parts, rule] of odd) {
    it(`is suspicious of ${what}`, () => {
      const { verdict, rules } = scan(...parts);
      assert.ok(rules.includes(rule), `${verdict}: ${rules.join()}`);
      assert.equal(verdict, "suspicious");
    });
  }

  const broken: readonly (readonly [string, readonly p.Part[]])[] = [
    ["an end that is missing", [p.proto(2), instance, p.text("a"), "NN"]],
    ["a stack that is empty", [p.proto(2), instance, "00N."]],
    ["a memo that is empty", [p.proto(2), instance, "h\x05."]],
    ["a mark that is missing", [p.proto(2), instance, "t."]],
    ["a frame past the end", [p.proto(), p.frame(p.assemble(instance, Op.STOP), 1_000)]],
    ["a call of a number", [p.proto(2), instance, "0N)R."]],
  ];
  for (const [what, parts] of broken) {
    it(`does not call clean what has ${what}`, () => {
      const { verdict, rules } = scan(...parts);
      assert.ok(rules.includes("pickle.broken"), rules.join());
      assert.equal(verdict, "inconclusive");
    });
  }
});

describe("pickles that grow", () => {
  it("reads a billion laughs in as many steps as it has instructions", () => {
    const round = p.assemble(
      "(",
      Array.from({ length: 10 }, () => "h\x00"),
      "t",
      memo(0),
      "0",
    );
    const { verdict } = scan(
      p.proto(2),
      "]",
      memo(0),
      "0",
      Array.from({ length: 100 }, () => round),
      "h\x00.",
    );
    assert.equal(verdict, "clean");
  });

  it("reads a list that holds itself", () => {
    assert.equal(scan(p.proto(2), "]", memo(0), "h\x00a.").verdict, "clean");
  });

  it("says where a length reaches past the end", () => {
    for (const op of [Op.BINBYTES8, Op.BINUNICODE8, Op.BYTEARRAY8]) {
      const { verdict } = scan(p.proto(), instance, op, p.u64(2 ** 53), Op.STOP);
      assert.equal(verdict, "inconclusive");
    }
  });
});

describe("arrays of joblib in the stream", () => {
  const dtype = (name: string): p.Part => [p.global("numpy", "dtype"), p.text(name), "\x89\x88\x87R"];
  const wrapper = (type: string, count: number): p.Part => [
    [p.global("joblib.numpy_pickle", "NumpyArrayWrapper"), ")\x81}("],
    [p.text("shape"), Op.BININT1, count, Op.TUPLE1, p.text("dtype"), dtype(type), Op.SETITEMS, Op.BUILD],
  ];

  it("goes on behind the bytes of the array", () => {
    const data = Buffer.alloc(24, 0xff);
    assert.deepEqual(scan(p.proto(3), "]", wrapper("f8", 3), data, "a.").findings, []);
    const hidden = scan(p.proto(3), "]", wrapper("f8", 3), data, "a", p.reduce(p.global("os", "system"), "id"), "a.");
    assert.ok(hidden.rules.includes("pickle.call-dangerous"));
    const object = p.assemble("]", wrapper("f8", 3));
    assert.deepEqual(scan(p.proto(4), p.frame(object), data, p.frame(p.assemble("a."))).findings, []);
    assert.deepEqual(scan(p.proto(4), p.frame(object, object.length + 4), data, "a.").rules, ["pickle.frame"]);
  });

  it("reads the pickle that an array of objects is", () => {
    assert.deepEqual(scan(p.proto(3), "]", wrapper("O8", 1), p.BENIGN, "a.").findings, []);
    assert.equal(scan(p.proto(3), "]", wrapper("O8", 1), p.PAYLOAD, "a.").verdict, "malicious");
  });
});
