/**
 * `holdfast model card`.
 *
 * @module
 */

import { type CommandRun, textOption } from "../../core/index.ts";
import { cardFields, modelCard } from "./card.ts";
import { exitOf, readSubject, write } from "./input.ts";

export const run: CommandRun<unknown> = async (input) => {
  const { inspection, options } = await readSubject(input);
  const exit = exitOf(inspection, input.options);
  const fields = cardFields(inspection, options);
  const markdown = modelCard(inspection, options);
  const out = textOption(input.options, "out");
  const data = { root: inspection.root, fields };
  if (out === undefined) return { data, text: () => markdown.trimEnd(), exit };
  await write(out, markdown);
  const known = fields.filter(({ basis }) => basis !== "not known").length;
  return {
    data: { out, ...data },
    text: (style) => `${style.green("written")}  ${out}: ${known} of ${fields.length} fields known`,
    exit,
  };
};
