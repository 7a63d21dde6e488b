/**
 * A real PostgreSQL for tests, from the system's packages: a fresh cluster in a temporary folder on 127.0.0.1. It
 * checks passwords, and it does not sync its files, since what it holds lives for one test.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onFreePort } from "./port.ts";
import { findProgram, startProcess, unprivileged, type ServerProcess } from "./process.ts";

export interface PostgresServer {
  readonly password: string;
  readonly port: number;
  /** URL of one of its databases. `postgres` is there from the start. */
  url(database?: string): string;
  /** Stops it at once, as a crash would: connections break. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Lets all its processes stand still: connections stay open, new ones are made, nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** Why no server can be started here, for the `skip` of a test; undefined where one can. */
export const postgresMissing: string | undefined =
  program("initdb") === undefined || program("postgres") === undefined
    ? "skipped: PostgreSQL is not installed (apt-get install postgresql)"
    : undefined;

const PASSWORD = "s3cret-pässword/%@:";

/** Starts a server. Throws where {@link postgresMissing} says why. */
export async function startPostgres(): Promise<PostgresServer> {
  const [initdb, postgres] = [program("initdb"), program("postgres")];
  if (initdb === undefined || postgres === undefined) throw new Error(postgresMissing);
  const user = unprivileged(["postgres", "nobody"]);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-postgres-"));
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, PASSWORD);
  if (user !== undefined) for (const path of [folder, passwordFile]) await chown(path, user.uid, user.gid);

  const data = join(folder, "data");
  const setUp = ["--pgdata", data, "--username", "holdfast", "--pwfile", passwordFile, "--auth", "scram-sha-256"];
  const ready = [...setUp, "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"];
  await promisify(execFile)(initdb, ready, { cwd: folder, ...user, env: { LC_ALL: "C" } });

  let running: ServerProcess | undefined;
  const start = async (port: number): Promise<void> => {
    running = await startProcess(postgres, {
      args: [
        "-D",
        data,
        "-p",
        String(port),
        ...Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      cwd: folder,
      user,
      ready: "ready to accept connections",
      last: "SIGQUIT",
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    await running?.end(signal);
    running = undefined;
  };
  const port = await onFreePort(start);
  return {
    password: PASSWORD,
    port,
    url: (database = "postgres") =>
      `postgres://holdfast:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    // SIGQUIT: every server process ends at once, without a word to its clients (manual, section 19.5).
    kill: () => end("SIGQUIT"),
    start: () => start(port),
    pause: () => signalTree(running?.pid, "SIGSTOP"),
    resume: () => signalTree(running?.pid, "SIGCONT"),
    stop: async () => {
      // One that stands still hears nothing.
      signalTree(running?.pid, "SIGCONT");
      await end("SIGINT");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  full_page_writes: "off",
  shared_buffers: "16MB",
  max_connections: "60",
  autovacuum: "off",
};

/** The server and its children: each connection has a process of its own. */
function signalTree(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  // The server first: one that stands still starts no more children.
  process.kill(pid, signal);
  for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean)) {
    try {
      process.kill(Number(child), signal);
    } catch {
      // It ended in the meantime.
    }
  }
}

/** Debian keeps the server's programs outside of PATH, in a folder for each version. */
function program(name: string): string | undefined {
  const versions = "/usr/lib/postgresql";
  let folders: string[] = [];
  try {
    folders = readdirSync(versions).toSorted((one, other) => Number(other) - Number(one));
  } catch {
    // Not Debian, or not installed.
  }
  return findProgram(
    [name],
    folders.map((version) => join(versions, version, "bin")),
  );
}
