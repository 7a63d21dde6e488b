/**
 * The servers of the gateway bench, each in a process of its own: `node gateway-child.ts <role> <upstream port>`. Prints
 * its port over IPC, and its CPU time and memory whenever it is asked.
 */

import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createRawServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Pool } from "undici";

import { systemClock } from "../src/core/index.ts";
import { createKey, gatewayConfig, gatewayModule, startGateway, telemetryConfig } from "../src/gateway/index.ts";
import { openCommitter, openLedger } from "../src/ledger/index.ts";
import { migrate, openCounters, openDb, storageModule } from "../src/storage/index.ts";

const [role = "", upstreamPort = ""] = process.argv.slice(2);

const ready =
  role === "upstream" ? upstream() : role === "null" ? nullProxy() : holdfast(role as "durable" | "buffered" | "rules");
process.send?.(await ready);
process.on("message", () => {
  process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit(0));

/**
 * Answers every request with the same 1 KB completion, reading no more of it than where it ends; one that asks for a
 * stream with a word each 10 ms, or where its `user` is «idle» with one word and then nothing.
 */
async function upstream(): Promise<{ port: number }> {
  const body = JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: 1_760_000_000,
    model: "bench",
    choices: [{ index: 0, message: { role: "assistant", content: "It is fine. ".repeat(64) }, finish_reason: "stop" }],
    usage: { prompt_tokens: 400, completion_tokens: 200, total_tokens: 600 },
  });
  const answer = Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const server = createRawServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      for (;;) {
        const head = pending.indexOf("\r\n\r\n");
        if (head === -1) return;
        const length = Number(/content-length: *(\d+)/i.exec(pending.toString("latin1", 0, head))?.[1] ?? 0);
        if (pending.length < head + 4 + length) return;
        const request = pending.subarray(head + 4, head + 4 + length);
        pending = pending.subarray(head + 4 + length);
        if (request.includes('"stream":true')) stream(socket, request.includes('"idle"'));
        else socket.write(answer);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port };
}

const WORDS = "Your parcel left our house on Monday and will be with you within two days, in the morning.".split(" ");

function stream(socket: Socket, idle: boolean): void {
  const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const event = (delta: object, reason: string | null): string =>
    chunk(
      `data: ${JSON.stringify({
        id: "chatcmpl-bench",
        object: "chat.completion.chunk",
        created: 1_760_000_000,
        model: "bench",
        choices: [{ index: 0, delta, finish_reason: reason }],
      })}\n\n`,
    );
  socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
  let at = 0;
  const timer = setInterval(() => {
    const word = WORDS[at++];
    if (word !== undefined) {
      socket.write(event(at === 1 ? { role: "assistant", content: word } : { content: ` ${word}` }, null));
    } else {
      socket.write(`${event({}, "stop")}${chunk("data: [DONE]\n\n")}0\r\n\r\n`);
    }
    if (word === undefined || idle) stop();
  }, 10);
  const stop = (): void => {
    clearInterval(timer);
    socket.off("close", stop);
  };
  socket.on("close", stop);
}

/** The thinnest reverse proxy that Node allows: node:http in, undici's dispatcher out, nothing read, nothing checked. */
async function nullProxy(): Promise<{ port: number }> {
  const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 512, pipelining: 1 });
  const server = createServer((request, response) => {
    pool.dispatch(
      { method: "POST", path: request.url ?? "/", headers: { "content-type": "application/json" }, body: request },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          response.writeHead(status, headers);
        },
        onResponseData(_controller, chunk) {
          response.write(chunk);
        },
        onResponseEnd() {
          response.end();
        },
        onResponseError() {
          response.destroy();
        },
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port };
}

/** Holdfast with everything on: keys, limits, budgets, guards in both directions, receipts, metrics. `rules`: no trained model. */
async function holdfast(role: "durable" | "buffered" | "rules"): Promise<{ port: number; key: string }> {
  const home = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const db = await openDb({ url: "sqlite", home });
  await migrate(db, [storageModule, gatewayModule]);
  const { key } = await createKey(
    db,
    { app: "bench", requestsPerMinute: 100_000_000, concurrency: 10_000 },
    systemClock,
  );
  const gateway = await startGateway({
    config: gatewayConfig.parse({
      listen: "127.0.0.1:0",
      receipts: role === "durable" ? "durable" : "buffered",
      guards: role === "rules" ? { injection: { request: "off", response: "off" } } : {},
      budgets: [
        { name: "requests", what: "requests", limit: 1e12, window: "day", per: ["key"] },
        { name: "tokens", what: "tokens", limit: 1e15, window: "day", per: ["app", "model"] },
        { name: "money", what: "money", limit: 1e9, window: "month" },
      ],
      prices: { models: [{ model: "bench", input: 1_000_000, output: 2_000_000 }] },
      upstreams: [{ name: "bench", protocol: "openai", url: `http://127.0.0.1:${upstreamPort}/v1` }],
    }),
    db,
    ledger: await openLedger({ folder: join(home, "ledger"), keyFile: join(home, "keys", "ledger.key") }),
    committer: await openCommitter(join(home, "keys", "commitment.key")),
    counters: await openCounters({ url: "memory" }),
    clock: systemClock,
    log: { info() {}, warn() {}, error: console.error },
    telemetry: telemetryConfig.parse({ metrics: true }),
  });
  return { port: gateway.address.port, key: key.reveal() };
}
