/**
 * What TLS needs, read and checked as one: certificate, key and authorities. Either all of it fits together, or nothing of
 * it is used and the error says which part does not: a pair that is half of yesterday and half of today never serves.
 *
 * Sources: RFC 7468 (PEM), RFC 8446 section 4.2.11 and 4.6.1 (resumption), OpenSSL SSL_CTX_use_PrivateKey (which compares
 * the key with the certificate).
 *
 * @module
 */

import { constants, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";

import { Secret } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import type { TlsConfig } from "./config.ts";

/** Certificate, key and authorities as they were read. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: Secret;
  readonly clientCa: string | undefined;
}

/** Bytes of one of them at most: the authorities of the whole web fit in well. */
const MOST_BYTES = 1_048_576;

/**
 * Reads what the configuration names.
 *
 * @throws `gateway.tls-unreadable`
 */
export function readTls(config: TlsConfig, env: Readonly<Record<string, string | undefined>>): TlsMaterial {
  return {
    cert: readPem("cert", config.cert, env),
    key: new Secret(readPem("key", config.key, env)),
    clientCa: config.clientCa === undefined ? undefined : readPem("clientCa", config.clientCa, env),
  };
}

/**
 * The options of a secure context, once everything was seen to fit together.
 *
 * @throws `gateway.tls-invalid` for a text that ends within a block, what is not a certificate or a key, and a key of
 *   another certificate
 */
export function secureOptions(material: TlsMaterial, { minVersion }: TlsConfig): SecureContextOptions {
  const { cert, key, clientCa } = material;
  const options: SecureContextOptions = {
    cert,
    key: key.reveal(),
    minVersion,
    honorCipherOrder: true,
    ...(clientCa === undefined
      ? {}
      : // A resumed session would keep the certificate that it began with, whatever became of its authority since.
        { ca: clientCa, secureOptions: constants.SSL_OP_NO_TICKET }),
  };
  for (const certificate of wholeBlocks("cert", cert)) readCertificate("cert", certificate);
  for (const certificate of clientCa === undefined ? [] : wholeBlocks("clientCa", clientCa)) {
    readCertificate("clientCa", certificate);
  }
  wholeBlocks("key", key.reveal());
  try {
    createSecureContext(options);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const mismatch = code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH" || code === "ERR_OSSL_X509_KEY_TYPE_MISMATCH";
    // OpenSSL's own words may quote what it read.
    const what = mismatch ? "the key is not the certificate's" : `the key cannot be used (${code ?? "unknown error"})`;
    throw gatewayError("gateway.tls-invalid", { detail: what });
  }
  return options;
}

/** The server's own certificate: the first of its chain (RFC 8446 section 4.4.2). */
export function leafOf({ cert }: TlsMaterial): X509Certificate {
  return readCertificate("cert", wholeBlocks("cert", cert)[0] as string);
}

/** True when both hold the same bytes. */
export function sameMaterial(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.cert === other.cert && one.clientCa === other.clientCa && one.key.reveal() === other.key.reveal();
}

function readPem(
  what: keyof TlsMaterial,
  source: TlsConfig["cert"],
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (source.env !== undefined) {
    const text = env[source.env];
    if (text === undefined || text === "") {
      throw gatewayError("gateway.tls-unreadable", { detail: `${what}: the variable ${source.env} is not set` });
    }
    return text;
  }
  const file = source.file as string;
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw gatewayError("gateway.tls-unreadable", { detail: `${what}: ${file} (${code})`, cause });
  }
  if (text.length > MOST_BYTES) {
    throw gatewayError("gateway.tls-unreadable", { detail: `${what}: more than ${MOST_BYTES} bytes` });
  }
  return text;
}

/**
 * The blocks of a PEM text: as many ends as begins, in turn. OpenSSL reads up to the first line that it does not
 * understand and is content, so that a file still being written would serve a chain cut short.
 */
function wholeBlocks(what: keyof TlsMaterial, text: string): readonly string[] {
  const blocks: string[] = [];
  let open: string[] | undefined;
  for (const line of text.split("\n").map((one) => one.trimEnd())) {
    if (/^-----BEGIN [A-Z0-9 ]{1,40}-----$/.test(line)) {
      if (open !== undefined) throw half(what);
      open = [line];
    } else if (open !== undefined) {
      open.push(line);
      if (/^-----END [A-Z0-9 ]{1,40}-----$/.test(line)) {
        blocks.push(`${open.join("\n")}\n`);
        open = undefined;
      }
    } else if (line.startsWith("--")) {
      throw half(what);
    }
  }
  if (open !== undefined || blocks.length === 0) throw half(what);
  return blocks;
}

function half(what: string): Error {
  return gatewayError("gateway.tls-invalid", { detail: `${what}: not whole, or not PEM` });
}

function readCertificate(what: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw gatewayError("gateway.tls-invalid", { detail: `${what}: a block that is not a certificate` });
  }
}
