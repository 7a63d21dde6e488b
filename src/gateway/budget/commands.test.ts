import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { openGatewayDatabase, type GatewayDatabase } from "../../../test/gateway/database.ts";
import { fakeClock, type CommandResult, type CommandRun, type Style } from "../../core/index.ts";
import { openCounters, type Counters } from "../../storage/index.ts";
import { gatewayConfig } from "../config.ts";
import type { GatewayServices } from "../module.ts";
import type { Demand, Grant } from "./account.ts";
import { Accounts } from "./accounts.ts";
import { list, show } from "./commands.ts";

const same = (text: string): string => text;
const plain: Style = { bold: same, dim: same, red: same, green: same, yellow: same };

describe("holdfast budget", () => {
  const clock = fakeClock(Date.UTC(2026, 10, 27, 12));
  const config = gatewayConfig.parse({
    budgets: [
      {
        name: "shop",
        what: "money",
        limit: 12.5,
        window: "month",
        per: ["app"],
        who: { app: ["shop*"], model: ["a", "b*"] },
      },
      { name: "all", what: "requests", limit: 1, window: "total" },
      { name: "many", what: "tokens", limit: 2_000_000, window: "day", per: ["key", "model"] },
    ],
  });
  let database: GatewayDatabase;
  let counters: Counters;
  let accounts: Accounts;
  let services: GatewayServices;
  before(async () => {
    database = await openGatewayDatabase();
    const { db } = database;
    counters = await openCounters({ url: "memory", clock });
    const log = { warn: () => undefined, info: () => undefined };
    accounts = await Accounts.open({ counters, db, clock, log, leaseMs: 60_000 });
    services = { clock, db: async () => db, config: { gateway: config } };
  });
  after(async () => {
    await accounts.close();
    await counters.close();
    await database.close();
  });

  const run = (command: CommandRun<GatewayServices>, name?: string, more: object = {}): Promise<CommandResult> =>
    command({ services: { ...services, ...more }, args: { name }, rest: [], options: {}, progress: () => undefined });
  const demand = (app: string, amount: number): Demand => ({
    counter: `shop|money|month|app=${app}`,
    window: "month",
    limit: 12_500_000,
    amount,
    chargeIfLost: false,
  });

  it("lists what the configuration names", async () => {
    const { text } = await run(list);
    assert.equal(
      text(plain),
      [
        "NAME  LIMIT             WINDOW  PER         WHO",
        "shop  12.5 USD          month   app         app shop*, model a or b*",
        "all   1 request         total   all         everyone",
        "many  2,000,000 tokens  day     key, model  everyone",
      ].join("\n"),
    );
    const none = { config: { gateway: gatewayConfig.parse({}) } };
    assert.match((await run(list, undefined, none)).text(plain), /^no budgets; name some under gateway\.budgets/);
  });

  it("shows what is spent and left, for each whom it counts, and no other budget's", async () => {
    assert.match((await run(show, "shop")).text(plain), /nothing is spent in this window/);
    for (const [app, spent] of [
      ["shop%20one", 1_000_000],
      ["shop", 12_600_000],
    ] as const) {
      const { grant } = await accounts.reserve([demand(app, 12_000_000)]);
      await accounts.settle(grant as Grant, [spent]);
    }
    await accounts.reserve([demand("shop%20one", 500_000)]);
    const saved = await run(show, "shop");
    assert.equal(
      saved.text(plain),
      [
        "shop: 12.5 USD a month, app shop*, model a or b*",
        "",
        "COUNTER       SPENT     RESERVED  LEFT      BEGINS ANEW",
        "app shop      12.6 USD  -         0 USD     2026-12-01T00:00Z",
        "app shop one  1 USD     -         11.5 USD  2026-12-01T00:00Z",
      ].join("\n"),
    );
    // Where the counters are shared, they are asked.
    const live = await run(show, "shop", { counters: async () => ({ ...counters, shared: true }) });
    assert.deepEqual(live.data, {
      budget: { ...config.budgets[0], units: 12_500_000 },
      counters: [
        { counter: "app shop", spent: 12_600_000, reserved: 0, left: 0, endsAt: "2026-12-01T00:00:00.000Z" },
        {
          counter: "app shop one",
          spent: 1_000_000,
          reserved: 500_000,
          left: 11_000_000,
          endsAt: "2026-12-01T00:00:00.000Z",
        },
      ],
    });
    clock.advance(5 * 86_400_000);
    assert.match((await run(show, "shop")).text(plain), /nothing is spent in this window/);
  });

  it("says of what never begins anew that it is in total", async () => {
    assert.match((await run(show, "all")).text(plain), /^all: 1 request in total, everyone\n/);
  });

  it("refuses a name that no budget has", async () => {
    await assert.rejects(run(show, "nobody"), { code: "gateway.budget-unknown" });
  });
});
