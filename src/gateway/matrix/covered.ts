/**
 * All that the matrix covers: the operations of model APIs, those of the gateway's own predictive models, and the messages
 * of MCP. A protocol that is not in this list has no row, and `matrix.test.ts` holds it against the table of routes.
 *
 * @module
 */

import { mcpCovered } from "../mcp/covered.ts";
import { predictOperations } from "../predict/operations.ts";
import { operations } from "../wire/index.ts";
import { coveredBy, type Covered } from "./matrix.ts";

export const covered: readonly Covered[] = [...[...operations, ...predictOperations].map(coveredBy), ...mcpCovered];
