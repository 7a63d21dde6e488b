/**
 * `holdfast seal`.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type CommandResult, type CommandRun, textOption } from "../../../core/index.ts";
import type { SealServices } from "../commands.ts";
import { sealError } from "../errors.ts";
import { sealFile } from "../file.ts";
import { sealFolder } from "../set/seal.ts";
import { bytesText, filesText, interruptible, keyFileOf, recipientsOf, recordChange, type Input } from "./options.ts";

export const run: CommandRun<SealServices> = async (input) => {
  const path = input.args["path"] ?? "";
  return (await stat(path)).isDirectory() ? await folder(input, path) : await file(input, path);
};

async function file(input: Input, path: string): Promise<CommandResult> {
  if (input.options["keyFile"] !== undefined) {
    throw sealError("seal.source-kind", {
      detail: "--key-file is for folders",
      hint: "put the file into a folder and seal that: its key then has a file of its own",
    });
  }
  const output = textOption(input.options, "output") ?? `${resolve(path)}.age`;
  const recipients = await recipientsOf(input);
  const made = await interruptible(input, "sealing", (options) => sealFile(path, output, { ...options, recipients }));
  return {
    data: { output, contentBytes: made.contentBytes, bytes: made.bytes, recipients: recipients.length },
    text: (style) => `${style.green("sealed")}  ${output}  ${bytesText(made.bytes)}`,
  };
}

async function folder(input: Input, path: string): Promise<CommandResult> {
  const output = textOption(input.options, "output") ?? `${resolve(path)}.sealed`;
  const recipients = await recipientsOf(input);
  // Before the work: without a place for the evidence nothing is done.
  await input.services.db();
  const { manifest, manifestDigest, keyFile } = await interruptible(input, "sealing", (options) =>
    sealFolder(path, output, { ...options, ...keyFileOf(input), recipients, clock: input.services.clock }),
  );
  const { id, files } = manifest;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  await recordChange(input, { id, manifestDigest }, { what: "set sealed", files: files.length });
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
