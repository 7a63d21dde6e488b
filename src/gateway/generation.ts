/**
 * A generation: what one configuration makes of the gateway. A reload opens another beside the one at work and swaps them
 * for new exchanges; those under way end on the one that they began with, and what it held is closed after the last.
 *
 * What a request must not gain by a reload stays: rates, places in flight and budgets are counted where all generations
 * count, and an upstream that did not change keeps its connections, its places and its circuit.
 *
 * @module
 */

import { hash } from "node:crypto";

import { canonicalJson } from "../core/index.ts";
import { createGuard, type Guard } from "../guard/index.ts";
import type { Committer } from "../ledger/index.ts";
import { withFallback } from "../storage/index.ts";
import { openAdmitting } from "./admission/release.ts";
import { openAuthorizer } from "./authorize/authorizer.ts";
import { openReferences } from "./authorize/references.ts";
import { blocking } from "./authorize/tighten.ts";
import { openBudgets } from "./budget/budgets.ts";
import type { GatewayConfig } from "./config.ts";
import { guardsOf, warmGuards } from "./guards.ts";
import { requestAuthenticator } from "./identity/authenticate.ts";
import type { Pseudonym } from "./identity/claims.ts";
import type { McpEndpoint } from "./mcp/endpoint.ts";
import { openMcp } from "./mcp/open.ts";
import type { PipelineServices } from "./pipeline.ts";
import type { GatewayOptions } from "./serving.ts";
import { openRouting } from "./upstream/routing.ts";
import type { Target } from "./upstream/target.ts";

export interface Generation {
  readonly services: PipelineServices;
  readonly mcp: McpEndpoint;
  /** SHA-256 of all that decides about a request, for receipts. */
  readonly policyDigest: string;
  /** An exchange begins on it. What is returned is called when that ends. */
  readonly enter: () => () => void;
  /** Resolves when no exchange is on it. Asked once no further one can begin. */
  idle(): Promise<void>;
  /** Closes what it holds, but for the upstreams that others still use. */
  close(stay: ReadonlySet<Target>): Promise<void>;
}

/** What outlives a reload, since it remembers who asked what. A change of its own configuration needs a restart. */
export type Lasting = Pick<PipelineServices, "extraction" | "predictions">;

/**
 * Opens what a configuration asks for. Targets of `kept` that it would make alike are taken over.
 *
 * @throws what `warmGuards`, `openRouting`, `openAuthorizer` and `openBudgets` throw; then nothing stays open
 */
export async function openGeneration(
  options: GatewayOptions,
  config: GatewayConfig,
  lasting: Lasting,
  kept: readonly Target[] = [],
): Promise<Generation> {
  const { clock, committer, counters, db } = options;
  await warmGuards(config.guards);
  const routing = openRouting(config.upstreams, config.models, {
    timeouts: config.timeouts,
    circuit: config.circuit,
    env: options.env ?? process.env,
    clock,
    lookup: options.lookup,
    onCircuit(upstream, state) {
      if (state === "open")
        options.log.warn("an upstream failed too often and is left alone for a while", { upstream });
      else options.log.info("an upstream answers again", { upstream });
    },
    kept,
  });
  const authorizer = await openAuthorizer(config.authorization);
  const admitting = await openAdmitting({ config, releases: options.releases, clock, log: options.log });
  const budgets = await openBudgets({ ...options, config });
  const policies = authorizer === undefined ? {} : { policies: authorizer.digest };
  let strict: Guard | undefined;
  let exchanges = 0;
  let idle: PromiseWithResolvers<void> | undefined;

  const services: PipelineServices = {
    ...lasting,
    config,
    clock,
    committer,
    counters: withFallback(counters, clock, budgets.share),
    budgets,
    authenticate: requestAuthenticator({
      db,
      clock,
      config: config.identity,
      pseudonym: pseudonyms(committer),
    }),
    guard: createGuard(guardsOf(config.guards)),
    blockingGuard: () => (strict ??= createGuard(guardsOf(blocking(config.guards)))),
    routing,
    authorizer,
    admitting,
    references: openReferences(
      db,
      clock,
      config.authorization,
      config.upstreams.map(({ url }) => new URL(url).hostname),
    ),
  };
  const mcp = openMcp({ ...options, config }, services);

  return {
    policyDigest: hash("sha256", canonicalJson({ ...config, ...policies })),
    services,
    mcp,
    enter() {
      exchanges++;
      return () => {
        if (--exchanges === 0) idle?.resolve();
      };
    },
    async idle() {
      if (exchanges === 0) return;
      idle ??= Promise.withResolvers();
      await idle.promise;
    },
    async close(stay) {
      await Promise.all(routing.targets.filter((target) => !stay.has(target)).map((target) => target.pool.destroy()));
      await budgets.close();
      await mcp.close();
    },
  };
}

/** Receipts are public, and users are people: only who holds the key of the commitments can tell whose name one is. */
function pseudonyms(committer: Committer): Pseudonym {
  return (kind, who) => committer.commit(`${kind}: ${who}`, kind, Buffer.from(who, "utf8")).slice(0, PSEUDONYM_DIGITS);
}

/** Hexadecimal digits of a pseudonym: 128 bits. */
const PSEUDONYM_DIGITS = 32;
