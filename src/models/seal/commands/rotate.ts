/**
 * `holdfast seal rotate`.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import type { CommandRun } from "../../../core/index.ts";
import type { SealServices } from "../commands.ts";
import { sealError } from "../errors.ts";
import { rotateSet } from "../set/rotate.ts";
import { identitiesOf, keyFileOf, recipientsOf, recordChange } from "./options.ts";

export const run: CommandRun<SealServices> = async (input) => {
  const folder = input.args["set"] ?? "";
  if ((await stat(folder)).isFile()) {
    const hint = "a single age file holds its recipients at its front: unseal it and seal it again, or seal a folder";
    throw sealError("seal.set-missing", { detail: folder, hint });
  }
  const identities = await identitiesOf(input);
  const recipients = await recipientsOf(input);
  await input.services.db();
  const { manifest, manifestDigest, keyFile } = await rotateSet(folder, {
    ...keyFileOf(input),
    identities,
    recipients,
  });
  const { id } = manifest;
  await recordChange(input, { id, manifestDigest }, { what: "set rotated", recipients: recipients.length });
  return {
    data: { path: folder, id, manifestDigest, keyFile, recipients: recipients.length },
    text: (style) =>
      `${style.green("rotated")}  ${keyFile}\n${style.dim("copies of the old key file still open with the old keys")}`,
  };
};
