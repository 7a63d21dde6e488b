/**
 * Client certificates: from one that TLS has verified to the Principal who acts, by the names that the configuration
 * gives to certificates. That the certificate was issued by a trusted authority, is valid now and belongs to the client
 * is TLS's to check (RFC 8446 section 4.4); who it stands for is decided here.
 *
 * @module
 */

import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

import { gatewayError } from "../errors.ts";
import type { CertificateConfig } from "./config.ts";
import type { Principal } from "./principal.ts";

/** One name of a certificate's subjectAltName (RFC 5280 section 4.2.1.6). */
export interface AlternativeName {
  /** As OpenSSL writes it: `DNS`, `URI`, `email`, `IP Address`, `DirName`, … */
  readonly type: string;
  readonly value: string;
}

/**
 * The certificate that the client of a connection has proved to hold, or undefined where there is none, or none that an
 * authority of the listener vouches for.
 */
export function clientCertificate(socket: Socket | TLSSocket): X509Certificate | undefined {
  if (!("getPeerX509Certificate" in socket) || !socket.authorized) return undefined;
  return socket.getPeerX509Certificate();
}

/**
 * The principal that a verified certificate stands for.
 *
 * A certificate that two entries match is refused: it would be up to the order of a file who acts.
 *
 * @throws `gateway.certificate-unknown`
 *
 * @example
 * ```ts
 * const certificate = clientCertificate(request.socket);
 * if (certificate !== undefined) principalOfCertificate(certificate, config.identity.certificates).app; // "shop"
 * ```
 */
export function principalOfCertificate(certificate: X509Certificate, known: readonly CertificateConfig[]): Principal {
  const fingerprint = plain(certificate.fingerprint256);
  const names = alternativeNames(certificate.subjectAltName);
  const [entry, ...others] = known.filter(({ match }) => matches(match, fingerprint, names));
  if (entry === undefined) throw gatewayError("gateway.certificate-unknown");
  if (others.length > 0) throw gatewayError("gateway.certificate-unknown", { detail: "more than one entry matches" });
  return {
    keyId: `certificate:${entry.name}:${fingerprint.slice(0, 32)}`,
    app: entry.app,
    models: entry.models,
    requestsPerMinute: entry.requestsPerMinute,
    concurrency: entry.concurrency,
    via: "certificate",
    certificate: entry.name,
  };
}

/** SHA-256 of the certificate in base64url, as tokens name the one that they are bound to: RFC 8705 section 3.1. */
export function thumbprint(certificate: X509Certificate): string {
  return Buffer.from(plain(certificate.fingerprint256), "hex").toString("base64url");
}

/**
 * Reads Node's text of a subjectAltName: `DNS:a.example, URI:"spiffe://x/\u002c"`. Values that would be ambiguous are
 * JSON strings in it; a value that is neither plain nor a JSON string makes the whole text unreadable, and then it has no
 * names: one name must never be read out of the middle of another.
 */
export function alternativeNames(text: string | undefined): readonly AlternativeName[] {
  const names: AlternativeName[] = [];
  let rest = text ?? "";
  while (rest !== "") {
    const match = NAME.exec(rest);
    if (match === null) return [];
    const [whole, type, quoted, bare] = match;
    // A quoted value is one that holds what no name of ours holds: quotes, commas, control characters.
    if (quoted === undefined) names.push({ type: type as string, value: bare as string });
    rest = rest.slice(whole.length);
  }
  return names;
}

/** `TYPE:value`, to the end or to the comma before the next. */
const NAME = /^([A-Za-z][A-Za-z ]{0,31}):(?:("(?:[^"\\]|\\.)*")|([^",]*))(?:, (?=.)|$)/;

function matches(match: CertificateConfig["match"], fingerprint: string, names: readonly AlternativeName[]): boolean {
  if ("fingerprint" in match) return plain(match.fingerprint) === fingerprint;
  const has = (type: string, value: string, same = (one: string) => one): boolean =>
    names.some((name) => name.type === type && same(name.value) === same(value));
  if ("uri" in match) return has("URI", match.uri);
  if ("dns" in match) return has("DNS", match.dns, lowerCase);
  return has("email", match.email);
}

/** Names of hosts are the same in upper and lower case (RFC 4343). A wildcard stands for itself alone. */
function lowerCase(text: string): string {
  return text.toLowerCase();
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}
