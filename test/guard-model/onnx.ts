/**
 * Writes the smallest ONNX model that the classifier can run, byte by byte (onnx.proto of ONNX 1.16): the logits of a
 * text are the sum of one row of numbers for each of its tokens. No binary in the repository, no Python in the tests.
 */

/** `logits[b, :] = bias + sum over tokens t of mask[b, t] * rows[input_ids[b, t], :]` */
export function sumModel(rows: readonly (readonly number[])[], bias: readonly number[]): Uint8Array {
  const heads = bias.length;
  const graph = message(
    bytes(1, node("Gather", ["rows", "input_ids"], "words")),
    bytes(1, node("Cast", ["attention_mask"], "mask", { to: FLOAT })),
    bytes(1, node("Unsqueeze", ["mask", "last"], "column")),
    bytes(1, node("Mul", ["words", "column"], "real")),
    bytes(1, node("ReduceSum", ["real", "tokens"], "sum", { keepdims: 0 })),
    bytes(1, node("Add", ["sum", "bias"], "logits")),
    text(2, "tiny"),
    bytes(5, tensor("rows", FLOAT, [rows.length, heads], new Float32Array(rows.flat()))),
    bytes(5, tensor("bias", FLOAT, [heads], new Float32Array(bias))),
    bytes(5, tensor("last", INT64, [1], new BigInt64Array([2n]))),
    bytes(5, tensor("tokens", INT64, [1], new BigInt64Array([1n]))),
    bytes(11, value("input_ids", INT64, ["batch", "tokens"])),
    bytes(11, value("attention_mask", INT64, ["batch", "tokens"])),
    bytes(12, value("logits", FLOAT, ["batch", heads])),
  );
  return message(integer(1, 9), bytes(7, graph), bytes(8, message(text(1, ""), integer(2, 18))));
}

export const FLOAT = 1;
const INT64 = 7;

export function node(
  type: string,
  inputs: readonly string[],
  output: string,
  integers: Record<string, number> = {},
): Uint8Array {
  const attributes = Object.entries(integers).map(([name, number]) =>
    bytes(5, message(text(1, name), integer(3, number), integer(20, 2))),
  );
  return message(
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(3, output),
    text(4, type),
    ...attributes,
  );
}

export function tensor(
  name: string,
  type: number,
  dims: readonly number[],
  data: Float32Array | BigInt64Array,
): Uint8Array {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(...dims.map((dim) => integer(1, dim)), integer(2, type), text(8, name), bytes(9, raw));
}

export function value(name: string, type: number, dims: readonly (string | number)[]): Uint8Array {
  const shape = message(
    ...dims.map((dim) => bytes(1, message(typeof dim === "string" ? text(2, dim) : integer(1, dim)))),
  );
  return message(text(1, name), bytes(2, message(bytes(1, message(integer(1, type), bytes(2, shape))))));
}

/** Protocol Buffers wire format: fields one after another. */
export function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

export function integer(field: number, number: number): Uint8Array {
  return Uint8Array.from([...varint(field << 3), ...varint(number)]);
}

export function bytes(field: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([...varint((field << 3) | 2), ...varint(content.length)]), content]);
}

export function text(field: number, content: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(content));
}

function varint(number: number): number[] {
  return number < 0x80 ? [number] : [(number & 0x7f) | 0x80, ...varint(number >>> 7)];
}
