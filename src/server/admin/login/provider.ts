/**
 * The issuer at which people sign in: the client's side of OpenID Connect's authorization code flow with PKCE.
 *
 * Where the endpoints are, the issuer's discovery document says; it is read over TLS from the configured issuer and must
 * name that issuer. PKCE is always S256, never left out, and an issuer that lists methods without it is refused rather
 * than asked for less.
 *
 * Sources: OpenID Connect Core 1.0 section 3.1, Discovery 1.0; RFC 6749 section 4.1, RFC 7636 (PKCE), RFC 9207 (iss in
 * the answer), RFC 9700 (best current practice).
 *
 * @module
 */

import { createHash } from "node:crypto";

import { isHoldfastError, isServerUrl, type Clock, type Secret } from "../../../core/index.ts";
import {
  fetchJson as fetchOverNetwork,
  idTokenVerifier,
  postForm,
  type Claims,
  type FetchJson,
} from "../../../gateway/index.ts";
import type { LoginConfig } from "../../config/login.ts";
import { serverError } from "../../errors.ts";

interface Provider {
  /** Where the browser is sent. @throws `server.login-unavailable` */
  authorizationUrl(login: {
    readonly state: string;
    readonly nonce: string;
    readonly verifier: string;
  }): Promise<string>;
  /**
   * Whether the answer names this issuer: with more than one in a browser, a code of one could be carried to another.
   *
   * @throws `server.login-refused`, `server.login-unavailable`
   */
  checkIssuer(iss: string | undefined): Promise<void>;
  /** From the code to the claims of who signed in. @throws `server.login-refused`, `server.login-unavailable` */
  redeem(code: string, login: { readonly nonce: string; readonly verifier: string }): Promise<Claims>;
}

interface ProviderOptions {
  readonly config: LoginConfig;
  readonly clientSecret: Secret | undefined;
  readonly clock: Clock;
  readonly fetchJson?: FetchJson;
}

interface Endpoints {
  readonly authorization: string;
  readonly token: string;
  /** How the client shows its secret: RFC 6749 section 2.3.1. */
  readonly secretIn: "header" | "body";
  readonly namesIssuer: boolean;
  readonly verify: (token: string, nonce: string) => Promise<Claims>;
}

/** How long the discovery document counts, in milliseconds. */
const FRESH_MS = 600_000;
/** Between two looks at an issuer that cannot be used, in milliseconds: anyone may ask for `/login`. */
export const RETRY_MS = 5_000;
/** For the exchange of a code, in milliseconds. */
const TOKEN_MS = 10_000;

/** Where the issuer sends the browser back to. */
function redirectUri({ url }: LoginConfig): string {
  return new URL("/callback", url).href;
}

export function openProvider(options: ProviderOptions): Provider {
  const { config, clientSecret, clock, fetchJson = fetchOverNetwork } = options;
  let known: { readonly found: Promise<Endpoints>; until: number } | undefined;

  /** Many may wait for one look, and hear of one that failed for a while. */
  const endpoints = (): Promise<Endpoints> => {
    if (known !== undefined && known.until > clock.monotonic()) return known.found;
    const look = { found: discover(config, fetchJson, clock), until: clock.monotonic() + FRESH_MS };
    look.found.catch(() => (look.until = clock.monotonic() + RETRY_MS));
    known = look;
    return look.found;
  };

  return {
    async authorizationUrl({ state, nonce, verifier }) {
      const url = new URL((await endpoints()).authorization);
      const parameters = {
        response_type: "code",
        client_id: config.clientId,
        redirect_uri: redirectUri(config),
        scope: ["openid", ...config.scopes.filter((scope) => scope !== "openid")].join(" "),
        state,
        nonce,
        code_challenge: createHash("sha256").update(verifier).digest("base64url"),
        code_challenge_method: "S256",
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url.href;
    },
    async checkIssuer(iss) {
      const { namesIssuer } = await endpoints();
      if (iss === undefined ? namesIssuer : iss !== config.issuer) {
        throw serverError("server.login-refused", { detail: "the answer comes from another issuer (iss)" });
      }
    },
    async redeem(code, { nonce, verifier }) {
      const { token, secretIn, verify } = await endpoints();
      const idToken = await exchange(token, form(config, code, verifier, clientSecret, secretIn));
      try {
        return await verify(idToken, nonce);
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
        if (error.code === "gateway.issuer-unavailable") throw unavailable(error.detail ?? "its keys", error);
        const detail = `the id token: ${error.detail ?? error.message}`;
        throw serverError("server.login-refused", { detail, cause: error });
      }
    },
  };
}

async function discover(config: LoginConfig, fetchJson: FetchJson, clock: Clock): Promise<Endpoints> {
  let document: Readonly<Record<string, unknown>>;
  try {
    const found = await fetchJson(`${config.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
    document = typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
  } catch (error) {
    throw unavailable(isHoldfastError(error) ? (error.detail ?? error.message) : "discovery", error);
  }
  if (document["issuer"] !== config.issuer) throw unavailable("its discovery document names another issuer");
  const methods = document["code_challenge_methods_supported"];
  if (methods !== undefined && !(Array.isArray(methods) && methods.includes("S256"))) {
    throw unavailable("it does not support PKCE with S256");
  }
  const ways = document["token_endpoint_auth_methods_supported"];
  const inBody = Array.isArray(ways) && !ways.includes("client_secret_basic") && ways.includes("client_secret_post");
  const { issuer, clientId, algorithms } = config;
  const jwks = endpoint(document, "jwks_uri", issuer);
  return {
    authorization: endpoint(document, "authorization_endpoint", issuer),
    token: endpoint(document, "token_endpoint", issuer),
    secretIn: inBody ? "body" : "header",
    namesIssuer: document["authorization_response_iss_parameter_supported"] === true,
    verify: idTokenVerifier({ issuer, jwks, clientId, algorithms, fetchJson, clock }),
  };
}

/**
 * An endpoint over TLS; without it only on this machine, where the issuer is here as well. One that it names where no
 * server is, it does not have.
 */
function endpoint(document: Readonly<Record<string, unknown>>, name: string, issuer: string): string {
  const value = document[name];
  if (typeof value === "string" && isServerUrl(value)) {
    const { protocol, hostname, username, password, hash } = new URL(value);
    const isLocal = protocol === "http:" && /^(?:127\.0\.0\.1|\[::1\]|localhost)$/.test(hostname);
    const isSafe = protocol === "https:" || (isLocal && new URL(issuer).protocol === "http:");
    if (isSafe && username + password + hash === "") return value;
  }
  throw unavailable(`its discovery document names no usable ${name}`);
}

function form(
  config: LoginConfig,
  code: string,
  verifier: string,
  secret: Secret | undefined,
  secretIn: Endpoints["secretIn"],
): { readonly body: URLSearchParams; readonly authorization: string | undefined } {
  const { clientId } = config;
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri(config),
    code_verifier: verifier,
  });
  if (secret === undefined || secretIn === "body") {
    body.set("client_id", clientId);
    if (secret !== undefined) body.set("client_secret", secret.reveal());
    return { body, authorization: undefined };
  }
  const pair = `${encoded(clientId)}:${encoded(secret.reveal())}`;
  return { body, authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** As a form encodes it: RFC 6749 section 2.3.1. */
function encoded(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}

/** Redeems the code. Of what went wrong only the error's code is told. */
async function exchange(
  url: string,
  { body, authorization }: { readonly body: URLSearchParams; readonly authorization: string | undefined },
): Promise<string> {
  let answered: Awaited<ReturnType<typeof postForm>>;
  try {
    answered = await postForm(url, { fields: body, authorization, deadlineMs: TOKEN_MS });
  } catch (cause) {
    throw unavailable("its token endpoint gave no answer that can be read", cause);
  }
  const { status, value } = answered;
  const answer = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  if (status >= 500) throw unavailable(`its token endpoint answered ${status}`);
  if (status !== 200) {
    throw serverError("server.login-refused", {
      detail: `the issuer does not take the code${errorCode(answer["error"])}`,
    });
  }
  const { id_token: token } = answer;
  if (typeof token !== "string") throw unavailable("its token endpoint gave no id_token");
  return token;
}

/** An error's code of RFC 6749 as it may be shown: nothing else of what an issuer says. */
export function errorCode(error: unknown): string {
  return typeof error === "string" && /^[a-z_]{1,64}$/.test(error) ? ` (${error})` : "";
}

function unavailable(detail: string, cause?: unknown): Error {
  return serverError("server.login-unavailable", cause === undefined ? { detail } : { detail, cause });
}
