import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { made, noise, safetensors } from "../../../test/models/checkpoints.ts";
import { cardFields, modelCard } from "./card.ts";
import type { BomOptions } from "./document.ts";
import { inspectModel, type Inspection } from "./inspect.ts";
import { inline, quoted } from "./markdown.ts";

const OPTIONS: BomOptions = { time: 0, datasets: [], supplier: "Example Ltd" };

let folder = "";
let inspection: Inspection;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-card-"));
  await mkdir(join(folder, "m"));
  await writeFile(join(folder, "m/model.safetensors"), safetensors([made("w", [2, 2], noise(4, 1))]));
  await writeFile(
    join(folder, "m/README.md"),
    `---\nlicense: mit\ntags: ["<img src=x onerror=alert(1)>"]\nlibrary_name: "a|b | [x](javascript:alert)"\n---\n## Limitations\n# Not a heading\n<script>alert(1)</script>\n`,
  );
  inspection = await inspectModel(join(folder, "m"));
});
after(() => rm(folder, { recursive: true }));

describe("a model card", () => {
  it("says of each field how it is known, and of a gap that it is one", () => {
    const fields = cardFields(inspection, OPTIONS);
    const of = (name: string): unknown => {
      const field = fields.find((one) => one.name === name);
      return [field?.value, field?.basis, field?.where];
    };
    assert.deepEqual(of("Parameters"), ["4 (safetensors: F32 4)", "measured", undefined]);
    assert.deepEqual(of("Declared"), ["MIT", "declared", "README.md license"]);
    assert.deepEqual(of("Published by"), ["Example Ltd", "stated here", undefined]);
    assert.deepEqual(of("Task"), [undefined, "not known", undefined]);
    assert.deepEqual(of("Data sets"), [undefined, "not known", undefined]);
  });

  it("has every value from the inspection or the options: an empty one makes a card without a claim", () => {
    const empty: Inspection = {
      ...inspection,
      facts: [],
      metrics: [],
      size: undefined,
      inputs: [],
      outputs: [],
      unread: [],
      licences: { declared: [], detected: [], findings: [] },
    };
    const stated = cardFields(empty, { time: 0, datasets: [] }).filter(({ basis }) => basis !== "not known");
    assert.deepEqual(
      stated.map(({ name }) => name),
      ["Name", "Root digest (OpenSSF Model Signing)", "Files"],
    );
  });

  it("is the same text for the same inputs", () => {
    assert.equal(modelCard(inspection, OPTIONS), modelCard(inspection, OPTIONS));
    assert.ok(modelCard(inspection, OPTIONS).includes("1970-01-01T00:00:00Z"));
  });

  it("keeps foreign text text: no HTML, link, table or heading of it takes effect", () => {
    const card = modelCard(inspection, OPTIONS);
    assert.ok(!/<(?:script|img)/.test(card));
    assert.ok(!/(?<!\\)\[x(?<!\\)\]/.test(card));
    assert.ok(!/^(?:> )?# Not/m.test(card));
    for (const line of card.split("\n").filter((one) => one.startsWith("|"))) {
      assert.equal(line.match(/(?<!\\)\|/g)?.length, 4, line);
    }
  });
});

describe("foreign text in Markdown", () => {
  it("shows what is invisible, and stays on its line", () => {
    assert.equal(inline("a\u202eb\u200bc\nd\u0000"), "a‹U+202E›b‹U+200B›c d‹U+0000›");
    assert.equal(inline("- x"), String.raw`\- x`);
    assert.equal(inline("12. x"), String.raw`12\. x`);
    assert.equal(inline("see https://x.y and www.x.y"), String.raw`see https\://x.y and www\.x.y`);
    assert.equal(inline("cc-by-4.0 (v1)"), "cc-by-4.0 (v1)");
    assert.equal(
      quoted("a\r\n\n=== b"),
      String.raw`> a
>
> \=== b`,
    );
  });

  it("never has an unescaped mark, whatever comes in", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const line = inline(text);
        assert.ok(!line.includes("\n"));
        assert.ok(!/[`*_[\]<>#|~&@$!{}]/.test(line.replaceAll(/\\./gs, "")), line);
      }),
    );
  });
});
