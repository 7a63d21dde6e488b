/**
 * Standard input and output in place of files: `-`, as in the age command.
 *
 * @module
 */

import { createReadStream } from "node:fs";
import { addAbortSignal } from "node:stream";
import { textOption, type CommandResult } from "../../../core/index.ts";
import { makeFile } from "../../../storage/index.ts";
import { releaseChunk } from "../age/chunk.ts";
import type { Identity } from "../age/keys.ts";
import { sealError } from "../errors.ts";
import { refuseSpecial } from "../file.ts";
import { openSealed } from "../open.ts";
import type { Input } from "./options.ts";

export const PIPE = "-";

/** What comes in. `count` is told of each piece. */
export async function* standardInput({
  signal,
  count,
}: { readonly signal?: AbortSignal; readonly count?: (bytes: number) => void } = {}): AsyncGenerator<
  Uint8Array,
  void,
  undefined
> {
  const { stdin } = process;
  for await (const piece of signal === undefined ? stdin : addAbortSignal(signal, stdin)) {
    count?.((piece as Uint8Array).length);
    yield piece as Uint8Array;
  }
}

/** The same pieces, each freed when the next is asked for: whoever writes them is done with it by then. */
async function* onlyOnce(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    yield piece;
    releaseChunk(piece);
  }
}

/**
 * The result of a command that puts bytes on standard output. They say nothing on a terminal, and may do something to it:
 * there it takes `--output -` to say that they are meant.
 *
 * @throws `seal.output-terminal`
 */
export function standardOutput({ options }: Input, bytes: AsyncIterable<Uint8Array>): CommandResult {
  if (process.stdout.isTTY && textOption(options, "output") !== PIPE) throw sealError("seal.output-terminal");
  return { data: null, text: () => "", bytes: onlyOnce(bytes) };
}

/**
 * Makes the file `path` of bytes that come through a pipe.
 *
 * @returns how many they are
 * @throws `storage.output-exists`, and what `bytes` throws; the file is not there then
 */
export async function writeOutput(path: string, mode: number, bytes: AsyncIterable<Uint8Array>): Promise<number> {
  return await makeFile(path, mode, async (handle) => {
    await handle.writeFile(onlyOnce(bytes));
    return (await handle.stat()).size;
  });
}

/** The bytes of a file, to be sealed. */
export async function* bytesOfFile(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  await refuseSpecial(path);
  for await (const bytes of createReadStream(path, { highWaterMark: 256 * 1024 })) yield bytes as Uint8Array;
}

/** The content of a sealed file. That the file is whole is known before the first byte. */
export async function* contentOfFile(
  path: string,
  identities: readonly Identity[],
): AsyncGenerator<Uint8Array, void, undefined> {
  await refuseSpecial(path);
  await using content = await openSealed(path, { identities });
  yield* content.stream();
}

/** @throws `seal.source-kind` where the output of a folder is standard output */
export function refusePipe(output: string): void {
  if (output !== PIPE) return;
  throw sealError("seal.source-kind", {
    detail: "a folder does not go through a pipe",
    hint: "give --output another name, or pack it: `tar c folder | holdfast seal - --to …`",
  });
}
