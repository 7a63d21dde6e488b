/**
 * The formats that a scan knows, explicitly listed. Adding one is adding its file and a line here.
 *
 * A way through the folder, by what a file is:
 *
 * - archives and streams: `zip/`, `tar`, `compressed` with its readers in `compressed/`; `torch` is the layout of an archive
 * - pickles: `pickle/`, and `npy`, which may hold one
 * - binary models: `gguf*`, `safetensors`, `hdf5*`; of protobuf (`protobuf`, `protobuf-text`): `onnx*`, `tensorflow*`, `coreml`;
 *   of FlatBuffers (`flatbuffer`): `tflite`
 * - JSON: `json` reads it, and `huggingface`, `keras*`, `skops`, `notebook`, `exported-program` and `python-json` judge it
 * - objects of R: `r`, with `r-input` and `r-walk`
 * - other text: `yaml`, `xml`, `jinja*`, `python`, `shell`, `config-text`, and `executable` for what is none
 * - what several of them ask: `path`, `python-reference`, `literal`, `secrets`, `text`, `references`
 *
 * @module
 */

import type { Format } from "../format.ts";
import { compressedFormat } from "./compressed.ts";
import { configText } from "./config-text.ts";
import { coreml } from "./coreml.ts";
import { executable } from "./executable.ts";
import { gguf } from "./gguf.ts";
import { hdf5 } from "./hdf5.ts";
import { jinja } from "./jinja.ts";
import { json } from "./json.ts";
import { npyFormat } from "./npy.ts";
import { onnx } from "./onnx.ts";
import { protobufText } from "./protobuf-text.ts";
import { pickleFormat } from "./pickle/pickle.ts";
import { python } from "./python.ts";
import { r } from "./r.ts";
import { safetensors } from "./safetensors.ts";
import { tarFormat } from "./tar.ts";
import { tensorflowCheckpoint } from "./tensorflow-checkpoint.ts";
import { tensorflow } from "./tensorflow.ts";
import { tflite } from "./tflite.ts";
import { xml } from "./xml.ts";
import { yaml } from "./yaml.ts";
import { zipFormat } from "./zip/zip.ts";

export const FORMATS: readonly Format[] = [
  zipFormat,
  tarFormat,
  compressedFormat,
  pickleFormat,
  npyFormat,
  gguf,
  jinja,
  safetensors,
  hdf5,
  onnx,
  tensorflow,
  protobufText,
  json,
  yaml,
  python,
  executable,
  configText,
  tflite,
  coreml,
  xml,
  tensorflowCheckpoint,
  r,
];
