/**
 * A real Redis (or Valkey) for tests, from the system's packages: on 127.0.0.1, with a password, keeping nothing.
 *
 * @module
 */

import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onFreePort } from "./port.ts";
import { findProgram, startProcess, unprivileged, type ServerProcess } from "./process.ts";

export interface RedisServer {
  readonly password: string;
  readonly url: string;
  /** Stops it at once: connections break. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  /** Lets it stand still: connections stay open, nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

const found = findProgram(["redis-server", "valkey-server"]);

/** Why no server can be started here, for the `skip` of a test; undefined where one can. */
export const redisMissing: string | undefined =
  found === undefined ? "skipped: Redis is not installed (apt-get install redis-server)" : undefined;

const PASSWORD = "s3cret/pass@word";

/** Starts a server. Throws where {@link redisMissing} says why. */
export async function startRedis(): Promise<RedisServer> {
  if (found === undefined) throw new Error(redisMissing);
  const user = unprivileged(["redis", "nobody"]);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-redis-"));
  if (user !== undefined) await chown(folder, user.uid, user.gid);

  let running: ServerProcess | undefined;
  const start = async (port: number): Promise<void> => {
    const network = ["--port", String(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD];
    running = await startProcess(found, {
      args: [...network, "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", folder],
      cwd: folder,
      user,
      ready: "eady to accept connections",
      last: "SIGKILL",
    });
  };
  const end = async (): Promise<void> => {
    await running?.end("SIGKILL");
    running = undefined;
  };
  const port = await onFreePort(start);
  return {
    password: PASSWORD,
    url: `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    kill: end,
    start: () => start(port),
    pause: () => running?.signal("SIGSTOP"),
    resume: () => running?.signal("SIGCONT"),
    stop: async () => {
      await end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
