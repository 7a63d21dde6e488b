/** The store of the shared log on a real PostgreSQL: indices, the lease, and what is sent again. */

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";

import { openLedgerReader, openSharedLedger, verifyLedger, type SharedStore } from "../../ledger/index.ts";
import { migrate, openDb, sql, type Db } from "../../storage/index.ts";
import { postgresMissing, startPostgres, type PostgresServer } from "../../../test/servers/postgres.ts";
import { serverMigrations } from "../migrations.ts";
import { sharedStore } from "./store.ts";

const entry = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("a ledger in PostgreSQL", { skip: postgresMissing ?? false }, () => {
  let server: PostgresServer;
  let db: Db;
  before(async () => {
    server = await startPostgres();
    db = await openDb({ url: server.url(), home: "/nonexistent" });
    await migrate(db, [{ name: "server", migrations: serverMigrations }]);
  });
  after(async () => {
    await db.close();
    await server.stop();
  });

  interface Stage {
    readonly store: SharedStore;
    /** A replica's folder and keys; those of `like` where it is given. */
    readonly place: (like?: string) => { readonly name: string; readonly folder: string; readonly keyFile: string };
  }

  async function stage(context: TestContext): Promise<Stage> {
    for (const statement of [
      sql`delete from ledger_entries`,
      sql`delete from ledger_sequence`,
      sql`delete from ledger_head`,
    ]) {
      await db.execute(statement);
    }
    const root = mkdtempSync(join(tmpdir(), "holdfast-shared-"));
    context.after(() => rmSync(root, { recursive: true, force: true }));
    let places = 0;
    return {
      store: sharedStore(db),
      place: (like) => {
        const own = join(root, `replica-${++places}`);
        if (like !== undefined) cpSync(join(root, like, "keys"), join(own, "keys"), { recursive: true });
        return {
          name: `replica-${places}`,
          folder: join(own, "ledger"),
          keyFile: join(own, "keys", "ledger.key"),
        };
      },
    };
  }

  async function verified(place: { readonly folder: string; readonly keyFile: string }): Promise<readonly string[]> {
    const vkey = readFileSync(place.keyFile.replace(/\.key$/, ".vkey"), "utf8").trim();
    const report = await verifyLedger({ folder: place.folder, vkey });
    assert.deepEqual(report.problems, []);
    const texts: string[] = [];
    for await (const { bytes } of openLedgerReader(place.folder).entries(0, report.size)) texts.push(text(bytes));
    return texts;
  }

  it("gives every entry one index, whichever replica it came through, and every replica the same files", async (context) => {
    const { store, place } = await stage(context);
    const here = place();
    const one = await openSharedLedger({ store, ...here });
    const there = place(here.name);
    const two = await openSharedLedger({ store, ...there });
    assert.equal(one.vkey, two.vkey);
    const texts = Array.from({ length: 300 }, (_, index) => `entry ${index}`);
    const indices = await Promise.all(texts.map((what, at) => (at % 2 === 0 ? one : two).append(entry(what))));
    assert.deepEqual(
      indices.toSorted((a, b) => a - b),
      texts.map((_, index) => index),
    );
    const [first, second] = [await one.checkpoint(), await two.checkpoint()];
    assert.equal(first.note, second.note);
    assert.equal(first.size, 300);
    const copies = [await verified(here), await verified(there)];
    assert.deepEqual(copies[0], copies[1]);
    for (const [at, what] of texts.entries()) assert.equal(copies[0]?.[indices[at] as number], what);
    await two.close();
    await one.close();
  });

  it("takes an entry that is sent again for the one that it has", async (context) => {
    const { store, place } = await stage(context);
    const ledger = await openSharedLedger({ store, ...place() });
    const [a, b] = [await ledger.append(entry("a")), await ledger.append(entry("b"))];
    // At once, later, and between new ones.
    assert.deepEqual(await Promise.all([ledger.append(entry("c")), ledger.append(entry("c"))]), [2, 2]);
    assert.deepEqual(await Promise.all(["b", "d", "a", "e"].map((what) => ledger.append(entry(what)))), [b, 3, a, 4]);
    assert.equal((await ledger.checkpoint()).size, 5);
    await ledger.close();
  });

  it("lets one replica lead, and another once its lease has ended or was given back", async (context) => {
    const { store } = await stage(context);
    const entries = async function* (): AsyncGenerator<Uint8Array> {
      yield entry("x");
    };
    await store.begin({ vkey: "v", note: "n0", published: 0, entries: entries() });
    // A second beginning changes nothing.
    await store.begin({ vkey: "other", note: "other", published: 0, entries: entries() });
    assert.deepEqual(await store.head(), { vkey: "v", note: "n0", size: 1 });

    const old = (await store.lead("one", 200)) as number;
    assert.equal(await store.lead("two", 200), undefined);
    assert.equal(await store.lead("one", 1), old);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const next = (await store.lead("two", 60_000)) as number;
    assert.ok(next > old);
    // Who was paused for too long does not get through, from whatever size it starts.
    assert.equal(await store.publish(old, 0, 1, "late"), false);
    assert.equal(await store.publish(next, 1, 1, "from another size"), false);
    assert.equal(await store.publish(next, 0, 1, "n1"), true);
    assert.equal(await store.publish(next, 0, 1, "again"), false);
    await store.leave("one");
    assert.equal(await store.lead("one", 1_000), undefined);
    await store.leave("two");
    assert.ok(((await store.lead("one", 1_000)) as number) > next);
  });
});
