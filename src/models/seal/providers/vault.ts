/**
 * A key in the transit engine of HashiCorp Vault (or OpenBao, which speaks the same). The key never leaves the service.
 *
 *     POST /v1/<mount>/encrypt/<key>   {"plaintext":"<base64>","associated_data":"<base64>"}  ->  {"data":{"ciphertext":"vault:v1:…"}}
 *     POST /v1/<mount>/decrypt/<key>   {"ciphertext":"vault:v1:…","associated_data":"…"}     ->  {"data":{"plaintext":"<base64>"}}
 *
 * Source: Vault documentation, «Transit secrets engine (API)», «Encrypt data», «Decrypt data».
 *
 * @module
 */

import type { Secret } from "../../../core/index.ts";
import { sealError } from "../errors.ts";
import { ask, serviceUrl, type ServiceAnswer } from "./exchange.ts";
import type { KeyProvider } from "./provider.ts";

/** Options of {@link vaultKey}. */
export interface VaultKeyOptions {
  /** `https://vault.example.com:8200`. */
  readonly address: string;
  readonly token: Secret;
  /** Where the transit engine is mounted. Default: `transit`. */
  readonly mount?: string;
  /** Name of the key. */
  readonly key: string;
  /** Of Vault Enterprise. */
  readonly namespace?: string;
  /** Milliseconds of one try. Default 10,000. */
  readonly timeoutMs?: number;
}

/** Bound to what is wrapped, so that no ciphertext of another use of the key passes for a file key. */
const ASSOCIATED = Buffer.from("holdfast.dev/seal").toString("base64");
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;
const MOUNT = /^[A-Za-z0-9_.-]{1,128}(?:\/[A-Za-z0-9_.-]{1,128}){0,8}$/;
/** What Vault answers to a ciphertext that was not made with the key. */
const NOT_MADE_HERE = 400;

/**
 * A key of a transit engine.
 *
 * @throws `seal.setting-invalid` for an address that is not https, nor http to the machine itself;
 *   `seal.recipient-invalid` for a name that is none
 *
 * @example
 * ```ts
 * import { providerRecipient, sealFile, vaultKey } from "holdfast/models";
 * import { Secret } from "holdfast/core";
 *
 * const token = new Secret(process.env["VAULT_TOKEN"] ?? "");
 * const key = vaultKey({ address: "https://vault.example.com:8200", token, key: "models" });
 * await sealFile("model.gguf", "model.gguf.age", { recipients: [providerRecipient(key)] });
 * ```
 */
export function vaultKey(options: VaultKeyOptions): KeyProvider {
  const { token, mount = "transit", key, namespace, timeoutMs = 10_000 } = options;
  const address = serviceUrl("VAULT_ADDR", options.address);
  // Names go into the path of a request.
  if (!NAME.test(key) || !MOUNT.test(mount) || [key, ...mount.split("/")].some((part) => /^\.+$/.test(part))) {
    throw sealError("seal.recipient-invalid", { detail: `vault:${mount}/${key}` });
  }

  async function call(act: "encrypt" | "decrypt", fields: Readonly<Record<string, string>>): Promise<ServiceAnswer> {
    return await ask({
      service: "vault",
      url: new URL(`${address.pathname.replace(/\/$/, "")}/v1/${mount}/${act}/${key}`, address),
      headers: () => ({
        "content-type": "application/json",
        "x-vault-request": "true",
        "x-vault-token": token.reveal(),
        ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
      }),
      body: JSON.stringify({ ...fields, associated_data: ASSOCIATED }),
      timeoutMs,
    });
  }

  return {
    kind: "holdfast.dev/vault-transit",
    key: `${mount}/${key}`,
    wrap: async (fileKey) => {
      const answer = await call("encrypt", { plaintext: Buffer.from(fileKey).toString("base64") });
      const ciphertext = dataOf(answer, "ciphertext");
      if (!/^vault:v\d{1,9}:[A-Za-z0-9+/=]{1,4096}$/.test(ciphertext)) throw strange("no ciphertext of its form");
      return Buffer.from(ciphertext);
    },
    unwrap: async (wrapped) => {
      const answer = await call("decrypt", { ciphertext: Buffer.from(wrapped).toString("latin1") });
      if (answer.status === NOT_MADE_HERE) return undefined;
      const text = dataOf(answer, "plaintext");
      const plaintext = Buffer.from(text, "base64");
      if (plaintext.toString("base64") !== text) throw strange("no base64");
      return plaintext;
    },
  };
}

/** @throws `seal.service-refused`, `seal.service-answer` */
function dataOf({ status, body }: ServiceAnswer, name: string): string {
  if (status !== 200) throw sealError("seal.service-refused", { detail: `vault answered with status ${status}` });
  const value = (body as { data?: Readonly<Record<string, unknown>> | null } | null | undefined)?.data?.[name];
  if (typeof value !== "string") throw strange(`no ${name}`);
  return value;
}

function strange(why: string): Error {
  return sealError("seal.service-answer", { detail: `vault: ${why}` });
}
