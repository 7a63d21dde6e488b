/**
 * A symmetric key in AWS KMS. The key never leaves the service; each use stands in its audit log with what it was for.
 *
 *     POST /   x-amz-target: TrentService.Encrypt   {"KeyId","Plaintext","EncryptionContext"}       ->  {"CiphertextBlob","KeyId"}
 *     POST /   x-amz-target: TrentService.Decrypt   {"KeyId","CiphertextBlob","EncryptionContext"}  ->  {"Plaintext","KeyId"}
 *
 * Source: AWS KMS API reference, «Encrypt», «Decrypt», «Common Errors».
 *
 * @module
 */

import { systemClock, type Clock } from "../../../core/index.ts";
import { sealError } from "../errors.ts";
import { ask, serviceUrl, type ServiceAnswer } from "./exchange.ts";
import type { KeyProvider } from "./provider.ts";
import { signRequest, type AwsCredentials } from "./sigv4.ts";

/** Options of {@link awsKmsKey}. */
export interface AwsKmsKeyOptions {
  /** The key's ARN, or its id or alias in the region. */
  readonly key: string;
  /** `eu-central-1`. */
  readonly region: string;
  readonly credentials: AwsCredentials;
  /** Default: that of the region. */
  readonly endpoint?: string;
  /** Milliseconds of one try. Default 10,000. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/** Authenticated with the ciphertext, and in the service's audit log. */
const CONTEXT = { purpose: "holdfast.dev/seal" };
const KEY = /^[A-Za-z0-9:/_-]{1,2048}$/;
const REGION = /^[a-z0-9-]{1,40}$/;
/** The service's words for a ciphertext that was not made with the key. */
const NOT_MADE_HERE: readonly string[] = ["IncorrectKeyException", "InvalidCiphertextException"];

/**
 * A key of AWS KMS.
 *
 * @throws `seal.setting-invalid` for an endpoint that is not https, nor http to the machine itself, or a region that is
 *   none; `seal.recipient-invalid` for a key that is none
 *
 * @example
 * ```ts
 * import { awsKmsKey, openSealed, providerIdentity } from "holdfast/models";
 * import { Secret } from "holdfast/core";
 *
 * const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secret = "" } = process.env;
 * const credentials = { accessKeyId, secretAccessKey: new Secret(secret) };
 * const key = awsKmsKey({ key: "alias/models", region: "eu-central-1", credentials });
 * await using model = await openSealed("model.gguf.age", { identities: [providerIdentity(key)] });
 * ```
 */
export function awsKmsKey(options: AwsKmsKeyOptions): KeyProvider {
  const { key, region, credentials, timeoutMs = 10_000, clock = systemClock } = options;
  if (!REGION.test(region)) throw sealError("seal.setting-invalid", { detail: "AWS_REGION" });
  if (!KEY.test(key)) throw sealError("seal.recipient-invalid", { detail: "aws-kms:…" });
  const url = serviceUrl("AWS_ENDPOINT_URL_KMS", options.endpoint ?? `https://kms.${region}.amazonaws.com`);

  async function call(act: "Encrypt" | "Decrypt", fields: Readonly<Record<string, string>>): Promise<ServiceAnswer> {
    const body = JSON.stringify({ KeyId: key, ...fields, EncryptionContext: CONTEXT });
    return await ask({
      service: "aws kms",
      url,
      headers: () => {
        const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": `TrentService.${act}` };
        const request = { region, service: "kms", host: url.host, now: clock.now(), headers, body };
        // fetch writes this header itself.
        const { host: _, ...signed } = signRequest(credentials, request);
        return signed;
      },
      body,
      timeoutMs,
    });
  }

  return {
    kind: "holdfast.dev/aws-kms",
    key,
    wrap: async (fileKey) => {
      const answer = await call("Encrypt", { Plaintext: Buffer.from(fileKey).toString("base64") });
      return fieldOf(answer, "CiphertextBlob");
    },
    unwrap: async (wrapped) => {
      const answer = await call("Decrypt", { CiphertextBlob: Buffer.from(wrapped).toString("base64") });
      if (answer.status !== 200 && NOT_MADE_HERE.includes(errorOf(answer))) return undefined;
      return fieldOf(answer, "Plaintext");
    },
  };
}

/** @throws `seal.service-refused`, `seal.service-answer` */
function fieldOf(answer: ServiceAnswer, name: string): Uint8Array {
  if (answer.status !== 200) {
    const what = errorOf(answer);
    const detail = `aws kms answered with status ${answer.status}${what === "" ? "" : `, ${what}`}`;
    throw sealError("seal.service-refused", { detail });
  }
  const text = (answer.body as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  const bytes = typeof text === "string" ? Buffer.from(text, "base64") : undefined;
  if (bytes === undefined || bytes.length === 0 || bytes.toString("base64") !== text) {
    throw sealError("seal.service-answer", { detail: `aws kms: no ${name}` });
  }
  return bytes;
}

/** `__type` is `com.amazonaws.kms#NotFoundException`, or its last part. Only letters: it is shown. */
function errorOf({ body }: ServiceAnswer): string {
  const type = (body as { __type?: unknown } | null | undefined)?.__type;
  return typeof type === "string" ? (/([A-Za-z]{1,80})$/.exec(type)?.[1] ?? "") : "";
}
