import assert from "node:assert/strict";
import { createHash, sign as signBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { initializeTSA } from "@sigstore/mock";
import { parseJson, preAuthEncoding, Secret } from "../../core/index.ts";
import {
  AUTHORITY,
  basicConstraints,
  extendedKeyUsage,
  extension,
  issue,
  keyUsage,
  Purpose,
  SIGNER,
  Usage,
  type Issued,
} from "../../../test/models/authority.ts";
import { PAYLOAD_TYPE, readBundle, writeBundle } from "./bundle.ts";
import { DerTag, readDer, readOid } from "./der.ts";
import { readPrivateKey, signPayload } from "./key.ts";
import { signModel } from "./sign.ts";
import { writeStatement } from "./statement.ts";
import { hashModel } from "./manifest.ts";
import { verifyModel, type VerifyOptions } from "./verify.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

describe("signatures by certificate", () => {
  let home = "";
  let root: Issued;
  let intermediate: Issued;
  before(() => {
    home = mkdtempSync(join(tmpdir(), "certificate-"));
    writeFileSync(join(home, "weights"), "w");
    root = issue("root", AUTHORITY);
    intermediate = issue("intermediate", AUTHORITY, root);
  });
  after(() => {
    rmSync(home, { recursive: true, force: true });
  });

  async function bundleOf(leaf: Issued, ...chain: Issued[]): Promise<Uint8Array> {
    const { certificate, key: privateKey } = leaf;
    const more = chain.length === 0 ? {} : { chain: chain.map((one) => one.certificate).join("") };
    return (await signModel(home, { method: "certificate", privateKey, certificate, ...more })).bundle;
  }

  /** The codes of a verification that trusts `trusted`. */
  async function verify(
    bundle: Uint8Array,
    trusted: readonly Issued[],
    options: VerifyOptions = {},
  ): Promise<string[]> {
    const trust = { method: "certificate", trusted: trusted.map((one) => one.certificate).join("") } as const;
    return (await verifyModel(home, bundle, trust, options)).problems.map(({ code }) => code);
  }

  it("verify on every curve, with the chain in any order, and with an intermediate that the verifier has", async () => {
    for (const curve of ["P-256", "P-384", "P-521"] as const) {
      const leaf = issue("signer", SIGNER, intermediate, { key: curve });
      assert.deepEqual(await verify(await bundleOf(leaf, intermediate), [root]), []);
      assert.deepEqual(await verify(await bundleOf(leaf, root, intermediate), [root]), []);
      assert.deepEqual(await verify(await bundleOf(leaf), [root, intermediate]), []);
      assert.deepEqual(await verify(await bundleOf(leaf), [intermediate]), []);
      assert.deepEqual(await verify(await bundleOf(leaf), [leaf]), []);
    }
  });

  it("tell who signed", async () => {
    const leaf = issue("signer", SIGNER, root);
    const trust = { method: "certificate", trusted: root.certificate } as const;
    const { signer } = await verifyModel(home, await bundleOf(leaf), trust);
    const fingerprint = new X509Certificate(leaf.certificate).fingerprint256;
    assert.deepEqual(signer, { method: "certificate", subject: "CN=signer", fingerprint });
  });

  it("are rejected without a way to a trusted certificate", async () => {
    const leaf = issue("signer", SIGNER, intermediate);
    const stranger = issue("root", AUTHORITY);
    assert.deepEqual(await verify(await bundleOf(leaf, intermediate), [stranger]), ["models.certificate-untrusted"]);
    assert.deepEqual(await verify(await bundleOf(leaf), [root]), ["models.certificate-untrusted"]);
    const selfSigned = issue("signer", SIGNER);
    assert.deepEqual(await verify(await bundleOf(selfSigned), [root]), ["models.certificate-untrusted"]);
    assert.deepEqual(await verify(await bundleOf(selfSigned), [selfSigned]), []);
  });

  it("are rejected when an authority above is none, may not sign certificates, or not so many below", async () => {
    const nothing = Buffer.from("0500", "hex");
    const no = [
      issue("leaf as authority", SIGNER, root),
      issue("not an authority", [basicConstraints(false), keyUsage(Usage.keyCertSign)], root),
      issue("no certificates", [basicConstraints(true), keyUsage(Usage.digitalSignature)], root),
      issue("other purpose", [...AUTHORITY, extendedKeyUsage(Purpose.serverAuth)], root),
      issue("critical", [...AUTHORITY, extension("1.2.3.4.5", true, nothing)], root),
      issue("weak", AUTHORITY, root, { key: "rsa-1024" }),
      issue("sha1", AUTHORITY, root, { digest: "sha1" }),
    ];
    const harmless = issue("not critical", [...AUTHORITY, extension("1.2.3.4.5", false, nothing)], root);
    assert.deepEqual(await verify(await bundleOf(issue("signer", SIGNER, harmless), harmless), [root]), []);
    for (const authority of no) {
      const leaf = issue("signer", SIGNER, authority);
      const bundle = await bundleOf(leaf, authority);
      assert.deepEqual(await verify(bundle, [root]), ["models.certificate-untrusted"], authority.name);
    }
    const last = issue("last", [basicConstraints(true, 0), keyUsage(Usage.keyCertSign)], root);
    assert.deepEqual(await verify(await bundleOf(issue("signer", SIGNER, last), last), [root]), []);
    const below = issue("below", AUTHORITY, last);
    const leaf = issue("signer", SIGNER, below);
    assert.deepEqual(await verify(await bundleOf(leaf, below, last), [root]), ["models.certificate-untrusted"]);
  });

  it("are rejected when the certificate was issued for something else", async () => {
    const rejected = {
      nothing: [],
      encipherment: [keyUsage(Usage.keyEncipherment)],
      "a server": [keyUsage(Usage.digitalSignature), extendedKeyUsage(Purpose.serverAuth)],
      "agreement and code": [keyUsage(Usage.keyAgreement), extendedKeyUsage(Purpose.codeSigning)],
      "e-mail": [extendedKeyUsage(Purpose.emailProtection)],
    };
    for (const [what, extensions] of Object.entries(rejected)) {
      const bundle = await bundleOf(issue("signer", extensions, root));
      assert.deepEqual(await verify(bundle, [root]), ["models.certificate-not-for-signing"], what);
    }
    for (const extensions of [[keyUsage(Usage.digitalSignature)], [extendedKeyUsage(Purpose.codeSigning)]]) {
      assert.deepEqual(await verify(await bundleOf(issue("signer", extensions, root)), [root]), []);
    }
  });

  it("are rejected before and after the certificates are valid", async () => {
    const bundle = await bundleOf(issue("signer", SIGNER, root));
    const at = (days: number): VerifyOptions => ({ at: new Date(Date.now() + days * DAY_MS) });
    assert.deepEqual(await verify(bundle, [root], at(29)), []);
    assert.deepEqual(await verify(bundle, [root], at(31)), ["models.certificate-expired"]);
    assert.deepEqual(await verify(bundle, [root], at(-1)), ["models.certificate-not-yet-valid"]);
  });

  it("outlive the certificate with a timestamp of a trusted authority, and of no other", async () => {
    const leaf = issue("signer", SIGNER, root);
    const plain = await bundleOf(leaf);
    const signature = readBundle(plain).signature;
    const { generateKeyPairSync } = await import("node:crypto");
    const keys = (): never => generateKeyPairSync("ec", { namedCurve: "P-256" }) as never;
    const tsa = await initializeTSA(keys());
    const other = await initializeTSA(keys());
    const pemOf = (bytes: ArrayBufferView): string => new X509Certificate(bytes as Uint8Array).toString();
    const stamp = async (bytes: Uint8Array, by = tsa): Promise<Uint8Array> => {
      const signedTimestamp = Buffer.from(
        (await by.timestamp({
          artifactHash: createHash("sha256").update(bytes).digest(),
          hashAlgorithmOID: "2.16.840.1.101.3.4.2.1",
          nonce: 1,
          policyOID: "1.2.3.4.5",
          certReq: false,
        })) as Uint8Array,
      ).toString("base64");
      const json = parseJson(plain) as { verificationMaterial: object };
      const timestampVerificationData = { rfc3161Timestamps: [{ signedTimestamp }] };
      const verificationMaterial = { ...json.verificationMaterial, timestampVerificationData };
      return Buffer.from(JSON.stringify({ ...json, verificationMaterial }));
    };
    const stamped = await stamp(signature);
    const at = new Date(Date.now() + 31 * DAY_MS);
    const trust = { method: "certificate", trusted: root.certificate } as const;
    const timestampAuthorities = pemOf(tsa.intCertificate);
    const verifyAt = async (bundle: Uint8Array, more: { timestampAuthorities?: string }): Promise<string[]> => {
      return (await verifyModel(home, bundle, { ...trust, ...more }, { at })).problems.map(({ code }) => code);
    };
    assert.deepEqual(await verifyAt(stamped, { timestampAuthorities }), []);
    assert.deepEqual(await verifyAt(stamped, {}), ["models.certificate-expired"]);
    assert.deepEqual(await verifyAt(plain, { timestampAuthorities }), ["models.certificate-expired"]);
    const invalid = ["models.timestamp-invalid"];
    const foreign = { timestampAuthorities: pemOf(other.intCertificate) };
    assert.deepEqual(await verifyAt(stamped, foreign), invalid);
    assert.deepEqual(await verifyAt(stamped, { timestampAuthorities: root.certificate }), invalid);
    assert.deepEqual(await verifyAt(await stamp(Buffer.from("another")), { timestampAuthorities }), invalid);
    // DER leaves the zeros at the end of a fraction out.
    for (const milliseconds of [0, 500, 50, 123]) {
      const clock = new Date((Math.floor(Date.now() / 1000) + 2) * 1000 + milliseconds);
      const exact = await initializeTSA(keys(), clock);
      const trusted = { timestampAuthorities: pemOf(exact.intCertificate) };
      const report = await verifyModel(home, await stamp(signature, exact), { ...trust, ...trusted }, { at });
      assert.ok(report.verified && report.signer?.method === "certificate");
      assert.equal(report.signer.timestamp, clock.toISOString());
    }
    const backdating = await initializeTSA(keys(), new Date(Date.now() - 10 * DAY_MS));
    const before = { timestampAuthorities: pemOf(backdating.intCertificate) };
    assert.deepEqual(await verifyAt(await stamp(signature, backdating), before), invalid, "before its own certificate");
  });

  it("are rejected for a key that OMS does not have, and by nobody with another key", async () => {
    const manifest = await hashModel(home);
    const payload = writeStatement(manifest);
    const leaf = issue("signer", SIGNER, root, { key: "ed25519" });
    const signature = signBytes(null, preAuthEncoding(PAYLOAD_TYPE, payload), leaf.key.reveal());
    const certificates = [new X509Certificate(leaf.certificate).raw];
    const bundle = writeBundle({ method: "certificate", certificates }, payload, signature);
    assert.deepEqual(await verify(bundle, [root]), ["models.signature-unsupported"]);
    const other = issue("signer", SIGNER, root);
    const swapped = { method: "certificate", privateKey: other.key, certificate: leaf.certificate } as const;
    await assert.rejects(signModel(home, swapped), { code: "models.certificate-unusable" });
    const good = parseJson(await bundleOf(other)) as { verificationMaterial: object };
    const rawBytes = new X509Certificate(issue("signer", SIGNER, root).certificate).raw.toString("base64");
    const verificationMaterial = { x509CertificateChain: { certificates: [{ rawBytes }] } };
    const altered = Buffer.from(JSON.stringify({ ...good, verificationMaterial }));
    assert.deepEqual(await verify(altered, [root]), ["models.signature-invalid"]);
  });

  it("are rejected when a certificate cannot be read", async () => {
    const good = parseJson(await bundleOf(issue("signer", SIGNER, root))) as { verificationMaterial: object };
    const pem = Buffer.from(root.certificate).toString("base64");
    const { raw } = new X509Certificate(root.certificate);
    const longer = Buffer.concat([raw, Buffer.from([5, 0])]);
    for (const rawBytes of ["AAAA", pem, raw.subarray(0, 300).toString("base64"), longer.toString("base64")]) {
      const verificationMaterial = { x509CertificateChain: { certificates: [{ rawBytes }] } };
      const altered = Buffer.from(JSON.stringify({ ...good, verificationMaterial }));
      assert.deepEqual(await verify(altered, [root]), ["models.signature-malformed"]);
    }
  });

  it("are rejected when an extension is there twice, since readers disagree on which counts", async () => {
    const twice = issue("signer", [keyUsage(Usage.keyEncipherment), ...SIGNER], root);
    const payload = writeStatement(await hashModel(home));
    const signature = signPayload(payload, readPrivateKey(twice.key.reveal()));
    const certificates = [new X509Certificate(twice.certificate).raw];
    const bundle = writeBundle({ method: "certificate", certificates }, payload, signature);
    assert.deepEqual(await verify(bundle, [root]), ["models.signature-malformed"]);
  });

  it("need trusted certificates that can be read", async () => {
    const bundle = await bundleOf(issue("signer", SIGNER, root));
    for (const trusted of ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]) {
      const trust = { method: "certificate", trusted } as const;
      await assert.rejects(verifyModel(home, bundle, trust), { code: "models.certificate-unusable" });
    }
  });

  it("need a key that can be read", async () => {
    const privateKey = new Secret("no key");
    await assert.rejects(signModel(home, { method: "key", privateKey }), { code: "models.key-unusable" });
  });
});

describe("DER", () => {
  it("is read with its bounds", () => {
    assert.deepEqual(readDer(Buffer.from([0x02, 0x01, 0x05, 0x04, 0x00])), [
      { tag: DerTag.integer, content: Buffer.from([5]) },
      { tag: DerTag.octetString, content: Buffer.alloc(0) },
    ]);
    const long = Buffer.concat([Buffer.from([0x04, 0x81, 0x80]), Buffer.alloc(128)]);
    assert.equal(readDer(long)[0]?.content.length, 128);
    for (const bad of ["02", "0202", "020205", "048005", "04810105", "0482000105", "1f0105", "0485000000000105"]) {
      assert.throws(() => readDer(Buffer.from(bad, "hex")), RangeError, bad);
    }
  });

  it("has object identifiers of any length", () => {
    const oid = (hex: string): string => readOid({ tag: DerTag.oid, content: Buffer.from(hex, "hex") });
    assert.equal(oid("2b06010505070303"), "1.3.6.1.5.5.7.3.3");
    assert.equal(oid("551d0f"), "2.5.29.15");
    assert.equal(oid("883703"), "2.999.3");
    for (const bad of ["", "80", "2b86", `2b${"ff".repeat(9)}7f`]) assert.throws(() => oid(bad), RangeError, bad);
  });
});
