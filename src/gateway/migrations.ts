/**
 * The gateway's tables: apps, and the keys that let them in.
 *
 * @module
 */

import type { Migration } from "../core/index.ts";

export const gatewayMigrations: readonly Migration[] = [
  {
    id: "0001-keys",
    statements: [
      `create table apps (
         name text primary key,
         created_at bigint not null
       )`,
      `create table api_keys (
         id text primary key,
         app text not null references apps (name),
         key_hash text not null,
         models text not null,
         requests_per_minute bigint,
         concurrency bigint,
         created_at bigint not null,
         expires_at bigint,
         revoked_at bigint,
         replaced_by text
       )`,
      `create index api_keys_app on api_keys (app)`,
    ],
  },
];
