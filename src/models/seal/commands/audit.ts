/**
 * `holdfast seal audit`.
 *
 * @module
 */

import { Exit, type CommandRun, textOption } from "../../../core/index.ts";
import type { SealServices } from "../commands.ts";
import { sealError } from "../errors.ts";
import { auditSet } from "../set/audit.ts";
import { bytesText, filesText, interruptible } from "./options.ts";

/** Problems that are listed for people; JSON has all. */
const SHOWN = 20;
const KEYS = {
  present: "with the set",
  shredded: "destroyed: nobody can read it any more",
  elsewhere: "kept elsewhere",
};

export const run: CommandRun<SealServices> = async (input) => {
  const folder = input.args["set"] ?? "";
  const expected = textOption(input.options, "manifest")?.replace(/^sha256:/, "");
  if (expected !== undefined && !/^[0-9a-f]{64}$/.test(expected)) {
    throw sealError("seal.manifest-invalid", { detail: "--manifest is no SHA-256 in hex", hint: "give 64 hex digits" });
  }
  const audit = await interruptible(input, "auditing", (options) => auditSet(folder, options));
  const exchanged = expected !== undefined && expected !== audit.manifestDigest;
  const ok = audit.ok && !exchanged;
  const { problems, files, bytes, manifestDigest, key } = audit;
  return {
    data: { path: folder, ...audit, ok, ...(expected === undefined ? {} : { manifestExpected: expected }) },
    text: (style) =>
      [
        `${ok ? style.green("as sealed") : style.red("not as sealed")}  ${folder}`,
        `content   ${filesText(files)}, ${bytesText(bytes)}`,
        `manifest  sha256:${manifestDigest}${exchanged ? style.red("  not the expected one") : ""}`,
        `key       ${KEYS[key]}`,
        ...problems.slice(0, SHOWN).map(({ path, what }) => `  ${path}: ${what}`),
        ...(problems.length > SHOWN ? [`  and ${problems.length - SHOWN} more`] : []),
      ].join("\n"),
    exit: ok ? Exit.clean : Exit.findings,
  };
};
