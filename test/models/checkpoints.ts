/**
 * Small checkpoints for tests, made byte by byte: the same tensors as safetensors, GGUF, ONNX and PyTorch files.
 */

import { crc32 } from "node:zlib";

/** A tensor to be written. `data` is little-endian and row-major. */
export interface Made {
  readonly name: string;
  readonly dtype: "F32" | "F16" | "BF16" | "I8" | "I64";
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** A tensor of floats. */
export function made(
  name: string,
  shape: readonly number[],
  values: ArrayLike<number>,
  dtype: Made["dtype"] = "F32",
): Made {
  const width = { F32: 4, F16: 2, BF16: 2, I8: 1, I64: 8 }[dtype];
  const data = new Uint8Array(values.length * width);
  const view = new DataView(data.buffer);
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    if (dtype === "F32") view.setFloat32(index * 4, value, true);
    else if (dtype === "F16") view.setFloat16(index * 2, value, true);
    else if (dtype === "I8") view.setInt8(index, value);
    else if (dtype === "I64") view.setBigInt64(index * 8, BigInt(value), true);
    else {
      const word = new DataView(new ArrayBuffer(4));
      word.setFloat32(0, value);
      view.setUint16(index * 2, word.getUint16(0), true);
    }
  }
  return { name, dtype, shape, data };
}

export function safetensors(tensors: readonly Made[], metadata?: Readonly<Record<string, string>>): Buffer {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  let at = 0;
  for (const { name, dtype, shape, data } of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  return safetensorsOf(
    JSON.stringify(header),
    tensors.map(({ data }) => data),
  );
}

/** A safetensors file with a header as it is given. */
export function safetensorsOf(header: string, data: readonly Uint8Array[] = []): Buffer {
  const text = Buffer.from(header);
  return Buffer.concat([u64(text.length), text, ...data]);
}

const GGUF_TYPES = { F32: 0, F16: 1, I8: 24, I64: 27, BF16: 30 } as const;

/** Values of the metadata: texts, whole numbers (u32), and lists of texts. */
export type GgufValue = string | number | readonly string[];

export function gguf(tensors: readonly Made[], metadata: Readonly<Record<string, GgufValue>> = {}): Buffer {
  const head = [
    Buffer.from("GGUF"),
    u32(3),
    u64(tensors.length),
    u64(Object.keys(metadata).length),
    ...Object.entries(metadata).flatMap(([name, value]) => [ggufText(name), ...ggufValue(value)]),
  ];
  const data: Buffer[] = [];
  let at = 0;
  for (const tensor of tensors) {
    head.push(ggufText(tensor.name), u32(tensor.shape.length), ...tensor.shape.toReversed().map(u64));
    head.push(u32(GGUF_TYPES[tensor.dtype]), u64(at));
    const padded = Buffer.alloc(Math.ceil(tensor.data.length / 32) * 32);
    padded.set(tensor.data);
    data.push(padded);
    at += padded.length;
  }
  const table = Buffer.concat(head);
  return Buffer.concat([table, Buffer.alloc((32 - (table.length % 32)) % 32), ...data]);
}

function ggufText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function ggufValue(value: GgufValue): Buffer[] {
  if (typeof value === "string") return [u32(8), ggufText(value)];
  if (typeof value === "number") return [u32(4), u32(value)];
  return [u32(9), u32(8), u64(value.length), ...value.map(ggufText)];
}

const ONNX_TYPES = { F32: 1, I8: 3, I64: 7, F16: 10, BF16: 16 } as const;

/** One Gemm per model; what is asked of it is its initialisers, inputs and outputs. */
export function onnx(
  tensors: readonly Made[],
  external?: { readonly location: string; readonly offset: number },
): Buffer {
  const initialisers = tensors.map(({ name, dtype, shape, data }) =>
    bytesField(
      5,
      Buffer.concat([
        bytesField(1, Buffer.concat(shape.map(varint))),
        varintField(2, ONNX_TYPES[dtype]),
        bytesField(8, Buffer.from(name)),
        ...(external === undefined
          ? [bytesField(9, Buffer.from(data))]
          : [
              property(13, "location", external.location),
              property(13, "offset", String(external.offset)),
              varintField(14, 1),
            ]),
      ]),
    ),
  );
  const graph = Buffer.concat([
    bytesField(1, Buffer.concat([bytesField(1, Buffer.from("x")), bytesField(4, Buffer.from("Gemm"))])),
    bytesField(2, Buffer.from("main")),
    ...initialisers,
    bytesField(11, port("x", 1, [undefined, 4])),
    bytesField(12, port("y", 1, [1, 2])),
  ]);
  return Buffer.concat([
    varintField(1, 9),
    bytesField(2, Buffer.from("maker")),
    bytesField(3, Buffer.from("1.2")),
    bytesField(7, graph),
    bytesField(8, Buffer.concat([bytesField(1, Buffer.alloc(0)), varintField(2, 18)])),
  ]);
}

function port(name: string, type: number, shape: readonly (number | undefined)[]): Buffer {
  const dimensions = shape.map((size) =>
    bytesField(1, size === undefined ? bytesField(2, Buffer.from("batch")) : varintField(1, size)),
  );
  const tensor = Buffer.concat([varintField(1, type), bytesField(2, Buffer.concat(dimensions))]);
  return Buffer.concat([bytesField(1, Buffer.from(name)), bytesField(2, bytesField(1, tensor))]);
}

function property(number: number, key: string, value: string): Buffer {
  return bytesField(number, Buffer.concat([bytesField(1, Buffer.from(key)), bytesField(2, Buffer.from(value))]));
}

export function bytesField(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

export function varintField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const STORAGES = {
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I8: "CharStorage",
  I64: "LongStorage",
} as const;

/** A checkpoint as `torch.save` writes it (protocol 2), its tensors under `prefix`. */
export function torch(tensors: readonly Made[], prefix = ""): Buffer {
  const items = tensors.map((tensor, index) => Buffer.concat([text(prefix + tensor.name), rebuild(tensor, index)]));
  const pickle = Buffer.concat([Buffer.from([0x80, 2, 0x7d, 0x28]), ...items, Buffer.from("u.")]);
  return zip([
    ["archive/data.pkl", pickle],
    ["archive/byteorder", Buffer.from("little")],
    ...tensors.map(({ data }, index) => [`archive/data/${index}`, data] as const),
    ["archive/version", Buffer.from("3\n")],
  ]);
}

function rebuild({ dtype, shape, data }: Made, key: number): Buffer {
  const elements = shape.reduce((product, size) => product * size, 1);
  const stride: number[] = [];
  for (let index = shape.length - 1, step = 1; index >= 0; step *= shape[index--] ?? 1) stride.unshift(step);
  const tuple = (values: readonly number[]): Buffer =>
    Buffer.concat([Buffer.from("("), ...values.map(int), Buffer.from("t")]);
  const name = (module: string, own: string): Buffer => Buffer.from(`c${module}\n${own}\n`);
  return Buffer.concat([
    name("torch._utils", "_rebuild_tensor_v2"),
    Buffer.from("(("),
    text("storage"),
    name("torch", STORAGES[dtype]),
    text(String(key)),
    text("cpu"),
    int(data.length === 0 ? 0 : elements),
    Buffer.from("tQ"),
    int(0),
    tuple(shape),
    tuple(stride),
    Buffer.from([0x89]),
    name("collections", "OrderedDict"),
    Buffer.from(")RtR"),
  ]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from("X"), u32(bytes.length), bytes]);
}

function int(value: number): Buffer {
  return Buffer.concat([Buffer.from("J"), u32(value)]);
}

/** A zip archive of stored members. */
export function zip(members: readonly (readonly [name: string, bytes: Uint8Array])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of members) {
    const own = Buffer.from(name);
    const common = Buffer.concat([
      u16(20),
      u16(0),
      u16(0),
      u32(0x0021_0000),
      u32(crc32(bytes)),
      u32(bytes.length),
      u32(bytes.length),
    ]);
    const local = Buffer.concat([u32(0x04034b50), common, u16(own.length), u16(0), own, bytes]);
    directory.push(
      Buffer.concat([
        u32(0x02014b50),
        u16(20),
        common,
        u16(own.length),
        u16(0),
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(at),
        own,
      ]),
    );
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = [
    u32(0x06054b50),
    u16(0),
    u16(0),
    u16(members.length),
    u16(members.length),
    u32(central.length),
    u32(at),
    u16(0),
  ];
  return Buffer.concat([...parts, central, ...end]);
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** Numbers that look like weights, always the same for one seed. */
export function noise(count: number, seed: number): Float64Array {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float64Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()) * 0.05,
  );
}
