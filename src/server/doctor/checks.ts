/**
 * The checks of `holdfast doctor`, in the order in which one depends on another.
 *
 * Each says only what it saw. «Reachable» is a connection that was accepted: no request is sent to an upstream, since
 * that would cost money and send a key.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { isHoldfastError } from "../../core/index.ts";
import { checkAliases, discoverUpstreams, probeUpstream } from "../../gateway/index.ts";
import { verifyLedger } from "../../ledger/index.ts";
import { openCounters, openDb, sql, type Db } from "../../storage/index.ts";
import { formatListen, isLoopback, parseListen, type ListenAddress } from "../config/listen.ts";
import { loadConfig } from "../config/load.ts";
import { isHomeLocked, keyFile } from "../home.ts";
import { modules } from "../modules.ts";
import type { Services } from "../services.ts";

export interface CheckResult {
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  /** What was seen. */
  readonly what: string;
  /** What to do, where something is to be done. */
  readonly todo?: string;
}

/** One check. May answer with several lines; one that throws counts as failed. */
export interface Check {
  readonly name: string;
  readonly run: (services: Services) => Promise<readonly Omit<CheckResult, "name">[]>;
}

const NODE_FLOOR = "24.21.0";

export const checks: readonly Check[] = [
  { name: "node", run: checkNode },
  { name: "configuration", run: checkConfiguration },
  { name: "data folder", run: checkHome },
  { name: "ports", run: checkPorts },
  { name: "database", run: checkDatabase },
  { name: "counters", run: checkCounters },
  { name: "ledger", run: checkLedger },
  { name: "upstreams", run: checkUpstreams },
];

async function checkNode(): Promise<readonly Omit<CheckResult, "name">[]> {
  const enough = process.versions.node.localeCompare(NODE_FLOOR, "en", { numeric: true }) >= 0;
  return enough
    ? [{ status: "ok", what: `version ${process.versions.node}` }]
    : [{ status: "fail", what: `version ${process.versions.node}`, todo: `install Node ${NODE_FLOOR} or newer` }];
}

async function checkConfiguration({ source }: Services): Promise<readonly Omit<CheckResult, "name">[]> {
  const { file } = loadConfig(source);
  return [{ status: "ok", what: file === undefined ? "no file, the defaults hold" : `${file} is valid` }];
}

async function checkHome({ source }: Services): Promise<readonly Omit<CheckResult, "name">[]> {
  const { home } = loadConfig(source);
  if (!existsSync(home)) return [{ status: "ok", what: `${home} is not there yet: \`holdfast up\` makes it` }];
  if (!statSync(home).isDirectory()) {
    return [{ status: "fail", what: `${home} is not a folder`, todo: "name another with --data or HOLDFAST_DATA" }];
  }
  // Windows keeps access elsewhere than in the mode.
  const open =
    process.platform === "win32" ? [] : privatePaths(home).filter((path) => (statSync(path).mode & 0o077) !== 0);
  if (open.length > 0) {
    const what = `others on this machine may reach ${open.join(", ")}`;
    return [{ status: "fail", what, todo: `chmod go-rwx ${open.map((path) => `'${path}'`).join(" ")}` }];
  }
  return [{ status: "ok", what: `${home}, its keys are readable by this user alone` }];
}

/** What nobody else may read. The ledger is public by design. */
function privatePaths(home: string): readonly string[] {
  const keys = join(home, "keys");
  const inKeys = existsSync(keys) ? [keys, ...readdirSync(keys).map((name) => join(keys, name))] : [];
  return [...inKeys, join(home, "state.db")].filter((path) => existsSync(path) && !path.endsWith(".vkey"));
}

async function checkPorts(services: Services): Promise<readonly Omit<CheckResult, "name">[]> {
  const { config, home } = loadConfig(services.source);
  if (isHomeLocked(home)) return [{ status: "ok", what: "a holdfast runs on this data folder and has them" }];
  return await Promise.all(
    (["gateway", "admin"] as const).map(async (section): Promise<Omit<CheckResult, "name">> => {
      const address = parseListen(config[section].listen) as ListenAddress;
      const shown = `${section} ${formatListen(address)}`;
      const code = await listenOnce(address);
      if (code !== undefined) {
        const todo = `stop what uses it, or set ${section}.listen in holdfast.yaml`;
        return { status: "fail", what: `${shown} cannot be used (${code})`, todo };
      }
      return isLoopback(address.host) || (section === "gateway" && config.gateway.tls !== undefined)
        ? { status: "ok", what: `${shown} is free` }
        : { status: "warn", what: `${shown} is open to other machines, without TLS`, todo: "put a TLS proxy in front" };
    }),
  );
}

function listenOnce({ host, port }: ListenAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown error"));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

async function checkDatabase(services: Services): Promise<readonly Omit<CheckResult, "name">[]> {
  const { config, home } = loadConfig(services.source);
  const { url } = config.storage;
  if (url === "sqlite" && !existsSync(join(home, "state.db"))) {
    return [{ status: "ok", what: "state.db is not there yet: `holdfast up` makes it" }];
  }
  const db = await openDb({ url, home });
  try {
    await db.query(sql`select 1 as one`);
    return [await migrationState(db)];
  } finally {
    await db.close();
  }
}

/** What `holdfast up` would find, without doing it. */
async function migrationState(db: Db): Promise<Omit<CheckResult, "name">> {
  let applied: readonly { readonly module: string; readonly id: string }[];
  try {
    applied = await db.query(sql`select module, id from storage_migrations`);
  } catch {
    return { status: "ok", what: `${db.dialect} answers; \`holdfast up\` makes its tables` };
  }
  const known = modules.flatMap(({ name, migrations = [] }) => migrations.map(({ id }) => `${name}/${id}`));
  const unknown = applied.map(({ module, id }) => `${module}/${id}`).filter((step) => !known.includes(step));
  if (unknown.length > 0) {
    const todo = "run the version of holdfast that made it, or restore a backup";
    return { status: "fail", what: `${db.dialect} was migrated by a newer version: ${unknown.join(", ")}`, todo };
  }
  const missing = known.length - applied.length;
  return {
    status: "ok",
    what: `${db.dialect} answers, ${applied.length} migrations applied${missing === 0 ? "" : `, ${missing} follow at the next start`}`,
  };
}

async function checkCounters(services: Services): Promise<readonly Omit<CheckResult, "name">[]> {
  const { url } = loadConfig(services.source).config.counters;
  const counters = await openCounters({ url });
  try {
    await counters.take("doctor", { perMinute: 60 });
    return [{ status: "ok", what: url === "memory" ? "in this process" : "redis answers" }];
  } finally {
    await counters.close();
  }
}

async function checkLedger(services: Services): Promise<readonly Omit<CheckResult, "name">[]> {
  const { home } = loadConfig(services.source);
  const folder = join(home, "ledger");
  const key = keyFile(home, "ledger.vkey");
  if (!existsSync(folder)) return [{ status: "ok", what: "it is not there yet: `holdfast up` makes it" }];
  const report = await verifyLedger({ folder, vkey: readFileSync(key, "utf8").trim() });
  if (report.ok)
    return [{ status: "ok", what: `${report.size} ${report.size === 1 ? "entry verifies" : "entries verify"}` }];
  const [first] = report.problems;
  const where = first === undefined ? "it does not verify" : `${first.file}: ${first.what}`;
  return [{ status: "fail", what: where, todo: "see every problem with `holdfast ledger verify`" }];
}

async function checkUpstreams(services: Services): Promise<readonly Omit<CheckResult, "name">[]> {
  const { models, upstreams: configured } = loadConfig(services.source).config.gateway;
  const upstreams = configured.length > 0 ? configured : await discoverUpstreams(services.source.env);
  if (upstreams.length === 0) {
    const todo =
      "set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, start a local model server, or name one in holdfast.yaml";
    return [{ status: "warn", what: "none: protection works, but there is no model to talk to", todo }];
  }
  const reached = await Promise.all(
    upstreams.map(async (upstream): Promise<Omit<CheckResult, "name">> => {
      const problem = await probeUpstream(upstream);
      return problem === undefined
        ? { status: "ok", what: `${upstream.name} accepts connections (its key was not tried)` }
        : { status: "fail", what: problem.message, todo: problem.hint };
    }),
  );
  return [...reached, ...aliasesOf(models, upstreams)];
}

/** One line for all names under `gateway.models`, or for the first that leads nowhere; none where there are none. */
function aliasesOf(...[models, upstreams]: Parameters<typeof checkAliases>): readonly Omit<CheckResult, "name">[] {
  const names = Object.keys(models);
  if (names.length === 0) return [];
  try {
    checkAliases(models, upstreams);
  } catch (error) {
    if (!isHoldfastError(error, "gateway.alias-invalid")) throw error;
    return [{ status: "fail", what: error.message, todo: error.hint }];
  }
  return [{ status: "ok", what: `${names.join(", ")}: every model behind them has its upstream` }];
}
