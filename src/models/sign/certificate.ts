/**
 * Signatures by X.509 certificates of an authority of one's own: the chain from the signer's certificate to a trusted
 * one, and whether it may sign (OMS v1.0 section 8.2; RFC 5280 sections 4.2.1 and 6.1).
 *
 * Trusted is what the verifier names, root or not, and nothing besides: no list of the web's authorities, which would let
 * every owner of a web site sign models. The signer's certificate must be valid now, or have been when a trusted
 * timestamp says that it signed. An extension that is critical and not known here is refused, as RFC 5280 demands.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { contentOf, DerTag, inside, readDer, readOid, type DerValue } from "./der.ts";
import { signError } from "./errors.ts";
import { malformed } from "./fields.ts";

/** A certificate with the extensions that decide about a chain. */
export interface Certificate {
  readonly x509: X509Certificate;
  /** Its subject on one line. */
  readonly subject: string;
  readonly extensions: Extensions;
}

interface Extensions {
  readonly isAuthority: boolean;
  /** Authorities that may follow below. */
  readonly pathLength: number | undefined;
  /** Undefined when the extension is not there. */
  readonly keyUsage: { readonly digitalSignature: boolean } | undefined;
  /** Object identifiers. Undefined when the extension is not there. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** A critical extension that is not known here. */
  readonly unknown: string | undefined;
}

const Oid = {
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  certificatePolicies: "2.5.29.32",
  extendedKeyUsage: "2.5.29.37",
  anyExtendedKeyUsage: "2.5.29.37.0",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  timeStamping: "1.3.6.1.5.5.7.3.8",
} as const;

/** Names of certificates that lead from the leaf to a trusted one, at most. */
const MAX_DEPTH = 8;

/** Signatures that are verified in search of a chain, at most: certificates that all claim to sign each other. */
const MAX_TRIES = 200;

const MIN_RSA_BITS = 2048;

/** Reads the certificate of a bundle. @throws `models.signature-malformed` */
export function readCertificate(der: Buffer): Certificate {
  try {
    const x509 = new X509Certificate(der);
    // The library would take PEM as well.
    if (!x509.raw.equals(der)) throw new RangeError("no DER");
    return { x509, subject: x509.subject.replaceAll("\n", ", "), extensions: readExtensions(der) };
  } catch (cause) {
    throw malformed("a certificate cannot be read", cause);
  }
}

/** All certificates of a PEM text. @throws `models.certificate-unusable` when there is none, or one cannot be read */
export function readCertificates(pem: string): Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw signError("models.certificate-unusable", { detail: "there is none in PEM" });
  return blocks.map((block) => {
    try {
      return readCertificate(new X509Certificate(block).raw);
    } catch (cause) {
      throw signError("models.certificate-unusable", { detail: "one cannot be read", cause });
    }
  });
}

/**
 * Verifies that `leaf` leads to one of `trusted` at the time `at`, and may sign.
 *
 * 1. The leaf may sign: digital signatures by its key usage, code by its extended key usage, of which at least one is
 *    there.
 * 2. Each certificate of the chain was signed by the next, which is an authority, may sign certificates, and allows as
 *    many authorities below it as there are.
 * 3. The last is trusted.
 * 4. All are valid at `at`.
 *
 * @throws `models.certificate-not-for-signing`, `models.certificate-untrusted`, `models.certificate-expired`,
 *   `models.certificate-not-yet-valid`
 */
export function checkChain(
  leaf: Certificate,
  others: readonly Certificate[],
  trusted: readonly Certificate[],
  at: Date,
): void {
  checkMaySign(leaf);
  const chain = findChain(leaf, others, trusted, at);
  for (const certificate of chain) checkValid(certificate, at);
}

/** Whether a certificate was issued for timestamps, and for nothing else (RFC 3161 section 2.3). */
export function isForTimestamps({ extensions }: Certificate): boolean {
  const { extendedKeyUsage } = extensions;
  return extendedKeyUsage?.length === 1 && extendedKeyUsage[0] === Oid.timeStamping;
}

/** @throws `models.certificate-expired`, `models.certificate-not-yet-valid` */
function checkValid({ x509, subject }: Certificate, at: Date): void {
  if (at > x509.validToDate) {
    throw signError("models.certificate-expired", { detail: `${subject}: ${x509.validToDate.toISOString()}` });
  }
  if (at < x509.validFromDate) {
    throw signError("models.certificate-not-yet-valid", { detail: `${subject}: ${x509.validFromDate.toISOString()}` });
  }
}

function checkMaySign({ subject, extensions }: Certificate): void {
  const { keyUsage, extendedKeyUsage } = extensions;
  const fits =
    (keyUsage !== undefined || extendedKeyUsage !== undefined) &&
    keyUsage?.digitalSignature !== false &&
    (extendedKeyUsage === undefined || allowsCode(extendedKeyUsage));
  if (!fits) throw signError("models.certificate-not-for-signing", { detail: subject });
}

/** A chain from `leaf` to a trusted certificate: one that is valid at `at`, if there is one. */
function findChain(
  leaf: Certificate,
  others: readonly Certificate[],
  trusted: readonly Certificate[],
  at: Date,
): readonly Certificate[] {
  const candidates = [...trusted, ...others];
  let tries = 0;
  let found: readonly Certificate[] | undefined;
  let why = `no trusted certificate signed ${leaf.subject}`;

  /** Extends the chain upwards. @returns whether the search is over */
  function extend(chain: readonly Certificate[]): boolean {
    const top = chain.at(-1) as Certificate;
    const weakness = weaknessOf(top);
    const isTrusted = trusted.some((one) => isSame(one, top));
    if (weakness !== undefined && !isTrusted) {
      why = `${top.subject} ${weakness}`;
      return false;
    }
    if (isTrusted) {
      found ??= chain;
      if (!chain.every(({ x509 }) => at >= x509.validFromDate && at <= x509.validToDate)) return false;
      found = chain;
      return true;
    }
    if (chain.length >= MAX_DEPTH) return false;
    for (const issuer of candidates) {
      // That looks at names, key identifiers, and whether the issuer's key usage allows to sign certificates.
      if (chain.some((one) => isSame(one, issuer)) || !top.x509.checkIssued(issuer.x509)) continue;
      const obstacle = obstacleOf(issuer, chain, trusted);
      if (obstacle !== undefined) {
        why = `${issuer.subject} ${obstacle}`;
        continue;
      }
      if (++tries > MAX_TRIES) return true;
      if (top.x509.verify(issuer.x509.publicKey) && extend([...chain, issuer])) return true;
    }
    return false;
  }

  extend([leaf]);
  if (found === undefined) throw signError("models.certificate-untrusted", { detail: why });
  return found;
}

/** Why `issuer` may not stand above `below`. */
function obstacleOf(
  issuer: Certificate,
  below: readonly Certificate[],
  trusted: readonly Certificate[],
): string | undefined {
  const { isAuthority, pathLength, extendedKeyUsage } = issuer.extensions;
  if (!isAuthority) return "is no authority";
  // Certificates that issue themselves, as when a key is renewed, do not count (RFC 5280 section 4.2.1.9).
  const authorities = below.slice(1).filter(({ x509 }) => x509.subject !== x509.issuer).length;
  if (pathLength !== undefined && authorities > pathLength) return `allows only ${pathLength} authorities below it`;
  if (extendedKeyUsage !== undefined && !allowsCode(extendedKeyUsage) && !trusted.some((one) => isSame(one, issuer))) {
    return "is an authority for something else than code";
  }
  return undefined;
}

/** Why nothing that a certificate says can be believed, unless it is trusted itself. */
function weaknessOf({ x509, extensions }: Certificate): string | undefined {
  if (extensions.unknown !== undefined) return `has a critical extension that is not supported: ${extensions.unknown}`;
  if (/md5|sha1/i.test(x509.signatureAlgorithm ?? "")) return `is signed by ${x509.signatureAlgorithm}`;
  const bits = x509.publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < MIN_RSA_BITS) return `has an RSA key of ${bits} bits`;
  return undefined;
}

function allowsCode(extendedKeyUsage: readonly string[]): boolean {
  return extendedKeyUsage.includes(Oid.codeSigning) || extendedKeyUsage.includes(Oid.anyExtendedKeyUsage);
}

function isSame(one: Certificate, other: Certificate): boolean {
  return one.x509.raw.equals(other.x509.raw);
}

/** RFC 5280 section 4.1: the extensions are the last field of what is signed, with the tag [3]. */
function readExtensions(der: Buffer): Extensions {
  const outer = readDer(der);
  const certificate = inside(outer[0], DerTag.sequence);
  const fields = inside(certificate[0], DerTag.sequence);
  const tagged = fields.find(({ tag }) => tag === 0xa3);
  const list = tagged === undefined ? [] : inside(inside(tagged, 0xa3)[0], DerTag.sequence);

  const known = new Map<string, Buffer>();
  let unknown: string | undefined;
  for (const entry of list) {
    const parts = inside(entry, DerTag.sequence);
    const oid = readOid(parts[0]);
    const critical = parts[1]?.tag === DerTag.boolean && parts[1].content[0] !== 0;
    if (known.has(oid)) throw new RangeError("an extension is there twice");
    known.set(oid, contentOf(parts.at(-1), DerTag.octetString));
    if (critical && !Object.values(Oid).some((one) => one === oid)) unknown ??= oid;
  }
  return {
    ...readBasicConstraints(known.get(Oid.basicConstraints)),
    keyUsage: readKeyUsage(known.get(Oid.keyUsage)),
    extendedKeyUsage: readExtendedKeyUsage(known.get(Oid.extendedKeyUsage)),
    unknown,
  };
}

function readBasicConstraints(value: Buffer | undefined): Pick<Extensions, "isAuthority" | "pathLength"> {
  if (value === undefined) return { isAuthority: false, pathLength: undefined };
  const fields = inside(readDer(value)[0], DerTag.sequence);
  const isAuthority = fields[0]?.tag === DerTag.boolean && fields[0].content[0] !== 0;
  const limit = fields.find(({ tag }) => tag === DerTag.integer);
  return { isAuthority, pathLength: limit === undefined ? undefined : readSmall(limit) };
}

function readSmall({ content }: DerValue): number {
  if (content.length < 1 || content.length > 4 || (content[0] as number) > 0x7f) throw new RangeError("a path length");
  return content.readUIntBE(0, content.length);
}

/** Bits from the most significant on, of which the first is digitalSignature. */
function readKeyUsage(value: Buffer | undefined): Extensions["keyUsage"] {
  if (value === undefined) return undefined;
  const bits = contentOf(readDer(value)[0], DerTag.bitString);
  return { digitalSignature: ((bits[1] ?? 0) & 0x80) !== 0 };
}

function readExtendedKeyUsage(value: Buffer | undefined): Extensions["extendedKeyUsage"] {
  if (value === undefined) return undefined;
  return inside(readDer(value)[0], DerTag.sequence).map(readOid);
}
