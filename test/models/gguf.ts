/**
 * Writes GGUF files for tests.
 *
 * @module
 */

import { int, joined, utf8, zeros } from "./writer.ts";

export interface GgufTensor {
  readonly name: string;
  readonly shape: readonly (number | bigint)[];
  readonly type: number;
  readonly offset: number | bigint;
}

export interface GgufParts {
  readonly version?: 1 | 2 | 3;
  readonly bigEndian?: boolean;
  /** Each the bytes of key, type and value. */
  readonly values?: readonly Uint8Array[];
  readonly tensors?: readonly GgufTensor[];
  readonly data?: Uint8Array;
}

/** Writers of values in one version and byte order. */
export function ggufWriter(version: 1 | 2 | 3 = 3, bigEndian = false) {
  const number = (value: number | bigint, size: 1 | 2 | 4 | 8) => int(value, size, bigEndian);
  const length = (value: number | bigint) => number(value, version === 1 ? 4 : 8);
  const text = (value: string) => joined(length(utf8(value).length), utf8(value));
  return {
    number,
    length,
    text,
    string: (key: string, value: string) => joined(text(key), number(8, 4), text(value)),
    u32: (key: string, value: number) => joined(text(key), number(4, 4), number(value, 4)),
    strings: (key: string, values: readonly string[]) =>
      joined(text(key), number(9, 4), number(8, 4), length(values.length), ...values.map(text)),
    ints: (key: string, values: readonly number[]) =>
      joined(text(key), number(9, 4), number(5, 4), length(values.length), ...values.map((value) => number(value, 4))),
  };
}

export function ggufOf({ version = 3, bigEndian = false, values = [], tensors = [], data }: GgufParts): Uint8Array {
  const write = ggufWriter(version, bigEndian);
  const head = joined(
    utf8("GGUF"),
    write.number(version, 4),
    write.length(tensors.length),
    write.length(values.length),
    ...values,
    ...tensors.map(({ name, shape, type, offset }) =>
      joined(
        write.text(name),
        write.number(shape.length, 4),
        ...shape.map((size) => write.length(size)),
        write.number(type, 4),
        write.number(offset, 8),
      ),
    ),
  );
  return joined(head, zeros((32 - (head.length % 32)) % 32), data ?? zeros(tensors.length * 32));
}

export function honestGguf(
  version: 1 | 2 | 3 = 3,
  bigEndian = false,
  template = "{{ messages[0].content }}",
): Uint8Array {
  const write = ggufWriter(version, bigEndian);
  return ggufOf({
    version,
    bigEndian,
    values: [
      write.string("general.architecture", "llama"),
      write.u32("general.alignment", 32),
      write.strings("tokenizer.ggml.tokens", ["<unk>", "<0x0A>", "a"]),
      write.ints("tokenizer.ggml.token_type", [2, 6, 1]),
      write.u32("tokenizer.ggml.bos_token_id", 1),
      write.string("tokenizer.chat_template", template),
    ],
    tensors: [
      { name: "a", shape: [8], type: 0, offset: 0 },
      { name: "b", shape: [4, 2], type: 0, offset: 32 },
    ],
    data: zeros(64),
  });
}
