/**
 * The whole of `holdfast.yaml`: each section is defined by the part that it configures.
 *
 * Every object is strict. A misspelt field that is silently ignored leaves a limit or a guard at its default, and
 * nobody notices until it matters.
 *
 * @module
 */

import { z } from "zod";

import { gatewayConfig, telemetryConfig } from "../../gateway/index.ts";
import { countersConfig, storageConfig } from "../../storage/index.ts";
import { modelsConfig } from "../../models/index.ts";
import { loginConfig } from "./login.ts";
import { parseListen } from "./listen.ts";
import { secretSource } from "./secret.ts";

const adminConfig = z
  .strictObject({
    listen: z
      .string()
      .refine((value) => parseListen(value) !== undefined, "expected host:port, with a port from 0 to 65535")
      .default("127.0.0.1:8788")
      .describe("host:port the admin API listens on"),
    hosts: z
      .array(z.string().regex(/^[a-z0-9.:[\]-]{1,253}$/, "expected a host name in lower case, without a port"))
      .default([])
      .describe("further host names the admin API goes by; requests that name another are refused"),
    login: loginConfig.optional(),
  })
  .prefault({});

const ledgerConfig = z
  .strictObject({
    secret: secretSource
      .default({ env: "HOLDFAST_LEDGER_SECRET" })
      .describe(
        "where replicas on one PostgreSQL read the secret under which the first hands its keys to the others: " +
          "{env: NAME} or {file: path}; without it the same key files are put into each data folder",
      ),
  })
  .prefault({});

export const configSchema = z
  .strictObject({
    data: z
      .string()
      .min(1)
      .default(".holdfast")
      .describe("the data folder: state, ledger and keys; relative to this file"),
    gateway: gatewayConfig.describe("the gateway between the apps and the models"),
    admin: adminConfig.describe("the admin API"),
    storage: storageConfig.describe("where state is kept"),
    ledger: ledgerConfig.describe("the ledger: in the data folder, or with PostgreSQL one for all replicas"),
    counters: countersConfig.describe("where rate limits are counted"),
    models: modelsConfig.describe("the registry of models"),
    telemetry: telemetryConfig.describe("metrics and traces, both off by default"),
  })
  .superRefine((config, context) => {
    const gateway = parseListen(config.gateway.listen);
    if (gateway === undefined) {
      context.addIssue({
        code: "custom",
        path: ["gateway", "listen"],
        message: "expected host:port, with a port from 0 to 65535",
      });
    } else if (config.gateway.listen === config.admin.listen && gateway.port !== 0) {
      context.addIssue({
        code: "custom",
        path: ["admin", "listen"],
        message: "the gateway listens on the same address",
      });
    }
  });

export type Config = z.output<typeof configSchema>;

/** The JSON Schema of the file, for editors: what may be written, not what is filled in. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: "input" });
  return { $schema, title: "holdfast.yaml", ...schema };
}
