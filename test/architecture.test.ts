/**
 * The invariants of ARCHITECTURE.md, as checks: who may import whom, where sockets open, where foreign JSON is read.
 * The tables are the rules; a new part is a new row.
 */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

/** Part -> parts it may import, through their door only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ledger: ["core"],
  storage: ["core"],
  guard: ["core"],
  gateway: ["core", "ledger", "storage", "guard"],
  models: ["core", "ledger", "storage", "guard"],
  govern: ["core", "ledger", "storage"],
  server: ["core", "ledger", "storage", "guard", "gateway", "models", "govern"],
  cli: ["core", "ledger", "storage", "guard", "gateway", "models", "govern", "server"],
};

/** What only the named files may do, each for a reason that stands in the file. */
const ONLY_IN: readonly { readonly what: string; readonly pattern: RegExp; readonly files: readonly RegExp[] }[] = [
  {
    what: "open sockets",
    // Types open nothing: `import type` is free.
    pattern:
      /^import (?!type\b)[^;]*from "(?:undici|node:https?|node:net|node:tls|node:dgram|@redis\/client|pg|@sigstore\/sign)"|\bfetch\(/m,
    files: [
      /^gateway\/(?:server|proofs)\.ts$/,
      /^gateway\/upstream\//,
      /^gateway\/tls\//,
      /^gateway\/identity\/fetch\.ts$/,
      /^guard\/detectors\/custom\/webhook\.ts$/,
      /^models\/registry\/oci\//,
      // Asks Fulcio, Rekor and a timestamp authority, through their own library.
      /^models\/sign\/sigstore-sign\.ts$/,
      // Asks Vault and AWS KMS to wrap keys.
      /^models\/seal\/providers\/exchange\.ts$/,
      /^storage\/(?:postgres|counters)\//,
      /^server\//,
      /^cli\//,
    ],
  },
  {
    what: "parse JSON",
    pattern: /\bJSON\.parse\(/,
    files: [/^core\/json\.ts$/, /^gateway\/identity\/store\.ts$/],
  },
  { what: "evaluate code", pattern: /\beval\(|new Function\(|from "node:vm"/, files: [] },
  { what: "build a regular expression at run time", pattern: /new RegExp\(/, files: [/^guard\/detectors\//] },
  // Slices of foreign text need core's own: see there. Of a character that stands alone the built-in is right.
  { what: "read a code point of a text", pattern: /\.codePointAt\((?!0\))/, files: [] },
  // `--data-class` is handed over as `dataClass`.
  { what: "read an option by its flag", pattern: /(?:\boptions\[|Option\((?:\w+\.)?options, )"\w+-/, files: [] },
  { what: "print", pattern: /\bconsole\.|process\.(?:stdout|stderr)\.write/, files: [/^cli\//, /^server\/log\.ts$/] },
];

interface Source {
  readonly file: string;
  readonly part: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = globSync("**/*.ts", { cwd: SRC })
  .filter((file) => !/\.(?:test|long)\.ts$/.test(file))
  .map((file) => file.split(sep).join("/"))
  .map((file) => {
    const text = readFileSync(join(SRC, file), "utf8");
    const code = withoutComments(text);
    const imports = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] as string);
    return { file, part: file.split("/")[0] as string, text, imports };
  });

describe("the house", () => {
  it("has only the parts of the table", () => {
    const parts = new Set(sources.map((source) => source.part));
    assert.deepEqual(
      [...parts].filter((part) => !Object.hasOwn(MAY_IMPORT, part)),
      [],
    );
  });

  // The list of modules takes each part's module.ts, which is data: through the doors every command would load all parts.
  it("imports only from lower floors, through the door", () => {
    const wrong: string[] = [];
    for (const { file, part, imports } of sources) {
      for (const specifier of imports.filter((name) => name.startsWith("."))) {
        const target = relative(SRC, join(SRC, dirname(file), specifier))
          .split(sep)
          .join("/");
        const other = target.split("/")[0] as string;
        if (target.startsWith("..")) {
          wrong.push(`${file} leaves src: ${specifier}`);
        } else if (other !== part) {
          if (MAY_IMPORT[part]?.includes(other) !== true) wrong.push(`${file} may not import ${other}`);
          const doors = file === "server/modules.ts" ? ["index.ts", "module.ts"] : ["index.ts"];
          if (!doors.includes(target.slice(other.length + 1))) wrong.push(`${file} imports past the door: ${target}`);
        }
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("keeps core pure: no node:, no package", () => {
    const wrong = sources
      .filter((source) => source.part === "core")
      .flatMap(({ file, imports }) =>
        imports.filter((name) => !name.startsWith(".")).map((name) => `${file}: ${name}`),
      );
    assert.deepEqual(wrong, []);
  });

  for (const { what, pattern, files } of ONLY_IN) {
    it(`lets only the named files ${what}`, () => {
      const wrong = sources
        .filter(({ file, text }) => pattern.test(withoutComments(text)) && !files.some((allowed) => allowed.test(file)))
        .map(({ file }) => file);
      assert.deepEqual(wrong, []);
    });
  }

  it("gives every part the same face", () => {
    const have = new Set(
      globSync("*/{README.md,index.ts,errors.ts,module.ts}", { cwd: SRC }).map((file) => file.split(sep).join("/")),
    );
    const missing: string[] = [];
    for (const part of Object.keys(MAY_IMPORT)) {
      const face = part === "cli" ? ["README.md"] : ["README.md", "index.ts", "errors.ts"];
      const module = ["ledger", "storage", "guard", "gateway", "govern"].includes(part) ? ["module.ts"] : [];
      for (const name of [...face, ...module]) if (!have.has(`${part}/${name}`)) missing.push(`${part}/${name}`);
    }
    assert.deepEqual(missing, []);
  });

  it("keeps files short enough to read", () => {
    const long = sources.filter(({ text }) => text.split("\n").length > 500).map(({ file }) => file);
    assert.deepEqual(long, []);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
