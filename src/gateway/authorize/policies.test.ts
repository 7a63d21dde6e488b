/** Policies at the start: what may not be used is told, all of it, by its place. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { openAuthorizer } from "./authorizer.ts";
import { loadCedar } from "./cedar.ts";
import { problemLine, readPolicies, type PolicyFolder } from "./policies.ts";

const home = mkdtempSync(join(tmpdir(), "holdfast-policies-"));
after(() => {
  rmSync(home, { recursive: true, force: true });
});

let made = 0;
function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = join(home, `folder-${++made}`);
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

const cedar = await loadCedar();
const read = (files: Readonly<Record<string, string | Uint8Array>>): PolicyFolder => readPolicies(folder(files), cedar);
const PERMIT = 'permit (principal, action, resource == Model::"m");';

describe("a folder of policies", () => {
  it("is read in the order of its files, each policy with its id and place", () => {
    const { policies, errors, warnings } = read({
      "b.cedar": `// first\n${PERMIT}\n\n@id("named")\nforbid (principal, action, resource);`,
      "a.cedar": Array.from({ length: 12 }, (_, at) => PERMIT.replace('"m"', `"é${at}"`)).join("\n"),
      "notes.md": "not a policy",
      ".hidden.cedar": "not read",
    });
    assert.deepEqual([errors, warnings], [[], []]);
    assert.deepEqual(
      policies.slice(8).map(({ id, file, line, effect }) => [id, file, line, effect]),
      [
        ["a.cedar#9", "a.cedar", 9, "permit"],
        ["a.cedar#10", "a.cedar", 10, "permit"],
        ["a.cedar#11", "a.cedar", 11, "permit"],
        ["a.cedar#12", "a.cedar", 12, "permit"],
        ["b.cedar#1", "b.cedar", 2, "permit"],
        ["named", "b.cedar", 4, "forbid"],
      ],
    );
    assert.match(policies[9]?.text ?? "", /"é9"/);
  });

  it("has a digest of its contents and names", () => {
    const one = read({ "a.cedar": PERMIT }).digest;
    assert.equal(read({ "a.cedar": PERMIT, "b.txt": "x" }).digest, one);
    assert.notEqual(read({ "a.cedar": `${PERMIT} ` }).digest, one);
    assert.notEqual(read({ "b.cedar": PERMIT }).digest, one);
  });

  const wrong: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ["no file", {}, /^there is no \*\.cedar file/],
    ["a file without a policy", { "a.cedar": "// nothing" }, /^there is no policy/],
    ["half a policy", { "a.cedar": `${PERMIT}\n\npermit (principal` }, /^a\.cedar:3: .*unexpected end/],
    ["a template", { "a.cedar": "permit (principal == ?principal, action, resource);" }, /^a\.cedar: templates/],
    [
      "an action that there is not",
      { "a.cedar": 'permit (principal, action == Action::"infre", resource);' },
      /^a\.cedar:1: a\.cedar#1: .*infre.*did you mean/,
    ],
    [
      "an attribute that there is not",
      { "a.cedar": `${PERMIT}\n@id("x") permit (principal, action, resource)\nwhen { context.dataClass == "pii" };` },
      /^a\.cedar:3: x: .*dataClass/,
    ],
    [
      "an attribute of another type",
      { "a.cedar": 'permit (principal, action, resource) when { context.weekday == "1" };' },
      /a\.cedar#1/,
    ],
    [
      "a kind of resource that there is not",
      { "a.cedar": 'permit (principal, action, resource == Modell::"m");' },
      /Modell/,
    ],
    [
      "the same id twice",
      { "a.cedar": `@id("x") ${PERMIT}`, "b.cedar": `@id("x") ${PERMIT}` },
      /^b\.cedar: two policies have the id x/,
    ],
    [
      "an id that another policy has by its place",
      { "a.cedar": PERMIT, "b.cedar": `@id("a.cedar#1") ${PERMIT}` },
      /two policies/,
    ],
    ["an id that is no id", { "a.cedar": `@id("a b") ${PERMIT}` }, /^a\.cedar: the id "a b"/],
    ["an id of another line", { "a.cedar": `@id("a\\nb") ${PERMIT}` }, /^a\.cedar: the id "a\\nb"/],
    ["an empty id", { "a.cedar": `@id("") ${PERMIT}` }, /^a\.cedar: the id ""/],
  ];
  for (const [what, files, line] of wrong) {
    it(`with ${what} is refused`, async () => {
      const { errors } = read(files);
      assert.match(problemLine(errors[0] ?? assert.fail("no problem")), line);
      await assert.rejects(openAuthorizer({ policies: folder(files) }), (error) =>
        isHoldfastError(error, "gateway.policy-invalid"),
      );
    });
  }

  it("that cannot be read is refused by its path", () => {
    const refused = (path: string, why: RegExp): void => {
      assert.throws(
        () => readPolicies(path, cedar),
        (error) => isHoldfastError(error, "gateway.policy-invalid") && why.test(error.detail ?? ""),
      );
    };
    refused(join(home, "missing"), /missing \(ENOENT\)/);
    refused(folder({ "a.cedar": Buffer.from([0xff]) }), /a\.cedar \(not UTF-8\)/);
    refused(folder({ "a.cedar": " ".repeat(1_048_577) }), /1048576 bytes/);
    refused(folder(Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`f${at}.cedar`, ""]))), /200 files/);
    const dangling = folder({});
    symlinkSync(join(home, "nowhere"), join(dangling, "a.cedar"));
    refused(dangling, /a\.cedar \(ENOENT\)/);
  });

  it("tells all its problems, and what can never apply", () => {
    const { errors } = read({ "a.cedar": "permit (", "b.cedar": "forbid (", "c.cedar": PERMIT });
    assert.deepEqual(
      errors.map(({ file }) => file),
      ["a.cedar", "b.cedar"],
    );
    const { warnings } = read({ "a.cedar": `${PERMIT} permit (principal, action, resource) when { false };` });
    assert.match(problemLine(warnings[0] ?? assert.fail("no warning")), /^a\.cedar:1: a\.cedar#2: .*impossible/);
  });

  it("may be the one of the guide, word for word", () => {
    const guide = readFileSync(new URL("../../../docs/guides/identity-and-policies.md", import.meta.url), "utf8");
    const [, text = ""] = /```cedar\n([^]*?)```/.exec(guide) ?? [];
    const { errors, policies, warnings } = read({ "models.cedar": text });
    assert.deepEqual([errors, warnings], [[], []]);
    assert.deepEqual(
      policies.map(({ id, line }) => [id, line]),
      [
        ["shop-inside", 2],
        ["dev-outside", 6],
        ["no-pii-outside", 11],
      ],
    );
  });

  // Last: the engine does not get over it, in this process.
  it("that the engine chokes on is refused, and nothing is permitted on that engine any more", () => {
    const decide = cedar.prepare({ all: "permit (principal, action, resource);" });
    const deep = `permit (principal, action, resource) when {${"(".repeat(20_000)}true${")".repeat(20_000)}};`;
    const { errors } = read({ "a.cedar": deep });
    assert.match(problemLine(errors[0] ?? assert.fail("no problem")), /cannot read it/);
    const uid = { type: "Key", id: "k" };
    const question = {
      principal: uid,
      action: "infer",
      resource: { type: "Model", id: "m" },
      context: {},
      entities: [],
    };
    assert.notEqual(decide(question).decision, "deny");
  });
});
