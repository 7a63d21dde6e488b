/**
 * The upstreams: where requests may go. Only what the configuration names is ever connected to; nothing in a request
 * can choose a host.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import type { LookupFunction } from "node:net";

import { Pool } from "undici";

import {
  addressKind,
  hostOf,
  networkOf,
  refusedKind,
  Secret,
  systemClock,
  type Clock,
  type Network,
} from "../../core/index.ts";
import type { GatewayConfig, UpstreamConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import { covers, type Principal } from "../identity/principal.ts";
import type { ProtocolId } from "../wire/index.ts";
import { Fingerprints } from "./answered.ts";
import { Circuit } from "./circuit.ts";
import { connector } from "./connect.ts";
import { Gate } from "./gate.ts";

/** One upstream, connected. */
export interface Target {
  readonly name: string;
  readonly protocol: ProtocolId;
  /** Path of the base URL, without a trailing slash. */
  readonly basePath: string;
  readonly key: Secret | undefined;
  readonly models: readonly string[];
  readonly apps: readonly string[];
  readonly network: Network;
  readonly onModelSwap: UpstreamConfig["onModelSwap"];
  readonly fingerprints: Fingerprints;
  readonly pool: Pool;
  readonly gate: Gate;
  readonly circuit: Circuit;
}

export interface TargetOptions {
  readonly timeouts: GatewayConfig["timeouts"];
  readonly circuit: GatewayConfig["circuit"];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** Told when an upstream is left alone, and when it is asked again. */
  readonly onCircuit?: (name: string, state: "open" | "closed") => void;
  /** How names become addresses. Default: as the machine does it. */
  readonly lookup?: LookupFunction | undefined;
  /** Targets of an earlier configuration: what would be made just like one of them is taken over. */
  readonly kept?: readonly Target[];
  /** What they are for: those for something else are not taken over. */
  readonly purpose?: string;
}

/** Bytes of an upstream's header section at most. */
const HEADER_BYTES = 32_768;

/**
 * Connects the configured upstreams. Connections are made when first needed.
 *
 * @throws `gateway.upstream-secret` when a key that the configuration names cannot be read, `gateway.upstream-address`
 *   when a URL is an address that its upstream may not have
 */
export function openTargets(upstreams: readonly UpstreamConfig[], options: TargetOptions): readonly Target[] {
  const { timeouts, clock = systemClock } = options;
  return upstreams.map((upstream) => {
    const { name, concurrency } = upstream;
    const url = new URL(upstream.url);
    const network = upstream.network ?? networkOf(url);
    checkLiteral(name, url, network);
    const key = readKey(upstream, options.env);
    // Its places are those of the upstream, whichever configuration counts them.
    const recipe = JSON.stringify({ upstream, timeouts, circuit: options.circuit, purpose: options.purpose });
    const same = options.kept?.find((one) => recipes.get(one) === recipe && one.key?.reveal() === key?.reveal());
    if (same !== undefined) return same;
    const target: Target = {
      name,
      protocol: upstream.protocol,
      basePath: url.pathname.replace(/\/+$/, ""),
      key,
      models: upstream.models,
      apps: upstream.apps,
      network,
      onModelSwap: upstream.onModelSwap,
      fingerprints: new Fingerprints(),
      pool: new Pool(url.origin, {
        connections: concurrency,
        pipelining: 1,
        maxHeaderSize: HEADER_BYTES,
        connect: connector({ name, network, timeoutMs: timeouts.connectMs, lookup: options.lookup }),
        headersTimeout: timeouts.firstByteMs,
        bodyTimeout: timeouts.idleMs,
      }),
      gate: new Gate({ name, places: concurrency, waiting: upstream.queue, waitMs: timeouts.queueMs }),
      circuit: new Circuit(options.circuit, clock, (state) => options.onCircuit?.(name, state)),
    };
    recipes.set(target, recipe);
    return target;
  });
}

/** What each target was made from, but for its key. */
const recipes = new WeakMap<Target, string>();

/**
 * The targets that serve a model to a principal over a protocol, in the order of the configuration. Empty when nothing
 * is configured at all: the guards judge a request all the same.
 *
 * `model` is undefined for requests that name none, such as a listing of models.
 *
 * @throws `gateway.model-unknown` when nothing serves the model, `gateway.model-forbidden` when the key's models or app
 *   do not cover what serves it
 */
export function targetsFor(
  targets: readonly Target[],
  principal: Principal,
  protocol: ProtocolId,
  model: string | undefined,
): readonly Target[] {
  if (model !== undefined && !covers(principal.models, model)) throw gatewayError("gateway.model-forbidden");
  if (targets.length === 0) return [];
  const serving = targets.filter(
    (target) => target.protocol === protocol && (model === undefined || covers(target.models, model)),
  );
  if (serving.length === 0) throw gatewayError("gateway.model-unknown");
  const allowed = serving.filter((target) => covers(target.apps, principal.app));
  if (allowed.length === 0) throw gatewayError("gateway.model-forbidden");
  return allowed;
}

/** An address in the URL itself is judged at the start too: nobody should learn of it from a failed request. */
function checkLiteral(name: string, url: URL, network: Network): void {
  const host = hostOf(url);
  const kind = addressKind(host) === undefined ? undefined : refusedKind(host, network);
  if (kind !== undefined) {
    throw gatewayError("gateway.upstream-address", { detail: `${name}: ${host} is a ${kind} address, not ${network}` });
  }
}

function readKey(upstream: UpstreamConfig, env: Readonly<Record<string, string | undefined>>): Secret | undefined {
  if (upstream.key === undefined) return undefined;
  const where = "env" in upstream.key ? `environment variable ${upstream.key.env}` : `file ${upstream.key.file}`;
  let value: string | undefined;
  try {
    value = "env" in upstream.key ? env[upstream.key.env] : readFileSync(upstream.key.file, "utf8");
  } catch (cause) {
    throw gatewayError("gateway.upstream-secret", { detail: `${upstream.name}: ${where}`, cause });
  }
  const key = value?.trim();
  // Anything but visible ASCII could not stand in a header, and a line break in it would start a new one.
  if (key === undefined || !/^[\x21-\x7e]+$/.test(key)) {
    throw gatewayError("gateway.upstream-secret", { detail: `${upstream.name}: ${where}` });
  }
  return new Secret(key);
}
