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
    signers: z
      .array(z.string().min(1).max(4_096))
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        "identities whose signatures count, as `holdfast model show` spells them (`key <digest>`, `certificate <digest>`, `<identity> (<issuer>)`); " +
          "without it any signature that was verified, and those who approve look at whose it is",
      ),
    seal: z
      .strictObject({
        to: z
          .array(z.string().min(1).max(4_096))
          .min(1)
          .max(100)
          .describe("whom the store is sealed to, in the words of `holdfast seal --to`"),
        with: z.string().min(1).max(4_096).describe("what opens it here, in the words of `holdfast unseal --with`"),
      })
      .optional()
      .describe("keeps the registry's own store sealed; without it the files of models lie there in the clear"),
    drillMaxMs: z
      .int()
      .min(1)
      .max(600_000)
      .default(5_000)
      .describe("the longest that the rollback in a drill may take; beyond it the control M4 fails"),
  })
  .prefault({});

export type RegistryConfig = z.output<typeof registryConfig>;
