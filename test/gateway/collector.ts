/**
 * A collector of traces on loopback that keeps what it gets.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Collector {
  /** The OTLP/HTTP endpoint. */
  readonly url: string;
  readonly bodies: string[];
  close(): void;
}

export async function startCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
  return { url, bodies, close: () => void server.close() };
}
