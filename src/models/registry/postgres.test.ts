/** The registry's statements on PostgreSQL: the same way from quarantine to production, and two who decide at once. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import {
  approveBy,
  approveText,
  deciders,
  openFixture,
  signText,
  type Fixture,
} from "../../../test/registry/fixture.ts";
import { postgresMissing, startPostgres, type PostgresServer } from "../../../test/servers/postgres.ts";
import { isHoldfastError } from "../../core/index.ts";
import { openAdmission } from "./admission.ts";
import { aliasHistory, moveAlias, previousRelease } from "./alias.ts";
import { operatorsConfig } from "../../../test/registry/fixture.ts";
import { decide } from "./decision.ts";
import { decideGrant, listGrants } from "./grant.ts";
import { newestDrills } from "./drill.ts";
import { readStanding } from "./store.ts";

describe("the registry on PostgreSQL", { skip: postgresMissing }, () => {
  let server: PostgresServer;
  let fixture: Fixture;
  before(async () => {
    server = await startPostgres();
    fixture = await openFixture(server.url());
  });
  after(async () => {
    await fixture?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  it("goes the whole way, back, and admits what is approved and granted", async () => {
    const { registry, db, clock } = fixture;
    const { release } = await signText(registry, "bot", "one");
    await Promise.all([approveBy(registry, release, deciders.alice), approveBy(registry, release, deciders.bob)]);
    assert.equal((await readStanding(registry, release)).state, "approved");
    const two = await approveText(registry, "bot", "two");
    const move = async (how: "alias" | "rollback", digest: string, sequence: number): Promise<void> => {
      const action = { do: how, model: "bot", alias: "prod", release: digest, sequence } as const;
      await moveAlias(registry, await decide(deciders.alice, action, clock));
    };
    const both = await Promise.allSettled([move("alias", release.digest, 1), move("alias", release.digest, 1)]);
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
    await move("alias", two.digest, 2);
    assert.equal((await previousRelease(registry, "bot", "prod")).digest, release.digest);
    await move("rollback", release.digest, 3);
    assert.deepEqual(
      (await aliasHistory(db, "bot", "prod")).map(({ how }) => how),
      ["alias", "alias", "rollback"],
    );
    await assert.rejects(move("alias", two.digest, 4), (error) => isHoldfastError(error, "models.alias-not-newer"));

    const grant = { do: "grant", model: "bot", app: "shop", user: "*" } as const;
    await decideGrant(registry, await decide(deciders.bob, grant, clock));
    assert.equal((await listGrants(db)).length, 1);
    assert.deepEqual(await newestDrills(db), []);
    const config = { approvals: 2, drillMaxMs: 5_000, operators: operatorsConfig() };
    const admission = openAdmission({ db, clock, config });
    await admission.open();
    const answer = admission.judge({ reference: "bot@prod" }, { app: "shop" });
    await admission.close();
    assert.deepEqual(answer, { admitted: true, release: { model: "bot", digest: release.digest } });
    assert.ok((await fixture.evidence()).length >= 12);
  });
});
