/**
 * The ledger of the product: in the data folder, or, where state is in PostgreSQL, one for all replicas on that database.
 *
 * @module
 */

import type { Secret } from "../../core/index.ts";
import { adoptKeys, openLedger, openSharedLedger, ownVkey, sealKeys, type Ledger } from "../../ledger/index.ts";
import { sql, type Db } from "../../storage/index.ts";
import { readSecret } from "../config/secret.ts";
import type { Services } from "../services.ts";
import { sharedStore } from "./store.ts";

/**
 * Opens it.
 *
 * @throws what `openLedger` and `openSharedLedger` throw; `server.secret-missing`, `ledger.secret-wrong`,
 *   `ledger.secret-short`, `ledger.not-shared`
 */
export async function openProductLedger(services: Services, db: Db): Promise<Ledger> {
  const { ledgerFolder: folder, ledgerKeyFile: keyFile, config, source } = services;
  if (db.dialect !== "postgres") return await openLedger({ folder, keyFile });
  const { secret } = config.ledger;
  // Without it keys are put into place by hand; a replica whose keys are other ones is refused below.
  if ("file" in secret || (source.env[secret.env] ?? "") !== "") {
    await shareKeys(services, db, readSecret(secret, source.env, "ledger.secret"));
  }
  return await openSharedLedger({ store: sharedStore(db), folder, keyFile });
}

/** Takes the keys of the replica that came first, or is that replica. */
async function shareKeys(services: Services, db: Db, secret: Secret): Promise<void> {
  const sealed = async (): Promise<Uint8Array | undefined> =>
    (await db.query<{ sealed: Uint8Array }>(sql`select sealed from ledger_keys`))[0]?.sealed;
  let found = await sealed();
  if (found === undefined) {
    const head = await sharedStore(db).head();
    // A ledger that began without the secret: only who has its key can hand it on.
    if (head !== undefined && head.vkey !== (await ownVkey(services))) return;
    const own = await sealKeys(services, secret);
    await db.execute(sql`insert into ledger_keys (id, sealed) values (1, ${own}) on conflict do nothing`);
    found = (await sealed()) ?? own;
  }
  await adoptKeys(services, secret, found);
}
