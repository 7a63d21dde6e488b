import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { gatewayConfig, upstreamConfig } from "../config.ts";
import { send, type Cancellation, type Taken, type UpstreamAnswer } from "./dispatch.ts";
import { openTargets, type Target } from "./target.ts";

const open: { server: Server; target: Target }[] = [];

afterEach(async () => {
  for (const { server, target } of open.splice(0)) {
    await target.pool.destroy();
    server.close();
  }
});

/** An upstream that says exactly these bytes, as `script` writes them, once a request has come. */
async function upstream(
  script: (socket: Socket) => void,
  timeouts: Partial<ReturnType<typeof gatewayConfig.parse>["timeouts"]> = {},
): Promise<Target> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      script(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const config = upstreamConfig.parse({ name: "test", protocol: "openai", url: `http://127.0.0.1:${port}/v1` });
  const defaults = gatewayConfig.parse(undefined);
  const options = { timeouts: { ...defaults.timeouts, ...timeouts }, circuit: defaults.circuit, env: {} };
  const [target] = openTargets([config], options) as [Target];
  open.push({ server, target });
  return target;
}

const calm = (): Cancellation => ({ cancelled: false, onCancel: undefined });
const ask = (target: Target, cancellation = calm()): Promise<UpstreamAnswer> =>
  send(target, { method: "POST", path: "/chat", headers: {}, body: Buffer.from("{}") }, cancellation);
const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);

describe("an exchange with an upstream", () => {
  it("collects a whole answer", async () => {
    const target = await upstream((socket) =>
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\nhello"),
    );
    const answer = await ask(target);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["x-a"], "b");
    assert.equal((await answer.collect(5)).toString(), "hello");
  });

  it("skips early hints", async () => {
    const target = await upstream((socket) =>
      socket.end("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    );
    assert.equal((await (await ask(target)).collect(10)).toString(), "ok");
  });

  it("refuses more than the limit", async () => {
    const target = await upstream((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n${"x".repeat(6)}`),
    );
    await assert.rejects((await ask(target)).collect(5), code("gateway.upstream-too-large"));
  });

  const failures: readonly (readonly [string, (socket: Socket) => void, string])[] = [
    ["closes without a word", (socket) => socket.end(), "gateway.upstream-broken"],
    ["resets", (socket) => socket.resetAndDestroy(), "gateway.upstream-broken"],
    ["speaks no HTTP", (socket) => socket.end("SSH-2.0-OpenSSH_9.9\r\n"), "gateway.upstream-invalid"],
    [
      "has an endless header section",
      (socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}\r\n\r\n`),
      "gateway.upstream-invalid",
    ],
  ];
  for (const [what, script, expected] of failures) {
    it(`names an upstream that ${what}`, async () => {
      await assert.rejects(ask(await upstream(script)), code(expected));
    });
  }

  it("names an upstream that is not there", async () => {
    const target = await upstream(() => undefined);
    open[open.length - 1]?.server.close();
    await assert.rejects(ask(target), code("gateway.upstream-unreachable"));
  });

  it("names an upstream that breaks off, whose stall is too long, or that never answers", async () => {
    const short = await upstream((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhal"));
    await assert.rejects((await ask(short)).collect(1_000), code("gateway.upstream-broken"));
    const stalled = await upstream((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhal"), {
      idleMs: 50,
    });
    await assert.rejects((await ask(stalled)).collect(1_000), code("gateway.upstream-timeout"));
    const silent = await upstream(() => undefined, { firstByteMs: 50 });
    await assert.rejects(ask(silent), code("gateway.upstream-timeout"));
  });

  it("closes the connection when it is called off, before the answer and within it", async () => {
    for (const script of [() => undefined, (socket: Socket) => socket.write("HTTP/1.1 200 OK\r\n\r\nfirst")]) {
      const cancellation = calm();
      let closed: Promise<unknown> = Promise.resolve();
      const target = await upstream((socket) => {
        closed = new Promise((resolve) => {
          socket.on("close", resolve);
        });
        script(socket);
        setImmediate(() => {
          cancellation.cancelled = true;
          cancellation.onCancel?.();
        });
      });
      await assert.rejects(async () => {
        await (await ask(target, cancellation)).collect(1_000);
      }, code("gateway.upstream-broken"));
      await closed;
    }
  });

  it("lets a caller go that leaves before there is a connection", async () => {
    const cancellation = { ...calm(), cancelled: true };
    await assert.rejects(ask(await upstream(() => undefined), cancellation), code("gateway.upstream-broken"));
  });

  it("holds the upstream back while a piece is being taken", async () => {
    const piece = Buffer.alloc(65_536, "x");
    let written = 0;
    const target = await upstream((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const pump = (): void => {
        while (written < 4_000 && socket.writable) {
          written++;
          if (!socket.write(piece)) {
            socket.once("drain", pump);
            return;
          }
        }
        if (written === 4_000) socket.end();
      };
      pump();
    });
    const answer = await ask(target);
    let taken = 0;
    let writtenWhileHeld = 0;
    await answer.forEach(async (chunk): Promise<Taken> => {
      if (taken === 0) {
        await new Promise((resolve) => {
          setTimeout(resolve, 200);
        });
        writtenWhileHeld = written;
      }
      taken += chunk.length;
      return "more";
    });
    assert.equal(taken, 4_000 * piece.length);
    assert.ok(writtenWhileHeld < 1_000, `${writtenWhileHeld} pieces were taken in while the caller was busy`);
  });

  it("throws away what comes after enough", async () => {
    const target = await upstream((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789"));
    const answer = await ask(target);
    let pieces = 0;
    await answer.forEach(() => {
      pieces++;
      return "enough";
    });
    assert.equal(pieces, 1);
  });
});
