/**
 * `holdfast model bom`.
 *
 * @module
 */

import { type CommandRun, type Style, textOption } from "../../core/index.ts";
import { cycloneDxBom } from "./cyclonedx.ts";
import type { Inspection } from "./inspect.ts";
import { exitOf, readSubject, write } from "./input.ts";
import { spdxDocument } from "./spdx.ts";

export const run: CommandRun<unknown> = async (input) => {
  const { inspection, options } = await readSubject(input);
  const exit = exitOf(inspection, input.options);
  const format = input.options["formatBom"] === "spdx" ? "spdx" : "cyclonedx";
  const document = format === "spdx" ? spdxDocument(inspection, options) : cycloneDxBom(inspection, options);
  const text = JSON.stringify(document, undefined, 2);
  const out = textOption(input.options, "out");
  if (out === undefined) return { data: document, text: () => text, exit };

  await write(out, `${text}\n`);
  const { root, licences, unread, resources, size } = inspection;
  return {
    data: { out, format, root, files: resources.length, parameters: size?.parameters ?? null, licences, unread },
    text: (style) => [`${style.green("written")}     ${out}`, ...summary(style, inspection)].join("\n"),
    exit,
  };
};

/** What was found of a model, in a few lines. */
export function summary(style: Style, inspection: Inspection): string[] {
  const { root, resources, size, licences, unread } = inspection;
  const named = [
    ...licences.declared.map(({ id }) => `${id} (declared)`),
    ...licences.detected.map(({ id, path }) => `${id} (text in ${path})`),
  ];
  return [
    `root        ${root}`,
    `files       ${resources.length}`,
    `parameters  ${size === undefined ? "not known" : `${size.parameters} (${size.format})`}`,
    `licences    ${named.length === 0 ? "none" : [...new Set(named)].join(", ")}`,
    ...licences.findings.flatMap(({ severity, message, remedy }) => [
      `${severity === "high" ? style.red(severity) : style.yellow(severity)}: ${message}`,
      style.dim(`  ${remedy}`),
    ]),
    ...unread.map(({ path, why }) => `${style.yellow("not read")}: ${path}: ${why}`),
  ];
}
