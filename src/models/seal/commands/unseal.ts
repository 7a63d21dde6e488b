/**
 * `holdfast unseal`.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type CommandRun, textOption } from "../../../core/index.ts";
import type { SealServices } from "../commands.ts";
import { sealError } from "../errors.ts";
import { unsealFile } from "../file.ts";
import { unsealFolder } from "../set/unseal.ts";
import { bytesText, filesText, identitiesOf, interruptible, keyFileOf } from "./options.ts";

export const run: CommandRun<SealServices> = async (input) => {
  const path = input.args["path"] ?? "";
  const isSet = (await stat(path)).isDirectory();
  const output = textOption(input.options, "output") ?? withoutEnding(resolve(path), isSet ? ".sealed" : ".age");
  const identities = await identitiesOf(input);
  if (isSet) {
    const { id, files } = await interruptible(input, "unsealing", (options) =>
      unsealFolder(path, output, { ...options, ...keyFileOf(input), identities }),
    );
    return {
      data: { output, id, files: files.length },
      text: (style) => `${style.green("unsealed")}  ${output}  ${filesText(files.length)}`,
    };
  }
  const bytes = await interruptible(input, "unsealing", (options) =>
    unsealFile(path, output, { ...options, identities }),
  );
  return {
    data: { output, bytes },
    text: (style) => `${style.green("unsealed")}  ${output}  ${bytesText(bytes)}`,
  };
};

/** @throws `seal.output-exists` where the name does not say how it was called before */
function withoutEnding(path: string, ending: string): string {
  if (path.endsWith(ending)) return path.slice(0, -ending.length);
  throw sealError("seal.output-exists", { detail: path, hint: "say with --output where the result goes" });
}
