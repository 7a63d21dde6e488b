/**
 * Signature version 4 of AWS: proof that whoever sends a request has the secret access key, bound to the request's
 * method, path, headers and body, and to its time.
 *
 * Source: AWS documentation, «Signature Version 4 for API requests», «Create a signed request». Only what a request to
 * KMS needs: POST to `/`, without a query.
 *
 * @module
 */

import { createHmac, hash } from "node:crypto";
import type { Secret } from "../../../core/index.ts";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** Of temporary credentials. */
  readonly sessionToken?: Secret;
}

export interface SignedRequest {
  readonly region: string;
  readonly service: string;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Signed with the others. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const ALGORITHM = "AWS4-HMAC-SHA256";

/** The headers to send: those given, and the signature over them. */
export function signRequest(credentials: AwsCredentials, request: SignedRequest): Readonly<Record<string, string>> {
  const { region, service, host, now, body } = request;
  const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const { sessionToken } = credentials;
  const headers: Readonly<Record<string, string>> = {
    ...request.headers,
    host,
    "x-amz-date": time,
    ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken.reveal() }),
  };
  const names = Object.keys(headers).toSorted();
  const signed = names.join(";");
  const canonical = [
    "POST",
    "/",
    "",
    ...names.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}`),
    "",
    signed,
    hash("sha256", body, "hex"),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = [ALGORITHM, time, scope, hash("sha256", canonical, "hex")].join("\n");
  const key = [day, region, service, "aws4_request"].reduce(
    (key: Buffer | string, part) => createHmac("sha256", key).update(part).digest(),
    `AWS4${credentials.secretAccessKey.reveal()}`,
  );
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const authorization = `${ALGORITHM} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  return { ...headers, authorization };
}
