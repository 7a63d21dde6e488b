import assert from "node:assert/strict";
import { generateKeyPairSync, hash } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";

import {
  approveBy,
  approveText,
  deciders,
  fileOf,
  openFixture,
  operatorsConfig,
  publishText,
  signText,
  type Fixture,
} from "../../../test/registry/fixture.ts";
import { isHoldfastError } from "../../core/index.ts";
import { sql } from "../../storage/index.ts";
import { aliasHistory, findAlias, moveAlias, previousRelease } from "./alias.ts";
import { decide, openOperators, type Action, type Decider, type SignedDecision } from "./decision.ts";
import { decideGrant, isGranted, listGrants } from "./grant.ts";
import { approve, publish, publishParts, recordScan, recordSignature, revoke } from "./releases.ts";
import { readStanding, type Release } from "./store.ts";

const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);
const { alice, bob, carol } = deciders;

let fixture: Fixture;
before(async () => {
  fixture = await openFixture();
});
beforeEach(() => fixture.reset());
after(async () => {
  await fixture[Symbol.asyncDispose]();
});

const stateOf = async (release: Release): Promise<string> => (await readStanding(fixture.registry, release)).state;
const signedBy = <A extends Action>(who: Decider, action: A): Promise<SignedDecision<A>> =>
  decide(who, action, fixture.clock);

async function approvalBy(who: Decider, release: Release): Promise<SignedDecision<Extract<Action, { do: "approve" }>>> {
  const { basis } = await readStanding(fixture.registry, release);
  return await signedBy(who, { do: "approve", model: release.model, release: release.digest, basis });
}

const move = async (
  how: "alias" | "rollback",
  release: Release,
  who = alice,
  alias = "prod",
): ReturnType<typeof moveAlias> => {
  const sequence = ((await findAlias(fixture.db, release.model, alias))?.sequence ?? 0) + 1;
  const action = { do: how, model: release.model, alias, release: release.digest, sequence } as const;
  return await moveAlias(fixture.registry, await signedBy(who, action));
};

describe("versions and releases", () => {
  it("are immutable: the same again changes nothing, other names under one root are refused", async () => {
    const first = await publishText(fixture.registry, "bot", "weights");
    await fixture.evidence();
    const again = await publishText(fixture.registry, "bot", "weights", "mallory");
    assert.equal(again.isNew, false);
    assert.equal(again.release.digest, first.release.digest);
    assert.deepEqual(await fixture.evidence(), []);
    await assert.rejects(
      publish(fixture.registry, { model: "bot", files: [fileOf("other.bin", "weights")], source: {} }, {}, "mallory"),
      code("models.version-differs"),
    );
  });

  it("have digests over the name and every part", async () => {
    const one = await publishText(fixture.registry, "bot", "weights");
    const other = await publishText(fixture.registry, "bot-2", "weights");
    const prompted = await publishParts(fixture.registry, one.release, { prompt: hash("sha256", "be kind") }, "dave");
    const tooled = await publishParts(fixture.registry, one.release, { tools: hash("sha256", "be kind") }, "dave");
    assert.equal(new Set([one, other, prompted, tooled].map(({ release }) => release.digest)).size, 4);
    assert.deepEqual(
      [one, prompted, tooled].map(({ release }) => release.number),
      [1, 2, 3],
    );
  });

  it("refuse unsafe names, no files, too many files", async () => {
    const files = [fileOf("../evil", "x")];
    await assert.rejects(
      publish(fixture.registry, { model: "bot", files, source: {} }, {}, "d"),
      code("models.path-unsafe"),
    );
    await assert.rejects(
      publish(fixture.registry, { model: "bot", files: [], source: {} }, {}, "d"),
      code("models.import-invalid"),
    );
    const many = Array.from({ length: 100_001 }, (_, index) => ({
      path: `f${index}`,
      digest: "0".repeat(64),
      size: 0,
    }));
    await assert.rejects(
      publish(fixture.registry, { model: "bot", files: many, source: {} }, {}, "d"),
      code("models.limit-exceeded"),
    );
  });

  it("leave evidence of every step on the same root digest, and none of a refused one", async () => {
    const release = await approveText(fixture.registry, "bot", "weights");
    const said = await fixture.evidence();
    assert.deepEqual(
      said.map(({ predicate }) => predicate["what"]),
      ["version imported", "release made", "scanned", "signature verified", "release approved", "release approved"],
    );
    for (const { subject } of said) assert.equal(subject[0]?.digest?.["sha256"], release.weights.root);
    assert.deepEqual(
      said.map(({ predicate }) => predicate["sequence"]),
      [1, 2, 3, 4, 5, 6],
    );
    await assert.rejects(approve(fixture.registry, await approvalBy(alice, release)), code("models.approval-repeated"));
    assert.deepEqual(await fixture.evidence(), []);
  });
});

describe("approval", () => {
  it("takes two operators, and only operators", async () => {
    const { release } = await signText(fixture.registry, "bot", "weights", "alice");
    await approveBy(fixture.registry, release, alice);
    assert.equal(await stateOf(release), "signed");
    await assert.rejects(approve(fixture.registry, await approvalBy(alice, release)), code("models.approval-repeated"));
    const stranger: Decider = { name: "mallory", key: generateKeyPairSync("ed25519").privateKey };
    await assert.rejects(
      approve(fixture.registry, await approvalBy(stranger, release)),
      code("models.operator-unknown"),
    );
    await assert.rejects(
      approve(fixture.registry, await approvalBy({ ...stranger, name: "bob" }, release)),
      code("models.operator-signature"),
    );
    assert.equal(await stateOf(release), "signed");
    await approveBy(fixture.registry, release, bob);
    assert.equal(await stateOf(release), "approved");
  });

  it("cannot be replayed: for another release, after a new scan, or a second time", async () => {
    const { release, version } = await signText(fixture.registry, "bot", "one");
    const other = await signText(fixture.registry, "bot", "two");
    const byAlice = await approvalBy(alice, release);
    await approve(fixture.registry, byAlice);
    await assert.rejects(approve(fixture.registry, byAlice), code("models.decision-replayed"));
    // The claim beside the envelope decides nothing: what counts is what was signed.
    const forged = {
      ...byAlice,
      decision: { ...byAlice.decision, action: { ...byAlice.decision.action, release: other.release.digest } },
    };
    await assert.rejects(approve(fixture.registry, forged), code("models.decision-replayed"));
    const edited = Buffer.from(byAlice.envelope.payload, "base64")
      .toString()
      .replaceAll(release.digest, other.release.digest);
    await assert.rejects(
      approve(fixture.registry, {
        ...byAlice,
        envelope: { ...byAlice.envelope, payload: Buffer.from(edited).toString("base64") },
      }),
      code("models.operator-signature"),
    );
    const byBob = await approvalBy(bob, release);
    await recordScan(fixture.registry, version, { verdict: "malicious", scanner: "test 2" }, "scanner");
    await recordScan(fixture.registry, version, { verdict: "clean", scanner: "test 3" }, "scanner");
    await recordSignature(
      fixture.registry,
      version,
      { identity: "key:abc", method: "key", signature: "0".repeat(64) },
      "v",
    );
    await assert.rejects(approve(fixture.registry, byBob), code("models.decision-stale"));
    assert.equal(await stateOf(release), "signed");
  });

  it("counts nothing that only the database says", async () => {
    const { release, version } = await signText(fixture.registry, "bot", "weights");
    await approveBy(fixture.registry, release, alice);
    const { basis } = await readStanding(fixture.registry, release);
    const event = { id: "x", at: 0, by: "bob", kind: "approved", basis };
    const [row] = await fixture.db.query<{ envelope: string }>(
      sql`select envelope from registry_events where envelope is not null`,
    );
    for (const [index, envelope] of [null, row?.envelope ?? ""].entries()) {
      await fixture.db
        .execute(sql`insert into registry_events (position, id, model, root, release_digest, event, envelope)
        values (${1000 + index}, ${`forged${index}`}, 'bot', ${version.root}, ${release.digest}, ${JSON.stringify(event)}, ${envelope})`);
    }
    assert.equal(await stateOf(release), "signed");
  });

  it("of an operator who left counts if it was made before", async () => {
    const release = await approveText(fixture.registry, "bot", "weights");
    const { release: later } = await signText(fixture.registry, "bot", "later");
    const until = new Date(fixture.clock.now() + 1).toISOString();
    const operators = openOperators({ ...operatorsConfig(), bob: { ...operatorsConfig().bob, until } });
    const registry = { ...fixture.registry, operators };
    assert.equal((await readStanding(registry, release)).state, "approved");
    fixture.clock.advance(10);
    await assert.rejects(approve(registry, await approvalBy(bob, later)), code("models.operator-unknown"));
    const gone = { ...registry, operators: openOperators({ alice: operatorsConfig().alice }) };
    assert.equal((await readStanding(gone, release)).state, "signed");
  });

  it("of what was revoked is refused, and importing it again does not bring it back", async () => {
    const release = await approveText(fixture.registry, "bot", "weights");
    await revoke(
      fixture.registry,
      await signedBy(alice, { do: "revoke", model: "bot", release: release.digest, reason: "leaked" }),
    );
    await assert.rejects(
      approve(fixture.registry, await approvalBy(carol, release)),
      code("models.transition-refused"),
    );
    const again = await publishText(fixture.registry, "bot", "weights");
    assert.equal(again.isNew, false);
    await recordScan(fixture.registry, again.version, { verdict: "clean", scanner: "test 9" }, "scanner");
    assert.equal(await stateOf(again.release), "revoked");
  });

  it("and another kind of decision does not pass for it", async () => {
    const { release } = await signText(fixture.registry, "bot", "weights");
    const other = await signedBy(alice, { do: "revoke", model: "bot", release: release.digest, reason: "" });
    await assert.rejects(approve(fixture.registry, other as never), code("models.operator-signature"));
    const { basis } = await readStanding(fixture.registry, release);
    const wrongModel = await signedBy(alice, { do: "approve", model: "bot-2", release: release.digest, basis });
    await assert.rejects(approve(fixture.registry, wrongModel), code("models.release-unknown"));
  });

  it("at the same time by two writers is two approvals, or one and a refusal", async () => {
    const { release } = await signText(fixture.registry, "bot", "weights");
    const all = await Promise.all([approvalBy(alice, release), approvalBy(alice, release), approvalBy(bob, release)]);
    const settled = await Promise.allSettled(all.map((decision) => approve(fixture.registry, decision)));
    assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 2);
    assert.deepEqual((await readStanding(fixture.registry, release)).approvals.map(({ by }) => by).toSorted(), [
      "alice",
      "bob",
    ]);
  });
});

describe("aliases", () => {
  it("point to approved releases alone, and move forward", async () => {
    const one = await approveText(fixture.registry, "bot", "one");
    const { release: pending } = await signText(fixture.registry, "bot", "two");
    const three = await approveText(fixture.registry, "bot", "three");
    await move("alias", one);
    await assert.rejects(move("alias", pending), code("models.transition-refused"));
    await move("alias", three);
    await assert.rejects(move("alias", three), code("models.alias-not-newer"));
    await assert.rejects(move("alias", one), code("models.alias-not-newer"));
    assert.equal((await findAlias(fixture.db, "bot", "prod"))?.release, three.digest);
  });

  it("go back by a rollback, once, to where they were; then forward only to what is newer than ever", async () => {
    const one = await approveText(fixture.registry, "bot", "one");
    const never = await approveText(fixture.registry, "bot", "never");
    const two = await approveText(fixture.registry, "bot", "two");
    await move("alias", one);
    await move("alias", two);
    await fixture.evidence();
    await assert.rejects(move("rollback", never), code("models.rollback-impossible"));
    assert.equal((await previousRelease(fixture.registry, "bot", "prod")).digest, one.digest);
    await move("rollback", one, bob);
    await assert.rejects(move("alias", two), code("models.alias-not-newer"));
    await assert.rejects(move("rollback", two), code("models.rollback-impossible"));
    await assert.rejects(previousRelease(fixture.registry, "bot", "prod"), code("models.rollback-impossible"));
    const four = await approveText(fixture.registry, "bot", "four");
    await move("alias", four);
    assert.deepEqual(
      (await aliasHistory(fixture.db, "bot", "prod")).map(({ sequence, how, to, by }) => [sequence, how, to, by]),
      [
        [1, "alias", one.digest, "alice"],
        [2, "alias", two.digest, "alice"],
        [3, "rollback", one.digest, "bob"],
        [4, "alias", four.digest, "alice"],
      ],
    );
    const rolled = (await fixture.evidence()).find(({ predicate }) => predicate["what"] === "alias rolled back");
    assert.deepEqual(
      [rolled?.predicate["from"], rolled?.predicate["to"], rolled?.predicate["by"]],
      [two.digest, one.digest, "bob"],
    );
  });

  it("take a decision once, and only about the move that is next", async () => {
    const one = await approveText(fixture.registry, "bot", "one");
    const two = await approveText(fixture.registry, "bot", "two");
    const action = { do: "alias", model: "bot", alias: "prod", release: one.digest, sequence: 1 } as const;
    const decision = await signedBy(alice, action);
    await moveAlias(fixture.registry, decision);
    await assert.rejects(moveAlias(fixture.registry, decision), code("models.decision-stale"));
    await move("alias", two);
    const early = await signedBy(alice, { ...action, do: "rollback", sequence: 4 });
    await assert.rejects(moveAlias(fixture.registry, early), code("models.decision-stale"));
    // Signed as a move forward, it does not pass for a rollback.
    const forward = await signedBy(alice, { ...action, sequence: 3 });
    await assert.rejects(moveAlias(fixture.registry, forward), code("models.alias-not-newer"));
  });

  it("skip what was revoked on the way back, and do not cross models", async () => {
    const [one, two, three] = [
      await approveText(fixture.registry, "bot", "one"),
      await approveText(fixture.registry, "bot", "two"),
      await approveText(fixture.registry, "bot", "three"),
    ];
    for (const release of [one, two, three]) await move("alias", release);
    await revoke(
      fixture.registry,
      await signedBy(alice, { do: "revoke", model: "bot", release: two.digest, reason: "bad" }),
    );
    assert.equal((await previousRelease(fixture.registry, "bot", "prod")).digest, one.digest);
    await assert.rejects(move("rollback", two), code("models.transition-refused"));
    const other = await approveText(fixture.registry, "other", "four");
    const action = { do: "alias", model: "bot", alias: "prod", release: other.digest, sequence: 4 } as const;
    await assert.rejects(moveAlias(fixture.registry, await signedBy(alice, action)), code("models.release-unknown"));
  });

  it("moved by two at the same time are moved by one", async () => {
    const one = await approveText(fixture.registry, "bot", "one");
    const two = await approveText(fixture.registry, "bot", "two");
    const settled = await Promise.allSettled([move("alias", one, alice), move("alias", two, bob)]);
    assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await findAlias(fixture.db, "bot", "prod"))?.sequence, 1);
  });
});

describe("grants", () => {
  const grant = (who: Decider, app: string, user: string, what: "grant" | "ungrant" = "grant"): Promise<boolean> =>
    signedBy(who, { do: what, model: "bot", app, user }).then((decision) => decideGrant(fixture.registry, decision));

  it("deny what is not granted", async () => {
    await publishText(fixture.registry, "bot", "weights");
    assert.equal(await grant(alice, "shop", "*"), true);
    assert.equal(await grant(alice, "shop", "*"), false);
    assert.equal(await grant(alice, "desk", "corp/ann"), true);
    const grants = await listGrants(fixture.db, "bot");
    const may = (app: string, user?: string, model = "bot"): boolean => isGranted(grants, model, app, user);
    assert.deepEqual([may("shop"), may("shop", "corp/bo"), may("desk", "corp/ann")], [true, true, true]);
    assert.deepEqual(
      [may("desk"), may("desk", "corp/bo"), may("shopping"), may("shop", undefined, "bot-2"), may("")],
      [false, false, false, false, false],
    );
    assert.equal(await grant(bob, "shop", "*", "ungrant"), true);
    assert.equal((await listGrants(fixture.db, "bot")).length, 1);
  });

  it("refuse what is no app or user, and a decision used twice", async () => {
    await publishText(fixture.registry, "bot", "weights");
    for (const app of ["", "Shop", "shop*", "a b"])
      await assert.rejects(grant(alice, app, "*"), code("models.grant-invalid"));
    await assert.rejects(grant(alice, "shop", ""), code("models.grant-invalid"));
    const decision = await signedBy(alice, { do: "grant", model: "bot", app: "shop", user: "*" });
    await decideGrant(fixture.registry, decision);
    await grant(alice, "shop", "*", "ungrant");
    await assert.rejects(decideGrant(fixture.registry, decision), code("models.decision-replayed"));
  });
});
