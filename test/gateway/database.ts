/**
 * A database of the gateway's for tests of its parts: SQLite, in a temporary folder of its own.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { gatewayModule } from "../../src/gateway/module.ts";
import { migrate, openDb, storageModule, type Db } from "../../src/storage/index.ts";

export interface GatewayDatabase {
  readonly db: Db;
  readonly folder: string;
  /** Closes it and removes its folder. */
  close(): Promise<void>;
}

/** Opens one, with the gateway's tables in it. */
export async function openGatewayDatabase(): Promise<GatewayDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-database-"));
  const db = await openDb({ url: "sqlite", home: folder });
  await migrate(db, [storageModule, gatewayModule]);
  return {
    db,
    folder,
    async close() {
      await db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
