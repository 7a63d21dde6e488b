/**
 * `holdfast model fingerprint`.
 *
 * @module
 */

import { Exit, textTable, type CommandRun, type Style } from "../../core/index.ts";
import { fingerprintOf, type Fingerprint } from "./fingerprint.ts";
import { inspect } from "./input.ts";
import { compareFingerprints, type Kinship, type Lineage } from "./lineage.ts";

/** Tensors that differ most are shown; all of them stand in the JSON. */
const SHOWN = 8;

export const run: CommandRun<unknown> = async (input) => {
  const path = input.args["path"] ?? ".";
  const against = input.args["other"];
  const read = async (model: string): Promise<Fingerprint> => {
    const inspection = await inspect(model, input);
    return fingerprintOf(inspection, (done, total) => input.progress("reading tensors", done, total));
  };
  const one = await read(path);
  if (against === undefined) return { data: printed(one), text: (style) => describe(style, path, one).join("\n") };

  const other = await read(against);
  const lineage = compareFingerprints(one, other);
  return {
    data: { one: printed(one), other: printed(other), lineage },
    text: (style) =>
      [...describe(style, path, one), "", ...describe(style, against, other), "", ...explain(style, lineage)].join(
        "\n",
      ),
    exit: lineage.kinship === "undecided" ? Exit.incomplete : Exit.clean,
  };
};

/** Samples are the means of comparing, not part of what is told. */
function printed({ tensors, weights, ...rest }: Fingerprint): object {
  return {
    ...rest,
    weights: weights ?? null,
    tensors: tensors.map(({ name, dtype, shape, digest }) => ({ name, dtype, shape, digest: digest ?? null })),
  };
}

function describe(style: Style, path: string, print: Fingerprint): string[] {
  return [
    style.bold(path),
    `  root          ${print.root}`,
    `  weights       ${print.weights ?? "not known: the bytes of some tensors cannot be read"}`,
    `  architecture  ${print.architecture}`,
    `  structure     ${print.structure}`,
    `  parameters    ${print.parameters} in ${print.tensors.length} tensors (${print.format})`,
  ];
}

const WORDS: Readonly<Record<Kinship, string>> = {
  identical: "identical",
  "same-weights": "the same weights, packed anew",
  "same-weights-other-precision": "the same weights in another precision",
  "fine-tune": "one was made from the other, or both from a third",
  "shares-parts": "parts of one are in the other",
  unrelated: "unrelated",
  undecided: "not decided",
};

function explain(style: Style, lineage: Lineage): string[] {
  const { kinship, why, identical, matched, renamed, judged, related, correlation, tensors } = lineage;
  const lines = [
    `${style.bold(WORDS[kinship])}: ${why}`,
    `  same bytes    ${percent(identical)} of the larger model's parameters`,
    `  same shapes   ${percent(matched)} of the larger model's parameters`,
    `  compared      ${percent(judged)} of the larger model's parameters, by samples of their values`,
    `  related       ${percent(related)} of those`,
    ...(renamed === 0
      ? []
      : [`  other names   ${percent(renamed)} of the larger model's parameters are related under other names`]),
  ];
  if (correlation !== undefined) {
    const [median, low, high] = [correlation.median, correlation.low, correlation.high].map((value) =>
      value.toFixed(3),
    );
    const judgedTensors = tensors.filter((tensor) => tensor.correlation !== undefined).length;
    lines.push(
      `  correlation   ${median} in the median, ${low} to ${high} with 95 % confidence (${judgedTensors} tensors)`,
    );
  }
  const told = kinship === "identical" || kinship === "same-weights";
  const apart = tensors
    .filter((tensor) => !tensor.identical && tensor.correlation !== undefined)
    .toSorted((a, b) => (a.correlation ?? 0) - (b.correlation ?? 0))
    .slice(0, SHOWN);
  if (told || apart.length === 0) return lines;
  const rows = apart.map(({ name, otherName, elements, correlation: value }) => [
    otherName === undefined ? `  ${name}` : `  ${name} = ${otherName}`,
    String(elements),
    (value ?? 0).toFixed(3),
  ]);
  return [...lines, "", textTable(["  FARTHEST APART", "PARAMETERS", "CORRELATION"], rows, style)];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
