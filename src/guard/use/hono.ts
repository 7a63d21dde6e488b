/**
 * The guard as middleware for Hono, and for whatever else has its context: judges the bodies of requests before a
 * handler sees them, and of answers where it is asked to.
 *
 * Mount it before anything that reads the body: what was read before was not judged. A streamed answer (events) is not
 * read; guard the model's stream where it comes in instead (`guardOpenAI`, `guardMiddleware`, `guard.stream`).
 *
 * @module
 */

import { DEFAULT_JSON_LIMITS } from "../../core/index.ts";
import type { Guard } from "../guard.ts";
import { guardBody, isReadable, PROBLEM_TYPE, problemOf, unreadError, type ServerGuardOptions } from "./body.ts";
import { useError } from "./errors.ts";
import { openExchange } from "./exchange.ts";

/** What the middleware needs of Hono's context. */
interface HonoContext {
  readonly req: {
    raw: Request;
    /** What was read of the body so far. */
    bodyCache: object;
  };
  get res(): Response;
  set res(response: Response | undefined);
}

export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;

/**
 * Middleware for Hono. What the guard blocks is answered with problem details (RFC 9457), code `guard.blocked`.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { createGuard, guardHono, secretsDetector } from "holdfast/guard";
 *
 * const guard = createGuard({
 *   detectors: [secretsDetector],
 *   settings: { secrets: { request: "block", response: "mask", onError: "block" } },
 * });
 * const app = new Hono().use("/chat", guardHono(guard, { responses: true }));
 * app.post("/chat", async (context) => context.json({ answer: (await context.req.json()) as unknown }));
 * ```
 */
export function guardHono(guard: Guard, options: ServerGuardOptions = {}): HonoMiddleware {
  const { origin = "user", responses = false, unread = "refuse" } = options;
  return async (context, next) => {
    const exchange = openExchange(guard, options);
    try {
      const { raw } = context.req;
      if (raw.body !== null) {
        const type = raw.headers.get("content-type") ?? "";
        if (isReadable(type)) {
          const text = await readAll(raw, options);
          const changed = await guardBody(text, type, exchange.request, { ...options, origin });
          context.req.raw = withBody(raw, changed);
          context.req.bodyCache = {};
        } else if (unread === "refuse") {
          throw unreadError(type);
        }
      }
    } catch (error) {
      return problem(error);
    }
    await next();
    if (!responses || context.res.body === null) return undefined;
    try {
      const { res } = context;
      const type = res.headers.get("content-type") ?? "";
      if (isReadable(type)) {
        const text = await res.clone().text();
        const changed = await guardBody(text, type, exchange.response, { ...options, origin: "assistant" });
        if (changed !== text) replace(context, res, changed);
      } else if (unread === "refuse") {
        throw unreadError(type);
      }
    } catch (error) {
      const answer = problem(error);
      // Hono keeps the headers of the response that stands there: those of what was blocked must not stay.
      context.res = undefined;
      context.res = answer;
    }
    return undefined;
  };
}

/** The whole body as text. @throws `guard.body-unread` over the limit */
async function readAll(
  request: Request,
  { maxBytes = DEFAULT_JSON_LIMITS.maxBytes }: ServerGuardOptions,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw useError("guard.body-unread", { detail: `more than ${maxBytes} bytes`, status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function withBody(request: Request, body: string): Request {
  const { url, method, signal } = request;
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  return new Request(url, { method, headers, body, signal });
}

function replace(context: HonoContext, { status, statusText, headers }: Response, body: string): void {
  const kept = new Headers(headers);
  kept.delete("content-length");
  context.res = undefined;
  context.res = new Response(body, { status, statusText, headers: kept });
}

function problem(error: unknown): Response {
  const details = problemOf(error);
  return new Response(JSON.stringify(details), { status: details.status, headers: { "content-type": PROBLEM_TYPE } });
}
