/**
 * The databases that the contract of `Db` runs on: SQLite, and PostgreSQL where it is installed.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { after, before, describe } from "node:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { openDb, type Db, type DbOptions } from "../../src/storage/index.ts";
import { postgresMissing, startPostgres } from "./postgres.ts";

/** What one suite works on: a new, empty database of its own, and ways to open it once more. */
export interface Stage {
  readonly db: Db;
  readonly options: DbOptions;
  /** Another connection, as another process would have it. Closed with the stage. */
  readonly another: () => Promise<Db>;
}

/** Registers `suite` once for each database. */
export function onEachDatabase(title: string, suite: (stage: () => Stage) => void): void {
  for (const backend of BACKENDS) {
    void describe(`${title} on ${backend.name}`, { skip: backend.skip ?? false }, () => {
      const ends: (() => Promise<unknown>)[] = [];
      let stage: Stage | undefined;
      before(async () => {
        const source = await backend.start();
        ends.push(source.stop);
        const open = async (): Promise<Db> => {
          const db = await openDb(source.options);
          ends.push(() => db.close());
          return db;
        };
        stage = { db: await open(), options: source.options, another: open };
      });
      after(async () => {
        for (const end of ends.toReversed()) await end();
      });
      suite(() => stage as Stage);
    });
  }
}

interface Backend {
  readonly name: string;
  /** Why it cannot be tested on this machine. */
  readonly skip?: string | undefined;
  /** Makes a new, empty database. */
  start(): Promise<{ readonly options: DbOptions; readonly stop: () => Promise<void> }>;
}

const BACKENDS: readonly Backend[] = [
  {
    name: "SQLite",
    start: async () => {
      const home = await mkdtemp(join(tmpdir(), "holdfast-sqlite-"));
      return { options: { url: "sqlite", home }, stop: () => rm(home, { recursive: true }) };
    },
  },
  {
    name: "PostgreSQL",
    skip: postgresMissing,
    start: async () => {
      const server = await startPostgres();
      await createForeignOrder(server.url(), "contract");
      return { options: { url: server.url("contract"), home: "/nonexistent" }, stop: () => server.stop() };
    },
  },
];

/** Makes a database whose own order of text is not that of bytes, as most are: the contract holds all the same. */
async function createForeignOrder(url: string, name: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version_num') as version");
  const order = Number(rows[0]?.version) >= 150_000 ? "locale_provider icu icu_locale 'en-US'" : "";
  await client.query(`create database ${name} template template0 ${order}`);
  await client.end();
}
