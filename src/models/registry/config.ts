/**
 * The `models.registry` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

const operatorConfig = z.strictObject({
  key: z
    .string()
    .min(1)
    .max(2_048)
    .describe("the operator's Ed25519 public key: base64 of its 32 bytes, as `holdfast model operator` prints it"),
  until: z.iso
    .datetime({ offset: true })
    .optional()
    .describe("when the operator's decisions stop counting; those made before stay as they are"),
});

export const registryConfig = z
  .strictObject({
    approvals: z
      .int()
      .min(2)
      .max(16)
      .default(2)
      .describe("operators who have to approve a release before it may be served; nobody approves alone"),
    operators: z
      .record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "lower-case letters, digits, . _ -"), operatorConfig)
      .default({})
      .describe("who may approve, revoke, move aliases and grant access, each by a signature"),
    drillMaxMs: z
      .int()
      .min(1)
      .max(600_000)
      .default(5_000)
      .describe("the longest that the rollback in a drill may take; beyond it the control M4 fails"),
  })
  .prefault({});

export type RegistryConfig = z.output<typeof registryConfig>;
