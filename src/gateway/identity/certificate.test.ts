/** Client certificates, made by openssl and shown over real TLS connections. */

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer as createPlain, connect as connectPlain, type AddressInfo, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { testAuthority, type Pem, type TestAuthority } from "../../../test/identity/certificates.ts";
import { alternativeNames, clientCertificate, principalOfCertificate, thumbprint } from "./certificate.ts";
import { identityConfig, type CertificateConfig } from "./config.ts";

const unknown = (error: unknown) => isHoldfastError(error, "gateway.certificate-unknown");
const SPIFFE = "spiffe://example.org/ns/shop/sa/api";

const entries = (...matches: readonly CertificateConfig["match"][]): readonly CertificateConfig[] =>
  identityConfig.parse({ certificates: matches.map((match, at) => ({ name: `c${at}`, match, app: `app-${at}` })) })
    .certificates;

const authority = testAuthority();
describe("client certificates", { skip: authority === undefined && "openssl is not installed" }, () => {
  if (authority === undefined) return;
  after(() => {
    authority.close();
  });

  it("stand for the app whose entry names them", () => {
    const certificate = new X509Certificate(
      authority.client(`URI:${SPIFFE},DNS:Api.Example.org,email:ops@example.org,IP:10.0.0.1`).cert,
    );
    const { fingerprint256 } = certificate;
    for (const match of [
      { uri: SPIFFE },
      { dns: "api.example.ORG" },
      { email: "ops@example.org" },
      { fingerprint: fingerprint256 },
      { fingerprint: fingerprint256.replaceAll(":", "").toLowerCase() },
    ]) {
      const principal = principalOfCertificate(certificate, entries({ uri: "urn:other" }, match));
      assert.deepEqual([principal.app, principal.via, principal.certificate], ["app-1", "certificate", "c1"]);
      assert.match(principal.keyId, /^certificate:c1:[0-9a-f]{32}$/);
    }
  });

  it("stand for nobody else", () => {
    const certificate = new X509Certificate(authority.client(`URI:${SPIFFE},DNS:*.example.org`).cert);
    for (const match of [
      { uri: `${SPIFFE}/more` },
      { uri: SPIFFE.slice(0, -1) },
      { uri: SPIFFE.toUpperCase() },
      { dns: "api.example.org" },
      { dns: SPIFFE },
      { email: SPIFFE },
      { fingerprint: "0".repeat(64) },
    ]) {
      assert.throws(() => principalOfCertificate(certificate, entries(match)), unknown, JSON.stringify(match));
    }
    assert.throws(() => principalOfCertificate(certificate, []), unknown);
    // The subject's common name names nobody: only alternative names are checked by authorities.
    const bare = new X509Certificate(authority.client(undefined).cert);
    assert.throws(() => principalOfCertificate(bare, entries({ dns: "c2" }, { dns: "c3" })), unknown);
  });

  it("that two entries match are refused", () => {
    const certificate = new X509Certificate(authority.client(`URI:${SPIFFE},DNS:a.example`).cert);
    assert.throws(() => principalOfCertificate(certificate, entries({ uri: SPIFFE }, { dns: "a.example" })), unknown);
  });

  it("with one name inside another are not taken for it", () => {
    // openssl reads commas in values where the names come from a section of their own.
    const section = (value: string): string => `@alt\n[alt]\nDNS.1=${value}`;
    for (const value of [
      `evil.example\\, URI:${SPIFFE}`,
      `"evil.example, URI:${SPIFFE}"`,
      `evil\\"\\, URI:${SPIFFE}`,
    ]) {
      const certificate = new X509Certificate(authority.client(section(value)).cert);
      assert.ok(certificate.subjectAltName?.includes(SPIFFE), "the attack is in the certificate");
      assert.throws(() => principalOfCertificate(certificate, entries({ uri: SPIFFE })), unknown, value);
    }
  });

  it("count only when TLS has verified them", async () => {
    const stranger = testAuthority() as TestAuthority;
    const mine = authority.client(`URI:${SPIFFE}`);
    const theirs = stranger.client(`URI:${SPIFFE}`);
    stranger.close();
    assert.equal(await seen(authority, mine), thumbprint(new X509Certificate(mine.cert)));
    // The listener asks for a certificate without demanding one: a bad one must be as none.
    assert.equal(await seen(authority, theirs), undefined);
    assert.equal(await seen(authority, undefined), undefined);
    // Without TLS there is none at all.
    assert.equal(await plainlySeen(), undefined);
  });
});

/** The thumbprint of the certificate that a TLS server makes out. */
async function seen(authority: TestAuthority, client: Pem | undefined): Promise<string | undefined> {
  const server = createServer({
    ...authority.server,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const secured = once(server, "secureConnection") as Promise<[TLSSocket]>;
  const socket = connect({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    ca: authority.cert,
    ...client,
  });
  socket.on("error", () => undefined);
  const [accepted] = await secured;
  const certificate = clientCertificate(accepted);
  accepted.destroy();
  socket.destroy();
  server.close();
  return certificate === undefined ? undefined : thumbprint(certificate);
}

async function plainlySeen(): Promise<X509Certificate | undefined> {
  const server = createPlain().listen(0, "127.0.0.1");
  await once(server, "listening");
  const connected = once(server, "connection") as Promise<[Socket]>;
  const socket = connectPlain((server.address() as AddressInfo).port, "127.0.0.1");
  const [accepted] = await connected;
  const certificate = clientCertificate(accepted);
  accepted.destroy();
  socket.destroy();
  server.close();
  return certificate;
}

describe("the text of alternative names", () => {
  it("is read whole or not at all", () => {
    assert.deepEqual(alternativeNames(undefined), []);
    assert.deepEqual(alternativeNames("DNS:a.example, IP Address:10.0.0.1, URI:x:y"), [
      { type: "DNS", value: "a.example" },
      { type: "IP Address", value: "10.0.0.1" },
      { type: "URI", value: "x:y" },
    ]);
    // A quoted value is no name that an entry could mean, and hides none.
    assert.deepEqual(alternativeNames('DNS:"a\\"b, URI:x", URI:y'), [{ type: "URI", value: "y" }]);
    for (const text of ["DNS:a,URI:b", 'DNS:"a, URI:b', "DNS:a, ", "URI", '"DNS":a', 'DNS:a"b, URI:c']) {
      assert.deepEqual(alternativeNames(text), [], text);
    }
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        alternativeNames(text);
      }),
    );
  });
});
