/**
 * Govern's table: what proofs have observed.
 *
 * @module
 */

import type { Migration } from "../core/index.ts";

export const governMigrations: readonly Migration[] = [
  {
    id: "0001-observations",
    statements: [
      `create table observations (
        id text primary key,
        proof text not null,
        control text not null,
        observed_at bigint not null,
        outcome text not null,
        observed text not null,
        expected text not null,
        scope text not null,
        ledger_index bigint
      )`,
      "create index observations_newest on observations (proof, observed_at)",
    ],
  },
];
