/**
 * Writes `src/models/bom/licence/spdx.ts`, what is known of the licences of the SPDX list: their ids, and of the common
 * ones a sketch of the text, from which no text can be read back.
 *
 *     node scripts/licences.ts <folder> <version> spdx.schema.json
 *
 * The folder is that of the npm package `spdx-license-list` of that version (CC0-1.0), unpacked. The schema is the one of
 * CycloneDX: what it does not list a bill of materials may not name as an id.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { SKETCH_SIZE, sketchOf } from "../src/models/bom/licence/sketch.ts";

const [, , folder, version, schema] = process.argv;
if (folder === undefined || version === undefined || schema === undefined) {
  console.error("usage: node scripts/licences.ts <folder of spdx-license-list> <version> spdx.schema.json");
  process.exit(64);
}

/**
 * Licences that models, data sets and their code come under, and those whose text is one of them with more or fewer terms:
 * of kin only the nearest is named, so a stricter one must not be missing. Of GPL's kinds the one text stands for both ids.
 */
const SKETCHED = `0BSD AFL-3.0 AGPL-3.0-only Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause
  BSD-3-Clause-Clear BSD-3-Clause-No-Military-License BSD-3-Clause-No-Nuclear-License-2014 BSD-4-Clause BSL-1.0
  CC-BY-3.0 CC-BY-4.0 CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0
  CC-BY-ND-3.0 CC-BY-ND-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0 CDLA-Sharing-1.0
  ECL-2.0 EPL-2.0 EUPL-1.2 FSL-1.1-ALv2 FSL-1.1-MIT GPL-2.0-only GPL-3.0-only ISC JSON LGPL-2.1-only LGPL-3.0-only MIT
  MIT-0 MPL-2.0 MulanPSL-2.0 NPOSL-3.0 ODC-By-1.0 ODbL-1.0 OSL-3.0 OpenMDW-1.0 PDDL-1.0 SHL-0.51 Unlicense WTFPL X11
  Zlib`.split(/\s+/);

const licences = join(folder, "licenses");
const { enum: ids } = JSON.parse(readFileSync(schema, "utf8")) as { readonly enum: readonly string[] };
const all = ids.toSorted();

const lines = SKETCHED.map((id) => `  ["${id}", "${sketchOf(textOf(id)).toString("base64")}"],`);
const target = new URL("../src/models/bom/licence/spdx.ts", import.meta.url);
writeFileSync(
  target,
  `/**
 * The ids of the SPDX licence list, deprecated ones as well, and sketches of common texts (spdx-license-list ${version}).
 * Written by \`scripts/licences.ts\`; the list is under CC0-1.0.
 *
 * @module
 */

/** Ids in the case in which the list writes them. */
export const SPDX_IDS: readonly string[] = \`
${wrap(all)}
\`
  .trim()
  .split(/\\s+/);

/** Base64 of the ${SKETCH_SIZE} smallest hashes of a text's runs of words, each 4 bytes, big-endian (\`sketch.ts\`). */
export const SKETCHES: readonly (readonly [string, string])[] = [
${lines.join("\n")}
];
`,
);

/** LGPL 3 stands in the list with GPL 3 behind it, on which it builds; files of it mostly do not have that. */
function textOf(id: string): string {
  const { licenseText } = JSON.parse(readFileSync(join(licences, `${id}.json`), "utf8")) as { licenseText: string };
  if (id !== "LGPL-3.0-only") return licenseText;
  return licenseText.slice(0, licenseText.search(/GNU GENERAL PUBLIC LICENSE\s+Version 3/));
}

function wrap(words: readonly string[]): string {
  const lines = [""];
  for (const word of words) {
    if ((lines.at(-1) ?? "").length + word.length > 116) lines.push("");
    lines.push(`${lines.pop() ?? ""} ${word}`.trim());
  }
  return lines.join("\n");
}
