/**
 * The gateway's tables: apps, the keys that let them in, what was spent of budgets, and what upstreams keep for whom.
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
  {
    id: "0002-budget-spend",
    statements: [
      `create table budget_spend (
         counter text primary key,
         budget text not null,
         kind text not null,
         starts_at bigint not null,
         epoch text not null,
         spent bigint not null
       )`,
      `create index budget_spend_budget on budget_spend (budget)`,
    ],
  },
  {
    id: "0003-upstream-references",
    statements: [
      `create table upstream_references (
         id_digest text not null,
         upstream text not null,
         owner text not null,
         expires_at bigint not null,
         primary key (id_digest, upstream)
       )`,
      `create index upstream_references_expiry on upstream_references (expires_at)`,
    ],
  },
  {
    id: "0004-extraction-watches",
    statements: [
      `create table extraction_watches (
         watch text not null,
         period bigint not null,
         asked bytea not null,
         covered bytea not null,
         expires_at bigint not null,
         primary key (watch, period)
       )`,
      `create index extraction_watches_expiry on extraction_watches (expires_at)`,
    ],
  },
];
