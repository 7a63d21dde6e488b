/**
 * `holdfast seal`.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type CommandResult, type CommandRun, textOption } from "../../../core/index.ts";
import type { SealServices } from "../commands.ts";
import { SEALED_MODE, sealFile } from "../file.ts";
import { sealFolder } from "../set/seal.ts";
import { sealStream } from "../stream.ts";
import {
  bytesText,
  filesText,
  interruptible,
  keyFileOf,
  recipientsOf,
  recordChange,
  refuseKeyFile,
  setSubject,
  type Input,
} from "./options.ts";
import { bytesOfFile, PIPE, refusePipe, standardInput, standardOutput, writeOutput } from "./pipes.ts";

export const run: CommandRun<SealServices> = async (input) => {
  const path = input.args["path"] ?? "";
  if (path === PIPE) return await piped(input);
  return (await stat(path)).isDirectory() ? await folder(input, path) : await file(input, path);
};

async function piped(input: Input): Promise<CommandResult> {
  refuseKeyFile(input);
  const recipients = await recipientsOf(input);
  const output = textOption(input.options, "output") ?? PIPE;
  if (output === PIPE) return standardOutput(input, sealStream(standardInput(), { recipients }));
  let contentBytes = 0;
  const count = (bytes: number): void => {
    contentBytes += bytes;
  };
  const bytes = await interruptible(input, "sealing", ({ signal }) =>
    writeOutput(output, SEALED_MODE, sealStream(standardInput({ signal, count }), { recipients })),
  );
  return sealedResult({ output, contentBytes, bytes, recipients: recipients.length });
}

async function file(input: Input, path: string): Promise<CommandResult> {
  refuseKeyFile(input);
  const output = textOption(input.options, "output") ?? `${resolve(path)}.age`;
  const recipients = await recipientsOf(input);
  if (output === PIPE) return standardOutput(input, sealStream(bytesOfFile(path), { recipients }));
  const { contentBytes, bytes } = await interruptible(input, "sealing", (options) =>
    sealFile(path, output, { ...options, recipients }),
  );
  return sealedResult({ output, contentBytes, bytes, recipients: recipients.length });
}

function sealedResult(made: {
  readonly output: string;
  readonly contentBytes: number;
  readonly bytes: number;
  readonly recipients: number;
}): CommandResult {
  return { data: made, text: (style) => `${style.green("sealed")}  ${made.output}  ${bytesText(made.bytes)}` };
}

async function folder(input: Input, path: string): Promise<CommandResult> {
  const output = textOption(input.options, "output") ?? `${resolve(path)}.sealed`;
  refusePipe(output);
  const recipients = await recipientsOf(input);
  // Before the work: without a place for the evidence nothing is done.
  await input.services.db();
  const { manifest, manifestDigest, keyFile } = await interruptible(input, "sealing", (options) =>
    sealFolder(path, output, { ...options, ...keyFileOf(input), recipients, clock: input.services.clock }),
  );
  const { id, files } = manifest;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  await recordChange(input, setSubject({ id, manifestDigest }), { what: "set sealed", files: files.length });
  return {
    data: { output, id, manifestDigest, keyFile, files: files.length, bytes, recipients: recipients.length },
    text: (style) =>
      [
        `${style.green("sealed")}    ${output}`,
        `content   ${filesText(files.length)}, ${bytesText(bytes)}`,
        `id        ${id}`,
        `manifest  sha256:${manifestDigest}`,
        `key       ${keyFile}`,
      ].join("\n"),
  };
}
