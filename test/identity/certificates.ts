/**
 * Certificates for tests, made by openssl: an authority, a server's for 127.0.0.1, and any number of clients'. Each
 * authority lives in its own temporary folder, which goes with `close`.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pem {
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority {
  readonly cert: string;
  readonly server: Pem;
  /** A client's certificate with these alternative names, in openssl's form: `URI:spiffe://a.example/x,DNS:b.example`. */
  client(names: string | undefined, more?: { readonly days?: number }): Pem;
  close(): void;
}

/** Undefined where this machine has no openssl. */
export function testAuthority(): TestAuthority | undefined {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-authority-"));
  const openssl = (...args: readonly string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  };
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"] as const;
  const CA = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"] as const;
  let made = 0;

  const issue = (names: string | undefined, usage: string, days: number): Pem => {
    const name = `c${++made}`;
    writeFileSync(
      join(folder, `${name}.cnf`),
      `basicConstraints=critical,CA:FALSE\nextendedKeyUsage=${usage}\n${names === undefined ? "" : `subjectAltName=${names}\n`}`,
    );
    openssl("req", ...EC, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    openssl(
      "x509",
      "-req",
      ...CA,
      "-in",
      `${name}.csr`,
      "-days",
      String(days),
      "-extfile",
      `${name}.cnf`,
      "-out",
      `${name}.pem`,
    );
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
  };

  try {
    openssl("version");
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
  openssl("req", "-x509", ...EC, "-subj", "/CN=test authority", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem");
  return {
    cert: read("ca.pem"),
    server: issue("IP:127.0.0.1", "serverAuth", 2),
    client: (names, more) => issue(names, "clientAuth", more?.days ?? 2),
    close() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
