/**
 * Key services for tests: HTTP servers on loopback that speak the documented APIs of Vault's transit engine and of AWS
 * KMS, with real keys, and whatever misbehaviour a test asks for.
 */

import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a test wants instead of the answer. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface KeyService extends AsyncDisposable {
  readonly url: string;
  /** Bodies of requests, as they came. */
  readonly requests: readonly string[];
  /** Answers the next requests in this way, one after another; "hang" never answers. */
  misbehave(...answers: readonly (Answer | "hang")[]): void;
}

type Handle = (request: IncomingMessage, body: string) => Answer;

/** Vault's transit engine at `transit/`, with any key name; `rotate` is left out: every key has version 1. */
export function startVault(token: string): Promise<KeyService> {
  const keys = new Map<string, Buffer>();
  return start((request, body) => {
    if (request.headers["x-vault-token"] !== token) return json(403, { errors: ["permission denied"] });
    const [, act = "", name = ""] =
      /^\/v1\/transit\/(encrypt|decrypt)\/([A-Za-z0-9_.-]+)$/.exec(request.url ?? "") ?? [];
    if (act === "") return json(404, { errors: [] });
    const fields = JSON.parse(body) as Record<string, string>;
    const key = keys.get(name) ?? randomBytes(32);
    keys.set(name, key);
    const context = Buffer.from(fields["associated_data"] ?? "", "base64");
    if (act === "encrypt") {
      const sealed = encrypt(key, Buffer.from(fields["plaintext"] ?? "", "base64"), context);
      return json(200, {
        request_id: "1",
        data: { ciphertext: `vault:v1:${sealed.toString("base64")}`, key_version: 1 },
      });
    }
    const [, text] = /^vault:v1:(.+)$/.exec(fields["ciphertext"] ?? "") ?? [];
    const plain = text === undefined ? undefined : decrypt(key, Buffer.from(text, "base64"), context);
    if (plain === undefined) return json(400, { errors: ["cipher: message authentication failed"] });
    return json(200, { request_id: "1", data: { plaintext: plain.toString("base64") } });
  });
}

/** AWS KMS, which checks signatures by itself, from the bytes that came. */
export function startKms(
  credentials: { id: string; secret: string; session?: string },
  keyIds: readonly string[],
): Promise<KeyService> {
  const keys = new Map(keyIds.map((id) => [id, randomBytes(32)]));
  return start((request, body) => {
    if (!isSigned(request, body, credentials)) return json(400, { __type: "InvalidSignatureException" });
    const fields = JSON.parse(body) as {
      KeyId: string;
      EncryptionContext: unknown;
      Plaintext?: string;
      CiphertextBlob?: string;
    };
    const key = keys.get(fields.KeyId);
    if (key === undefined) return json(400, { __type: "com.amazonaws.kms#NotFoundException", message: "no such key" });
    const context = Buffer.from(JSON.stringify(fields.EncryptionContext));
    const arn = `arn:aws:kms:eu-central-1:111122223333:key/${fields.KeyId}`;
    if (request.headers["x-amz-target"] === "TrentService.Encrypt") {
      const sealed = encrypt(key, Buffer.from(fields.Plaintext ?? "", "base64"), context);
      return json(200, {
        CiphertextBlob: sealed.toString("base64"),
        KeyId: arn,
        EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
      });
    }
    const plain = decrypt(key, Buffer.from(fields.CiphertextBlob ?? "", "base64"), context);
    if (plain === undefined) return json(400, { __type: "InvalidCiphertextException" });
    return json(200, { Plaintext: plain.toString("base64"), KeyId: arn });
  });
}

/** The server's side of signature version 4: computed anew from the request, by the documentation's four steps. */
function isSigned(
  request: IncomingMessage,
  body: string,
  expected: { id: string; secret: string; session?: string },
): boolean {
  const { headers } = request;
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/kms\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
  const [, id = "", day = "", region = "", names = "", signature] = pattern.exec(headers.authorization ?? "") ?? [];
  if (id !== expected.id || headers["x-amz-security-token"] !== expected.session) return false;
  if (!names.split(";").includes("host") || !names.split(";").includes("x-amz-target")) return false;
  const lines = names.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = `POST\n/\n\n${lines.join("")}\n${names}\n${createHash("sha256").update(body).digest("hex")}`;
  const time = String(headers["x-amz-date"]);
  const digest = createHash("sha256").update(canonical).digest("hex");
  const text = `AWS4-HMAC-SHA256\n${time}\n${day}/${region}/kms/aws4_request\n${digest}`;
  let key: Buffer | string = `AWS4${expected.secret}`;
  for (const part of [day, region, "kms", "aws4_request"]) key = createHmac("sha256", key).update(part).digest();
  return createHmac("sha256", key).update(text).digest("hex") === signature && time.startsWith(day);
}

async function start(handle: Handle): Promise<KeyService> {
  const requests: string[] = [];
  const planned: (Answer | "hang")[] = [];
  const server = createServer((request, response) => {
    void readAll(request).then((body) => {
      requests.push(body);
      const plan = planned.shift();
      if (plan !== "hang") send(response, plan ?? handle(request, body));
      return undefined;
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    misbehave: (...answers) => void planned.push(...answers),
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const part of request) body += String(part);
  return body;
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
}

function json(status: number, value: unknown): Answer {
  return { status, body: JSON.stringify(value) };
}

function encrypt(key: Buffer, plain: Uint8Array, context: Uint8Array): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(context);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, sealed: Buffer, context: Uint8Array): Buffer | undefined {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12)).setAAD(context);
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  } catch {
    return undefined;
  }
}
