import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { fakeClock } from "../core/index.ts";
import { sql } from "../storage/index.ts";
import { createLightServices, type LightServices } from "./light.ts";
import { createLogger } from "./log.ts";
import { modules } from "./modules.ts";

function setUp(context: TestContext, config: string): { services: LightServices; cwd: string } {
  const cwd = mkdtempSync(join(tmpdir(), "holdfast-light-"));
  writeFileSync(join(cwd, "holdfast.yaml"), config);
  const services = createLightServices({
    source: { env: {}, cwd },
    log: createLogger({ write: () => undefined, clock: fakeClock(), level: "error", format: "json" }),
    print: () => undefined,
    clock: fakeClock(),
  });
  context.after(async () => {
    await services.close();
    rmSync(cwd, { recursive: true, force: true });
  });
  return { services, cwd };
}

test("a light command has a database, the product's own, once it asks, and it is closed at the end", async (context) => {
  const { services, cwd } = setUp(context, "data: here\n");
  assert.equal(services.clock.now(), fakeClock().now());
  assert.equal(existsSync(join(cwd, "here")), false);
  const [one, other] = await Promise.all([services.db(), services.db()]);
  assert.equal(one, other);
  assert.equal(existsSync(join(cwd, "here", "state.db")), true);
  assert.deepEqual(await one.query(sql`select count(*) as n from observations`), [{ n: 0 }], "it is migrated");
  await services.close();
  await assert.rejects(one.query(sql`select 1 as one`), { code: "storage.closed" });
});

test("what a light command does not ask for cannot fail it", async (context) => {
  const { services } = setUp(context, "not: valid\n");
  await services.close();
  await assert.rejects(services.db(), { code: "server.config-invalid" });
});

test("commands of models are light: what they are about lies in files", () => {
  const models = modules.find(({ name }) => name === "models")?.commands ?? [];
  const light = models.filter((command) => command.light === true).map(({ path }) => path);
  for (const path of ["model scan", "model sign", "model verify", "model bom", "seal", "unseal", "seal rotate"]) {
    assert.ok(light.includes(path), path);
  }
});
