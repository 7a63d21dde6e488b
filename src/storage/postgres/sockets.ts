/**
 * The sockets of the connections that `pg` makes, so that all of them can be let go at once: what waits on one fails then,
 * as with any connection that breaks.
 *
 * @module
 */

import { Socket } from "node:net";

export interface Sockets {
  /** For `pg`, as its option `stream`. */
  readonly make: () => Socket;
  /** One that breaks before it connects. */
  readonly makeBroken: () => Socket;
  destroy(): void;
}

export function openSockets(): Sockets {
  const open = new Set<Socket>();
  const make = (): Socket => {
    const socket = new Socket();
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    return socket;
  };
  return {
    make,
    makeBroken() {
      const socket = make();
      // Once `pg` listens.
      setImmediate(() => socket.destroy());
      return socket;
    },
    destroy() {
      for (const socket of open) socket.destroy();
    },
  };
}
