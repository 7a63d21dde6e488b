/**
 * The small client that asks issuers: one request, one JSON answer, nothing else. No redirects, no cookies, no
 * compression, a deadline for the whole exchange and a limit on its size. What it may ask is decided by the caller, from
 * the configuration; nothing in a request or a token reaches it. Issuers are on the internet or within own networks; at
 * any other address, as that of a cloud's metadata, none is asked.
 *
 * @module
 */

import type { LookupFunction } from "node:net";

import { Client } from "undici";

import { isHoldfastError, parseJson } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import { connector } from "../upstream/connect.ts";

export type FetchJson = (url: string) => Promise<unknown>;

/** For the whole exchange, from the look-up of the name to the last byte, in milliseconds. */
const DEADLINE_MS = 5_000;
/** Of a document. A set of 100 RSA keys with their certificates is smaller. */
const LIMIT_BYTES = 262_144;
/** Of what a token endpoint answers. */
const TOKEN_BYTES = 65_536;
const HEADER_BYTES = 16_384;
const DEPTH = 16;

/**
 * Reads a JSON document. `lookup`: how names become addresses; default: as the machine does it.
 *
 * @throws `gateway.issuer-unavailable`, with what was wrong in its detail and never a byte of the answer
 */
export async function fetchJson(
  url: string,
  deadlineMs: number = DEADLINE_MS,
  lookup?: LookupFunction,
): Promise<unknown> {
  const headers = { accept: "application/json, application/jwk-set+json" };
  const { origin, pathname: path } = new URL(url);
  const { value } = await exchange(
    { origin, path, method: "GET", headers, body: null, limit: LIMIT_BYTES, deadlineMs, lookup },
    (status) => {
      return status === 200;
    },
  );
  return value;
}

/** A form for an issuer's token endpoint. */
export interface Form {
  readonly fields: URLSearchParams;
  /** The header by which the client shows its secret, where it does so in one. */
  readonly authorization?: string | undefined;
  readonly deadlineMs: number;
  readonly lookup?: LookupFunction | undefined;
}

/**
 * Sends a form, and reads the JSON that comes back, with whatever status.
 *
 * @throws `gateway.issuer-unavailable`, with what was wrong in its detail and never a byte of the answer
 */
export async function postForm(
  url: string,
  { authorization, deadlineMs, fields, lookup }: Form,
): Promise<{ readonly status: number; readonly value: unknown }> {
  const headers = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
    ...(authorization === undefined ? {} : { authorization }),
  };
  const { origin, pathname, search } = new URL(url);
  const path = `${pathname}${search}`;
  return await exchange(
    { origin, path, method: "POST", headers, body: fields.toString(), limit: TOKEN_BYTES, deadlineMs, lookup },
    () => true,
  );
}

interface Question {
  readonly origin: string;
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Most bytes of the answer. */
  readonly limit: number;
  readonly deadlineMs: number;
  readonly lookup: LookupFunction | undefined;
}

async function exchange(
  { body: sent, deadlineMs, headers: own, limit, lookup, method, origin, path }: Question,
  isAnswer: (status: number) => boolean,
): Promise<{ readonly status: number; readonly value: unknown }> {
  // A connection of its own that ends with the exchange: documents are read every few minutes, and idle connections to
  // an issuer would only go stale.
  const connect = connector({ name: origin, network: "either", timeoutMs: deadlineMs, lookup });
  const client = new Client(origin, { maxHeaderSize: HEADER_BYTES, connect });
  const signal = AbortSignal.timeout(deadlineMs);
  try {
    const { statusCode, headers, body } = await client.request({
      method,
      path,
      headers: { ...own, "accept-encoding": "identity" },
      body: sent,
      signal,
    });
    const type = typeof headers["content-type"] === "string" ? headers["content-type"] : "";
    if (!isAnswer(statusCode)) throw unavailable(origin, `status ${statusCode}`);
    if (!/^application\/(?:jwk-set\+)?json *(?:;|$)/i.test(type)) throw unavailable(origin, "not application/json");
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw unavailable(origin, `more than ${limit} bytes`);
      chunks.push(chunk);
    }
    const value = parseJson(Buffer.concat(chunks), { maxBytes: limit, maxDepth: DEPTH });
    return { status: statusCode, value };
  } catch (cause) {
    if (isHoldfastError(cause)) {
      if (cause.code === "gateway.issuer-unavailable") throw cause;
      const isAddress = cause.code === "gateway.upstream-address";
      throw unavailable(origin, isAddress ? "at an address that is no issuer's" : "not JSON that can be read", cause);
    }
    throw unavailable(origin, signal.aborted ? `no answer within ${deadlineMs} ms` : "not reachable", cause);
  } finally {
    // What is still on its way is not wanted any more.
    await client.destroy();
  }
}

function unavailable(origin: string, why: string, cause?: unknown): Error {
  return gatewayError("gateway.issuer-unavailable", { detail: `${origin}: ${why}`, cause });
}
