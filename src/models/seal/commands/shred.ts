/**
 * `holdfast seal shred`.
 *
 * @module
 */

import { Exit, type CommandRun, textOption } from "../../../core/index.ts";
import type { SealServices } from "../commands.ts";
import { sealError } from "../errors.ts";
import { shredSet } from "../set/rotate.ts";
import { readManifest } from "../set/unseal.ts";
import { keyFileOf, recordChange, setSubject } from "./options.ts";

export const run: CommandRun<SealServices> = async (input) => {
  const folder = input.args["set"] ?? "";
  const { manifest } = await readManifest(folder);
  if (textOption(input.options, "confirm") !== manifest.id)
    throw sealError("seal.confirmation-missing", { detail: folder });
  // Before the deed: without a place for the evidence nothing is destroyed.
  await input.services.db();
  const shredded = await shredSet(folder, { ...keyFileOf(input), clock: input.services.clock });
  if (shredded === undefined) {
    return {
      data: { path: folder, id: manifest.id, shredded: false },
      text: () => `the key of ${folder} was destroyed before`,
      exit: Exit.nothing,
    };
  }
  const { id, manifestDigest, keyDigest } = shredded;
  await recordChange(input, setSubject({ id, manifestDigest }), { what: "set shredded", keyDigest });
  return {
    data: { path: folder, shredded: true, ...shredded },
    text: (style) =>
      [
        `${style.green("destroyed")}  the key of ${folder}`,
        style.dim(`copies of it, if there are any, have the digest sha256:${keyDigest}`),
      ].join("\n"),
  };
};
