/** Signing and verifying by identity, against a Fulcio, a Rekor and a timestamp authority that listen on loopback. */

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  initializeTSA,
  tsaHandler,
} from "@sigstore/mock";
import { isHoldfastError, parseJson, Secret } from "../../core/index.ts";
import { issue, SIGNER } from "../../../test/models/authority.ts";
import { signModel } from "./sign.ts";
import { verifyModel, type Trust } from "./verify.ts";

const IDENTITY = "signer@example.com";
const keys = (): never => generateKeyPairSync("ec", { namedCurve: "P-256" }) as never;
interface Handler {
  readonly path: string;
  readonly fn: (body: string) => Promise<{ statusCode: number; response: unknown; contentType?: string }>;
}

describe("signatures by identity", () => {
  let home = "";
  let services: Services;
  before(async () => {
    home = mkdtempSync(join(tmpdir(), "sigstore-"));
    writeFileSync(join(home, "weights"), "w");
    services = await startServices();
  });
  after(async () => {
    rmSync(home, { recursive: true, force: true });
    services.server.closeAllConnections();
    await new Promise((resolve) => services.server.close(resolve));
  });

  const tokenOf = (claims: object): Secret => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    return new Secret(`${part({ alg: "none" })}.${part(claims)}.c2ln`);
  };
  const trust = (more: Partial<Trust & { method: "sigstore" }> = {}): Trust => ({
    method: "sigstore",
    identity: IDENTITY,
    issuer: "https://issuer.example.com",
    trustedRoot: services.trustedRoot,
    ...more,
  });
  const token = tokenOf({ sub: IDENTITY, iss: "https://issuer.example.com", email: IDENTITY, email_verified: true });
  const sign = async (more: object = {}): Promise<Uint8Array> => {
    const { url } = services;
    const method = { method: "sigstore", identityToken: token, fulcioUrl: url, rekorUrl: url, ...more } as const;
    return (await signModel(home, method)).bundle;
  };

  it("are made and verify, with the log alone and with a timestamp besides", async () => {
    for (const more of [{}, { timestampUrl: services.url }]) {
      const bundle = await sign(more);
      const report = await verifyModel(home, bundle, trust());
      assert.deepEqual(report.problems, []);
      assert.deepEqual(report.signer, { method: "sigstore", identity: IDENTITY, issuer: "https://issuer.example.com" });
    }
    assert.ok(services.requests.includes("/api/v1/timestamp"));
  });

  it("are rejected for another identity, another issuer, another instance, and an altered statement", async () => {
    const bundle = await sign();
    const codes = async (bytes: Uint8Array, whom: Trust): Promise<string[]> =>
      (await verifyModel(home, bytes, whom)).problems.map(({ code }) => code);
    assert.deepEqual(await codes(bundle, trust({ identity: "other@example.com" })), ["models.identity-mismatch"]);
    assert.deepEqual(await codes(bundle, trust({ identity: "signer@example.co" })), ["models.identity-mismatch"]);
    assert.deepEqual(await codes(bundle, trust({ issuer: "https://example.com" })), ["models.identity-mismatch"]);
    const { trustedRoot: _ours, ...publicInstance } = trust() as Trust & { method: "sigstore" };
    assert.deepEqual(await codes(bundle, publicInstance), ["models.certificate-untrusted"]);

    const json = parseJson(bundle) as { dsseEnvelope: { payload: string }; verificationMaterial: object };
    const payload = Buffer.from(json.dsseEnvelope.payload, "base64").toString().replace("weights", "weighty");
    const dsseEnvelope = { ...json.dsseEnvelope, payload: Buffer.from(payload).toString("base64") };
    assert.deepEqual(await codes(Buffer.from(JSON.stringify({ ...json, dsseEnvelope })), trust()), [
      "models.not-in-log",
    ]);
    const second = parseJson(await sign()) as { verificationMaterial: { tlogEntries: unknown } };
    const { tlogEntries } = second.verificationMaterial;
    const swapped = { ...json, verificationMaterial: { ...json.verificationMaterial, tlogEntries } };
    const [code] = await codes(Buffer.from(JSON.stringify(swapped)), trust());
    assert.equal(code, "models.not-in-log");
  });

  it("of certificates get a timestamp of the authority too, and outlive the certificate by it", async () => {
    const signer = issue("signer", SIGNER);
    const method = { method: "certificate", privateKey: signer.key, certificate: signer.certificate } as const;
    const { bundle } = await signModel(home, { ...method, timestampUrl: services.url });
    const at = new Date(Date.now() + 60 * 24 * 60 * 60 * 1000);
    const { timestampAuthorities } = services;
    const trusted = { method: "certificate", trusted: signer.certificate } as const;
    const report = await verifyModel(home, bundle, { ...trusted, timestampAuthorities }, { at });
    assert.deepEqual(report.problems, []);
    assert.ok(report.signer?.method === "certificate" && report.signer.timestamp !== undefined);
    const [problem] = (await verifyModel(home, bundle, trusted, { at })).problems;
    assert.equal(problem?.code, "models.certificate-expired");
    const nowhere = { ...method, timestampUrl: `${services.url}/nowhere` };
    await assert.rejects(signModel(home, nowhere), { code: "models.sigstore-failed" });
  });

  it("take a client trust configuration, and refuse a trusted root that is none", async () => {
    const bundle = await sign();
    const configuration = JSON.stringify({ trustedRoot: parseJson(services.trustedRoot) });
    assert.equal((await verifyModel(home, bundle, trust({ trustedRoot: configuration }))).verified, true);
    for (const trustedRoot of ["", "{}", "[]", '{"mediaType":"application/json"}']) {
      await assert.rejects(verifyModel(home, bundle, trust({ trustedRoot })), { code: "models.trusted-root-unusable" });
    }
  });

  it("fail without an answer, and never show the token", async () => {
    const secret = new Secret("not.a-token.at-all");
    for (const more of [{ identityToken: secret }, { fulcioUrl: `${services.url}/nowhere` }]) {
      await assert.rejects(sign(more), (error) => {
        assert.ok(isHoldfastError(error, "models.sigstore-failed"));
        for (let one: unknown = error; one instanceof Error; one = one.cause) {
          assert.ok(!String(one.stack).includes(secret.reveal()));
        }
        return true;
      });
    }
  });
});

interface Services {
  readonly url: string;
  readonly server: Server;
  readonly trustedRoot: string;
  /** PEM. */
  readonly timestampAuthorities: string;
  /** The paths that were asked for. */
  readonly requests: readonly string[];
}

async function startServices(): Promise<Services> {
  const handlers: Handler[] = [];
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests.push(request.url ?? "");
      const handler = handlers.find(({ path }) => path === request.url);
      if (handler === undefined) return response.writeHead(404).end();
      const answer = handler.fn(Buffer.concat(chunks).toString("utf8"));
      answer.then(
        ({ statusCode, response: body, contentType = "text/plain" }) =>
          response.writeHead(statusCode, { "content-type": contentType }).end(body),
        () => response.writeHead(500).end(),
      );
      return response;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const ctLog = await initializeCTLog(keys());
  const ca = await initializeCA(keys(), ctLog);
  const tlog = await initializeTLog(url, keys());
  // Whole seconds: the library reads fractions only where they have three digits.
  const tsa = await initializeTSA(keys(), new Date((Math.floor(Date.now() / 1000) + 2) * 1000));
  handlers.push(
    fulcioHandler(ca, { subjectClaim: "email" }),
    { path: "/api/v1/log/entries", fn: logEntry },
    tsaHandler(tsa),
  );
  /** Rekor keeps of an envelope its digests and its signatures; the mock keeps what it is given. */
  async function logEntry(body: string): ReturnType<Handler["fn"]> {
    const proposed = parseJson(body) as { spec: { proposedContent: { envelope: string; verifiers: string[] } } };
    const { envelope, verifiers } = proposed.spec.proposedContent;
    const { payload, signatures } = parseJson(envelope) as { payload: string; signatures: { sig: string }[] };
    const sha256 = (bytes: Buffer): object => ({
      algorithm: "sha256",
      value: createHash("sha256").update(bytes).digest("hex"),
    });
    const spec = {
      envelopeHash: sha256(Buffer.from(envelope)),
      payloadHash: sha256(Buffer.from(payload, "base64")),
      signatures: signatures.map(({ sig }) => ({ signature: sig, verifier: verifiers[0] })),
    };
    const entry = await tlog.log({ apiVersion: "0.0.1", kind: "dsse", spec });
    return { statusCode: 201, response: JSON.stringify(entry), contentType: "application/json" };
  }
  const validFor = { start: "2020-01-01T00:00:00Z" };
  const log = (publicKey: Buffer): object => ({
    baseUrl: url,
    hashAlgorithm: "SHA2_256",
    publicKey: { rawBytes: publicKey.toString("base64"), keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor },
    logId: { keyId: createHash("sha256").update(publicKey).digest("base64") },
  });
  const authority = (...certificates: ArrayBufferView[]): object => ({
    subject: { organization: "test", commonName: "test" },
    uri: url,
    certChain: { certificates: certificates.map((bytes) => ({ rawBytes: certificateOf(bytes) })) },
    validFor,
  });
  const trustedRoot = JSON.stringify({
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [log(tlog.publicKey)],
    ctlogs: [log(ctLog.publicKey)],
    certificateAuthorities: [authority(ca.rootCertificate)],
    timestampAuthorities: [authority(tsa.intCertificate, tsa.rootCertificate)],
  });
  const timestampAuthorities = new X509Certificate(Buffer.from(certificateOf(tsa.intCertificate), "base64")).toString();
  return { url, server, trustedRoot, timestampAuthorities, requests };
}

function certificateOf(bytes: ArrayBufferView): string {
  return new X509Certificate(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)).raw.toString("base64");
}
