/**
 * `holdfast seal rotate`.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { CommandResult, CommandRun, Style } from "../../../core/index.ts";
import type { SealServices } from "../commands.ts";
import { rotateFile, type RotateFileOptions } from "../rotate.ts";
import { rotateSet } from "../set/rotate.ts";
import {
  identitiesOf,
  interruptible,
  keyFileOf,
  recipientsOf,
  recordChange,
  refuseKeyFile,
  setSubject,
  type Input,
} from "./options.ts";

export const run: CommandRun<SealServices> = async (input) => {
  const path = input.args["path"] ?? "";
  return (await stat(path)).isDirectory() ? await rotateFolder(input, path) : await rotateOne(input, path);
};

async function rotateFolder(input: Input, folder: string): Promise<CommandResult> {
  const keys = await keysOf(input);
  const { manifest, manifestDigest, keyFile } = await rotateSet(folder, { ...keyFileOf(input), ...keys });
  const { id } = manifest;
  const recipients = keys.recipients.length;
  await recordChange(input, setSubject({ id, manifestDigest }), { what: "set rotated", recipients });
  return {
    data: { path: folder, id, manifestDigest, keyFile, recipients },
    text: (style) => rotatedText(style, keyFile, "key file"),
  };
}

async function rotateOne(input: Input, path: string): Promise<CommandResult> {
  refuseKeyFile(input);
  const keys = await keysOf(input);
  const { sha256, bytes } = await interruptible(input, "copying", (options) =>
    rotateFile(path, { ...options, ...keys }),
  );
  const recipients = keys.recipients.length;
  const subject = { name: `sealed-file:${basename(resolve(path))}`, sha256 };
  await recordChange(input, subject, { what: "file rotated", recipients });
  return { data: { path, sha256, bytes, recipients }, text: (style) => rotatedText(style, path, "file") };
}

async function keysOf(input: Input): Promise<Pick<RotateFileOptions, "identities" | "recipients">> {
  const [identities, recipients] = [await identitiesOf(input), await recipientsOf(input)];
  // Before the deed: without a place for the evidence nothing is changed.
  await input.services.db();
  return { identities, recipients };
}

function rotatedText(style: Style, path: string, what: string): string {
  return `${style.green("rotated")}  ${path}\n${style.dim(`copies of the old ${what} still open with the old keys`)}`;
}
