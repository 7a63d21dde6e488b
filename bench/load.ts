/**
 * A load generator that costs as little as it can, so that on a small machine the thing measured gets the time: raw
 * sockets, one prepared request, answers counted by their content-length.
 */

import { connect, type Socket } from "node:net";

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers that were not 200. */
  readonly refused: number;
}

/** Where a request is another one each time: words of five letters, written over as many such places. */
const CHANGING = "?????";
const WORDS =
  "apple bread chair clock cloth cream dress fence glass grape honey jelly knife lemon light melon onion paint paper peach piano plate pound salad scarf shelf shirt spoon stone table towel watch";

/** A text that is another one in every request: some 10^12 of them. */
export const CHANGING_WORDS = Array.from({ length: 8 }, () => CHANGING).join(" ");

/** Writes other words over {@link CHANGING_WORDS} each time it is called. */
function changing(request: Buffer): () => Buffer {
  const words = WORDS.split(" ");
  const places: number[] = [];
  for (let at = request.indexOf(CHANGING); at !== -1; at = request.indexOf(CHANGING, at + 1)) places.push(at);
  return () => {
    const changed = Buffer.from(request);
    for (const place of places)
      changed.write(words[Math.floor(Math.random() * words.length)] as string, place, "latin1");
    return changed;
  };
}

/**
 * Sends `request`, with other words each time where it has {@link CHANGING_WORDS}, over `connections` keep-alive connections
 * for `seconds`, each waiting for its answer.
 */
export async function load(
  port: number,
  request: Buffer,
  options: { readonly connections: number; readonly seconds: number },
): Promise<LoadResult> {
  const next = changing(request);
  const latencies: number[] = [];
  let refused = 0;
  const started = performance.now();
  const until = started + options.seconds * 1_000;
  await Promise.all(
    Array.from({ length: options.connections }, () =>
      client(port, next, until, (ms, ok) => {
        latencies.push(ms);
        if (!ok) refused++;
      }),
    ),
  );
  const seconds = (performance.now() - started) / 1_000;
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (quantile: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? Number.NaN;
  return { requests: sorted.length, perSecond: sorted.length / seconds, p50: at(0.5), p99: at(0.99), refused };
}

function client(
  port: number,
  next: () => Buffer,
  until: number,
  done: (ms: number, ok: boolean) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let sent = 0;
    let pending: Buffer = Buffer.alloc(0);
    const send = (): void => {
      sent = performance.now();
      socket.write(next());
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => {
      resolve();
    });
    socket.on("data", (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const head = pending.indexOf("\r\n\r\n");
      if (head === -1) return;
      const length = /content-length: *(\d+)/i.exec(pending.toString("latin1", 0, head))?.[1];
      if (length === undefined || pending.length < head + 4 + Number(length)) return;
      const now = performance.now();
      done(now - sent, pending.toString("latin1", 9, 12) === "200");
      pending = Buffer.alloc(0);
      if (now < until) send();
      else socket.end();
    });
  });
}

/** The bytes of a JSON POST. */
export function post(path: string, headers: Readonly<Record<string, string>>, body: string): Buffer {
  const lines = Object.entries({
    host: "127.0.0.1",
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
}
