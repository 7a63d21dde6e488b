/**
 * Which upstreams may serve a request, and in which order they are asked.
 *
 * A model goes by its own name, and the upstreams that serve it are asked in the order of the configuration. Or it goes
 * by a name of the gateway's own (`gateway.models`), and the upstreams behind that name share the requests by weight.
 * Either way the others are there for when the first one fails.
 *
 * Nothing is widened on the way: a key must cover the name that was asked for, and what is asked for behind it.
 *
 * Source for the weighted order: P. Efraimidis and P. Spirakis, «Weighted random sampling with a reservoir», 2006.
 *
 * @module
 */

import type { GatewayConfig, UpstreamConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import { covers, type Principal } from "../identity/principal.ts";
import type { ProtocolId } from "../wire/index.ts";
import type { Judged } from "../admission/release.ts";
import { openTargets, targetsFor, type Target, type TargetOptions } from "./target.ts";

/** One upstream that may serve a request, and what it calls the model. */
export interface Candidate {
  readonly target: Target;
  readonly model: string;
  /** What admission said of it; left out where nothing was asked. */
  readonly judged?: Judged;
}

export interface Routing {
  readonly targets: readonly Target[];
  /** Names of the gateway's own. */
  readonly aliases: ReadonlyMap<string, readonly WeightedCandidate[]>;
}

interface WeightedCandidate extends Candidate {
  readonly weight: number;
}

/**
 * Connects the upstreams, and resolves the names under `gateway.models`.
 *
 * @throws `gateway.upstream-secret`, `gateway.upstream-address`, `gateway.alias-invalid`
 */
export function openRouting(
  upstreams: readonly UpstreamConfig[],
  models: GatewayConfig["models"],
  options: TargetOptions,
): Routing {
  checkAliases(models, upstreams);
  const targets = openTargets(upstreams, options);
  const byName = new Map(targets.map((target) => [target.name, target]));
  const aliases = new Map(
    Object.entries(models).map(([alias, list]) => [
      alias,
      list.map(({ upstream, ...one }) => ({ ...one, target: byName.get(upstream) as Target })),
    ]),
  );
  return { targets, aliases };
}

/**
 * Checks that every name under `gateway.models` leads somewhere.
 *
 * @throws `gateway.alias-invalid`
 */
export function checkAliases(
  models: GatewayConfig["models"],
  upstreams: readonly Pick<UpstreamConfig, "name" | "models">[],
): void {
  for (const [alias, list] of Object.entries(models)) {
    for (const { upstream, model } of list) {
      const serving = upstreams.find(({ name }) => name === upstream);
      if (serving !== undefined && covers(serving.models, model)) continue;
      const why = serving === undefined ? `there is no upstream ${upstream}` : `${upstream} does not serve ${model}`;
      throw gatewayError("gateway.alias-invalid", { detail: `${alias}: ${why}` });
    }
  }
}

/**
 * Who may serve a model to a principal over a protocol, in the order in which they are asked. Empty when nothing is
 * configured at all: the guards judge a request all the same.
 *
 * @param random a number from 0 to below 1, as `Math.random`
 * @throws `gateway.model-unknown` when nothing serves the model, `gateway.model-forbidden` when the key's models or app
 *   do not cover what serves it
 */
export function candidatesFor(
  routing: Routing,
  principal: Principal,
  protocol: ProtocolId,
  model: string,
  random: () => number = Math.random,
): readonly Candidate[] {
  const aliased = routing.aliases.get(model);
  if (aliased === undefined) {
    return targetsFor(routing.targets, principal, protocol, model).map((target) => ({ target, model }));
  }
  if (!covers(principal.models, model)) throw gatewayError("gateway.model-forbidden");
  const serving = aliased.filter(({ target }) => target.protocol === protocol);
  if (serving.length === 0) throw gatewayError("gateway.model-unknown");
  const allowed = serving.filter(
    (one) => covers(one.target.apps, principal.app) && covers(principal.models, one.model),
  );
  if (allowed.length === 0) throw gatewayError("gateway.model-forbidden");
  return inRandomOrder(allowed, random);
}

/** The gateway's own names of models that a principal may ask for over a protocol. */
export function aliasesFor(routing: Routing, principal: Principal, protocol: ProtocolId): readonly string[] {
  return [...routing.aliases.keys()].filter((alias) => {
    try {
      return candidatesFor(routing, principal, protocol, alias).length > 0;
    } catch {
      // Unknown over this protocol, or not for this key: then it is not listed.
      return false;
    }
  });
}

/** Each is first as often as its weight says; those without weight come last, as they stand. */
function inRandomOrder(all: readonly WeightedCandidate[], random: () => number): readonly Candidate[] {
  // The tiniest weight is still more than none.
  const key = (weight: number): number =>
    weight === 0 ? Infinity : Math.min(-Math.log(1 - random()) / weight, Number.MAX_VALUE);
  const keys = new Map(all.map((one) => [one, key(one.weight)]));
  return all.toSorted((one, other) => {
    const [left, right] = [keys.get(one) as number, keys.get(other) as number];
    return left === right ? 0 : left - right;
  });
}
