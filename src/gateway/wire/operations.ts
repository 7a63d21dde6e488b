/**
 * Every operation that the gateway knows. There is no catch-all: what is not here has no route.
 *
 * @module
 */

import { anthropicOperations } from "./anthropic/operations.ts";
import { geminiOperations } from "./gemini/operations.ts";
import type { Operation } from "./operation.ts";
import { openaiOperations } from "./openai/operations.ts";

export const operations: readonly Operation[] = [...openaiOperations, ...anthropicOperations, ...geminiOperations];

/** The path at the upstream, with the model that the client's path names. */
export function upstreamPath({ upstreamPath: path }: Operation, model: string | undefined): string {
  return model === undefined ? path : path.replace("{model}", model);
}
