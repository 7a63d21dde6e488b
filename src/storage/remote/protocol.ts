/**
 * What a process without a database of its own and the one that owns it say to each other. As between the main thread and
 * the thread of SQLite, requests and replies travel in lists.
 *
 * Both ends are processes of one product on one machine, of which one started the other: a statement in a message is as
 * trusted as one in the source.
 *
 * @module
 */

import type { RateLimit } from "../counters/counters.ts";
import type { QuotaCall } from "../counters/quota.ts";
import type { StorageCode } from "../errors.ts";
import type { SqlValue } from "../sql.ts";

/** A statement as the `sql` tag made it: text and values apart. */
export interface SentStatement {
  readonly text: readonly string[];
  readonly values: readonly SqlValue[];
}

export type StorageAsk =
  | { readonly kind: "query" | "execute"; readonly statement: SentStatement; readonly tx?: number }
  | { readonly kind: "begin" | "commit" | "rollback"; readonly tx: number }
  | { readonly kind: "take"; readonly key: string; readonly limit: RateLimit; readonly cost: number | undefined }
  | { readonly kind: "acquire"; readonly key: string; readonly limit: number; readonly ttlMs: number }
  | { readonly kind: "release"; readonly key: string; readonly id: string }
  | { readonly kind: "quota"; readonly quota: QuotaCall };

/** `call` pairs a request with its reply. */
export type StorageRequest = StorageAsk & { readonly call: number };

export type StorageReply = { readonly call: number } & (
  | { readonly result: unknown }
  | { readonly fault: { readonly code: StorageCode; readonly detail?: string } }
);
