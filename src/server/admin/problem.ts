/**
 * Problem details in the contract, and what a request that does not fit its schema becomes.
 *
 * @module
 */

import { z, type Hook } from "@hono/zod-openapi";

import { serverError } from "../errors.ts";
import type { AdminEnv } from "./access.ts";

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.string().describe("stable between releases; listed in docs/reference/errors.md"),
    hint: z.string(),
  })
  .openapi("Problem");

const MEANINGS = {
  400: "the request is not as the contract says",
  401: "no valid token or session",
  403: "the role does not allow it, or a session that does not show that the request is its own",
  404: "there is no such thing",
  409: "what is asked for does not go with what is there",
  413: "the body is too large",
  415: "the body is not JSON",
  421: "a host name that this server does not go by",
} as const;

type ProblemStatus = keyof typeof MEANINGS;

interface ProblemResponse {
  readonly description: string;
  readonly content: { readonly "application/problem+json": { readonly schema: typeof problemSchema } };
}

/** The responses of a route that are problem details (RFC 9457). */
export function problem<const Status extends ProblemStatus>(
  ...statuses: readonly Status[]
): Record<Status, ProblemResponse> {
  const responses: Partial<Record<ProblemStatus, ProblemResponse>> = {};
  for (const status of statuses) {
    responses[status] = {
      description: MEANINGS[status],
      content: { "application/problem+json": { schema: problemSchema } },
    };
  }
  return responses as Record<Status, ProblemResponse>;
}

/** Refuses what does not fit the schema of its route, naming the field and never its value. */
export const refuseInvalid: Hook<unknown, AdminEnv, string, undefined> = (result) => {
  if (result.success) return;
  const [issue] = result.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? result.target : issue.path.join(".");
  throw serverError("server.request-invalid", { detail: `${field}: ${issue?.message ?? "not valid"}` });
};
