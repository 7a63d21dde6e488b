/**
 * Certificates for signing models (RFC 5280 section 4.1), made here, with whatever extensions a test asks for.
 */

import { generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from "node:crypto";
import { Secret } from "../../src/core/index.ts";

export interface Issued {
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8 in PEM. */
  readonly key: Secret;
}

export interface IssueOptions {
  /** Default: P-256. */
  readonly key?: "P-256" | "P-384" | "P-521" | "ed25519" | "rsa-1024";
  /** Of the issuer's signature. Default: sha256. */
  readonly digest?: "sha256" | "sha1";
  /** Days from now on between which it is valid. Default: from half a day ago on, for 30 days. */
  readonly validFor?: readonly [number, number];
}

/** DER of an extension. */
export type Extension = Buffer;

const DAY_MS = 24 * 60 * 60 * 1000;

export const Usage = { digitalSignature: 0x80, keyEncipherment: 0x20, keyAgreement: 0x08, keyCertSign: 0x04 } as const;
export const Purpose = {
  serverAuth: "1.3.6.1.5.5.7.3.1",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  emailProtection: "1.3.6.1.5.5.7.3.4",
} as const;

export function basicConstraints(isAuthority: boolean, pathLength?: number): Extension {
  const limit = pathLength === undefined ? [] : [tlv(0x02, Buffer.from([pathLength]))];
  return extension("2.5.29.19", true, tlv(0x30, ...(isAuthority ? [tlv(0x01, Buffer.from([0xff]))] : []), ...limit));
}

export function keyUsage(bits: number): Extension {
  return extension("2.5.29.15", true, tlv(0x03, Buffer.from([0, bits])));
}

export function extendedKeyUsage(...purposes: string[]): Extension {
  return extension("2.5.29.37", false, tlv(0x30, ...purposes.map(oid)));
}

export function extension(id: string, critical: boolean, value: Buffer): Extension {
  return tlv(0x30, oid(id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value));
}

export const AUTHORITY: readonly Extension[] = [basicConstraints(true), keyUsage(Usage.keyCertSign)];
export const SIGNER: readonly Extension[] = [keyUsage(Usage.digitalSignature), extendedKeyUsage(Purpose.codeSigning)];

/** Issues a certificate: by `issuer`, or by itself. */
export function issue(
  name: string,
  extensions: readonly Extension[],
  issuer?: Issued,
  { key: kind = "P-256", digest = "sha256", validFor: [from, to] = [-0.5, 30] }: IssueOptions = {},
): Issued {
  const { publicKey, privateKey } = makeKeys(kind);
  const signer: KeyObject | string = issuer === undefined ? privateKey : issuer.key.reveal();
  const { algorithm, hash } = algorithmOf(issuer, kind, digest);
  const tbs = tlv(
    0x30,
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    nameOf(issuer?.name ?? name),
    tlv(0x30, timeOf(Date.now() + from * DAY_MS), timeOf(Date.now() + to * DAY_MS)),
    nameOf(name),
    publicKey.export({ type: "spki", format: "der" }),
    ...(extensions.length === 0 ? [] : [tlv(0xa3, tlv(0x30, ...extensions))]),
  );
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign(hash, tbs, signer)]));
  return {
    name,
    certificate: new X509Certificate(tlv(0x30, tbs, algorithm, signature)).toString(),
    key: new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
  };
}

function makeKeys(kind: NonNullable<IssueOptions["key"]>): { publicKey: KeyObject; privateKey: KeyObject } {
  if (kind === "ed25519") return generateKeyPairSync("ed25519");
  if (kind === "rsa-1024") return generateKeyPairSync("rsa", { modulusLength: 1024 });
  return generateKeyPairSync("ec", { namedCurve: kind });
}

/** How the issuer signs. Of authorities only those on elliptic curves, and the weak one on RSA, are told apart. */
function algorithmOf(
  issuer: Issued | undefined,
  own: string,
  digest: "sha256" | "sha1",
): { readonly algorithm: Buffer; readonly hash: string | null } {
  const certificate = issuer === undefined ? undefined : new X509Certificate(issuer.certificate);
  const kind = certificate?.publicKey.asymmetricKeyType ?? (own.startsWith("P-") ? "ec" : own.split("-")[0]);
  if (kind === "ed25519") return { algorithm: tlv(0x30, oid("1.3.101.112")), hash: null };
  if (kind === "rsa") return { algorithm: tlv(0x30, oid("1.2.840.113549.1.1.11"), tlv(0x05)), hash: "sha256" };
  const id = digest === "sha1" ? "1.2.840.10045.4.1" : "1.2.840.10045.4.3.2";
  return { algorithm: tlv(0x30, oid(id)), hash: digest };
}

function nameOf(name: string): Buffer {
  return tlv(0x30, tlv(0x31, tlv(0x30, oid("2.5.4.3"), tlv(0x0c, Buffer.from(name)))));
}

function timeOf(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return tlv(0x17, Buffer.from(digits.slice(2)));
}

function oid(id: string): Buffer {
  const [first = 0, second = 0, ...rest] = id.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tlv(0x06, Buffer.from(bytes));
}

function tlv(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
