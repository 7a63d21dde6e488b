/**
 * `holdfast unseal`.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type CommandResult, type CommandRun, textOption } from "../../../core/index.ts";
import type { SealServices } from "../commands.ts";
import { sealError } from "../errors.ts";
import { UNSEALED_MODE, unsealFile } from "../file.ts";
import { unsealFolder } from "../set/unseal.ts";
import { unsealStream } from "../stream.ts";
import { bytesText, filesText, identitiesOf, interruptible, keyFileOf, refuseKeyFile, type Input } from "./options.ts";
import { contentOfFile, PIPE, refusePipe, standardInput, standardOutput, writeOutput } from "./pipes.ts";

export const run: CommandRun<SealServices> = async (input) => {
  const path = input.args["path"] ?? "";
  if (path === PIPE) return await piped(input);
  return (await stat(path)).isDirectory() ? await folder(input, path) : await file(input, path);
};

async function piped(input: Input): Promise<CommandResult> {
  refuseKeyFile(input);
  const identities = await identitiesOf(input);
  const output = textOption(input.options, "output") ?? PIPE;
  if (output === PIPE) return standardOutput(input, unsealStream(standardInput(), { identities }));
  const bytes = await interruptible(input, "unsealing", ({ signal }) =>
    writeOutput(output, UNSEALED_MODE, unsealStream(standardInput({ signal }), { identities })),
  );
  return fileResult(output, bytes);
}

async function file(input: Input, path: string): Promise<CommandResult> {
  refuseKeyFile(input);
  const output = textOption(input.options, "output") ?? withoutEnding(resolve(path), ".age");
  const identities = await identitiesOf(input);
  if (output === PIPE) return standardOutput(input, contentOfFile(path, identities));
  const bytes = await interruptible(input, "unsealing", (options) =>
    unsealFile(path, output, { ...options, identities }),
  );
  return fileResult(output, bytes);
}

function fileResult(output: string, bytes: number): CommandResult {
  return {
    data: { output, bytes },
    text: (style) => `${style.green("unsealed")}  ${output}  ${bytesText(bytes)}`,
  };
}

async function folder(input: Input, path: string): Promise<CommandResult> {
  const output = textOption(input.options, "output") ?? withoutEnding(resolve(path), ".sealed");
  refusePipe(output);
  const identities = await identitiesOf(input);
  const { id, files } = await interruptible(input, "unsealing", (options) =>
    unsealFolder(path, output, { ...options, ...keyFileOf(input), identities }),
  );
  return {
    data: { output, id, files: files.length },
    text: (style) => `${style.green("unsealed")}  ${output}  ${filesText(files.length)}`,
  };
}

/** @throws `seal.output-unnamed` where the name does not say how it was called before */
function withoutEnding(path: string, ending: string): string {
  if (path.endsWith(ending)) return path.slice(0, -ending.length);
  throw sealError("seal.output-unnamed", { detail: path });
}
