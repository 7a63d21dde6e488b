/**
 * Mutated files before the readers of metadata: whatever comes, a reader ends, and ends with facts or with an error of its
 * own, never with another one.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { gguf, made, noise, onnx, safetensors, torch, zip } from "../../../test/models/checkpoints.ts";
import { cpuTime } from "../../../test/models/mutate.ts";
import { isHoldfastError, mulberry32 } from "../../core/index.ts";
import { Truncated, TooLong } from "../scan/reader.ts";
import { bytesSource } from "../scan/source.ts";
import { detectLicences } from "./licence/licences.ts";
import { readCard } from "./read/card.ts";
import { CONFIG_READERS, readConfig } from "./read/config.ts";
import { readMlmodel } from "./read/mlmodel.ts";
import { readWeights } from "./read/weights.ts";

/** Inputs for each reader; of texts a tenth, since most of their time goes into the YAML of a library. */
const ROUNDS = Number(process.env["HOLDFAST_FUZZ_INPUTS"] ?? 50_000);
const TEXT_ROUNDS = ROUNDS / 10;
/** One input may take no longer: a reader that does hangs. */
const MAX_MS = 2_000;

const TENSORS = [made("a.weight", [4, 8], noise(32, 1)), made("a.bias", [4], noise(4, 2), "F16")];
const weights = (path: string) => (bytes: Uint8Array) => readWeights(bytesSource(bytes), path);
const text = (read: (value: string) => unknown) => (bytes: Uint8Array) => read(Buffer.from(bytes).toString("utf8"));

const CARD = `---
license: apache-2.0
datasets: [squad]
model-index:
- results:
  - {task: {type: qa}, dataset: {name: SQuAD}, metrics: [{type: f1, value: 0.9}]}
---
## Limitations
none
`;
const MLMODEL = `flavors:
  sklearn: {sklearn_version: 1.5.0}
signature: {inputs: '[{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}]'}
`;
const CONFIG = '{"architectures":["Bert"],"model_type":"bert","quantization_config":{"quant_method":"gptq","bits":4}}';
const KERAS = zip([
  ["metadata.json", Buffer.from('{"keras_version":"3.0"}')],
  ["config.json", Buffer.from('{"class_name":"Sequential","config":{"layers":[]}}')],
]);

const READERS: readonly (readonly [string, Buffer, (bytes: Uint8Array) => unknown])[] = [
  ["safetensors", safetensors(TENSORS, { format: "pt" }), weights("m.safetensors")],
  ["GGUF", gguf(TENSORS, { "general.architecture": "llama", words: ["a", "b"] }), weights("m.gguf")],
  ["ONNX", onnx(TENSORS), weights("m.onnx")],
  ["ONNX with bytes elsewhere", onnx(TENSORS, { location: "w.bin", offset: 64 }), weights("m.onnx")],
  ["PyTorch", torch(TENSORS), weights("m.bin")],
  ["Keras", KERAS, weights("m.keras")],
  ["a model card", Buffer.from(CARD), text((value) => readCard(value, "README.md"))],
  ["MLmodel", Buffer.from(MLMODEL), text((value) => readMlmodel(value, "MLmodel"))],
  [
    "config.json",
    Buffer.from(CONFIG),
    (bytes) => readConfig(bytes, CONFIG_READERS.get("config.json") ?? (() => []), "c"),
  ],
  ["a licence", Buffer.from("Gemma Terms of Use\nMIT License\n\nPermission is hereby granted"), text(detectLicences)],
];

const TEXTS: ReadonlySet<string> = new Set(["a model card", "MLmodel", "a licence"]);

describe("fuzzing the readers of metadata", () => {
  for (const [name, seed, read] of READERS) {
    const rounds = TEXTS.has(name) ? TEXT_ROUNDS : ROUNDS;
    it(`${name}: ${rounds} mutated inputs`, () => {
      const random = mulberry32(7);
      for (let round = 0; round < rounds; round++) {
        const input = mutate(seed, random);
        const from = cpuTime();
        try {
          read(input);
        } catch (error) {
          const own =
            isHoldfastError(error) ||
            error instanceof Truncated ||
            error instanceof TooLong ||
            error instanceof RangeError;
          assert.ok(own, `round ${round}: ${String(error)} on ${input.toString("base64")}`);
          assert.ok(!/call stack|Invalid array length/.test((error as Error).message), `round ${round}`);
        }
        assert.ok(cpuTime() - from < MAX_MS, `round ${round} took too long: ${input.toString("base64")}`);
      }
    });
  }
});

/** One to eight changes: a byte, a stretch doubled or taken out, a number made large, an end cut off. */
function mutate(seed: Buffer, random: () => number): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let change = below(8); change >= 0; change--) {
    const at = below(bytes.length);
    const length = Math.min(below(16) + 1, bytes.length - at);
    switch (below(5)) {
      case 0:
        if (bytes.length > 0) bytes[at] = below(256);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 3:
        bytes.fill([0xff, 0x7f, 0x80, 0x00][below(4)] ?? 0, at, at + length);
        break;
      default:
        if (below(8) === 0) bytes = Buffer.from(bytes.subarray(0, at));
    }
  }
  return bytes;
}
