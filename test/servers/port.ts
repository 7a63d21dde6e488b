/**
 * Free ports of 127.0.0.1, for servers that cannot be told to choose one themselves.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** How often another process may take the port first. */
const ATTEMPTS = 3;

/** Runs `start` with a free port until it succeeds, and returns that port. */
export async function onFreePort(start: (port: number) => Promise<void>): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      await start(port);
      return port;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
