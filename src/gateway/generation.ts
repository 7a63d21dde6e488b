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
import { openPredictions } from "./predict/predictions.ts";
import type { PredictThread } from "./predict/thread.ts";
import type { GatewayOptions } from "./serving.ts";
import { openRouting } from "./upstream/routing.ts";
import type { Target } from "./upstream/target.ts";

export interface Generation {
  readonly services: PipelineServices;
  readonly mcp: McpEndpoint;
  /** Where its connections to upstreams and MCP servers are. */
  readonly targets: readonly Target[];
  /** SHA-256 of all that decides about a request, for receipts. */
  readonly policyDigest: string;
  /** An exchange begins on it. What is returned is called when that ends. */
  readonly enter: () => () => void;
  /** Resolves when no exchange is on it. Asked once no further one can begin. */
  idle(): Promise<void>;
  /** Closes what it holds, but for what others still use of it. */
  close(others: readonly Generation[]): Promise<void>;
}

/** What outlives a reload, since it remembers who asked what. */
export type Lasting = Pick<PipelineServices, "extraction">;

/**
 * Opens what a configuration asks for. What it would make just like `before` has it is taken over.
 *
 * @throws what `warmGuards`, `openRouting`, `openAuthorizer`, `openPredictions`, `openBudgets` and `openMcp` throw; then
 *   nothing stays open
 */
export async function openGeneration(
  options: GatewayOptions,
  config: GatewayConfig,
  lasting: Lasting,
  before?: Generation,
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
    kept: before?.targets ?? [],
  });
  const authorizer = await openAuthorizer(config.authorization);
  const admitting = await openAdmitting({ config, releases: options.releases, clock, log: options.log });
  const predictions = await openPredictions(config.predict, before?.services.predictions.models.values());
  const others = before === undefined ? [] : [before];
  const budgets = await openBudgets({ ...options, config }).catch(async (error: unknown) => {
    await predictions.close(threadsOf(others));
    throw error;
  });
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
    predictions,
    references: openReferences(
      db,
      clock,
      config.authorization,
      config.upstreams.map(({ url }) => new URL(url).hostname),
    ),
  };
  let mcp: McpEndpoint;
  try {
    mcp = openMcp({ ...options, config }, services, before?.targets ?? []);
  } catch (error) {
    await Promise.all([predictions.close(threadsOf(others)), budgets.close()]);
    throw error;
  }
  const targets = [...routing.targets, ...mcp.targets];

  return {
    policyDigest: hash("sha256", canonicalJson({ ...config, ...policies })),
    services,
    mcp,
    targets,
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
    async close(rest) {
      const stay = new Set(rest.flatMap((one) => one.targets));
      await Promise.all(targets.filter((target) => !stay.has(target)).map((target) => target.pool.destroy()));
      await predictions.close(threadsOf(rest));
      await budgets.close();
    },
  };
}

function threadsOf(generations: readonly Generation[]): ReadonlySet<PredictThread> {
  return new Set(
    generations.flatMap(({ services }) => [...services.predictions.models.values()].map((one) => one.thread)),
  );
}

/** Receipts are public, and users are people: only who holds the key of the commitments can tell whose name one is. */
function pseudonyms(committer: Committer): Pseudonym {
  return (kind, who) => committer.commit(`${kind}: ${who}`, kind, Buffer.from(who, "utf8")).slice(0, PSEUDONYM_DIGITS);
}

/** Hexadecimal digits of a pseudonym: 128 bits. */
const PSEUDONYM_DIGITS = 32;
