/**
 * `holdfast model attest`.
 *
 * @module
 */

import {
  Exit,
  Secret,
  type CommandInput,
  type CommandRun,
  type ExitCode,
  type Statement,
  textOption,
} from "../../core/index.ts";
import { scanFiles } from "../scan/report.ts";
import { signError } from "../sign/errors.ts";
import { readSmall } from "../sign/input.ts";
import { readPrivateKey } from "../sign/key.ts";
import { nameInModel, walkModel } from "../sign/walk.ts";
import { attest, ATTESTED, scanPredicate, signStatement } from "./attest.ts";
import { cycloneDxBom } from "./cyclonedx.ts";
import { timestampOf } from "./document.ts";
import { exitOf, readSubject, write, type Subject } from "./input.ts";
import { spdxDocument } from "./spdx.ts";

export const run: CommandRun<unknown> = async (input) => {
  const subject = await readSubject(input);
  const kind = ATTESTED.find((one) => one === input.options["type"]) ?? "cyclonedx";
  const { statement, exit } = await statementOf(kind, subject, input);
  const signed = await sign(statement, input);
  const text = JSON.stringify(signed ?? statement, undefined, signed === undefined ? 2 : undefined);
  const out = textOption(input.options, "out");
  if (out === undefined) return { data: signed ?? statement, text: () => text, exit };
  await write(out, `${text}\n`);
  const { predicateType, subject: subjects } = statement;
  return {
    data: { out, predicateType, subject: subjects, signed: signed !== undefined },
    text: (style) =>
      [
        `${style.green(signed === undefined ? "written" : "signed")}    ${out}`,
        `about     ${subject.inspection.name}, root ${subject.inspection.root}`,
        `says      ${predicateType}`,
      ].join("\n"),
    exit,
  };
};

async function statementOf(
  kind: (typeof ATTESTED)[number],
  subject: Subject,
  input: CommandInput<unknown>,
): Promise<{ readonly statement: Statement; readonly exit: ExitCode }> {
  const { inspection, options } = subject;
  if (kind === "scan") return scanned(subject, input);
  const document = kind === "spdx" ? spdxDocument(inspection, options) : cycloneDxBom(inspection, options);
  return { statement: attest(inspection, kind, document), exit: exitOf(inspection, input.options) };
}

/** Scans the very files that the root stands for: where one changes meanwhile, nothing is attested. */
async function scanned(
  { path, inspection, options }: Subject,
  { progress }: CommandInput<unknown>,
): Promise<{ readonly statement: Statement; readonly exit: ExitCode }> {
  const report = await scanFiles([path], { progress });
  const now = await walkModel(path, { ignorePaths: inspection.ignored });
  const changed = inspection.files.find((file, index) => {
    const other = now.files[index];
    return (
      other?.name !== file.name ||
      other.identity.inode !== file.identity.inode ||
      other.identity.modifiedNs !== file.identity.modifiedNs ||
      other.size !== file.size
    );
  });
  if (changed !== undefined || now.files.length !== inspection.files.length) {
    throw signError("models.file-changed", { detail: changed?.name ?? path });
  }
  const predicate = scanPredicate(
    report,
    timestampOf(options.time),
    (file) => nameInModel(path, file) ?? inspection.name,
  );
  const isClean = report.verdict === "clean" || report.verdict === "not-a-model";
  const exit = isClean ? Exit.clean : report.verdict === "inconclusive" ? Exit.incomplete : Exit.findings;
  return { statement: attest(inspection, "scan", predicate), exit };
}

async function sign(statement: Statement, { options }: CommandInput<unknown>): Promise<object | undefined> {
  const keyFile = textOption(options, "key");
  if (keyFile === undefined) return undefined;
  const passphraseFile = textOption(options, "passphraseFile");
  const passphrase =
    passphraseFile === undefined
      ? undefined
      : new Secret((await readSmall(passphraseFile, "models.key-unusable")).replace(/\r?\n$/, ""));
  return signStatement(statement, readPrivateKey(await readSmall(keyFile, "models.key-unusable"), passphrase));
}
