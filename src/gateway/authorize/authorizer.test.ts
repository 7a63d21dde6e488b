/** Decisions: default deny, forbid over permit, failures as denials, and every word of the schema in a question. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

import * as engine from "@cedar-policy/cedar-wasm/nodejs";
import fc from "fast-check";

import type { Principal } from "../identity/principal.ts";
import { openAuthorizer, type Decision } from "./authorizer.ts";
import { cedarQuestion, plainAddress, type ModelQuestion, type RequestFacts } from "./question.ts";
import { SCHEMA } from "./schema.ts";

const home = mkdtempSync(join(tmpdir(), "holdfast-authorizer-"));
after(() => {
  rmSync(home, { recursive: true, force: true });
});

const facts: RequestFacts = {
  now: Date.UTC(2026, 10, 27, 12),
  address: "10.1.2.3",
  requested: "gpt-5",
  stream: false,
  origins: ["user"],
  dataClasses: [],
  rules: [],
  unchecked: [],
  hasUnread: false,
};
const key: Principal = {
  keyId: "k1",
  app: "shop",
  models: ["*"],
  requestsPerMinute: undefined,
  concurrency: undefined,
};
const user: Principal = {
  ...key,
  keyId: "user:corp:x",
  app: "portal",
  via: "token",
  user: "corp/alice",
  groups: ["dev"],
};
const certificate: Principal = { ...key, keyId: "certificate:mesh:x", via: "certificate", certificate: "mesh" };

type Ask = Partial<Omit<ModelQuestion, "facts">> & { readonly facts?: Partial<RequestFacts> };

async function decider(text: string): Promise<(ask?: Ask) => Decision> {
  writeFileSync(join(home, "p.cedar"), text);
  const authorizer = await openAuthorizer({ policies: home });
  assert.ok(authorizer);
  return (ask = {}) =>
    authorizer.decide({
      principal: key,
      action: "infer",
      model: "gpt-5",
      upstream: "openai",
      ...ask,
      facts: { ...facts, ...ask.facts },
    });
}

const ALL = '@id("all") permit (principal, action, resource);';
const of = ({ decision, reasons }: Decision): unknown => [decision, ...reasons];

describe("without policies", () => {
  it("there is no authorizer, and no engine is loaded", async () => {
    assert.equal(await openAuthorizer({}), undefined);
  });
});

describe("a decision", () => {
  it("denies what nothing permits, and names nobody for it", async () => {
    const decide = await decider('@id("other") permit (principal, action, resource == Model::"other");');
    assert.deepEqual(decide(), { decision: "deny", reasons: [], errors: [] });
    assert.deepEqual(of(decide({ model: "other" })), ["allow", "other"]);
  });

  it("lets a forbid win, and names it alone", async () => {
    const decide = await decider(
      `${ALL} @id("no-pii") forbid (principal, action, resource) when { context.dataClasses.contains("pii") };`,
    );
    assert.deepEqual(of(decide()), ["allow", "all"]);
    assert.deepEqual(of(decide({ facts: { dataClasses: ["pii"] } })), ["deny", "no-pii"]);
  });

  it("denies by name when a policy fails, whatever the others say", async () => {
    const overflow = "context.weekday + 9223372036854775807 > 0";
    const failing = await decider(`${ALL} @id("bad") forbid (principal, action, resource) when { ${overflow} };`);
    assert.deepEqual(failing(), { decision: "error", reasons: ["all"], errors: ["bad"] });
    const permitting = await decider(`${ALL} @id("bad") permit (principal, action, resource) when { ${overflow} };`);
    assert.deepEqual(permitting().decision, "error");
  });

  it("denies what the engine cannot take in", async () => {
    const decide = await decider(ALL);
    for (const ask of [
      { model: "\ud800" },
      { facts: { address: "" } },
      { facts: { address: "here" } },
      { facts: { requested: "\udfff" } },
    ]) {
      assert.deepEqual(decide(ask), { decision: "error", reasons: [], errors: [] }, JSON.stringify(ask));
    }
    assert.deepEqual(of(decide()), ["allow", "all"]);
  });

  it("keeps to the model that is meant: names are no patterns and no prefixes", async () => {
    const decide = await decider('permit (principal, action, resource == Model::"gpt-5");');
    for (const model of ["gpt-5-mini", "GPT-5", "gpt-5 ", "*", "", 'x" || true', "gpt-5\u0000", "openai/gpt-5"]) {
      assert.equal(decide({ model }).decision, "deny", model);
    }
  });
});

describe("what policies can tell apart", () => {
  const rows: readonly (readonly [string, string, readonly Ask[], readonly Ask[]])[] = [
    ["a key", 'principal == Key::"k1"', [{}], [{ principal: user }, { principal: { ...key, keyId: "k2" } }]],
    ["an app", 'principal in App::"shop"', [{}, { principal: certificate }], [{ principal: user }]],
    [
      "a user",
      'principal == User::"corp/alice"',
      [{ principal: user }],
      [{}, { principal: { ...user, user: "evil/alice" } }],
    ],
    [
      "an issuer",
      'principal is User && principal.issuer == "corp"',
      [{ principal: user }],
      [{}, { principal: { ...user, user: "corp2/alice" } }],
    ],
    ["a group", 'principal in Group::"dev"', [{ principal: user }], [{}, { principal: { ...user, groups: [] } }]],
    [
      "a group by the context",
      'context.groups.contains("dev")',
      [{ principal: user }],
      [{}, { principal: { ...user, groups: ["devs"] } }],
    ],
    ["a certificate", 'principal == Certificate::"mesh"', [{ principal: certificate }], [{}]],
    ["an upstream", 'resource in Upstream::"openai"', [{}], [{ upstream: "other" }, { upstream: undefined }]],
    ["an action", 'action == Action::"embed"', [{ action: "embed" }], [{}]],
    [
      "the time",
      'context.now.toTime() < duration("13h") && context.weekday == 5',
      [{}],
      [{ facts: { now: facts.now + 3_600_000 } }, { facts: { now: facts.now - 86_400_000 } }],
    ],
    [
      "a Sunday",
      "context.weekday == 7",
      [{ facts: { now: Date.UTC(2026, 10, 29) } }],
      [{ facts: { now: Date.UTC(2026, 10, 28) } }],
    ],
    [
      "an address",
      'context.address.isInRange(ip("10.0.0.0/8"))',
      [{}, { facts: { address: "::ffff:10.0.0.9" } }],
      [{ facts: { address: "11.0.0.1" } }, { facts: { address: "fe80::1%eth0" } }],
    ],
    ["the name that was asked for", 'context.requested == "fast"', [{ facts: { requested: "fast" } }], [{}]],
    ["a stream", "context.stream", [{ facts: { stream: true } }], [{}]],
    ["where texts come from", '!context.origins.contains("tool")', [{}], [{ facts: { origins: ["user", "tool"] } }]],
    ["what guards found", 'context.dataClasses == ["pii"]', [{ facts: { dataClasses: ["pii"] } }], [{}]],
    ["by which rule", 'context.rules.contains("pii.email")', [{ facts: { rules: ["pii.email"] } }], [{}]],
    [
      "what was not checked",
      "context.unchecked.isEmpty() && !context.hasUnread",
      [{}],
      [{ facts: { unchecked: ["pii"] } }, { facts: { hasUnread: true } }],
    ],
  ];
  for (const [what, condition, allowed, denied] of rows) {
    it(what, async () => {
      const decide = await decider(`permit (principal, action, resource) when { ${condition} };`);
      for (const ask of allowed) assert.equal(decide(ask).decision, "allow", JSON.stringify(ask));
      for (const ask of denied) assert.equal(decide(ask).decision, "deny", JSON.stringify(ask));
    });
  }
});

describe("a question", () => {
  const texts = fc.array(fc.string(), { maxLength: 4 });
  const what = fc.oneof(
    fc.record({
      action: fc.constantFrom("infer" as const, "embed" as const),
      model: fc.string(),
      upstream: fc.option(fc.string(), { nil: undefined }),
    }),
    fc.record({ action: fc.constant("useServer" as const), server: fc.string() }),
    fc.record({ action: fc.constant("callTool" as const), server: fc.string(), tool: fc.string() }),
  );
  const asked = fc.record({
    principal: fc.oneof(
      fc.string().map((keyId): Principal => ({ ...key, keyId })),
      fc.tuple(fc.string(), texts).map(([name, groups]): Principal => ({ ...user, user: `corp/${name}`, groups })),
      fc.string().map((name): Principal => ({ ...certificate, certificate: name })),
    ),
    facts: fc.record({
      now: fc.nat(4_000_000_000_000),
      address: fc.oneof(
        fc.ipV4(),
        fc.constant("::1"),
        fc.constant("fe80::1%eth0"),
        fc.ipV4().map((ip) => `::ffff:${ip}`),
      ),
      requested: fc.string(),
      stream: fc.boolean(),
      origins: texts,
      dataClasses: texts,
      rules: texts,
      unchecked: texts,
      hasUnread: fc.boolean(),
    }),
  });

  it("is what the schema says, whatever is in it", () => {
    fc.assert(
      fc.property(asked, what, (who, question) => {
        const { action, ...call } = cedarQuestion({ ...who, ...question });
        const answer = engine.isAuthorized({
          ...call,
          action: { type: "Action", id: action },
          schema: SCHEMA,
          validateRequest: true,
          policies: { staticPolicies: "permit (principal, action, resource);" },
        });
        assert.equal(answer.type, "success", JSON.stringify(answer));
      }),
      { numRuns: 60 },
    );
  });

  it("has plain addresses", () => {
    assert.deepEqual(["::ffff:1.2.3.4", "::FFFF:1.2.3.4", "fe80::1%eth0", "1.2.3.4", "::1"].map(plainAddress), [
      "1.2.3.4",
      "1.2.3.4",
      "fe80::1",
      "1.2.3.4",
      "::1",
    ]);
  });
});
