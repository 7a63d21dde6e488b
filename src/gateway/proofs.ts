/**
 * The gateway's proofs: each asks the running gateway from outside, over its own socket, as a client would. They say
 * nothing beyond what they saw; a gateway that does not answer gives `unknown`, never `holds`.
 *
 * @module
 */

import { Agent, request } from "undici";

import { parseJson, type Observation } from "../core/index.ts";
import { createOwnKey, revokeKey } from "./identity/store.ts";
import type { GatewayServices } from "./module.ts";
import { routes } from "./route/table.ts";
import { newKey } from "./identity/key.ts";

/** The app that the proofs' own short-lived keys belong to. */
const PROBE_APP = "holdfast-probe";
const PROBE_KEY_MS = 60_000;
const PROBE_WAIT_MS = 10_000;
/** Stands where a path names a model. */
const PROBE_MODEL = "holdfast-probe";
/** Requests a minute of the key with which the limit is tried. */
const PROBE_RATE = 2;

/** R1: walks the route table without a key, and with a well-formed key that was never issued. */
export async function observeAuthentication(services: GatewayServices): Promise<Observation> {
  const table = routes();
  const stranger = newKey().key.reveal();
  const open: string[] = [];
  for (const { operation } of table) {
    for (const headers of [{}, { authorization: `Bearer ${stranger}` }, { "x-api-key": stranger }]) {
      const [query = ""] = operation.queries;
      const path = `${operation.path.replace("{model}", PROBE_MODEL)}${query === "" ? "" : `?${query}`}`;
      const status = (await probe(services, operation.method, path, headers, "{}"))?.status;
      // A gateway that cannot serve at the moment says nothing of whom it would have let in.
      if (status === undefined || status === 503) return unanswered();
      if (status !== 401) open.push(`${operation.method} ${operation.path} answered ${status}`);
    }
  }
  const forbidden = await withProbeKey(services, { models: ["holdfast-probe-only"] }, async (key) => {
    const body = JSON.stringify({ model: "another", messages: [] });
    return await probe(services, "POST", "/v1/chat/completions", { authorization: `Bearer ${key}` }, body);
  });
  if (forbidden === undefined) return unanswered();
  if (forbidden.status !== 403) open.push(`a key that may not use the model was answered ${forbidden.status}`);
  return {
    outcome: open.length === 0 ? "holds" : "fails",
    observed:
      open.length === 0
        ? `${table.length} routes, 3 attempts on each without a valid key, all answered 401; a key on a model that it may not use, answered 403`
        : open.slice(0, 5).join("; "),
    expected: "401 on every route for every attempt, and 403 for a model outside the key's scope",
    scope:
      "the routes of the gateway's own table, and one key's models on the chat route; not other listeners of the machine, and not the admin API",
  };
}

/** R2: a key of its own with a low limit, used until the gateway says stop. */
export async function observeRateLimit(services: GatewayServices): Promise<Observation> {
  return await withProbeKey(services, { requestsPerMinute: PROBE_RATE }, async (key) => {
    const statuses: number[] = [];
    for (let sent = 0; sent < PROBE_RATE + 1; sent++) {
      const answer = await probe(services, "GET", "/v1/models", { authorization: `Bearer ${key}` });
      if (answer === undefined) return unanswered();
      statuses.push(answer.status);
    }
    const stopped = statuses.slice(PROBE_RATE).every((status) => status === 429);
    const early = statuses.slice(0, PROBE_RATE).includes(429);
    return {
      outcome: stopped && !early ? "holds" : "fails",
      observed: `a key with ${PROBE_RATE} requests a minute got ${statuses.join(", ")}`,
      expected: `429 from request ${PROBE_RATE + 1} on, and not before`,
      scope: "the request rate of one key on this instance; not token or cost budgets",
    };
  });
}

/** R7: one request just over each limit. */
export async function observeInputLimits(services: GatewayServices): Promise<Observation> {
  const { limits } = services.config.gateway;
  const chat = (messages: unknown): string => JSON.stringify({ model: "probe", messages });
  const all: readonly (readonly [string, string, string])[] = [
    ["bodyBytes", " ".repeat(limits.bodyBytes + 1), "gateway.body-too-large"],
    ["jsonDepth", "[".repeat(limits.jsonDepth + 1) + "]".repeat(limits.jsonDepth + 1), "core.json-too-deep"],
    [
      "messages",
      chat(Array.from({ length: limits.messages + 1 }, () => ({ role: "user", content: "" }))),
      "gateway.too-many-messages",
    ],
  ];
  // A limit that another one always comes before cannot be seen at work.
  const tries = all.filter(([limit, body]) => limit === "bodyBytes" || body.length <= limits.bodyBytes);
  return await withProbeKey(services, {}, async (key) => {
    const wrong: string[] = [];
    for (const [limit, body, code] of tries) {
      const answer = await probe(services, "POST", "/v1/chat/completions", { authorization: `Bearer ${key}` }, body);
      if (answer === undefined) return unanswered();
      if (answer.code !== code) wrong.push(`${limit}: ${answer.status} ${answer.code}`);
    }
    return {
      outcome: wrong.length === 0 ? "holds" : "fails",
      observed:
        wrong.length === 0
          ? `a request just over each of ${names(tries)} was refused for that limit`
          : wrong.join("; "),
      expected: tries.map(([limit, , code]) => `${limit}: ${code}`).join(", "),
      scope: `${names(tries)} on the chat route; not the token estimate`,
    };
  });
}

/** R12: requests received against receipts recorded, in this process since it started. */
export async function observeAccessLog(services: GatewayServices): Promise<Observation> {
  const running = services.gateway?.();
  if (running === undefined) {
    return {
      outcome: "unknown",
      observed: "the gateway does not run in this process",
      expected: "a gateway whose tally can be read",
      scope: "nothing was looked at",
    };
  }
  const { received, inFlight, recorded, pending, unrecorded, lost } = running.tally();
  const whole = lost === 0 && received === recorded + pending + unrecorded + inFlight;
  return {
    outcome: whole ? "holds" : "fails",
    observed: `${received} requests: ${recorded} receipts, ${pending} on their way, ${inFlight} in flight, ${unrecorded} counted only, ${lost} lost`,
    expected: "for every request that ended a receipt, or a count in the next one; none lost",
    scope:
      "this process's own counters since it started; the ledger itself was not read; refusals without a valid key beyond a rate are counted in the next receipt instead of having one each",
  };
}

const names = (tries: readonly (readonly [string, ...unknown[]])[]): string => tries.map(([limit]) => limit).join(", ");

/** Makes a key that lives for a minute at most, and ends it after its use. */
async function withProbeKey<Result>(
  services: GatewayServices,
  scope: { readonly requestsPerMinute?: number; readonly models?: readonly string[] },
  use: (key: string) => Promise<Result>,
): Promise<Result> {
  const db = await services.db();
  const expiresAt = services.clock.now() + PROBE_KEY_MS;
  const { id, key } = await createOwnKey(db, { app: PROBE_APP, expiresAt, ...scope }, services.clock);
  try {
    return await use(key.reveal());
  } finally {
    await revokeKey(db, id, services.clock);
  }
}

/** One request to the gateway as configured; undefined when nothing answers there. */
async function probe(
  services: GatewayServices,
  method: "GET" | "POST",
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<{ status: number; code: string } | undefined> {
  const running = services.gateway?.();
  const where =
    running === undefined
      ? services.config.gateway.listen
      : `${bracketed(running.address.host)}:${running.address.port}`;
  const certificate = running?.certificate?.();
  const secure = certificate === undefined ? undefined : trusting(certificate);
  try {
    const answer = await request(`${secure === undefined ? "http" : "https"}://${where}${path}`, {
      ...(secure === undefined ? {} : { dispatcher: secure }),
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined || method === "GET" ? {} : { body }),
      signal: AbortSignal.timeout(PROBE_WAIT_MS),
    });
    const bytes = new Uint8Array(await answer.body.arrayBuffer());
    return { status: answer.statusCode, code: codeOf(bytes) };
  } catch {
    // Refused, cut or too slow: the caller says that it could not check.
    return undefined;
  } finally {
    await secure?.destroy();
  }
}

/** Connects to whoever holds the key of this certificate, whoever issued it and whatever name it bears: to this gateway. */
function trusting(certificate: string): Agent {
  return new Agent({
    connect: { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined },
  });
}

/** The code of an error in the OpenAI format, or nothing. */
function codeOf(bytes: Uint8Array): string {
  try {
    const value = parseJson(bytes) as { error?: { code?: unknown } } | null;
    return typeof value?.error?.code === "string" ? value.error.code : "";
  } catch {
    // Not an error of the gateway: then it has no code.
    return "";
  }
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function unanswered(): Observation {
  return {
    outcome: "unknown",
    observed: "the gateway did not answer",
    expected: "a running gateway at gateway.listen",
    scope: "nothing was looked at",
  };
}
