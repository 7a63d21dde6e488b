/**
 * The registry's tables. What happened to a model stands in `registry_events`, in the order of commits; states are folded
 * from it (`state.ts`), so that none can disagree with its history. Aliases and grants stand as they are now, and their
 * history beside them.
 *
 * @module
 */

import type { Migration } from "../../core/index.ts";

export const registryMigrations: readonly Migration[] = [
  {
    id: "0001-registry",
    statements: [
      // One row that every change updates: its value is the order in which changes commit, and says that there was one.
      `create table registry_changes (name text not null primary key, value bigint not null)`,
      `insert into registry_changes (name, value) values ('registry', 0)`,
      `create table registry_versions (
         model text not null,
         root text not null,
         manifest text not null,
         files text not null,
         bytes bigint not null,
         source text not null,
         created_at bigint not null,
         primary key (model, root)
       )`,
      `create table registry_releases (
         digest text not null primary key,
         model text not null,
         number bigint not null,
         root text not null,
         prompt text,
         policy text,
         tools text,
         created_at bigint not null,
         unique (model, number)
       )`,
      `create table registry_attachments (
         model text not null,
         root text not null,
         kind text not null,
         digest text not null,
         bytes bigint not null,
         primary key (model, root, kind)
       )`,
      `create table registry_events (
         position bigint not null primary key,
         id text not null unique,
         model text not null,
         root text not null,
         release_digest text not null,
         event text not null,
         envelope text
       )`,
      `create index registry_events_model on registry_events (model, root)`,
      `create table registry_aliases (
         model text not null,
         alias text not null,
         release_digest text not null,
         sequence bigint not null,
         newest bigint not null,
         moved_at bigint not null,
         envelope text not null,
         primary key (model, alias)
       )`,
      `create table registry_moves (
         model text not null,
         alias text not null,
         sequence bigint not null,
         id text not null unique,
         how text not null,
         from_digest text,
         to_digest text not null,
         moved_by text not null,
         moved_at bigint not null,
         primary key (model, alias, sequence)
       )`,
      `create table registry_grants (
         model text not null,
         app text not null,
         person text not null,
         granted_by text not null,
         granted_at bigint not null,
         envelope text not null,
         primary key (model, app, person)
       )`,
      `create table registry_decisions (id text not null primary key, made_at bigint not null)`,
      `create table registry_drills (
         id text not null primary key,
         drilled_at bigint not null,
         alias text not null,
         from_digest text not null,
         to_digest text not null,
         ms double precision not null,
         problem text not null
       )`,
    ],
  },
];
