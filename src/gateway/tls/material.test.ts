import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError, Secret } from "../../core/index.ts";
import { testAuthority } from "../../../test/identity/certificates.ts";
import { leafOf, readTls, sameMaterial, secureOptions, type TlsMaterial } from "./material.ts";
import { tlsConfig } from "./config.ts";

const one = testAuthority();
const other = testAuthority();
const skip = one === undefined ? "skipped: openssl is not installed" : false;
const folder = mkdtempSync(join(tmpdir(), "holdfast-tls-"));
after(() => {
  one?.close();
  other?.close();
  rmSync(folder, { recursive: true, force: true });
});

const CONFIG = tlsConfig.parse({ cert: { env: "CERT" }, key: { env: "KEY" }, clientCa: { env: "CA" } });

function material(changes: { cert?: string; key?: string; clientCa?: string } = {}): TlsMaterial {
  const { cert = one?.server.cert ?? "", key = one?.server.key ?? "", clientCa = one?.cert } = changes;
  return { cert, key: new Secret(key), clientCa };
}

function refused(what: RegExp, changes: Parameters<typeof material>[0]): void {
  assert.throws(
    () => secureOptions(material(changes), CONFIG),
    (error) => {
      assert.ok(isHoldfastError(error, "gateway.tls-invalid"), String(error));
      assert.match(error.message, what);
      return true;
    },
  );
}

describe("what TLS needs", { skip }, () => {
  it("is taken as one: the pair of one authority, and the version asked for", () => {
    const options = secureOptions(material(), { ...CONFIG, minVersion: "TLSv1.3" });
    assert.equal(options.minVersion, "TLSv1.3");
    assert.equal(leafOf(material()).subject, leafOf(material({ cert: `${one?.server.cert}${one?.cert}` })).subject);
  });

  it("is refused where the key is another certificate's", () => {
    refused(/the key is not the certificate's/, { key: other?.server.key ?? "" });
  });

  it("is refused where a text ends within a block, wherever it was cut", () => {
    const cert = `${one?.server.cert}${one?.cert}`;
    const blocks = [one?.server.cert.length ?? 0, cert.trimEnd().length];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: cert.trimEnd().length - 1 }), (at) => {
        // Cut at the end of a block it is a shorter chain, which nobody can tell from a whole one.
        fc.pre(blocks.every((end) => Math.abs(end - at) > 1));
        refused(/^the certificate.*: cert: /, { cert: cert.slice(0, at) });
      }),
    );
    refused(/clientCa: not whole/, { clientCa: (one?.cert ?? "").slice(0, -20) });
    refused(/key: not whole/, { key: (one?.server.key ?? "").slice(0, 60) });
  });

  it("is refused where a block is not what it says", () => {
    refused(/cert: a block that is not a certificate/, { cert: one?.server.key ?? "" });
    refused(/the key cannot be used/, { key: one?.cert ?? "" });
    refused(/cert: not whole, or not PEM/, { cert: "" });
  });

  it("never says what it read", () => {
    const key = one?.server.key ?? "";
    try {
      secureOptions(material({ key: key.replace(/[A-Z]/g, "z") }), CONFIG);
      assert.fail("a key that is not one was taken");
    } catch (error) {
      assert.ok(isHoldfastError(error, "gateway.tls-invalid"));
      const line = key.split("\n")[1] as string;
      assert.equal(`${error.message}${error.stack}${String(error.cause)}`.includes(line.slice(0, 20)), false);
    }
  });
});

describe("where it is read from", () => {
  it("is a file or a variable, and what is missing is named", () => {
    const file = join(folder, "cert.pem");
    writeFileSync(file, "C");
    const config = tlsConfig.parse({ cert: { file }, key: { env: "KEY" } });
    const read = readTls(config, { KEY: "K" });
    assert.deepEqual([read.cert, read.key.reveal(), read.clientCa], ["C", "K", undefined]);
    assert.ok(sameMaterial(read, readTls(config, { KEY: "K" })));
    assert.ok(!sameMaterial(read, readTls(config, { KEY: "other" })));
    for (const [bad, named] of [
      [{ cert: { file: join(folder, "none.pem") }, key: { env: "KEY" } }, /cert: .*none\.pem \(ENOENT\)/],
      [{ cert: { file }, key: { env: "NONE" } }, /key: the variable NONE is not set/],
      [{ cert: { file }, key: { env: "KEY" }, clientCa: { file: folder } }, /clientCa: .* \(EISDIR\)/],
    ] as const) {
      assert.throws(
        () => readTls(tlsConfig.parse(bad), { KEY: "K" }),
        (error) => isHoldfastError(error, "gateway.tls-unreadable") && named.test(error.message),
      );
    }
    writeFileSync(file, "x".repeat(1_048_577));
    assert.throws(() => readTls(config, { KEY: "K" }), /more than 1048576 bytes/);
  });

  it("is never a text in the configuration itself", () => {
    for (const cert of [{}, { file: "a", env: "A" }]) {
      assert.equal(tlsConfig.safeParse({ cert, key: { env: "KEY" } }).success, false, "none, or two of them");
    }
    assert.equal(tlsConfig.safeParse({ cert: "-----BEGIN CERTIFICATE-----", key: { env: "KEY" } }).success, false);
    assert.equal(
      tlsConfig.safeParse({ cert: { env: "A" }, key: { env: "B" }, minVersion: "TLSv1.1" }).success,
      false,
      "an old version",
    );
  });
});
