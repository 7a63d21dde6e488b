/**
 * `holdfast ledger check-proof`.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import type { CommandRun } from "../../core/index.ts";
import { encodeBase64 } from "../base64.ts";
import type { LedgerServices } from "../module.ts";
import { verifyTlogProof } from "../tlog-proof.ts";
import { vkeyOf } from "./input.ts";

export const run: CommandRun<LedgerServices> = async (input) => {
  const proof = await readFile(input.args["proof"] ?? "");
  const entry = await readFile(input.args["entry"] ?? "");
  const { index, checkpoint } = verifyTlogProof({ proof, entry, vkey: await vkeyOf(input) });
  const { origin, size } = checkpoint;
  const root = encodeBase64(checkpoint.root);
  return {
    data: { ok: true, index, origin, size, root },
    text: (style) =>
      `${style.green("verified")}  the entry is number ${index} of ${size} in ${origin}\nroot      ${root}`,
  };
};
