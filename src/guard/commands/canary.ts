/**
 * `holdfast guard canary`: issues a canary, and shows how to plant it and how to find it again.
 *
 * @module
 */

import { readFile } from "node:fs/promises";

import { decodeUtf8, Secret, type CommandRun } from "../../core/index.ts";
import { createCanary, plantCanary } from "../detectors/leak/canary.ts";
import { guardError } from "../errors.ts";

/**
 * The token goes to standard output: it must be shown once, to be planted. A key is read from a file and never printed.
 *
 * @throws `guard.input-unreadable`, `guard.canary-key`
 */
export const run: CommandRun<unknown> = async ({ options }) => {
  const path = options["keyFile"];
  const canary = createCanary(typeof path === "string" ? { key: await readKey(path) } : {});
  const planted = plantCanary("…your system prompt…", canary);
  return {
    data: { token: canary.token, record: canary.record, planted },
    text: (style) =>
      [
        `${style.bold("token")}   ${canary.token}`,
        `${style.bold("record")}  ${JSON.stringify(canary.record)}`,
        "",
        style.dim("plant the token where nobody should read it, for example in a system prompt:"),
        "",
        planted,
        "",
        typeof path === "string"
          ? style.dim("the leak detector finds it by the key; no list is needed")
          : style.dim("give the record to the leak detector; the record gives the token away to nobody"),
      ].join("\n"),
  };
};

async function readKey(path: string): Promise<Secret> {
  try {
    return new Secret(decodeUtf8(await readFile(path)).trim());
  } catch (cause) {
    throw guardError("guard.input-unreadable", { detail: path, cause });
  }
}
