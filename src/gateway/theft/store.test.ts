import assert from "node:assert/strict";
import { before, it } from "node:test";

import { onEachDatabase } from "../../../test/servers/databases.ts";
import { migrate, storageModule } from "../../storage/index.ts";
import { gatewayModule } from "../module.ts";
import { findWatch, forgetWatches, saveWatch } from "./store.ts";

onEachDatabase("what is kept of watches", (stage) => {
  const seen = (period: number, byte: number) => ({
    period,
    asked: new Uint8Array(2_048).fill(byte),
    covered: new Uint8Array(2_048).fill(byte + 1),
  });
  const found = async (watch: string, period: number) =>
    (await findWatch(stage().db, watch, period))
      .map(({ period: of, asked, covered }) => [of, asked.length, asked[0], covered[2_047]])
      .toSorted(([one = 0], [other = 0]) => one - other);

  before(async () => {
    await migrate(stage().db, [storageModule, gatewayModule]);
  });

  it("comes back byte for byte, of this period and the one before", async () => {
    const { db } = stage();
    for (const period of [7, 8, 9]) await saveWatch(db, "text||key|a", seen(period, period), 1_000 * period);
    await saveWatch(db, "text||key|b", seen(9, 50), 9_000);
    assert.deepEqual(await found("text||key|a", 9), [
      [8, 2_048, 8, 9],
      [9, 2_048, 9, 10],
    ]);
    await saveWatch(db, "text||key|a", seen(9, 30), 9_000);
    assert.deepEqual((await found("text||key|a", 9)).at(-1), [9, 2_048, 30, 31]);
  });

  it("is forgotten once no window reaches back to it", async () => {
    await forgetWatches(stage().db, 8_001);
    assert.deepEqual(await found("text||key|a", 8), [[9, 2_048, 30, 31]]);
  });
});
