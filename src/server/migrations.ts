/**
 * The server's tables: the ledger that replicas on one database share, and who may use the admin API.
 *
 * @module
 */

import type { Migration } from "../core/index.ts";

export const serverMigrations: readonly Migration[] = [
  {
    id: "0001-shared-ledger",
    statements: [
      // One row: the next index. Apart from the head, so that who signs does not wait for who appends.
      `create table ledger_sequence (id bigint not null primary key, size bigint not null)`,
      `create table ledger_entries (
         position bigint not null primary key,
         leaf bytea unique,
         entry bytea not null
       )`,
      // One row: the newest checkpoint, and the lease of who signs the next.
      `create table ledger_head (
         id bigint not null primary key,
         vkey text not null,
         note text not null,
         published bigint not null,
         epoch bigint not null,
         holder text not null,
         expires_at bigint not null
       )`,
      // The keys of the ledger, sealed under a secret that the database does not have.
      `create table ledger_keys (id bigint not null primary key, sealed bytea not null)`,
    ],
  },
  {
    id: "0002-admin-access",
    statements: [
      `create table admin_tokens (
         id text not null primary key,
         name text not null,
         role text not null,
         token_hash text not null unique,
         created_at bigint not null,
         expires_at bigint not null,
         revoked_at bigint
       )`,
      // Sign-ins under way: gone with the first answer that names them.
      `create table admin_logins (
         state_hash text not null primary key,
         browser_hash text not null,
         nonce text not null,
         verifier text not null,
         return_to text not null,
         expires_at bigint not null
       )`,
      `create table admin_sessions (
         id text not null primary key,
         token_hash text not null unique,
         previous_hash text unique,
         csrf text not null,
         who text not null,
         claim_values text not null,
         created_at bigint not null,
         rotated_at bigint not null,
         confirmed_at bigint,
         seen_at bigint not null,
         expires_at bigint not null,
         revoked_at bigint
       )`,
    ],
  },
];
