import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError, type ArtifactVerdict } from "../../core/index.ts";
import { NEW, standing, step, type RegistryEvent, type Standing } from "./state.ts";

const rules = { approvals: 2 };
const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);
let ids = 0;
const base = (by: string): { id: string; at: number; by: string } => ({ id: `e${++ids}`, at: ids, by });
const released = (by = "dave"): RegistryEvent => ({ ...base(by), kind: "released" });
const scan = (verdict: ArtifactVerdict = "clean", scanner = "s 1"): RegistryEvent => ({
  ...base("s"),
  kind: "scanned",
  verdict,
  scanner,
});
const sign = (identity = "key:a"): RegistryEvent => ({ ...base("v"), kind: "signed", identity, method: "key" });
const approval = (now: Standing, by: string): RegistryEvent => ({ ...base(by), kind: "approved", basis: now.basis });
const revocation = (): RegistryEvent => ({ ...base("alice"), kind: "revoked", reason: "leaked" });

const signed = (): Standing => standing([released(), scan(), sign()], rules);
const approvedBy = (start: Standing, ...who: string[]): Standing =>
  who.reduce((now, by) => step(now, approval(now, by), rules), start);

describe("the states of a release", () => {
  it("goes the whole way in order", () => {
    assert.deepEqual(
      [
        standing([released()], rules),
        standing([released(), scan()], rules),
        signed(),
        approvedBy(signed(), "alice"),
      ].map(({ state }) => state),
      ["quarantined", "scanned", "signed", "signed"],
    );
    assert.equal(approvedBy(signed(), "alice", "bob").state, "approved");
  });

  it("skips no step", () => {
    const quarantined = standing([released()], rules);
    assert.throws(() => step(quarantined, sign(), rules), code("models.transition-refused"));
    assert.throws(() => step(quarantined, approval(quarantined, "alice"), rules), code("models.transition-refused"));
    const scanned = standing([released(), scan()], rules);
    assert.throws(() => step(scanned, approval(scanned, "alice"), rules), code("models.transition-refused"));
  });

  it("takes only a clean scan for clean", () => {
    for (const verdict of ["suspicious", "malicious", "inconclusive", "not-a-model"] as const) {
      assert.equal(standing([released(), scan(verdict)], rules).state, "quarantined", verdict);
      // Also one of what is served already.
      const fallen = step(approvedBy(signed(), "alice", "bob"), scan(verdict, "s 2"), rules);
      assert.deepEqual([fallen.state, fallen.approvals], ["quarantined", []]);
    }
  });

  it("counts approvals by person, and never that of whoever asked alone", () => {
    const once = approvedBy(signed(), "alice");
    assert.throws(() => step(once, approval(once, "alice"), rules), code("models.approval-repeated"));
    assert.equal(approvedBy(standing([released("alice"), scan(), sign()], rules), "alice").state, "signed");
    const one = { approvals: 1 };
    const own = standing([released("alice"), scan(), sign()], one);
    assert.equal(step(own, approval(own, "alice"), one).state, "signed");
    assert.equal(step(own, approval(own, "bob"), one).state, "approved");
  });

  it("counts signatures of those alone whom the configuration names, also those from before", () => {
    const events = [released(), scan(), sign("key abc")];
    const stateWith = (signers: readonly string[]): string => standing(events, { approvals: 2, signers }).state;
    assert.deepEqual([["key abc"], ["key def", "key abc"], ["key abcd"], ["key"], []].map(stateWith), [
      "signed",
      "signed",
      "scanned",
      "scanned",
      "scanned",
    ]);
    const scanned = standing([released(), scan()], rules);
    assert.throws(
      () => step(scanned, sign("key abc"), { approvals: 2, signers: ["key def"] }),
      (error) => isHoldfastError(error, "models.transition-refused") && /key abc, whom/.test(error.message),
    );
    // Another one's signature takes no approval away.
    const approvedOnes = approvedBy(signed(), "alice", "bob");
    assert.throws(() => step(approvedOnes, sign("key:b"), { approvals: 2, signers: ["key:a"] }));
  });

  it("does not take an approval of other evidence", () => {
    const before = signed();
    const old = approval(before, "alice");
    const swapped = step(approvedBy(before, "carol"), sign("key:b"), rules);
    assert.deepEqual([swapped.state, swapped.approvals], ["signed", []]);
    assert.throws(() => step(swapped, old, rules), code("models.decision-stale"));
    const again = [scan("malicious"), scan(), sign()].reduce((now, event) => step(now, event, rules), before);
    assert.throws(() => step(again, old, rules), code("models.decision-stale"));
  });

  it("keeps approvals when the same is found clean, or signed by the same, again", () => {
    const done = approvedBy(signed(), "alice", "bob");
    assert.equal(step(step(done, scan("clean", "s 2"), rules), sign(), rules).state, "approved");
  });

  it("ends with a revocation", () => {
    const gone = step(approvedBy(signed(), "alice", "bob"), revocation(), rules);
    assert.equal(gone.state, "revoked");
    for (const event of [scan(), sign(), approval(gone, "carol"), revocation(), released()]) {
      assert.throws(() => step(gone, event, rules), code("models.transition-refused"), event.kind);
    }
  });

  it("is approved, whatever happens in whatever order, only by two persons on a clean scan and a signature", () => {
    const event = fc.oneof(
      fc.constantFrom<ArtifactVerdict>("clean", "malicious", "inconclusive").map((verdict) => () => scan(verdict)),
      fc.constantFrom("key:a", "key:b").map((identity) => () => sign(identity)),
      fc.constantFrom("alice", "bob", "dave").map((by) => (now: Standing) => approval(now, by)),
      fc.constant(() => revocation()),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (makers) => {
        let now = step(NEW, released(), rules);
        let revoked = false;
        let clean = false;
        for (const make of makers) {
          const one = make(now);
          try {
            now = step(now, one, rules);
          } catch {
            continue;
          }
          if (one.kind === "scanned") clean = one.verdict === "clean";
          revoked ||= one.kind === "revoked";
          if (now.state !== "approved") continue;
          assert.ok(clean && !revoked && now.signature !== undefined);
          assert.ok(new Set(now.approvals.map(({ by }) => by)).size >= 2);
        }
        assert.equal(now.state === "revoked", revoked);
      }),
    );
  });
});
