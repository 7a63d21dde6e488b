/**
 * The `storage` and `counters` sections of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

export const storageConfig = z
  .strictObject({
    url: z
      .string()
      .regex(/^(?:sqlite|sqlite:.+|postgres(?:ql)?:\/\/.+)$/s, "sqlite, sqlite:<path> or postgres://…")
      .default("sqlite")
      .describe(
        "where state is kept: sqlite (state.db in the data folder), sqlite:<path>, or postgres://user@host/database; " +
          "leave the password to PGPASSWORD or ~/.pgpass",
      ),
  })
  .prefault({});

export const countersConfig = z
  .strictObject({
    url: z
      .string()
      .regex(/^(?:memory|rediss?:\/\/.+)$/s, "memory or redis://…")
      .default("memory")
      .describe("where rate limits and leases are counted: memory (one process), or redis://host:port (Redis, Valkey)"),
  })
  .prefault({});

export type StorageConfig = z.output<typeof storageConfig>;
export type CountersConfig = z.output<typeof countersConfig>;
