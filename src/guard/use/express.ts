/**
 * The guard as middleware for Express, and for servers in the manner of connect: judges `request.body`, as the parser
 * before it left it, and what handlers send where it is asked to.
 *
 * Mount it behind `express.json()` (or `text()`, `urlencoded()`). Answers are read as `response.send` and `json` send
 * them; what a handler writes piece by piece is not read.
 *
 * @module
 */

import type { Guard } from "../guard.ts";
import { guardBody, PROBLEM_TYPE, problemOf, unreadError, type ServerGuardOptions } from "./body.ts";
import { openExchange, type Exchange } from "./exchange.ts";

/** What the middleware needs of a request. */
interface ConnectRequest {
  body?: unknown;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What the middleware needs of a response. */
interface ConnectResponse {
  statusCode: number;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string): unknown;
  removeHeader(name: string): unknown;
  end(body: string): unknown;
  /** Express's; without it answers are not read. */
  send?(body?: unknown): unknown;
}

export type ConnectMiddleware = (
  request: ConnectRequest,
  response: ConnectResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Middleware for Express and connect. What the guard blocks is answered with problem details (RFC 9457), code
 * `guard.blocked`.
 *
 * @example
 * ```ts
 * import express from "express";
 * import { createGuard, guardExpress, secretsDetector } from "holdfast/guard";
 *
 * const guard = createGuard({
 *   detectors: [secretsDetector],
 *   settings: { secrets: { request: "block", response: "mask", onError: "block" } },
 * });
 * const app = express().use(express.json(), guardExpress(guard, { responses: true }));
 * app.post("/chat", (request, response) => void response.json({ said: request.body as unknown }));
 * ```
 */
export function guardExpress(guard: Guard, options: ServerGuardOptions = {}): ConnectMiddleware {
  return (request, response, next) => {
    const exchange = openExchange(guard, options);
    if (options.responses === true) guardSend(response, exchange, options, next);
    void pass(request, response, next, exchange, options);
  };
}

async function pass(
  request: ConnectRequest,
  response: ConnectResponse,
  next: (error?: unknown) => void,
  exchange: Exchange,
  options: ServerGuardOptions,
): Promise<void> {
  try {
    await guardRequest(request, exchange, options);
  } catch (error) {
    refuse(response, error, next);
    return;
  }
  next();
}

async function guardRequest(request: ConnectRequest, exchange: Exchange, options: ServerGuardOptions): Promise<void> {
  const { body, headers } = request;
  const { origin = "user", unread = "refuse" } = options;
  const isParsed = body !== undefined && body !== null && !(body instanceof Uint8Array);
  if (isParsed) {
    request.body = await exchange.request(body, { origin, foreign: true });
  } else if (unread === "refuse" && hasBody(headers)) {
    const type = headers["content-type"];
    throw unreadError(typeof type === "string" ? type : "");
  }
}

/** RFC 9112, section 6: a request has a body when one of these fields says so. */
function hasBody(headers: ConnectRequest["headers"]): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function guardSend(
  response: ConnectResponse,
  exchange: Exchange,
  options: ServerGuardOptions,
  next: (error?: unknown) => void,
): void {
  const send = response.send?.bind(response);
  if (send === undefined) return;
  response.send = (body) => {
    if (body instanceof Uint8Array) {
      if (options.unread === "pass") return send(body);
      refuse(response, unreadError(typeOf(response)), next);
      return response;
    }
    // Express turns what is no text into one, and sends that in turn.
    if (typeof body !== "string") return send(body);
    // Express's own default, which it sets as it sends.
    const type = typeOf(response) === "" ? "text/html" : typeOf(response);
    guardBody(body, type, exchange.response, { ...options, origin: "assistant" }).then(
      (changed) => void send(changed),
      (error: unknown) => refuse(response, error, next),
    );
    return response;
  };
}

function typeOf(response: ConnectResponse): string {
  const type = response.getHeader("content-type");
  return typeof type === "string" ? type : "";
}

/** Answers with the problem; what is no error of ours goes to the application's own handler. */
function refuse(response: ConnectResponse, error: unknown, next: (error?: unknown) => void): void {
  try {
    const details = problemOf(error);
    for (const name of ["content-length", "etag", "content-encoding"]) response.removeHeader(name);
    response.statusCode = details.status;
    response.setHeader("content-type", PROBLEM_TYPE);
    response.end(JSON.stringify(details));
  } catch (other) {
    next(other);
  }
}
