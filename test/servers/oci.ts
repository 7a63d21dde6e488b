/**
 * A real OCI registry for tests, from the system's packages: on 127.0.0.1, without TLS, with its blobs in a temporary
 * folder.
 *
 * @module
 */

import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onFreePort } from "./port.ts";
import { findProgram, startProcess, unprivileged, type ServerProcess } from "./process.ts";

export interface OciServer {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  /** Where it keeps its files: `docker/registry/v2/blobs/sha256/…`. */
  readonly folder: string;
  readonly username: string;
  readonly password: string;
  /** Stops it at once: connections break. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it had. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const found = findProgram(["docker-registry"]);

/** Why no registry can be started here, for the `skip` of a test; undefined where one can. */
export const ociMissing: string | undefined =
  found === undefined ? "skipped: no OCI registry is installed (apt-get install docker-registry)" : undefined;

const USERNAME = "tester";
const PASSWORD = "s3cret";
/** bcrypt of the password: the registry takes nothing else. */
const HTPASSWD = "tester:$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n";

/** Starts a registry; with `auth` it wants a name and a password. Throws where {@link ociMissing} says why. */
export async function startOciRegistry(auth = false): Promise<OciServer> {
  if (found === undefined) throw new Error(ociMissing);
  const user = unprivileged(["docker-registry", "nobody"]);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-oci-"));
  const passwords = join(folder, "htpasswd");
  await writeFile(passwords, HTPASSWD);
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  let running: ServerProcess | undefined;
  const start = async (port: number): Promise<void> => {
    const config = {
      version: "0.1",
      storage: { filesystem: { rootdirectory: folder }, delete: { enabled: true } },
      http: { addr: `127.0.0.1:${port}`, secret: "a test" },
      ...(auth ? { auth: { htpasswd: { realm: "test", path: passwords } } } : {}),
    };
    // JSON is YAML.
    await writeFile(join(folder, "config.yml"), JSON.stringify(config));
    running = await startProcess(found, {
      args: ["serve", join(folder, "config.yml")],
      cwd: folder,
      user,
      ready: "listening on",
      last: "SIGKILL",
    });
  };
  const end = async (): Promise<void> => {
    await running?.end("SIGKILL");
    running = undefined;
  };
  const port = await onFreePort(start);
  return {
    host: `127.0.0.1:${port}`,
    folder,
    username: USERNAME,
    password: PASSWORD,
    kill: end,
    start: () => start(port),
    stop: async () => {
      await end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
