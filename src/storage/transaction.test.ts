import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { storageError } from "./errors.ts";
import { sql } from "./sql.ts";
import { refuseInside, runTransaction, type Session } from "./transaction.ts";

/** A session that writes down what it is asked, and fails where it is told. */
function fake(fail: { readonly execute?: Error; readonly commit?: Error } = {}) {
  const log: string[] = [];
  const step = async (name: string, error?: Error): Promise<void> => {
    log.push(name);
    await new Promise(setImmediate);
    if (error !== undefined) throw error;
  };
  const session: Session = {
    query: async () => {
      await step("query");
      return [];
    },
    execute: async () => {
      await step("execute", fail.execute);
      log.push("executed");
      return 1;
    },
    commit: () => step("commit", fail.commit),
    rollback: () => step("rollback"),
  };
  return { log, session };
}

describe("runTransaction", () => {
  it("commits once, after every statement is through", async () => {
    const { log, session } = fake();
    const result = await runTransaction({}, "sqlite", session, async (tx) => {
      void tx.execute(sql`a`);
      await tx.query(sql`b`);
      return "result";
    });
    assert.equal(result, "result");
    assert.deepEqual(log, ["execute", "query", "executed", "commit"]);
  });

  it("rolls back once, and never commits, when the work throws", async () => {
    const { log, session } = fake();
    const work = runTransaction({}, "sqlite", session, async (tx) => {
      void tx.execute(sql`a`);
      throw new Error("work");
    });
    await assert.rejects(work, /work/);
    assert.deepEqual(log, ["execute", "executed", "rollback"]);
  });

  it("fails with the first failed statement, which the work cannot hide, and sends no more", async () => {
    const error = storageError("storage.unique-violated");
    const { log, session } = fake({ execute: error });
    const work = runTransaction({}, "sqlite", session, async (tx) => {
      await tx.execute(sql`a`).catch(() => undefined);
      await assert.rejects(tx.query(sql`b`), (thrown) => thrown === error);
    });
    await assert.rejects(work, (thrown) => thrown === error);
    assert.deepEqual(log, ["execute", "rollback"]);
  });

  it("passes on a failed commit, and rolls back", async () => {
    const { log, session } = fake({ commit: storageError("storage.full") });
    await assert.rejects(
      runTransaction({}, "sqlite", session, async () => 1),
      { code: "storage.full" },
    );
    assert.deepEqual(log, ["commit", "rollback"]);
  });

  it("reports a collision, whatever the work made of it", async () => {
    const { session } = fake({ execute: storageError("storage.conflict") });
    const work = runTransaction({}, "postgres", session, async (tx) => {
      await tx.execute(sql`a`).catch(() => {
        throw new Error("something else");
      });
    });
    await assert.rejects(work, { code: "storage.conflict" });
  });

  it("keeps its database from being used around it, at any depth, and others free", async () => {
    const [owner, other] = [{}, {}];
    const nested = { code: "storage.transaction-nested" };
    await runTransaction(owner, "sqlite", fake().session, async () => {
      assert.throws(() => refuseInside(owner), nested);
      refuseInside(other);
      await runTransaction(other, "sqlite", fake().session, async () => {
        assert.throws(() => refuseInside(owner), nested);
        assert.throws(() => refuseInside(other), nested);
      });
      refuseInside(other);
    });
    refuseInside(owner);
  });
});
