/**
 * The `gateway.tls` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

const pemSource = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .optional()
      .describe("path of the file that holds it; one that changes is taken up in seconds"),
    env: z.string().min(1).optional().describe("name of the environment variable that holds it"),
  })
  .refine(({ file, env }) => (file === undefined) !== (env === undefined), "either file or env");

export const tlsConfig = z.strictObject({
  cert: pemSource.describe("the certificate and then what it is chained to, in PEM: {file: path} or {env: NAME}"),
  key: pemSource.describe("its private key, in PEM and without a passphrase"),
  clientCa: pemSource
    .optional()
    .describe(
      "the authorities whose client certificates are believed (gateway.identity.certificates says who they stand for); left out: clients are not asked for one",
    ),
  minVersion: z.enum(["TLSv1.2", "TLSv1.3"]).default("TLSv1.2").describe("the oldest version that is spoken"),
});

export type TlsConfig = z.output<typeof tlsConfig>;
