/**
 * The small client that reads an issuer's documents: one GET, one JSON answer, nothing else. No redirects, no cookies, no
 * compression, a deadline for the whole exchange and a limit on its size. What it may read is decided by the caller, from
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
  const { origin, pathname } = new URL(url);
  // A connection of its own that ends with the exchange: documents are read every few minutes, and idle connections to
  // an issuer would only go stale.
  const connect = connector({ name: origin, network: "either", timeoutMs: deadlineMs, lookup });
  const client = new Client(origin, { maxHeaderSize: HEADER_BYTES, connect });
  const signal = AbortSignal.timeout(deadlineMs);
  try {
    const { statusCode, headers, body } = await client.request({
      method: "GET",
      path: pathname,
      headers: { accept: "application/json, application/jwk-set+json", "accept-encoding": "identity" },
      signal,
    });
    const type = typeof headers["content-type"] === "string" ? headers["content-type"] : "";
    if (statusCode !== 200) throw unavailable(origin, `status ${statusCode}`);
    if (!/^application\/(?:jwk-set\+)?json *(?:;|$)/i.test(type)) throw unavailable(origin, "not application/json");
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > LIMIT_BYTES) throw unavailable(origin, `more than ${LIMIT_BYTES} bytes`);
      chunks.push(chunk);
    }
    return parseJson(Buffer.concat(chunks), { maxBytes: LIMIT_BYTES, maxDepth: DEPTH });
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
