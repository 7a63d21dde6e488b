/**
 * The admin API in process, on services and a database of its own: what the tests of its routes, of its access and of
 * signing in stand on.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { fakeClock, Secret, type FakeClock } from "../../src/core/index.ts";
import { createAdminApp, type AdminAppOptions } from "../../src/server/admin/app.ts";
import { createLogger } from "../../src/server/log.ts";
import { createServices, type Services } from "../../src/server/services.ts";
import type { Db } from "../../src/storage/index.ts";

/** The token that the local installation has. */
export const ADMIN_TOKEN = "hfadmin_local";

export type AdminApp = Awaited<ReturnType<typeof createAdminApp>>;

export interface AdminApi {
  readonly app: AdminApp;
  readonly services: Services;
  readonly db: Db;
  readonly clock: FakeClock;
  /** What was logged. */
  readonly lines: readonly string[];
  /** Another one on the same services, as after a restart with another configuration. */
  readonly another: (options?: Partial<AdminAppOptions>) => Promise<AdminApp>;
}

/** Opens one, without modules and without a place to sign in; both end with the test. */
export async function openAdmin(
  context: TestContext,
  options: Partial<AdminAppOptions> = {},
  clock = fakeClock(),
): Promise<AdminApi> {
  const cwd = mkdtempSync(join(tmpdir(), "holdfast-admin-"));
  const lines: string[] = [];
  const services = createServices({
    source: { env: {}, cwd },
    log: createLogger({ write: (line) => lines.push(line), clock, level: "debug", format: "json" }),
    print: () => undefined,
    clock,
  });
  context.after(async () => {
    await services.close();
    rmSync(cwd, { recursive: true, force: true });
  });
  const db = await services.db();
  const another = async (more: Partial<AdminAppOptions> = {}): Promise<AdminApp> =>
    await createAdminApp({
      services,
      modules: [],
      db,
      token: new Secret(ADMIN_TOKEN),
      hosts: [],
      ready: () => ({ ready: true }),
      reload: async () => ({ changed: [] }),
      drain: async () => undefined,
      ...more,
    });
  return { app: await another(options), services, db, clock, lines, another };
}
