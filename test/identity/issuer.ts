/**
 * An OpenID Connect issuer for tests: a server on loopback with a discovery document and a set of keys, which signs
 * whatever it is asked to sign, right or wrong. It counts what it is asked, rotates its keys and fails on demand.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { CompactSign, exportJWK, generateKeyPair, type CryptoKey, type JWK } from "jose";

export interface TestIssuer {
  /** What its tokens name in `iss`, and what the configuration names. */
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[];
  /** Makes a key, puts it into the set and signs with it from now on. Returns its id. */
  rotate(alg?: string): Promise<string>;
  /** Takes a key out of the set. */
  withdraw(kid: string): void;
  /** Answers instead of the documents; undefined: the documents again. */
  behave(answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void;
  /** The members of the discovery document beyond the usual, or instead of them. */
  discovery: Record<string, unknown>;
  /** Members of the JWK Set's keys, as they are served. */
  readonly jwks: JWK[];
  /** A token: good claims and a good header, but for what is given. `undefined` takes a member out. */
  token(claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

export const AUDIENCE = "holdfast-test";

/** Starts one with a key of `alg`. */
export async function startIssuer(alg = "ES256"): Promise<TestIssuer> {
  const asked: string[] = [];
  const jwks: JWK[] = [];
  let signing: { readonly key: CryptoKey; readonly kid: string; readonly alg: string } | undefined;
  let behaviour: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  let made = 0;

  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (behaviour !== undefined) {
      behaviour(request, response);
      return;
    }
    const document =
      request.url === "/.well-known/openid-configuration"
        ? { issuer: url, jwks_uri: `${url}/keys`, ...issuer.discovery }
        : request.url === "/keys"
          ? { keys: jwks }
          : undefined;
    response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const issuer: TestIssuer = {
    url,
    asked,
    jwks,
    discovery: {},
    async rotate(next = alg) {
      const { publicKey, privateKey } = await generateKeyPair(next, { extractable: true });
      const kid = `key-${++made}`;
      jwks.push({ ...(await exportJWK(publicKey)), kid, alg: next, use: "sig" });
      signing = { key: privateKey, kid, alg: next };
      return kid;
    },
    withdraw(kid) {
      jwks.splice(
        jwks.findIndex((key) => key.kid === kid),
        1,
      );
    },
    behave(answer) {
      behaviour = answer;
    },
    async token(claims = {}, header = {}) {
      const { key, kid, alg: by } = signing as NonNullable<typeof signing>;
      const now = Math.floor(Date.now() / 1_000);
      const all = { iss: url, aud: AUDIENCE, sub: "alice", iat: now, exp: now + 300, ...claims };
      return await signed(all, { alg: by, kid, typ: "at+jwt", ...header }, key);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await issuer.rotate();
  return issuer;
}

/** Signs any claims under any header: what jose would refuse to sign is signed by hand. */
export async function signed(
  claims: Readonly<Record<string, unknown>> | string,
  header: Readonly<Record<string, unknown>>,
  key: CryptoKey,
): Promise<string> {
  const payload = new TextEncoder().encode(typeof claims === "string" ? claims : JSON.stringify(claims));
  return await new CompactSign(payload).setProtectedHeader(header as { alg: string }).sign(key);
}
