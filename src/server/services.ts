/**
 * What the product hands to its modules. Each thing is opened when it is first asked for and kept until the end, so that
 * a command pays only for what it uses: `holdfast ledger verify --dir copy` needs neither a configuration nor a database.
 *
 * @module
 */

import { join } from "node:path";

import { systemClock, type Clock, type CommandResult, type Proof } from "../core/index.ts";
import type { Gateway, GatewayServices } from "../gateway/index.ts";
import { observeAndRecord, type BoundProof, type CheckOptions, type GovernServices } from "../govern/index.ts";
import { openCommitter, type Committer, type LedgerServices } from "../ledger/index.ts";
import { migrate, openCounters, openDb, type Counters, type Db } from "../storage/index.ts";
import { loadConfig, type ConfigSource, type LoadedConfig } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import { isHomeLocked, keyFile, makeHome } from "./home.ts";
import type { Logger } from "./log.ts";
import { modules } from "./modules.ts";
import { askServerToCheck } from "./remote.ts";

export interface Services extends GovernServices, GatewayServices, LedgerServices {
  readonly source: ConfigSource;
  /** @throws `server.config-unreadable`, `server.config-invalid` */
  readonly config: Config;
  /** Absolute path of the data folder. Made, with its folder of keys, when first asked for. */
  readonly home: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ledgerFolder: string;
  readonly ledgerKeyFile: string;
  readonly commitmentKeyFile: string;
  /** The database, migrated. */
  readonly db: () => Promise<Db>;
  readonly counters: () => Promise<Counters>;
  readonly committer: () => Promise<Committer>;
  readonly proofs: () => readonly BoundProof[];
  /** Observes proofs: in the server that runs on this data folder, or here where none does. */
  readonly check: (options: CheckOptions) => Promise<void>;
  /** The gateway of this process, once it runs. */
  readonly gateway: () => Gateway | undefined;
  readonly setGateway: (gateway: Gateway) => void;
  /** Puts a configuration in the place of the one that was loaded. */
  readonly setConfig: (loaded: LoadedConfig) => void;
  /** Prints a result before the command ends. */
  readonly print: (result: CommandResult) => void;
  /** Closes what was opened, last first. */
  readonly close: () => Promise<void>;
}

export interface ServicesOptions {
  readonly source: ConfigSource;
  readonly log: Logger;
  readonly print: (result: CommandResult) => void;
  readonly clock?: Clock;
}

/** Makes the services of one run of the product. Nothing is opened yet. */
export function createServices({ source, log, print, clock = systemClock }: ServicesOptions): Services {
  const opened = new AsyncDisposableStack();
  let gateway: Gateway | undefined;
  let reloaded: LoadedConfig | undefined;
  const firstLoaded = once((): LoadedConfig => loadConfig(source));
  const loaded = (): LoadedConfig => reloaded ?? firstLoaded();
  const home = once(() => {
    const folder = loaded().home;
    makeHome(folder);
    return folder;
  });
  const services: Services = {
    source,
    clock,
    log,
    print,
    get config() {
      return loaded().config;
    },
    get home() {
      return home();
    },
    get ledgerFolder() {
      return join(home(), "ledger");
    },
    get ledgerKeyFile() {
      return keyFile(home(), "ledger.key");
    },
    get commitmentKeyFile() {
      return keyFile(home(), "commitment.key");
    },
    db: once(async () => {
      const db = await openDb({ url: loaded().config.storage.url, home: home() });
      opened.defer(() => db.close());
      const applied = await migrate(db, modules);
      if (applied.length > 0) log.debug("database migrated", { applied });
      return db;
    }),
    counters: once(async () => {
      const counters = await openCounters({ url: loaded().config.counters.url, clock });
      opened.defer(() => counters.close());
      return counters;
    }),
    committer: once(() => openCommitter(services.commitmentKeyFile)),
    proofs: once(() => modules.flatMap((module) => (module.proofs ?? []).map((proof) => bind(proof, services)))),
    check: async (options) => {
      const elsewhere = gateway === undefined && isHomeLocked(home());
      await (elsewhere ? askServerToCheck(home(), options.control) : observeAndRecord(services, options));
    },
    gateway: () => gateway,
    setGateway: (running) => {
      gateway = running;
    },
    setConfig: (next) => {
      reloaded = next;
    },
    close: () => opened.disposeAsync(),
  };
  return services;
}

function bind(proof: Proof<Services>, services: Services): BoundProof {
  return { ...proof, observe: () => proof.observe(services) };
}

/** Calls `make` at the first call and gives that answer, or that promise, ever after. One that throws is asked again. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
