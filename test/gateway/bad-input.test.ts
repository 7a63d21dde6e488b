/** Input that no honest client sends. Each gets a clear answer, a receipt where there is a request, and nothing hangs. */

import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";

import { chat, message, raw, startHarness, type Harness } from "./harness.ts";

let harness: Harness;

before(async () => {
  harness = await startHarness({ config: { timeouts: { clientMs: 1_500 } } });
});

after(async () => {
  await harness.close();
});

const head = (lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
const post = (length: number, more: readonly string[] = []): string =>
  head([
    "POST /v1/chat/completions HTTP/1.1",
    "host: x",
    `authorization: Bearer ${harness.key}`,
    "content-type: application/json",
    `content-length: ${length}`,
    ...more,
  ]);
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);

describe("a body that is not what it should be", () => {
  const bodies: readonly (readonly [string, string | Uint8Array, number, RegExp])[] = [
    ["nothing", "", 400, /not valid JSON/],
    ["half of JSON", '{"model":"m","messages":[{"role":', 400, /not valid JSON/],
    ["JSON with more after it", '{"model":"m","messages":[]} {}', 400, /not valid JSON/],
    ["a byte order mark", "\ufeff{}", 400, /not valid JSON/],
    ["an array", "[]", 400, /wrong type/],
    ["a string", '"hello"', 400, /wrong type/],
    ["null", "null", 400, /wrong type/],
    ["no model", '{"messages":[]}', 400, /wrong type/],
    ["a model that is a number", '{"model":7,"messages":[]}', 400, /wrong type/],
    ["messages that are a string", '{"model":"m","messages":"hi"}', 400, /wrong type/],
    ["a message that is a number", '{"model":"m","messages":[1]}', 400, /wrong type/],
    ["stream that is a string", '{"model":"m","messages":[],"stream":"yes"}', 400, /wrong type/],
    ["10,000 levels of arrays", `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, 400, /deeper than the limit/],
    ["10,000 levels of objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, 400, /deeper than the limit/],
    ["a name twice", '{"model":"m","messages":[],"messages":[]}', 400, /same name twice/],
    ["a name twice, once escaped", '{"model":"m","messages":[],"mess\\u0061ges":[]}', 400, /same name twice/],
    [
      "invalid UTF-8",
      Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
      400,
      /UTF-8/,
    ],
    [
      "overlong UTF-8",
      Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
      400,
      /UTF-8/,
    ],
    ["UTF-16", Buffer.from('{"model":"m","messages":[]}', "utf16le"), 400, /not valid JSON/],
  ];
  for (const [what, body, status, words] of bodies) {
    it(`${what}: ${status}`, async () => {
      const answer = await harness.post("/v1/chat/completions", body);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json.error?.message ?? "", words);
      assert.equal((await harness.receipt(answer.headers.get("x-request-id"))).outcome, "refused");
    });
  }

  it("100 MB: refused before it is read, and the refusal arrives", async () => {
    const size = 100 * 1_048_576;
    const piece = Buffer.alloc(1_048_576, " ");
    const answer = await raw(harness.port, (socket) => {
      socket.write(post(size));
      let sent = 0;
      const pump = (): void => {
        while (sent < 100 && !socket.destroyed) {
          sent++;
          if (!socket.write(piece)) {
            socket.once("drain", pump);
            return;
          }
        }
      };
      pump();
    });
    assert.equal(statusOf(answer), 413);
    assert.match(answer, /limit 4194304 bytes/);
  });

  it("100 MB without a length: refused when the limit is passed", async () => {
    const piece = Buffer.alloc(1_048_576, " ");
    const answer = await raw(harness.port, (socket) => {
      socket.write(
        head([
          "POST /v1/chat/completions HTTP/1.1",
          "host: x",
          `authorization: Bearer ${harness.key}`,
          "content-type: application/json",
          "transfer-encoding: chunked",
        ]),
      );
      let sent = 0;
      const pump = (): void => {
        while (sent < 100 && !socket.destroyed) {
          sent++;
          socket.write("100000\r\n");
          socket.write(piece);
          if (!socket.write("\r\n")) {
            socket.once("drain", pump);
            return;
          }
        }
      };
      pump();
    });
    assert.equal(statusOf(answer), 413);
  });

  it("unknown fields pass through", async () => {
    const body = chat("hi", { brand_new: { a: [1, "two", null] } });
    assert.equal((await harness.post("/v1/chat/completions", body)).status, 200);
    assert.deepEqual(harness.upstream.requests.at(-1)?.json, body);
  });
});

describe("a request line or header that is not what it should be", () => {
  it("unknown routes and methods: 404 and 405", async () => {
    for (const path of [
      "/",
      "/v1",
      "/v1/completions",
      "/v1/chat/completions/",
      "/v1/%63hat/completions",
      "/admin",
      "/metrics",
    ]) {
      const answer = await harness.get(path);
      assert.equal(answer.status, 404, path);
      assert.equal((await harness.receipt(answer.headers.get("x-request-id"))).error, "gateway.route-unknown");
    }
    assert.equal((await harness.get("/v1/chat/completions")).status, 405);
    assert.equal((await harness.post("/v1/models", {})).status, 405);
  });

  it("a query nobody knows: 400", async () => {
    assert.equal((await harness.post("/v1/chat/completions?api-version=1", chat("hi"))).status, 400);
    assert.equal((await harness.post("/v1/messages?beta=true", message("hi"))).status, 200);
  });

  it("another media type or an encoding: 415", async () => {
    for (const headers of [
      { "content-type": "text/plain" },
      { "content-type": "application/json; charset=utf-16" },
      { "content-type": "application/x-www-form-urlencoded" },
      { "content-encoding": "gzip" },
    ]) {
      assert.equal((await harness.post("/v1/chat/completions", chat("hi"), headers)).status, 415);
    }
  });

  it("a deciding header twice: 400", async () => {
    const body = JSON.stringify(chat("hi"));
    for (const twice of [
      `authorization: Bearer ${harness.key}`,
      "content-type: application/json",
      "content-type: text/plain",
    ]) {
      const answer = await raw(harness.port, (socket) => {
        socket.write(post(Buffer.byteLength(body), [twice, "connection: close"]) + body);
      });
      assert.equal(statusOf(answer), 400, answer);
      assert.match(answer, /came more than once/);
    }
    const lengths = await raw(harness.port, (socket) => {
      socket.write(post(Buffer.byteLength(body), ["content-length: 3"]) + body);
    });
    assert.equal(statusOf(lengths), 400);
  });

  it("smuggling by length and chunks: 400", async () => {
    const answer = await raw(harness.port, (socket) => {
      socket.end(`${post(4, ["transfer-encoding: chunked"])}0\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n`);
    });
    assert.equal(statusOf(answer), 400);
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
  });

  it("what is not HTTP, and header sections without end: 400 and 431", async () => {
    assert.equal(
      statusOf(await raw(harness.port, (socket) => socket.end("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"))),
      400,
    );
    const huge = await raw(harness.port, (socket) => socket.end(post(2, [`x-long: ${"y".repeat(40_000)}`])));
    assert.equal(statusOf(huge), 431);
  });

  it("internal-looking headers change nothing", async () => {
    for (const headers of [
      { host: "localhost:1/#@x" },
      { "x-forwarded-for": "127.0.0.1" },
      { "x-original-url": "/healthz" },
      { "x-http-method-override": "GET" },
    ]) {
      const answer = await harness.post("/v1/chat/completions", chat("hi"), { ...headers, authorization: "" });
      assert.equal(answer.status, 401);
    }
  });
});

describe("a client that dawdles or leaves", () => {
  it("slow-loris in the headers: cut with 408", async () => {
    const answer = await drip(
      "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-a: b\r\nx-c: d\r\nx-e: f\r\nx-g: h\r\nx-i: j\r\n",
    );
    assert.equal(statusOf(answer), 408);
  });

  it("slow-loris in the body: cut with 408", async () => {
    const answer = await drip("                              ", post(1_000));
    assert.equal(statusOf(answer), 408);
  });

  it("half a request, then a half-closed socket: no hang, and a receipt", async () => {
    const before = harness.gateway.tally().received;
    await raw(harness.port, (socket) => {
      socket.end(`${post(1_000)}{"model":`);
    });
    await until(() => harness.gateway.tally().inFlight === 0);
    assert.equal(harness.gateway.tally().received, before + 1);
    const last = (await harness.receipts()).at(-1);
    assert.ok(last?.outcome === "cancelled" || last?.outcome === "refused");
  });

  it("connections that say nothing do not keep the gateway from serving", async () => {
    const silent: Socket[] = [];
    const { connect } = await import("node:net");
    for (let opened = 0; opened < 200; opened++)
      silent.push(connect(harness.port, "127.0.0.1").on("error", () => undefined));
    try {
      assert.equal((await harness.post("/v1/chat/completions", chat("hi"))).status, 200);
    } finally {
      for (const socket of silent) socket.destroy();
    }
  });

  it("a flood without a key is counted, not recorded one by one", async () => {
    const flooded = await startHarness();
    try {
      for (let sent = 0; sent < 140; sent++) {
        assert.equal((await flooded.post("/v1/chat/completions", chat("hi"), { authorization: "" })).status, 401);
      }
      const { received, recorded, unrecorded } = flooded.gateway.tally();
      assert.equal(received, 140);
      assert.equal(recorded + unrecorded, 140);
      // The minute may turn over once while the test runs, which allows as many receipts again.
      assert.ok(recorded >= 120);
      await flooded.post("/v1/chat/completions", chat("hi"));
      const last = (await flooded.receipts()).at(-1);
      assert.equal(last?.unrecordedBefore, unrecorded > 0 ? unrecorded : undefined);
    } finally {
      await flooded.close();
    }
  });
});

/** Sends `slow` one byte at a time, after `first` at once, until the server answers or cuts. */
async function drip(slow: string, first = ""): Promise<string> {
  return await raw(harness.port, (socket) => {
    socket.write(first);
    let at = 0;
    const timer = setInterval(() => {
      if (socket.destroyed || at >= slow.length) clearInterval(timer);
      else socket.write(slow.charAt(at++));
    }, 200);
    socket.on("close", () => {
      clearInterval(timer);
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 500 && !condition(); waited++) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  assert.equal(condition(), true);
}
