/**
 * Hostile upstreams for tests: servers on loopback that break the protocol in one way each, written on raw sockets so
 * that nothing puts them right. Each is a row of {@link misbehaviours}.
 *
 * @module
 */

import { createServer, type AddressInfo, type Socket } from "node:net";
import { gzipSync } from "node:zlib";

import { anthropicEvents, anthropicMessage, chatCompletion, chatEvents } from "./answers.ts";

export interface HostileUpstream {
  /** Base URL with `/v1`. */
  readonly url: string;
  /** Requests that came in whole. */
  readonly requests: readonly HostileRequest[];
  /** Resolves when the client has closed its connection; at once if it has. */
  clientGone(): Promise<void>;
  close(): Promise<void>;
}

export interface HostileRequest {
  /** `/v1/chat/completions` */
  readonly path: string;
  /** The key that the request carried, for answers that give it away. */
  readonly key: string;
  readonly stream: boolean;
}

export interface HostileOptions {
  /** Bytes of `oversized`; bytes that `infinite-…` may send at most. Default 32 MiB. */
  readonly bytes?: number;
  /** Status of `error-status`. Default 500. */
  readonly status?: number;
  /** Where `redirect` points. Default `http://127.0.0.1:9/elsewhere`. */
  readonly location?: string;
}

type Misbehaviour = (socket: Socket, request: HostileRequest, options: Required<HostileOptions>) => void;

/** What an upstream can do wrong, by name. `refused` is no server at all. */
export const misbehaviours = {
  /** Takes the request and never answers. */
  "slow-headers": () => {},
  /** One event, then silence. */
  stall: (socket, request) => void socket.write(head(SSE) + events(request)[0]),
  /** The head of an answer with a length, a part of the body, then silence. */
  "stall-body": (socket) => void socket.write(`${head({ ...JSON_TYPE, "content-length": "1000" })}{"id":`),
  /** Not HTTP. */
  garbage: (socket) => void socket.end(Buffer.from([0x16, 0x03, 0x01, 0x00, 0xff, 0x0a, 0x0a, 0x00])),
  /** A login page with status 200. */
  html: (socket) => void socket.end(answer("<html><body>Sign in</body></html>", { "content-type": "text/html" })),
  /** HTML that calls itself JSON. */
  "html-as-json": (socket) => void socket.end(answer("<html></html>", JSON_TYPE)),
  "invalid-json": (socket) => void socket.end(answer('{"id": "x", "choices": [', JSON_TYPE)),
  /** JSON, but no answer of the protocol. */
  "other-json": (socket) => void socket.end(answer('{"hello":"world"}', JSON_TYPE)),
  /** An answer by its names, whose lists hold no objects. */
  "other-lists": (socket) =>
    void socket.end(answer('{"choices":[1,null,"x"],"content":["x",2],"data":[null],"output":[0]}', JSON_TYPE)),
  "empty-body": (socket) => void socket.end(answer("", JSON_TYPE)),
  /** Bytes in the middle of the answer that are not UTF-8. */
  "invalid-utf8": (socket, request) =>
    void socket.end(
      request.stream
        ? Buffer.concat([
            Buffer.from(head({ ...SSE, connection: "close" }) + "data: "),
            Buffer.from([0xff, 0xfe, 0x0a, 0x0a]),
          ])
        : Buffer.concat([
            Buffer.from(head({ ...JSON_TYPE, "content-length": "4" })),
            Buffer.from([0x22, 0xff, 0xfe, 0x22]),
          ]),
    ),
  /** Ends before the length that it announced. */
  "short-body": (socket) => void socket.end(`${head({ ...JSON_TYPE, "content-length": "1000" })}{"id":`),
  /** Chunked, and closed before the last chunk. */
  "truncated-chunks": (socket, request) =>
    void socket.end(head({ ...SSE, "transfer-encoding": "chunked" }) + chunk(events(request)[0] ?? "")),
  /** A stream that ends well as HTTP, without the protocol's last event. */
  "truncated-stream": (socket, request) =>
    void socket.end(head({ ...SSE, connection: "close" }) + events(request).slice(0, 4).join("")),
  /** A right answer of `bytes` bytes. */
  oversized: (socket, request, { bytes }) =>
    void socket.end(answer(JSON.stringify(whole(request, "x".repeat(bytes))), JSON_TYPE)),
  /** Events without end. */
  "infinite-stream": (socket, request, { bytes }) =>
    flood(socket, head({ ...SSE, connection: "close" }), (events(request)[3] ?? "").repeat(64), bytes),
  /** One event without end. */
  "infinite-event": (socket, _, { bytes }) =>
    flood(socket, `${head({ ...SSE, connection: "close" })}data: `, "x".repeat(16_384), bytes),
  /** Comments without end. */
  "infinite-comments": (socket, _, { bytes }) =>
    flood(socket, head({ ...SSE, connection: "close" }), ": still here\n\n".repeat(512), bytes),
  /** An error event in mid-stream, in the protocol's form, that quotes the key. */
  "error-in-stream": (socket, request) =>
    void socket.end(head({ ...SSE, connection: "close" }) + events(request).slice(0, 3).join("") + errorEvent(request)),
  /** An error status in the protocol's form, that quotes the key. */
  "error-status": (socket, request, { status }) =>
    void socket.end(answer(JSON.stringify(errorBody(request)), JSON_TYPE, `${status} Oh No`)),
  /** Compressed although nobody asked for it. */
  gzip: (socket, request) => {
    const body = gzipSync(JSON.stringify(whole(request)));
    socket.end(
      Buffer.concat([
        Buffer.from(head({ ...JSON_TYPE, "content-encoding": "gzip", "content-length": `${body.length}` })),
        body,
      ]),
    );
  },
  /** A header of a megabyte. */
  "huge-headers": (socket) => void socket.end(answer("{}", { ...JSON_TYPE, "x-huge": "x".repeat(1_048_576) })),
  redirect: (socket, _, { location }) => void socket.end(answer("", { location }, "307 Temporary Redirect")),
  /** 103 Early Hints, then the right answer. */
  "early-hints": (socket, request) =>
    void socket.end(
      `HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n${answer(JSON.stringify(whole(request)), JSON_TYPE)}`,
    ),
  /** Two lengths: two readers, two bodies. */
  "two-lengths": (socket) =>
    void socket.end(`${head({ ...JSON_TYPE, "content-length": "2" }).trimEnd()}\r\ncontent-length: 40\r\n\r\n{}`),
  /** Resets the connection instead of answering. */
  "reset-early": (socket) => void socket.resetAndDestroy(),
  /** Resets the connection in mid-stream. */
  "reset-late": (socket, request) =>
    void socket.write(head({ ...SSE, "transfer-encoding": "chunked" }) + chunk(events(request)[0] ?? ""), () =>
      setTimeout(() => socket.resetAndDestroy(), 20),
    ),
} as const satisfies Record<string, Misbehaviour>;

export type MisbehaviourName = keyof typeof misbehaviours | "refused";

/**
 * Starts a hostile upstream on `127.0.0.1`, on a free port.
 *
 * @example
 * ```ts
 * const upstream = await startHostileUpstream("error-status", { status: 429 });
 * const { status } = await fetch(`${upstream.url}/chat/completions`, { method: "POST", body: "{}" }); // 429
 * await upstream.close();
 * ```
 */
export async function startHostileUpstream(
  name: MisbehaviourName,
  options: HostileOptions = {},
): Promise<HostileUpstream> {
  const settings = { bytes: 33_554_432, status: 500, location: "http://127.0.0.1:9/elsewhere", ...options };
  const requests: HostileRequest[] = [];
  const sockets = new Set<Socket>();
  let leave: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    leave = resolve;
  });

  const server = createServer((socket) => {
    sockets.add(socket);
    let received = "";
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      leave();
    });
    socket.on("data", (data) => {
      received += data.toString();
      const request = parseRequest(received);
      if (request === undefined) return;
      received = "";
      requests.push(request);
      if (name !== "refused") misbehaviours[name](socket, request, settings);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A port that was just free may be anyone's the next moment; nobody listens on the first one.
  const port = name === "refused" ? 1 : (server.address() as AddressInfo).port;
  const url = `http://127.0.0.1:${port}/v1`;
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  if (name === "refused") await stop();
  return { url, requests, clientGone: () => gone, close: name === "refused" ? async () => {} : stop };
}

/** The request, once it is whole. Just enough HTTP for the clients under test. */
function parseRequest(text: string): HostileRequest | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const header = (name: string): string =>
    new RegExp(`^${name}: *(.*)$`, "im").exec(text.slice(0, end))?.[1]?.trim() ?? "";
  const body = text.slice(end + 4);
  if (
    header("transfer-encoding") === "chunked"
      ? !body.endsWith("0\r\n\r\n")
      : body.length < Number(header("content-length"))
  ) {
    return undefined;
  }
  return {
    path: text.split(" ", 2)[1] ?? "",
    key: header("x-api-key") || header("authorization").replace(/^bearer /i, ""),
    stream: /"stream" *: *true/.test(body),
  };
}

const SSE = { "content-type": "text/event-stream" } as const;
const JSON_TYPE = { "content-type": "application/json" } as const;

function head(headers: Readonly<Record<string, string>>, status = "200 OK"): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`;
}

function answer(body: string, headers: Readonly<Record<string, string>>, status?: string): string {
  return head({ ...headers, "content-length": `${Buffer.byteLength(body)}` }, status) + body;
}

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

function isAnthropic({ path }: HostileRequest): boolean {
  return path.includes("/messages");
}

function events(request: HostileRequest): string[] {
  const pieces = ["Hello", " from", " afar."];
  return [
    ...(isAnthropic(request) ? anthropicEvents("m", pieces, undefined) : chatEvents("m", pieces, undefined, true)),
  ];
}

function whole(request: HostileRequest, text = "Hello"): unknown {
  return isAnthropic(request) ? anthropicMessage("m", text) : chatCompletion("m", text);
}

function errorBody(request: HostileRequest): object {
  const message = `Incorrect API key provided: ${request.key}`;
  return isAnthropic(request)
    ? { type: "error", error: { type: "overloaded_error", message } }
    : { error: { message, type: "server_error", param: null, code: "server_error" } };
}

function errorEvent(request: HostileRequest): string {
  const data = `data: ${JSON.stringify(errorBody(request))}\n\n`;
  return isAnthropic(request) ? `event: error\n${data}` : data;
}

/** Writes `piece` again and again, as fast as the client reads, until it goes away or `bytes` are sent. */
function flood(socket: Socket, start: string, piece: string, bytes: number): void {
  socket.write(start);
  let sent = 0;
  const more = (): void => {
    while (!socket.destroyed && sent < bytes) {
      sent += piece.length;
      if (!socket.write(piece)) {
        socket.once("drain", more);
        return;
      }
    }
    socket.end();
  };
  more();
}
