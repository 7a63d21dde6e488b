/**
 * Writes `src/guard/normalise/confusables.ts`, the letters of all scripts that look like Latin ones, from the data of
 * UTS #39:
 *
 *     node scripts/confusables.ts confusables.txt <Unicode version>
 *
 * The file is `https://www.unicode.org/Public/<version>/security/confusables.txt`.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";

import { SMALL_CAPITALS } from "../src/guard/normalise/letters.ts";

const [, , file, version] = process.argv;
if (file === undefined || version === undefined) {
  console.error("usage: node scripts/confusables.ts confusables.txt <Unicode version>");
  process.exit(64);
}

const target = new URL("../src/guard/normalise/confusables.ts", import.meta.url);
const head = readFileSync(target, "utf8").replace(/\bUnicode \d+\.\d+\.\d+/g, `Unicode ${version}`);
const byLetters = new Map<string, number[]>();
for (const line of readFileSync(file, "utf8").split("\n")) {
  const [source, prototype] = line.replace(/#.*/, "").split(";");
  if (source === undefined || prototype === undefined) continue;
  const code = Number.parseInt(source, 16);
  const letters = lettersOf(code, prototype.trim().split(" "));
  if (letters !== undefined) byLetters.set(letters, [...(byLetters.get(letters) ?? []), code]);
}

/** The ASCII letters that a letter of another alphabet looks like; `undefined`: none, or NFKC gives them already. */
function lettersOf(code: number, prototype: readonly string[]): string | undefined {
  const character = String.fromCodePoint(code);
  if (code < 0x80 || !/^\p{L}$/u.test(character) || /^\p{ASCII}+$/u.test(character.normalize("NFKC"))) return undefined;
  const plain = prototype
    .map((hex) => Number.parseInt(hex, 16))
    .map((point) => SMALL_CAPITALS.get(point) ?? String.fromCodePoint(point))
    .join("")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "");
  // To UTS #39 all upright strokes are one: a capital is rather an I. And `rn` is how it writes m.
  const letters = plain === "l" && /^\p{Lu}$/u.test(character) ? "I" : plain.replace("rn", "m");
  return /^[A-Za-z]{1,2}$/.test(letters) ? letters : undefined;
}

const rows = [...byLetters]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([letters, codes]) => {
    let last = 0;
    const steps = codes.toSorted((a, b) => a - b).map((code) => (code - last).toString(36) + ((last = code), ""));
    return `${letters} ${steps.join(" ")}`;
  });
writeFileSync(target, head.replace(/const DATA = `[^`]*`;/, `const DATA = \`\n${rows.join("\n")}\n\`;`));
