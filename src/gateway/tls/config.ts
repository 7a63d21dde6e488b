/**
 * The `gateway.tls` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

const pemSource = z.union([z.strictObject({ file: z.string().min(1) }), z.strictObject({ env: z.string().min(1) })]);

export const tlsConfig = z.strictObject({
  cert: pemSource.describe(
    "the certificate and what it is chained to, in PEM: {file: path} or {env: NAME}; a file that changes is taken up within seconds",
  ),
  key: pemSource.describe("its private key, in PEM and without a passphrase: {file: path} or {env: NAME}"),
  clientCa: pemSource
    .optional()
    .describe(
      "the authorities whose client certificates are believed (gateway.identity.certificates says who they stand for); left out: clients are not asked for one",
    ),
  minVersion: z.enum(["TLSv1.2", "TLSv1.3"]).default("TLSv1.2").describe("the oldest version that is spoken"),
});

export type TlsConfig = z.output<typeof tlsConfig>;
