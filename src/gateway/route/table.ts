/**
 * The routes of the gateway: one typed table, no catch-all. What is not in it does not exist, and a row that lacks a
 * part of its policy keeps the gateway from starting. The table is also what the proof of «authentication on every
 * route» walks.
 *
 * @module
 */

import type { PolicyAction } from "../authorize/schema.ts";
import { gatewayError } from "../errors.ts";
import { predictOperations } from "../predict/operations.ts";
import { operations, type Operation } from "../wire/index.ts";

/** What must be settled for every route before it may exist. */
export interface RoutePolicy {
  /** Who may call it. There is no value for «anyone». */
  readonly authentication: "api-key";
  /** What it does to a model, as policies name it; of a listing, what must be permitted for a model to be listed. */
  readonly actions: readonly PolicyAction[];
  /** Which limits bind a request, by their names in the configuration. */
  readonly limits: readonly (
    | "requestsPerMinute"
    | "concurrency"
    | "bodyBytes"
    | "jsonDepth"
    | "messages"
    | "inputTokens"
    | "budgets"
  )[];
  /** Which directions the guards read. */
  readonly guards: readonly ("request" | "response")[];
  /** Every exchange leaves one. */
  readonly receipt: true;
}

export interface Route {
  readonly operation: Operation;
  readonly policy: RoutePolicy;
  /** The model that the path of the request names, where the operation's path has a place for it. */
  readonly model?: string;
}

const WITH_BODY: RoutePolicy = {
  authentication: "api-key",
  actions: ["infer"],
  limits: ["requestsPerMinute", "concurrency", "bodyBytes", "jsonDepth", "messages", "inputTokens", "budgets"],
  guards: ["request", "response"],
  receipt: true,
};

const EMBEDDING: RoutePolicy = { ...WITH_BODY, actions: ["embed"] };

const WITHOUT_BODY: RoutePolicy = {
  authentication: "api-key",
  actions: ["infer", "embed"],
  limits: ["requestsPerMinute", "concurrency", "bodyBytes"],
  guards: ["response"],
  receipt: true,
};

/** The name of the model in its path is text of the client. */
const NAMES_MODEL: RoutePolicy = { ...WITHOUT_BODY, actions: ["infer"], guards: ["request", "response"] };

/** Policy by operation id. An operation without a row does not start. */
const POLICIES: Readonly<Record<string, RoutePolicy>> = {
  "openai.chat": WITH_BODY,
  "openai.responses": WITH_BODY,
  "openai.embeddings": EMBEDDING,
  "openai.models": WITHOUT_BODY,
  "anthropic.messages": WITH_BODY,
  "anthropic.count-tokens": WITH_BODY,
  "gemini.generate": WITH_BODY,
  "gemini.stream": WITH_BODY,
  "gemini.embed": EMBEDDING,
  "gemini.embed-batch": EMBEDDING,
  "gemini.count-tokens": WITH_BODY,
  "predict.infer": WITH_BODY,
  "predict.rows": WITH_BODY,
  "predict.server": WITHOUT_BODY,
  "predict.live": WITHOUT_BODY,
  "predict.ready": WITHOUT_BODY,
  "predict.model": NAMES_MODEL,
  "predict.model-ready": NAMES_MODEL,
};

/** The routes that are served. @throws `gateway.route-without-policy` */
export const routes = (): readonly Route[] => joinPolicies([...operations, ...predictOperations], POLICIES);

/**
 * Gives every operation its policy, and checks at run time what the types say, since a policy may come from elsewhere.
 *
 * @throws `gateway.route-without-policy`
 */
export function joinPolicies(
  known: readonly Operation[],
  policies: Readonly<Record<string, Partial<RoutePolicy>>>,
): readonly Route[] {
  return known.map((operation) => {
    const policy = Object.hasOwn(policies, operation.id) ? policies[operation.id] : undefined;
    if (!isComplete(policy, operation)) throw gatewayError("gateway.route-without-policy", { detail: operation.id });
    return { operation, policy };
  });
}

function isComplete(policy: Partial<RoutePolicy> | undefined, operation: Operation): policy is RoutePolicy {
  const directions = operation.method === "GET" ? ["response"] : ["request", "response"];
  return (
    policy !== undefined &&
    policy.authentication === "api-key" &&
    (policy.limits?.length ?? 0) > 0 &&
    // A route that asks a model and is bound by no budget would be the way around them all.
    (operation.method === "GET" || policy.limits?.includes("budgets") === true) &&
    (policy.actions?.length ?? 0) > 0 &&
    directions.every((direction) => policy.guards?.includes(direction as "request" | "response") === true) &&
    policy.receipt === true
  );
}

/** Finds the route of a method and path. @throws `gateway.route-unknown`, `gateway.method-not-allowed` */
export function router(table: readonly Route[]): (method: string, path: string) => Route {
  const byPath = new Map<string, Map<string, Route>>();
  for (const route of table) {
    const methods = byPath.get(route.operation.path) ?? new Map<string, Route>();
    methods.set(route.operation.method, route);
    byPath.set(route.operation.path, methods);
  }
  return (method, path) => {
    const { model, pattern } = modelIn(path);
    const methods = byPath.get(pattern);
    if (methods === undefined) throw gatewayError("gateway.route-unknown");
    const route = methods.get(method);
    if (route === undefined) {
      throw gatewayError("gateway.method-not-allowed", { detail: `use ${[...methods.keys()].join(" or ")}` });
    }
    return model === undefined ? route : { ...route, model };
  };
}

/**
 * The model that a path names: `/v1beta/models/a-model:generateContent`, `/v2/models/a-model/infer`; and the path as the
 * table has it. Only characters that mean the same to every reader of a URL: no `%`, and dots only inside.
 */
function modelIn(path: string): { model?: string; pattern: string } {
  const start = MODELS.find((one) => path.startsWith(one));
  if (start === undefined || path.length > PATH_CHARS) return { pattern: path };
  const length = path.slice(start.length).search(/[:/]/);
  const end = length === -1 ? path.length : start.length + length;
  const model = path.slice(start.length, end);
  if (!/^[\w-]+(?:\.[\w-]+)*$/.test(model)) return { pattern: path };
  // Clients of the Gemini API ask for either version; which one the upstream is asked for, its URL says.
  if (path[end] === ":" && start !== "/v2/models/")
    return { model, pattern: `/v1beta/models/{model}${path.slice(end)}` };
  return { model, pattern: `${start}{model}${path.slice(end)}` };
}

const MODELS = ["/v1beta/models/", "/v1/models/", "/v2/models/"];
/** Longest path that is taken apart. */
const PATH_CHARS = 512;
