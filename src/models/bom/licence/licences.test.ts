import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import type { Fact } from "../fact.ts";
import { detectLicences, judgeLicences, nameLicence } from "./licences.ts";

const APACHE = readFileSync(new URL("../../../../LICENSE", import.meta.url), "utf8");

/** The words of the MIT licence, as they stand in thousands of packages. */
const MIT = `Copyright (c) 2024 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

describe("licences by their text", () => {
  const ids = (text: string): readonly string[] => detectLicences(text).map(({ id }) => id);

  it("names a licence by its text, whatever the line breaks, case and marks", () => {
    assert.deepEqual(ids(APACHE), ["Apache-2.0"]);
    assert.deepEqual(ids(MIT), ["MIT"]);
    assert.deepEqual(ids(MIT.replaceAll(/\s+/g, "\n> ").toUpperCase()), ["MIT"]);
  });

  it("names two that stand in one file", () => {
    assert.deepEqual(ids(`${MIT}\n\n----\n\n${APACHE}`).toSorted(), ["Apache-2.0", "MIT"]);
  });

  it("says where a file has more than the licence: a condition that is added must not read as the licence alone", () => {
    const more = `${MIT}\n\nThe weights shall not be used by anybody with more than seven hundred million monthly users, nor to
      train another model, nor in any field that the authors may name later on their page.`;
    const [found] = detectLicences(more);
    assert.notEqual(found?.by, "text");
    const findings = judgeLicences([], [{ path: "LICENSE", text: `${MIT}\n\n${APACHE}` }]).findings;
    assert.deepEqual(
      findings.map(({ rule }) => rule),
      ["licence.more-text"],
    );
  });

  it("names none for a text that only speaks of one, or lacks a good part of it", () => {
    assert.deepEqual(ids("This model is released under the MIT license. See the Apache License, Version 2.0."), []);
    assert.deepEqual(ids(MIT.slice(0, MIT.length / 2)), []);
    assert.deepEqual(ids(""), []);
    assert.deepEqual(ids("x ".repeat(100_000)), []);
  });

  it("tells terms that are not on the list by their title, and says so", () => {
    const [found] = detectLicences(
      "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: July 23, 2024",
    );
    assert.deepEqual(found, {
      id: "LicenseRef-llama3.1",
      name: "Llama 3.1 Community License Agreement",
      listed: false,
      by: "title",
    });
    assert.deepEqual(ids("Gemma Terms of Use\nLast modified: February 21, 2024"), ["LicenseRef-gemma"]);
    assert.deepEqual(ids("CreativeML Open RAIL-M\ndated August 22, 2022"), ["LicenseRef-creativeml-openrail-m"]);
    assert.deepEqual(ids(`${"other words ".repeat(300)} Gemma Terms of Use`), []);
  });
});

describe("licences by their name", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["apache-2.0", "Apache-2.0"],
    ["MIT", "MIT"],
    ["cc-by-nc-4.0", "CC-BY-NC-4.0"],
    ["odbl", "ODbL-1.0"],
    ["llama3.1", "LicenseRef-llama3.1"],
    ["(mit or apache-2.0) and cc-by-4.0", "(MIT OR Apache-2.0) AND CC-BY-4.0"],
    ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"],
    ["https://creativecommons.org/licenses/by-nc-sa/4.0/", "CC-BY-NC-SA-4.0"],
    ["https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"],
    ["https://choosealicense.com/licenses/mit/", "MIT"],
    ["https://spdx.org/licenses/Apache-2.0.html", "Apache-2.0"],
    ["https://example.org/licenses/mit/", undefined],
    ["https://choosealicense.com/licenses/undefined/", undefined],
    ["mit or", undefined],
    ["mit or or mit", undefined],
    ["(mit and isc", undefined],
    ["mit and nonsense-9", undefined],
    ["other", undefined],
    ["gpl", undefined],
    ["free for all", undefined],
  ];
  for (const [value, id] of cases) {
    it(`${value}: ${id ?? "names none"}`, () => {
      assert.equal(nameLicence(value)?.id, id);
    });
  }
});

describe("what is declared and what is there", () => {
  const declared = (...values: readonly string[]): Fact[] =>
    values.map((value) => ({ topic: "licence", value, basis: "declared", where: "README.md license" }));
  const rules = (facts: readonly Fact[], ...texts: readonly string[]): readonly string[] =>
    judgeLicences(
      facts,
      texts.map((text, index) => ({ path: `LICENSE.${index}`, text })),
    ).findings.map(({ rule }) => rule);

  it("agrees silently", () => {
    assert.deepEqual(rules(declared("mit"), MIT), []);
    assert.deepEqual(rules(declared("mit or apache-2.0"), MIT, APACHE), []);
    assert.deepEqual(rules(declared("gpl-3.0-or-later")), []);
    assert.deepEqual(rules(declared("mit")), []);
  });

  it("finds a conflict, something missing, something unknown", () => {
    assert.deepEqual(rules(declared("cc-by-nc-4.0"), MIT), ["licence.conflict"]);
    assert.deepEqual(rules([]), ["licence.missing"]);
    assert.deepEqual(rules(declared("other")), ["licence.unknown", "licence.missing"]);
    assert.deepEqual(rules(declared("mit"), "do what you like"), ["licence.unrecognised-text"]);
  });

  it("takes the name beside `other` as it stands, without pretending that it is on the list", () => {
    const facts: Fact[] = [
      ...declared("other"),
      { topic: "licence name", value: "My <b>own</b> terms", basis: "declared", where: "README.md license_name" },
    ];
    const { declared: found, findings } = judgeLicences(facts, []);
    assert.deepEqual(found, [
      {
        id: "LicenseRef-My-b-own-b-terms",
        name: "My <b>own</b> terms",
        listed: false,
        where: "README.md license_name",
      },
    ]);
    assert.deepEqual(findings, []);
  });
});
