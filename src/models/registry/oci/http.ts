/**
 * Requests to one OCI registry: authentication, redirects and limits. Sockets open here and nowhere else in `models`.
 *
 * A registry answers 401 and says how it wants to be shown who asks: by name and password, or by a token that another
 * server hands out for them (RFC 6750; distribution `docs/spec/auth/token.md`). The password goes only to the registry and
 * to the token server that it names, and never over plain HTTP to another host than the registry's own. Where a redirect
 * leads to another host, nothing of it goes along.
 *
 * A registry is where its operator says. Where it leads from there is judged before anything is connected to: never to an
 * address of a metadata service, or one that leads who knows where, and from the internet never inwards.
 *
 * @module
 */

import { lookup as systemLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

import { Agent, request, type Dispatcher } from "undici";

import {
  addressKind,
  hostOf,
  isHoldfastError,
  parseJson,
  refusedKind,
  type HoldfastError,
  type Reach,
  type Secret,
} from "../../../core/index.ts";
import { printable } from "../digest.ts";
import { registryError } from "../errors.ts";

export interface OciHttpOptions {
  /** With its port, where it has one. */
  readonly host: string;
  /** Without TLS. */
  readonly plain: boolean;
  readonly credentials?: { readonly username: string; readonly password: Secret } | undefined;
  /** How names become addresses. Default: as the machine does it. */
  readonly lookup?: LookupFunction;
}

interface OciRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PATCH" | "PUT";
  /** A path of the registry, or an absolute URL that it gave. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew when a request is sent again. */
  readonly body?: () => Dispatcher.DispatchOptions["body"];
  /** What a token is asked for: `repository:<name>:pull,push`. */
  readonly scope: string;
  /** Status codes that are answers rather than refusals. */
  readonly accept: readonly number[];
}

export interface OciAnswer {
  readonly status: number;
  /** The first value of a header. */
  header(name: string): string | undefined;
  /** The whole body. @throws `models.limit-exceeded` */
  bytes(limit: number): Promise<Uint8Array>;
  stream(): AsyncIterable<Uint8Array>;
  /** Reads the rest and throws it away, so that the connection can be used again. */
  discard(): Promise<void>;
  /** The URL that answered: a `location` is relative to it. */
  readonly url: string;
}

export interface OciHttp {
  /** @throws `models.oci-refused`, `models.oci-unreachable` */
  send(question: OciRequest): Promise<OciAnswer>;
  close(): Promise<void>;
}

const REDIRECTS = 5;
/** For a status line, and between two pieces of a body, in milliseconds. */
const WAIT_MS = 60_000;
/** Bytes of a token or of an error's explanation at most. */
const SMALL_BYTES = 65_536;

/** Makes the client of one registry. Nothing is connected yet. */
export function ociHttp({ host, plain, credentials, lookup }: OciHttpOptions): OciHttp {
  const origin = `${plain ? "http" : "https"}://${host}`;
  const judge = addressJudge(hostOf(new URL(origin)));
  const agent = new Agent({
    headersTimeout: WAIT_MS,
    bodyTimeout: WAIT_MS,
    connect: { timeout: 10_000, lookup: judgedLookup(judge, lookup) },
    maxHeaderSize: 32_768,
  });
  /** What to show, by scope. */
  const shown = new Map<string, string>();

  const once = async (url: URL, question: OciRequest, authorization: string | undefined): Promise<OciAnswer> => {
    if (url.protocol !== "https:" && !(plain && url.protocol === "http:")) {
      throw registryError("models.oci-refused", { detail: `it leads to ${printable(url.origin)}, without TLS` });
    }
    // Node asks no resolver for what is an address already.
    const literal = hostOf(url);
    const elsewhere = addressKind(literal) === undefined ? undefined : judge(literal, [literal]);
    if (elsewhere !== undefined) throw elsewhere;
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: agent,
        method: question.method,
        headers: { ...question.headers, ...(authorization === undefined ? {} : { authorization }) },
        body: question.body?.() ?? null,
      });
      return answerOf(url.href, statusCode, headers, body);
    } catch (cause) {
      if (isHoldfastError(cause)) throw cause;
      throw registryError("models.oci-unreachable", { detail: host, cause });
    }
  };

  const follow = async (question: OciRequest, authorization: string | undefined): Promise<OciAnswer> => {
    let url = new URL(question.url, origin);
    for (let hop = 0; hop <= REDIRECTS; hop++) {
      const answer = await once(url, question, url.origin === origin ? authorization : undefined);
      const location = answer.header("location");
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
      if (!isRedirect || !["GET", "HEAD"].includes(question.method)) return answer;
      await answer.discard();
      url = new URL(location, url);
    }
    throw registryError("models.oci-refused", { detail: `more than ${REDIRECTS} redirects` });
  };

  const token = async (challenge: string, scope: string): Promise<string> => {
    const { scheme, parameters } = readChallenge(challenge);
    if (scheme === "basic") {
      if (credentials === undefined) throw refused(401, "it wants a name and a password");
      return basic(credentials);
    }
    const realm = parameters.get("realm") ?? "";
    if (scheme !== "bearer" || !URL.canParse(realm)) throw refused(401, "it asks for what is not supported");
    const url = new URL(realm);
    if (url.protocol === "http:" && url.hostname !== new URL(origin).hostname) {
      throw refused(401, `its token server ${printable(url.origin)} has no TLS`);
    }
    const service = parameters.get("service");
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", scope);
    const question = { method: "GET", url: url.href, scope, accept: [200] } as const;
    const answer = await once(url, question, credentials === undefined ? undefined : basic(credentials));
    if (answer.status !== 200) {
      await answer.discard();
      throw refused(answer.status, "its token server refused");
    }
    const said = parseJson(await answer.bytes(SMALL_BYTES)) as { token?: unknown; access_token?: unknown } | null;
    const text = said?.token ?? said?.access_token;
    if (typeof text !== "string" || !/^[!-~]{1,16384}$/.test(text))
      throw refused(401, "its token server sent no token");
    return `Bearer ${text}`;
  };

  return {
    async send(question) {
      let answer = await follow(question, shown.get(question.scope));
      const challenge = answer.header("www-authenticate");
      if (answer.status === 401 && challenge !== undefined) {
        await answer.discard();
        shown.set(question.scope, await token(challenge, question.scope));
        answer = await follow(question, shown.get(question.scope));
      }
      if (question.accept.includes(answer.status)) return answer;
      throw refused(answer.status, await reasonOf(answer));
    },
    close: () => agent.destroy(),
  };
}

/** Says of a host with these addresses why it is not connected to; undefined where it is. */
type AddressJudge = (host: string, addresses: readonly string[]) => HoldfastError | undefined;

/** The judge of one registry, at `own`. Where that is, is known once it has been judged itself. */
export function addressJudge(own: string): AddressJudge {
  let reach: Reach = "either";
  return (host, addresses) => {
    if (addresses.some((address) => refusedKind(address, reach) !== undefined)) {
      return registryError("models.oci-refused", {
        detail: `it leads to ${printable(host)}, at an address where no registry is`,
      });
    }
    const isOutside = addresses.length > 0 && addresses.every((address) => addressKind(address) === "public");
    if (host === own && isOutside) reach = "public";
    return undefined;
  };
}

/** A resolver that gives only addresses that may be connected to. */
function judgedLookup(judge: AddressJudge, lookup: LookupFunction = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = error === null ? (found as unknown as readonly LookupAddress[]) : [];
      const refusal = judge(
        hostname,
        addresses.map(({ address }) => address),
      );
      const [first] = addresses;
      if (error !== null || first === undefined) callback(error ?? new Error("no address"), "", 0);
      else if (refusal !== undefined) callback(refusal, "", 0);
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}

function answerOf(
  url: string,
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: Dispatcher.ResponseData["body"],
): OciAnswer {
  return {
    url,
    status,
    header(name) {
      const value = headers[name];
      return typeof value === "string" ? value : value?.[0];
    },
    async bytes(limit) {
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of this.stream()) {
        size += chunk.length;
        if (size > limit)
          throw registryError("models.limit-exceeded", { detail: `an answer of more than ${limit} bytes` });
        parts.push(chunk);
      }
      return new Uint8Array(Buffer.concat(parts));
    },
    async *stream() {
      try {
        for await (const chunk of body) yield chunk as Uint8Array;
      } catch (cause) {
        throw registryError("models.oci-unreachable", { detail: new URL(url).host, cause });
      }
    },
    async discard() {
      await body.dump().catch(() => undefined);
    },
  };
}

/** `Bearer realm="…",service="…"` (RFC 9110 section 11.6.1): the first challenge counts. */
function readChallenge(header: string): { scheme: string; parameters: ReadonlyMap<string, string> } {
  const scheme = /^[a-z]{1,20}/i.exec(header)?.[0].toLowerCase() ?? "";
  const parameters = new Map<string, string>();
  for (const [, name = "", value = ""] of header.slice(0, 4_096).matchAll(/([a-z]{1,20})="([^"]{0,2048})"/gi)) {
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
  }
  return { scheme, parameters };
}

function basic({ username, password }: NonNullable<OciHttpOptions["credentials"]>): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString("base64")}`;
}

/** The codes of the registry's own errors (distribution specification, «Error codes»). */
async function reasonOf(answer: OciAnswer): Promise<string> {
  try {
    const value = parseJson(await answer.bytes(SMALL_BYTES)) as { errors?: readonly { code?: unknown }[] } | null;
    const codes = Array.isArray(value?.errors) ? value.errors.map((one: { code?: unknown }) => one.code) : [];
    return printable(codes.filter((code) => typeof code === "string").join(", "));
  } catch {
    // It said nothing that could be read.
    return "";
  }
}

function refused(status: number, why: string): Error {
  return registryError("models.oci-refused", { detail: why === "" ? `status ${status}` : `status ${status}, ${why}` });
}
