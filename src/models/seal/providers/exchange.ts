/**
 * One exchange with a key service, the one file of `models/seal` that opens a socket.
 *
 * Keys travel in it: so only https, or http to the machine itself; no redirect is followed, which could lead elsewhere;
 * it has an end in time, and the answer a limit. What is busy is asked again, twice.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { isServiceUrl, parseJson } from "../../../core/index.ts";
import { sealError } from "../errors.ts";

export interface ServiceRequest {
  /** Who is asked, for errors: `vault`. */
  readonly service: string;
  readonly url: URL;
  /** Made anew for each try: a signature holds the time. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly body: string;
  /** Milliseconds of one try. */
  readonly timeoutMs: number;
}

export interface ServiceAnswer {
  readonly status: number;
  /** The answer as JSON, undefined where it is none. */
  readonly body: unknown;
}

const MAX_ANSWER_BYTES = 64 * 1024;
const LIMITS = { maxBytes: MAX_ANSWER_BYTES, maxDepth: 8 };
/** Busy, or not there for the moment. */
const TRY_AGAIN: readonly number[] = [429, 500, 502, 503, 504];
const WAITS_MS = [200, 800];

/** An address of a key service. @throws `seal.setting-invalid` with the name of the setting */
export function serviceUrl(setting: string, text: string): URL {
  const url = URL.parse(text);
  if (url === null || !isServiceUrl(text)) throw sealError("seal.setting-invalid", { detail: setting });
  return url;
}

/** @throws `seal.service-unreachable`, `seal.service-answer` */
export async function ask(request: ServiceRequest): Promise<ServiceAnswer> {
  for (const wait of WAITS_MS) {
    const answer = await askOnce(request);
    if (!TRY_AGAIN.includes(answer.status)) return answer;
    await setTimeout(wait);
  }
  return await askOnce(request);
}

async function askOnce({ service, url, headers, body, timeoutMs }: ServiceRequest): Promise<ServiceAnswer> {
  const signal = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let bytes: Uint8Array;
  try {
    response = await fetch(url, { method: "POST", headers: headers(), body, redirect: "manual", signal });
    bytes = await readBounded(service, response);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "seal.service-answer") throw cause;
    // What fetch says may hold the address, and that a token.
    const detail = signal.aborted ? `${service}: no answer within ${timeoutMs} ms` : service;
    throw sealError("seal.service-unreachable", { detail });
  }
  try {
    return { status: response.status, body: parseJson(bytes, LIMITS) };
  } catch {
    return { status: response.status, body: undefined };
  }
}

async function readBounded(service: string, response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) {
      throw sealError("seal.service-answer", { detail: `${service}: more than ${MAX_ANSWER_BYTES} bytes` });
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
