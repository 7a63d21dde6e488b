/**
 * `holdfast model verify`: exits 0 when the model is the one that was signed by whom one trusts, 1 when it is not, 2 when
 * that could not be found out.
 *
 * @module
 */

import { Exit, type CommandRun, type Style, listOption, textOption, type CommandOptions } from "../../core/index.ts";
import { SignErrors, signError, type Rejection } from "./errors.ts";
import { ignoredNames, isDefaultIgnore, pathOf, readSignature, readSmall, readSmalls, signaturePath } from "./input.ts";
import { nameInModel } from "./walk.ts";
import { verifyModel, type Signer, type Trust, type VerifyReport } from "./verify.ts";

/** Problems that people are shown; machines get all. */
const MAX_SHOWN = 20;

export const run: CommandRun<unknown> = async (input) => {
  const { options, progress } = input;
  const path = pathOf(input);
  const trust = await trustOf(options);
  const signature = await signaturePath(path, options);
  const report = await verifyModel(path, await readSignature(signature), trust, {
    ignorePaths: ignoredNames(path, signature, options),
    ignoreUnsignedFiles: options["ignoreUnsignedFiles"] === true,
    progress: (done, total) => progress("hashing the model", done, total),
  });
  const problems = report.problems.map((problem) => {
    const { what, hint } = SignErrors[problem.code];
    return { ...problem, what, hint };
  });
  // That the signature does not sign itself is no news.
  const own = nameInModel(path, signature);
  const ignored = report.ignored.filter((name) => !isDefaultIgnore(name) && name !== own);
  return {
    data: { path, signature, ...report, problems },
    text: (style) => (report.verified ? good(style, path, report, ignored) : bad(style, path, report)).join("\n"),
    exit: report.verified ? Exit.clean : Exit.findings,
  };
};

function good(style: Style, path: string, report: VerifyReport, ignored: readonly string[]): string[] {
  const { signer, signed, root, size, unsigned } = report;
  const lines = [
    `${style.green("verified")}   ${path}: ${signed?.files ?? 0} files, ${size} bytes`,
    `root       ${root ?? ""}`,
    `signed by  ${signer === undefined ? "" : nameOf(signer)}`,
  ];
  if (unsigned.length > 0) lines.push(`${style.yellow("not signed")} ${listed(unsigned)}`);
  if (ignored.length > 0) lines.push(`${style.yellow("ignored")}    ${listed(ignored)}`);
  if (signed?.legacy === true) {
    lines.push(`${style.yellow("old")}        the signature has the format of version 0.2.0: sign the model again`);
  }
  return lines;
}

function bad(style: Style, path: string, { problems }: VerifyReport): string[] {
  const count = problems.length;
  const lines = [`${style.red("rejected")}   ${path}: ${count} ${count === 1 ? "reason" : "reasons"}`];
  const shown = problems.slice(0, MAX_SHOWN);
  for (const { code, file, detail } of shown) {
    const what = detail === undefined ? SignErrors[code].what : `${SignErrors[code].what}: ${detail}`;
    lines.push(`  ${file === undefined ? "" : `${style.bold(shownName(file))}: `}${what}`);
  }
  if (count > shown.length) lines.push(`  and ${count - shown.length} more: --format json has all`);
  for (const code of new Set<Rejection>(problems.map((problem) => problem.code))) {
    lines.push(style.dim(`hint: ${SignErrors[code].hint}`));
  }
  return lines;
}

function nameOf(signer: Signer): string {
  switch (signer.method) {
    case "key":
      return `the key ${signer.hint}`;
    case "certificate": {
      const when = signer.timestamp === undefined ? "" : `, at ${signer.timestamp}`;
      return `${signer.subject}, certificate ${signer.fingerprint}${when}`;
    }
    default:
      return `${signer.identity}, vouched for by ${signer.issuer}`;
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_SHOWN).map(shownName).join(", ");
  return names.length > MAX_SHOWN ? `${shown} and ${names.length - MAX_SHOWN} more` : shown;
}

/** A name on one line: a file may be called anything, also like a line of this report. */
function shownName(name: string): string {
  return /[\n\r]/.test(name) ? JSON.stringify(name) : name;
}

/** @throws `models.trust-missing`, and the errors of files that cannot be read */
async function trustOf(options: CommandOptions): Promise<Trust> {
  const key = textOption(options, "key");
  const trusted = listOption(options, "trust");
  const identity = textOption(options, "identity");
  const issuer = textOption(options, "issuer");
  const given = [key !== undefined, trusted.length > 0, identity !== undefined || issuer !== undefined];
  if (given.filter(Boolean).length > 1) {
    throw signError("models.trust-missing", { detail: "--key, --trust and --identity exclude each other" });
  }
  if (key !== undefined) return { method: "key", publicKey: await readSmall(key, "models.key-unusable") };
  if (trusted.length > 0) {
    const authorities = listOption(options, "timestampAuthority");
    return {
      method: "certificate",
      trusted: await readSmalls(trusted, "models.certificate-unusable"),
      ...(authorities.length === 0
        ? {}
        : { timestampAuthorities: await readSmalls(authorities, "models.certificate-unusable") }),
    };
  }
  if (identity === undefined || issuer === undefined) {
    throw signError("models.trust-missing", identity === issuer ? {} : { detail: "--identity needs --issuer" });
  }
  const root = textOption(options, "trustedRoot");
  return {
    method: "sigstore",
    identity,
    issuer,
    ...(root === undefined ? {} : { trustedRoot: await readSmall(root, "models.trusted-root-unusable") }),
  };
}
