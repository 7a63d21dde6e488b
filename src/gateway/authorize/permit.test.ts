/** Who of the candidates may be asked, and what the receipt says of it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError, type Finding, type Verdict } from "../../core/index.ts";
import type { Principal } from "../identity/principal.ts";
import type { Candidate } from "../upstream/routing.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { factsOf, mayList, permit, permitTool, type AuthorizationRecord } from "./permit.ts";

const principal: Principal = {
  keyId: "k",
  app: "shop",
  models: ["*"],
  requestsPerMinute: undefined,
  concurrency: undefined,
};
const facts = factsOf({ model: "fast", stream: false, spans: [], unscanned: [] }, verdict([]), "127.0.0.1", 0);
const candidate = (upstream: string, model: string): Candidate => ({
  target: { name: upstream } as Candidate["target"],
  model,
});

function verdict(rules: readonly string[], runs: Verdict["runs"] = []): Verdict {
  return { action: "flag", findings: rules.map((rule) => ({ rule }) as Finding), runs };
}

/** Permits the named pairs of upstream and model, by policies of the same names. */
function authorizer(permits: readonly string[], errors: readonly string[] = []): Authorizer {
  return {
    digest: "",
    decide: (question): Decision => {
      if (!("model" in question)) return { decision: "error", reasons: [], errors: [] };
      const { model, upstream } = question;
      const pair = `${upstream ?? "-"}/${model}`;
      if (errors.includes(pair)) return { decision: "error", reasons: [], errors: [pair] };
      const permitted = permits.includes(pair);
      return { decision: permitted ? "allow" : "deny", reasons: [permitted ? pair : `not ${pair}`], errors: [] };
    },
  };
}

function outcome(one: Authorizer, model: string, candidates: readonly Candidate[]): unknown {
  let recorded: AuthorizationRecord | undefined;
  const record = (decided: AuthorizationRecord): void => {
    recorded = decided;
  };
  try {
    const left = permit(one, { principal, action: "infer", model, candidates, facts }, record);
    return [left.map(({ target, model: real }) => `${target.name}/${real}`), recorded];
  } catch (error) {
    return [isHoldfastError(error) ? error.code : error, recorded];
  }
}

describe("of the candidates", () => {
  const two = [candidate("a", "m"), candidate("b", "m")];

  it("only those stay that are permitted: a fallback is asked no more than the first", () => {
    assert.deepEqual(outcome(authorizer(["a/m", "b/m"]), "m", two), [
      ["a/m", "b/m"],
      { decision: "allow", policies: ["a/m", "b/m"] },
    ]);
    assert.deepEqual(outcome(authorizer(["b/m"]), "m", two), [["b/m"], { decision: "allow", policies: ["b/m"] }]);
    assert.deepEqual(outcome(authorizer(["a/m"], ["b/m"]), "m", two), [
      ["a/m"],
      { decision: "allow", policies: ["a/m"] },
    ]);
  });

  it("none stays where all are denied, and a failure is told before a denial", () => {
    assert.deepEqual(outcome(authorizer([]), "m", two), [
      "gateway.policy-denied",
      { decision: "deny", policies: ["not a/m", "not b/m"] },
    ]);
    assert.deepEqual(outcome(authorizer([], ["b/m"]), "m", two), [
      "gateway.policy-error",
      { decision: "error", policies: ["b/m"] },
    ]);
  });

  it("one behind a name of the gateway's own needs both: the name and the model", () => {
    const behind = [candidate("a", "real")];
    assert.deepEqual(outcome(authorizer(["a/fast"]), "fast", behind), [
      "gateway.policy-denied",
      { decision: "deny", policies: ["not a/real"] },
    ]);
    assert.deepEqual(outcome(authorizer(["a/real"]), "fast", behind), [
      "gateway.policy-denied",
      { decision: "deny", policies: ["not a/fast"] },
    ]);
    assert.deepEqual(outcome(authorizer(["a/real", "a/fast"]), "fast", behind), [
      ["a/real"],
      { decision: "allow", policies: ["a/real", "a/fast"] },
    ]);
  });

  it("without any, the model itself is judged", () => {
    assert.deepEqual(outcome(authorizer(["-/m"]), "m", []), [[], { decision: "allow", policies: ["-/m"] }]);
    assert.deepEqual(outcome(authorizer([]), "m", []), [
      "gateway.policy-denied",
      { decision: "deny", policies: ["not -/m"] },
    ]);
  });

  it("no name is judged that is too long to be one", () => {
    const long = "x".repeat(513);
    assert.deepEqual(outcome(authorizer([`a/${long}`]), long, [candidate("a", long)]), [
      "gateway.policy-error",
      { decision: "error", policies: [] },
    ]);
    const fits = "x".repeat(512);
    assert.deepEqual((outcome(authorizer([`a/${fits}`]), fits, [candidate("a", fits)]) as unknown[])[0], [`a/${fits}`]);
  });
});

describe("a tool", () => {
  const tried = (permits: readonly string[], tool: string | undefined, failing: readonly string[] = []): unknown => {
    const one: Authorizer = {
      digest: "",
      decide: (question): Decision => {
        const name =
          "tool" in question ? `${question.server}/${question.tool}` : "server" in question ? question.server : "";
        if (failing.includes(name)) return { decision: "error", reasons: [], errors: [name] };
        return { decision: permits.includes(name) ? "allow" : "deny", reasons: [name], errors: [] };
      },
    };
    let recorded: AuthorizationRecord | undefined;
    try {
      permitTool(one, { principal, server: "mail", tool, facts }, (decided) => {
        recorded = decided;
      });
      return ["permitted", recorded];
    } catch (error) {
      return [isHoldfastError(error) ? error.code : error, recorded];
    }
  };

  it("needs its server and itself; everything else of a server needs the server", () => {
    assert.deepEqual(tried(["mail", "mail/send"], "send"), [
      "permitted",
      { decision: "allow", policies: ["mail", "mail/send"] },
    ]);
    assert.deepEqual(tried(["mail"], "send"), ["gateway.policy-denied", { decision: "deny", policies: ["mail/send"] }]);
    assert.deepEqual(tried(["mail/send"], "send"), ["gateway.policy-denied", { decision: "deny", policies: ["mail"] }]);
    assert.deepEqual(tried(["mail"], undefined), ["permitted", { decision: "allow", policies: ["mail"] }]);
    assert.deepEqual(tried([], undefined), ["gateway.policy-denied", { decision: "deny", policies: ["mail"] }]);
    const failed = tried(["mail"], "send", ["mail/send"]);
    assert.deepEqual(failed, ["gateway.policy-error", { decision: "error", policies: ["mail/send"] }]);
    assert.deepEqual((tried(["mail"], "x".repeat(513)) as unknown[])[0], "gateway.policy-error");
  });
});

describe("a listing", () => {
  it("shows what one action on one upstream is permitted for", async () => {
    const when = { address: "127.0.0.1", now: 0 };
    const onlyEmbed: Authorizer = {
      digest: "",
      decide: (question) => {
        const isModels = "model" in question && question.facts.requested === question.model;
        const permitted = isModels && question.action === "embed" && question.upstream === "b";
        return { decision: permitted ? "allow" : "deny", reasons: [], errors: [] };
      },
    };
    const sees = mayList(onlyEmbed, principal, ["infer", "embed"], when);
    assert.equal(await sees("m", [candidate("a", "m"), candidate("b", "m")]), true);
    assert.equal(await sees("m", [candidate("a", "m")]), false);
    assert.equal(await mayList(onlyEmbed, principal, ["infer"], when)("m", [candidate("b", "m")]), false);
    assert.equal(await mayList(undefined, principal, ["infer"], when)("m", []), true);
  });
});

describe("the facts of a request", () => {
  it("are what its guards said", () => {
    const run = { version: "1", findings: 0 };
    const said = verdict(
      ["pii.email", "pii.phone", "secrets.aws-access-key-id", "pii.email"],
      [
        { ...run, detector: "pii", outcome: "ran" },
        { ...run, detector: "injection", outcome: "error", why: "x" },
        { ...run, detector: "moderation", outcome: "not-scanned", why: "off by policy" },
      ],
    );
    const spans = (["user", "tool", "user"] as const).map((origin) => ({ origin, text: "", pointer: "" }));
    const unscanned = [{ kind: "image" }];
    assert.deepEqual(factsOf({ model: "m", stream: true, spans, unscanned }, said, "::1", 7), {
      now: 7,
      address: "::1",
      requested: "m",
      stream: true,
      origins: ["user", "tool"],
      dataClasses: ["pii", "secrets"],
      rules: ["pii.email", "pii.phone", "secrets.aws-access-key-id"],
      unchecked: ["injection"],
      hasUnread: true,
    });
  });
});
