/**
 * What `storage` plugs in: its error codes and the tables of the outbox. The jobs that drain it are wired where the
 * ledger is at hand.
 *
 * @module
 */

import type { Module } from "../core/index.ts";
import { StorageErrors } from "./errors.ts";

export const storageModule: Module = {
  name: "storage",
  summary: "keeps state in SQLite or PostgreSQL, and counters in memory or Redis",
  errors: StorageErrors,
  migrations: [
    {
      id: "0001-outbox",
      statements: [
        `create table storage_outbox (
          position bigint not null primary key,
          id text not null unique,
          entry bytea not null
        )`,
        // One row that every writer of evidence updates: its value is the order in which their transactions commit.
        `create table storage_sequences (name text not null primary key, value bigint not null)`,
        `insert into storage_sequences (name, value) values ('outbox', 0)`,
      ],
    },
  ],
};
