/**
 * `holdfast/storage`: state in SQLite or PostgreSQL, counters in memory or Redis, and the outbox of evidence.
 *
 * @module
 */

export { countersConfig, storageConfig, type CountersConfig, type StorageConfig } from "./config.ts";
export {
  openCounters,
  type Counters,
  type CountersOptions,
  type RateAnswer,
  type RateLimit,
} from "./counters/counters.ts";
export { withFallback } from "./counters/fallback.ts";
export type { Claim, CounterState, QuotaAnswer, QuotaCall } from "./counters/quota.ts";
export { WINDOWS, windowAt, type Window } from "./counters/window.ts";
export { openDb, type Db, type DbOptions } from "./db.ts";
export {
  makeFile,
  makeFolder,
  putInPlace,
  refuseExisting,
  replaceFile,
  replaceFileWith,
  syncFolder,
  writeDurably,
} from "./files.ts";
export { migrate } from "./migrate.ts";
export { storageModule } from "./module.ts";
export { drainEvidence, enqueueEvidence } from "./outbox.ts";
export { remoteStorage, type RemoteStorage } from "./remote/client.ts";
export { storageHost, type StorageHost } from "./remote/host.ts";
export type { StorageReply, StorageRequest } from "./remote/protocol.ts";
export { sql, type Sql, type SqlValue } from "./sql.ts";
