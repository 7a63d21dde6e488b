/**
 * The configuration, read again while the product runs. All of it is checked and opened first; then it is taken up as a
 * whole or not at all. What needs a restart is refused by name, since a change that is silently ignored is worse than one
 * that is refused.
 *
 * @module
 */

import { discoverUpstreams, type GatewayConfig, type PreparedReload } from "../gateway/index.ts";
import { changedPaths } from "./config/changes.ts";
import { loadConfig, type LoadedConfig } from "./config/load.ts";
import { serverError } from "./errors.ts";
import { errorFields } from "./log.ts";
import type { Services } from "./services.ts";

/** What a reload needs of the services: where the configuration stands, the one in use, and how another is put there. */
export type ReloadServices = Pick<Services, "source" | "config" | "home" | "log" | "setConfig">;

interface Reloaded {
  /** Paths of `holdfast.yaml` that changed. Files that it names may have changed besides. */
  readonly changed: readonly string[];
}

/** Reads and takes up the configuration. One at a time: a second call waits for the first. */
export type Reload = () => Promise<Reloaded>;

/** Sections that are opened once, at the start. The gateway judges its own. */
const FIXED = ["data", "admin", "storage", "ledger", "counters", "models", "telemetry"] as const;

/**
 * Makes the reload of a running product.
 *
 * It throws `server.config-unreadable`, `server.config-invalid`, `server.restart-needed`, and what the gateway throws; then
 * nothing has changed. Either way it is logged.
 */
export function reloader(
  services: ReloadServices,
  gateway: { prepare(config: GatewayConfig): Promise<PreparedReload> },
): Reload {
  let last: Promise<unknown> = Promise.resolve();
  const once = async (): Promise<Reloaded> => {
    const { log } = services;
    try {
      const loaded = loadConfig(services.source);
      const changed = changedPaths(services.config, loaded.config);
      refuseFixed(services, loaded, changed);
      const prepared = await gateway.prepare(await withUpstreams(loaded.config.gateway, services.source.env));
      prepared.commit();
      services.setConfig(loaded);
      log.info("the configuration was read again", { changed });
      return { changed };
    } catch (error) {
      log.error("the configuration was not taken up, and the one before stays in use", errorFields(error));
      throw error;
    }
  };
  return () => {
    const next = last.then(once);
    last = next.catch(() => undefined);
    return next;
  };
}

/** The gateway's configuration with the upstreams that are found on this machine, where it names none. */
export async function withUpstreams(
  config: GatewayConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<GatewayConfig> {
  if (config.upstreams.length > 0) return config;
  return { ...config, upstreams: [...(await discoverUpstreams(env))] };
}

/** @throws `server.restart-needed` */
function refuseFixed({ home }: ReloadServices, loaded: LoadedConfig, changed: readonly string[]): void {
  const fixed = changed.filter((path) => FIXED.some((section) => path === section || path.startsWith(`${section}.`)));
  if (loaded.home !== home && !fixed.includes("data")) fixed.push("data");
  if (fixed.length > 0) throw serverError("server.restart-needed", { detail: fixed.join(", ") });
}
