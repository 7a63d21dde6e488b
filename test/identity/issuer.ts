/**
 * An OpenID Connect issuer for tests: a server on loopback with a discovery document and a set of keys, which signs
 * whatever it is asked to sign, right or wrong. It counts what it is asked, rotates its keys and fails on demand. At
 * `/authorize` and `/token` it speaks the authorization code flow with PKCE, for whoever `signIn` says is at the browser.
 */

import { createHash } from "node:crypto";

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
  /** Who signs in, and how the flow goes. */
  readonly signIn: SignIn;
  close(): Promise<void>;
}

export interface SignIn {
  /** Members of the id token, beyond the usual or instead of them. */
  claims: Record<string, unknown>;
  header: Record<string, unknown>;
  /** What the answer says in `iss`; undefined: nothing. */
  iss: string | undefined;
  /** An error instead of a code. */
  error: string | undefined;
  /** Set where the client has to show a secret. */
  secret: string | undefined;
  /** Codes that were redeemed. */
  redeemed: number;
  /** In place of the id token that it would sign. */
  idToken: string | undefined;
}

/** What a code stands for. */
interface Grant {
  readonly client: string;
  readonly redirect: string;
  readonly challenge: string | null;
  readonly nonce: string | null;
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
    const target = new URL(request.url ?? "", url);
    if (target.pathname === "/authorize") {
      authorize(target.searchParams, response);
      return;
    }
    if (target.pathname === "/token") {
      void redeem(request, response);
      return;
    }
    const document =
      request.url === "/.well-known/openid-configuration"
        ? {
            issuer: url,
            jwks_uri: `${url}/keys`,
            authorization_endpoint: `${url}/authorize`,
            token_endpoint: `${url}/token`,
            authorization_response_iss_parameter_supported: true,
            code_challenge_methods_supported: ["S256"],
            ...issuer.discovery,
          }
        : request.url === "/keys"
          ? { keys: jwks }
          : undefined;
    response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const grants = new Map<string, Grant>();
  function authorize(asked: URLSearchParams, response: ServerResponse): void {
    const { signIn } = issuer;
    const location = new URL(asked.get("redirect_uri") ?? "");
    if (signIn.error === undefined) {
      const code = `code-${grants.size + 1}`;
      grants.set(code, {
        client: asked.get("client_id") ?? "",
        redirect: location.href,
        challenge: asked.get("code_challenge_method") === "S256" ? asked.get("code_challenge") : null,
        nonce: asked.get("nonce"),
      });
      location.searchParams.set("code", code);
    } else {
      location.searchParams.set("error", signIn.error);
    }
    location.searchParams.set("state", asked.get("state") ?? "");
    if (signIn.iss !== undefined) location.searchParams.set("iss", signIn.iss);
    response.writeHead(302, { location: location.href }).end();
  }
  /** RFC 6749 section 4.1.3, RFC 7636 section 4.6: a code works once, for its client, with its verifier. */
  async function redeem(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
    const form = new URLSearchParams(text);
    const { signIn } = issuer;
    const basic = Buffer.from((request.headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString();
    const shown = (text = ""): string => decodeURIComponent(text.replaceAll("+", " "));
    const [id, secret] =
      basic === "" ? [form.get("client_id"), form.get("client_secret")] : basic.split(":").map((part) => shown(part));
    const grant = grants.get(form.get("code") ?? "");
    grants.delete(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const good =
      grant !== undefined &&
      form.get("grant_type") === "authorization_code" &&
      grant.client === id &&
      grant.redirect === form.get("redirect_uri") &&
      grant.challenge === challenge &&
      (signIn.secret === undefined || signIn.secret === secret);
    response.writeHead(good ? 200 : 400, { "content-type": "application/json" });
    if (!good) {
      response.end(JSON.stringify({ error: "invalid_grant", error_description: "secret words of the issuer" }));
      return;
    }
    signIn.redeemed++;
    const claims = { aud: grant.client, nonce: grant.nonce, ...signIn.claims };
    const idToken = signIn.idToken ?? (await issuer.token(claims, { typ: "JWT", ...signIn.header }));
    response.end(JSON.stringify({ access_token: "opaque", token_type: "Bearer", id_token: idToken }));
  }

  const issuer: TestIssuer = {
    url,
    signIn: {
      claims: {},
      header: {},
      iss: url,
      error: undefined,
      secret: undefined,
      redeemed: 0,
      idToken: undefined,
    },
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
