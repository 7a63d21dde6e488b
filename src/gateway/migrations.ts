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
  {
    id: "0005-mcp",
    statements: [
      `create table mcp_definitions (
         server text not null,
         name text not null,
         seen_digest text not null,
         seen_text text not null,
         seen_at bigint not null,
         findings text not null,
         approved_digest text,
         approved_text text,
         approved_by text,
         primary key (server, name)
       )`,
      `create table mcp_sessions (
         id_digest text primary key,
         owner text not null,
         server text not null,
         version text not null,
         upstream text,
         used_at bigint not null
       )`,
      `create index mcp_sessions_owner on mcp_sessions (owner)`,
      `create table mcp_contexts (
         context text primary key,
         untrusted_at bigint not null,
         server text not null
       )`,
      `create table mcp_calls (
         id text primary key,
         context text not null,
         server text not null,
         tool text not null,
         digest text not null,
         request_id text not null,
         refused_at bigint not null,
         allowed_at bigint
       )`,
      `create index mcp_calls_context on mcp_calls (context)`,
    ],
  },
  {
    id: "0006-extraction-states",
    statements: [
      `create table extraction_states (
         watch text primary key,
         stage text,
         staged_at bigint not null,
         asked bigint not null,
         alarms text not null,
         seen_at bigint not null,
         expires_at bigint not null,
         released_at bigint
       )`,
      `create index extraction_states_expiry on extraction_states (expires_at)`,
    ],
  },
  {
    id: "0007-budget-marks",
    statements: [
      `create table budget_marks (
         counter text primary key,
         kind text not null,
         starts_at bigint not null,
         epoch text not null,
         base bigint not null,
         mark bigint not null
       )`,
    ],
  },
];
