/** Streams through a gateway, as their client has them: the time to the first text of an answer, and many that wait. */

import { connect, type Socket } from "node:net";

import { post } from "./load.ts";
import type { Server } from "./servers.ts";

/** The first piece of an answer's text in a stream of the chat protocol. */
const FIRST_TEXT = /"content" *: *"(?!")/;

/** The system prompt of all requests: some 500 characters. */
export const INSTRUCTIONS = "You answer questions about our shop, briefly and politely. ".repeat(8);

/** A streamed chat request. `user` says to the upstream of the bench how it streams. */
function streamRequest(server: Server, user: "idle" | "paced"): Buffer {
  const messages = [
    { role: "system", content: INSTRUCTIONS },
    { role: "user", content: "Where is my parcel, and when will it come?" },
  ];
  const body = JSON.stringify({ model: "bench", messages, stream: true, user });
  return post("/v1/chat/completions", server.headers, body);
}

/**
 * Milliseconds to the first text of each of `count` streams, one after another on one connection; none where a server
 * does not stream.
 */
export async function timeToFirstText(server: Server, count: number): Promise<readonly number[]> {
  const request = streamRequest(server, "paced");
  const times: number[] = [];
  const socket = await open(server.port);
  while (times.length < count) {
    const time = await firstText(socket, request);
    if (time === undefined) break;
    times.push(time);
  }
  socket.destroy();
  return times;
}

/** Opens streams that say a first text and then nothing, and waits until each has said it. */
export async function openIdle(server: Server, count: number): Promise<readonly Socket[]> {
  const request = streamRequest(server, "idle");
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index++) {
    const socket = await open(server.port);
    sockets.push(socket);
    socket.write(request);
    // The text itself may be held back until the guards know what follows.
    await new Promise((resolve) => socket.once("data", resolve));
  }
  return sockets;
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.on("error", () => undefined);
  return socket;
}

/** Sends one request and reads its stream to the end; undefined where the answer is none. */
function firstText(socket: Socket, request: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    let got = "";
    let first: number | undefined;
    const sent = performance.now();
    const onData = (chunk: Buffer): void => {
      got += chunk.toString("latin1");
      if (!got.startsWith("HTTP/1.1 200 ")) {
        socket.off("close", onClose);
        resolve(undefined);
        return;
      }
      if (first === undefined && FIRST_TEXT.test(got)) first = performance.now() - sent;
      if (!got.endsWith("\r\n0\r\n\r\n")) return;
      socket.off("data", onData).off("close", onClose);
      if (first === undefined) reject(new Error(`a stream without text: ${got.slice(0, 200)}`));
      else resolve(first);
    };
    const onClose = (): void => {
      reject(new Error(`a stream was cut: ${got.slice(0, 200)}`));
    };
    socket.on("data", onData).on("close", onClose);
    socket.write(request);
  });
}
