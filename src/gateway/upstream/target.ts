/**
 * The upstreams: where requests may go. Only what the configuration names is ever connected to; nothing in a request
 * can choose a host.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import { Pool } from "undici";

import { Secret } from "../../core/index.ts";
import type { GatewayConfig, UpstreamConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import { covers, type Principal } from "../identity/principal.ts";
import type { ProtocolId } from "../wire/index.ts";

/** One upstream, connected. */
export interface Target {
  readonly name: string;
  readonly protocol: ProtocolId;
  /** Path of the base URL, without a trailing slash. */
  readonly basePath: string;
  readonly key: Secret | undefined;
  readonly models: readonly string[];
  readonly apps: readonly string[];
  readonly pool: Pool;
}

/** Connections to one upstream at most. A request beyond it waits for one to be free. */
const CONNECTIONS = 512;
/** Bytes of an upstream's header section at most. */
const HEADER_BYTES = 32_768;

/**
 * Connects the configured upstreams. Connections are made when first needed.
 *
 * @throws `gateway.upstream-secret` when a key that the configuration names cannot be read
 */
export function openTargets(
  upstreams: readonly UpstreamConfig[],
  timeouts: GatewayConfig["timeouts"],
  env: Readonly<Record<string, string | undefined>>,
): readonly Target[] {
  return upstreams.map((upstream) => {
    const url = new URL(upstream.url);
    return {
      name: upstream.name,
      protocol: upstream.protocol,
      basePath: url.pathname.replace(/\/+$/, ""),
      key: readKey(upstream, env),
      models: upstream.models,
      apps: upstream.apps,
      pool: new Pool(url.origin, {
        connections: CONNECTIONS,
        pipelining: 1,
        maxHeaderSize: HEADER_BYTES,
        connectTimeout: timeouts.connectMs,
        headersTimeout: timeouts.firstByteMs,
        bodyTimeout: timeouts.idleMs,
      }),
    };
  });
}

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
