/**
 * The table of sealing: when each set was last read in full, and what was found.
 *
 * @module
 */

import type { Migration } from "../../core/index.ts";

export const sealMigrations: readonly Migration[] = [
  {
    id: "0002-seal-audits",
    statements: [
      `create table seal_audits (
         folder text not null primary key,
         manifest text not null,
         audited_at bigint not null,
         problem text not null
       )`,
    ],
  },
];
