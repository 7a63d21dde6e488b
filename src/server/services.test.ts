import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { fakeClock } from "../core/index.ts";
import { sql } from "../storage/index.ts";
import { createLogger } from "./log.ts";
import { modules } from "./modules.ts";
import { createServices, type Services } from "./services.ts";

function setUp(context: TestContext, config = ""): { services: Services; cwd: string } {
  const cwd = mkdtempSync(join(tmpdir(), "holdfast-services-"));
  writeFileSync(join(cwd, "holdfast.yaml"), config);
  const services = createServices({
    source: { env: {}, cwd },
    log: createLogger({ write: () => undefined, clock: fakeClock(), level: "error", format: "json" }),
    print: () => undefined,
  });
  context.after(async () => {
    await services.close();
    rmSync(cwd, { recursive: true, force: true });
  });
  return { services, cwd };
}

test("nothing is read, made or opened before it is asked for", (context) => {
  const { services, cwd } = setUp(context, "not: valid\n");
  assert.ok(services.proofs().length > 0);
  assert.equal(services.gateway(), undefined);
  assert.equal(existsSync(join(cwd, ".holdfast")), false);
  assert.throws(() => services.config, { code: "server.config-invalid" });
  assert.throws(() => services.home, { code: "server.config-invalid" });
  assert.equal(existsSync(join(cwd, ".holdfast")), false);
});

test("what is asked for is opened once, where the configuration says, and closed at the end", async (context) => {
  const { services, cwd } = setUp(context, "data: here\n");
  assert.equal(services.ledgerFolder, join(cwd, "here", "ledger"));
  assert.equal(services.ledgerKeyFile, join(cwd, "here", "keys", "ledger.key"));
  const [one, other] = await Promise.all([services.db(), services.db()]);
  assert.equal(one, other);
  assert.deepEqual(await one.query(sql`select count(*) as n from observations`), [{ n: 0 }], "it is migrated");
  assert.equal((await (await services.counters()).take("k", { perMinute: 60 })).allowed, true);
  await services.close();
  await assert.rejects(one.query(sql`select 1 as one`), { code: "storage.closed" });
});

test("every proof of every module is there, with its services in hand", async (context) => {
  const { services } = setUp(context);
  const declared = modules.flatMap(({ proofs = [] }) => proofs.map(({ id }) => id));
  assert.deepEqual(
    services.proofs().map(({ id }) => id),
    declared,
  );
  assert.equal(new Set(declared).size, declared.length);
  const audit = services.proofs().find(({ id }) => id === "ledger.audit-trail");
  const { outcome } = (await audit?.observe()) ?? {};
  assert.notEqual(outcome, undefined);
  assert.notEqual(outcome, "holds", "there is no ledger yet");
});
