/** Real servers on loopback that fail in one way and then another: who is asked next, when, and when nobody is. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, it } from "node:test";

import { fakeClock, isHoldfastError, systemClock, type Clock } from "../../core/index.ts";
import { createGuard } from "../../guard/index.ts";
import { gatewayConfig, upstreamConfig, type GatewayConfig } from "../config.ts";
import { ask, type Attempt } from "./attempts.ts";
import type { Cancellation } from "./dispatch.ts";
import type { Candidate } from "./routing.ts";
import { openTargets, type Target } from "./target.ts";

type Script = (socket: Socket, times: number) => void;

interface Upstream {
  readonly target: Target;
  /** When each request came. */
  readonly asked: readonly number[];
}

const open: { server: Server; target: Target; sockets: Set<Socket> }[] = [];

afterEach(async () => {
  for (const { server, target, sockets } of open.splice(0)) {
    await target.pool.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

const defaults = gatewayConfig.parse(undefined);
const guard = createGuard({ detectors: [], settings: {} });
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const status = (code: number, headers = ""): string => `HTTP/1.1 ${code} Oh\r\n${headers}content-length: 2\r\n\r\n{}`;

/** An upstream that says to its first request what the first script says, and to each later one the next, or the last. */
async function upstream(name: string, scripts: readonly (Script | string)[], more: object = {}): Promise<Upstream> {
  const asked: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => {
      const script = scripts[Math.min(asked.length, scripts.length - 1)];
      asked.push(performance.now());
      if (typeof script === "string") socket.write(script);
      else script?.(socket, asked.length);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { clock, timeouts, circuit, ...config } = more as Partial<GatewayConfig> & { clock?: Clock };
  const [target] = openTargets(
    [upstreamConfig.parse({ name, protocol: "openai", url: `http://127.0.0.1:${port}`, ...config })],
    {
      timeouts: { ...defaults.timeouts, ...timeouts },
      circuit: { ...defaults.circuit, ...circuit },
      env: {},
      clock: clock ?? systemClock,
    },
  ) as [Target];
  open.push({ server, target, sockets });
  return { target, asked };
}

/** One where nobody listens. */
async function gone(name: string): Promise<Upstream> {
  const one = await upstream(name, []);
  open.at(-1)?.server.close();
  return one;
}

interface Asked {
  /** `name: error`, or `name` for the one that answered. */
  readonly tried: readonly string[];
  readonly got: string;
  readonly retryAfter?: number | undefined;
}

async function question(
  upstreams: readonly Upstream[],
  retries: Partial<GatewayConfig["retries"]> = {},
  cancellation: Cancellation = { cancelled: false, onCancel: undefined },
  clock: Clock = systemClock,
): Promise<Asked> {
  const attempts: Attempt[] = [];
  const tried = (): string[] => attempts.map(({ name, error }) => (error === undefined ? name : `${name}: ${error}`));
  try {
    const { answer, candidate } = await ask(
      {
        candidates: upstreams.map(({ target }): Candidate => ({ target, model: "m" })),
        requestFor: () => ({ method: "POST", path: "/x", headers: {}, body: Buffer.from("{}") }),
        cancellation,
        onAttempt: (attempt) => attempts.push(attempt),
      },
      { retries: { ...defaults.retries, backoffMs: 1, ...retries }, guard, clock, random: () => 0.5 },
    );
    assert.equal(attempts.at(-1)?.name, candidate.target.name);
    return { tried: tried(), got: (await answer.collect(100)).toString() };
  } catch (error) {
    assert.ok(isHoldfastError(error), String(error));
    return { tried: tried(), got: error.code, retryAfter: error.retryAfter };
  }
}

describe("a failed request", () => {
  it("goes to the next upstream where the first was never reached", async () => {
    const [one, two] = [await gone("one"), await upstream("two", [OK])];
    assert.deepEqual(await question([one, two]), {
      tried: ["one: gateway.upstream-unreachable", "two"],
      got: "ok",
    });
  });

  for (const [what, script, error] of [
    ["429", status(429), "gateway.upstream-rate-limited"],
    ["503", status(503), "gateway.upstream-error"],
    ["529", status(529), "gateway.upstream-error"],
    ["500", status(500), "gateway.upstream-error"],
    ["502", status(502), "gateway.upstream-error"],
    ["a connection that closes", (socket: Socket) => socket.end(), "gateway.upstream-broken"],
    ["a connection that resets", (socket: Socket) => socket.resetAndDestroy(), "gateway.upstream-broken"],
  ] as const) {
    it(`goes to the next upstream, and to the same one again, after ${what}`, async () => {
      const [one, two] = [await upstream("one", [script, OK]), await upstream("two", [OK])];
      assert.deepEqual(await question([one, two]), { tried: [`one: ${error}`, "two"], got: "ok" });
      const alone = await upstream("alone", [script, script, OK]);
      assert.deepEqual(await question([alone]), {
        tried: [`alone: ${error}`, `alone: ${error}`, "alone"],
        got: "ok",
      });
    });
  }

  for (const [what, script, error] of [
    ["500", status(500), "gateway.upstream-error"],
    ["a connection that closes", (socket: Socket) => socket.end(), "gateway.upstream-broken"],
    ["no HTTP", "SSH-2.0-OpenSSH_9.9\r\n", "gateway.upstream-invalid"],
  ] as const) {
    it(`ends after ${what} where serverErrors is off: the work may be done already`, async () => {
      const [one, two] = [await upstream("one", [script]), await upstream("two", [OK])];
      const { tried, got } = await question([one, two], { serverErrors: false });
      assert.deepEqual([tried, got], [[`one: ${error}`], error]);
      assert.equal(two.asked.length, 0);
    });
  }

  it("still goes on after what did no work, where serverErrors is off", async () => {
    for (const one of [await gone("one"), await upstream("one", [status(429)]), await upstream("one", [status(503)])]) {
      const { got } = await question([one, await upstream("two", [OK])], { serverErrors: false });
      assert.equal(got, "ok");
    }
  });

  for (const [what, script, error] of [
    ["400", status(400), "gateway.upstream-rejected"],
    ["404", status(404), "gateway.upstream-rejected"],
    ["409", status(409), "gateway.upstream-rejected"],
    ["422", status(422), "gateway.upstream-rejected"],
    ["307", status(307, "location: http://127.0.0.1:1/\r\n"), "gateway.upstream-invalid"],
    [
      "an encoding nobody asked for",
      "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx",
      "gateway.upstream-invalid",
    ],
  ] as const) {
    it(`ends after ${what}: another upstream would say the same`, async () => {
      const [one, two] = [await upstream("one", [script]), await upstream("two", [OK])];
      const { tried, got } = await question([one, two]);
      assert.deepEqual([tried, got], [[`one: ${error}`], error]);
      assert.equal(two.asked.length, 0);
    });
  }

  it("goes to the next upstream also when the first never ends to say why it failed", async () => {
    const one = await upstream("one", ["HTTP/1.1 503 Oh\r\ncontent-length: 99\r\n\r\n{"]);
    const started = performance.now();
    assert.equal((await question([one, await upstream("two", [OK])])).got, "ok");
    // idleMs is two minutes.
    assert.ok(performance.now() - started < 30_000);
    assert.equal(one.target.gate.taken, 0);
  });

  for (const code of [401, 403, 407]) {
    it(`goes to another upstream after ${code}, and never to the same one`, async () => {
      const [one, two] = [await upstream("one", [status(code)]), await upstream("two", [OK])];
      assert.equal((await question([one, two])).got, "ok");
      assert.deepEqual((await question([one])).tried, ["one: gateway.upstream-credentials"]);
    });
  }

  it("goes to another upstream when the first is too slow to answer, and not to the same one again", async () => {
    const slow = { timeouts: { ...defaults.timeouts, firstByteMs: 50 } };
    const one = await upstream("one", [() => undefined], slow);
    assert.deepEqual(await question([one, await upstream("two", [OK])]), {
      tried: ["one: gateway.upstream-timeout", "two"],
      got: "ok",
    });
    assert.deepEqual((await question([one])).tried, ["one: gateway.upstream-timeout"]);
  });

  it("is never tried again once an answer has begun", async () => {
    for (const broken of [
      "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ]) {
      const one = await upstream("one", [(socket) => socket.end(broken), OK]);
      const two = await upstream("two", [OK]);
      const { tried, got } = await question([one, two]);
      assert.deepEqual([tried, got], [["one"], "gateway.upstream-broken"]);
      assert.deepEqual([one.asked.length, two.asked.length], [1, 0]);
    }
  });
});

describe("the bound of attempts", () => {
  it("holds over all upstreams together, which take turns", async () => {
    const all = await Promise.all(["a", "b"].map((name) => upstream(name, [status(503)])));
    const { tried, got } = await question(all, { attempts: 5 });
    assert.deepEqual(
      tried.map((one) => one[0]),
      ["a", "b", "a", "b", "a"],
    );
    assert.equal(got, "gateway.upstream-error");
    assert.equal((await question(all, { attempts: 1 })).tried.length, 1);
  });

  it("holds in time: no attempt begins after totalMs", async () => {
    const one = await upstream("one", [status(503)]);
    const started = performance.now();
    const { tried } = await question([one], { attempts: 10, backoffMs: 40, totalMs: 100 });
    // 30 ms, then 60 ms, then it would be 120.
    assert.ok(tried.length >= 2 && tried.length <= 3, `${tried.length} attempts`);
    assert.ok(performance.now() - started < 2_000);
  });
});

describe("the pause before the same upstream is asked again", () => {
  it("doubles each time, less a random part of at most half", async () => {
    const one = await upstream("one", [status(503)]);
    await question([one], { attempts: 4, backoffMs: 100 });
    const [a = 0, b = 0, c = 0, d = 0] = one.asked;
    // Random is 0.5 here: three quarters of 100, 200 and 400.
    for (const [pause, least] of [
      [b - a, 75],
      [c - b, 150],
      [d - c, 300],
    ] as const) {
      assert.ok(pause >= least - 2, `${pause} ms, expected ${least}`);
    }
  });

  it("is as long as retry-after says, in each of its forms", async () => {
    const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toUTCString();
    for (const [header, least] of [
      [() => "retry-after: 1", 1_000],
      [() => "retry-after-ms: 300\r\nretry-after: 9", 300],
      // A date has whole seconds: of three, between two and three are left.
      [() => `retry-after: ${inSeconds(3)}`, 1_900],
    ] as const) {
      const one = await upstream("one", [(socket) => socket.write(status(429, `${header()}\r\n`)), OK]);
      assert.equal((await question([one])).got, "ok");
      const [a = 0, b = 0] = one.asked;
      assert.ok(b - a >= least - 2, `${b - a} ms after ${header()}`);
    }
  });

  it("is not waited for where retry-after is longer than the bound: another upstream is asked, or nobody", async () => {
    const one = await upstream("one", [status(429, "retry-after: 3\r\n"), OK]);
    const started = performance.now();
    assert.deepEqual(await question([one], { retryAfterMs: 2_000, totalMs: 600_000 }), {
      tried: ["one: gateway.upstream-rate-limited"],
      got: "gateway.upstream-rate-limited",
      retryAfter: 3,
    });
    assert.equal((await question([one, await upstream("two", [OK])])).got, "ok");
    assert.ok(performance.now() - started < 10_000);
  });

  it("takes nonsense for nothing", async () => {
    for (const header of ["retry-after: soon", "retry-after: -5", "retry-after: 1e9", "retry-after-ms: NaN"]) {
      const one = await upstream("one", [status(429, `${header}\r\n`), OK]);
      assert.equal((await question([one])).got, "ok", header);
    }
  });

  it("ends at once when the client leaves", async () => {
    const one = await upstream("one", [status(503)]);
    const cancellation: Cancellation = { cancelled: false, onCancel: undefined };
    const asked = question([one], { backoffMs: 60_000, totalMs: 600_000 }, cancellation);
    while (one.asked.length === 0 || cancellation.onCancel === undefined) await new Promise(setImmediate);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    const left = performance.now();
    cancellation.cancelled = true;
    (cancellation as { onCancel?: () => void }).onCancel?.();
    assert.equal((await asked).got, "gateway.upstream-broken");
    assert.ok(performance.now() - left < 2_000);
    assert.equal(one.asked.length, 1);
  });
});

describe("an upstream that fails again and again", () => {
  const circuit = { ...defaults.circuit, failures: 2, openMs: 1_000 };

  it("is left alone, tried once after a while, and then served by again", async () => {
    const clock = fakeClock();
    const one = await upstream("one", [status(500), status(500), OK], { circuit, clock });
    const once = { attempts: 1 };
    await question([one], once);
    await question([one], once);
    assert.equal(one.target.circuit.state, "open");
    const refused = await question([one], once);
    assert.deepEqual(refused, {
      tried: ["one: gateway.upstream-circuit-open"],
      got: "gateway.upstream-circuit-open",
      retryAfter: 1,
    });
    assert.equal(one.asked.length, 2);
    clock.advance(1_000);
    assert.equal((await question([one], once)).got, "ok");
    assert.equal(one.target.circuit.state, "closed");
  });

  it("costs the others no attempt while it is left alone", async () => {
    const one = await upstream("one", [status(500)], { circuit });
    await question([one], { attempts: 2 });
    const two = await upstream("two", [OK]);
    assert.deepEqual(await question([one, two], { attempts: 1 }), {
      tried: ["one: gateway.upstream-circuit-open", "two"],
      got: "ok",
    });
    assert.equal(one.asked.length, 2);
  });

  it("lets nobody wait for a place that it would not serve", async () => {
    const held: Socket[] = [];
    const one = await upstream("one", [(socket) => held.push(socket), (socket) => socket.write(status(500))], {
      circuit,
      concurrency: 2,
      queue: 10,
    });
    const first = question([one], { attempts: 1 });
    while (held.length === 0) await new Promise(setImmediate);
    await question([one], { attempts: 2 });
    assert.equal(one.target.circuit.state, "open");
    const leave = await one.target.gate.enter({ cancelled: false, onCancel: undefined });
    assert.equal(one.target.gate.free, false);
    assert.equal((await question([one], { attempts: 1 })).got, "gateway.upstream-circuit-open");
    leave();
    held[0]?.write(OK);
    assert.equal((await first).got, "ok");
  });

  it("is not blamed for what clients do: wrong requests, limits, leaving", async () => {
    const one = await upstream("one", [status(400)], { circuit });
    const two = await upstream("two", [status(429)], { circuit });
    const slow = await upstream("slow", [() => undefined], { circuit });
    for (let round = 0; round < 4; round++) {
      await question([one], { attempts: 1 });
      await question([two], { attempts: 1 });
      const cancellation: Cancellation = { cancelled: false, onCancel: undefined };
      const asked = question([slow], { attempts: 1 }, cancellation);
      while (slow.asked.length <= round) await new Promise(setImmediate);
      cancellation.cancelled = true;
      cancellation.onCancel?.();
      await asked;
    }
    for (const { target } of [one, two, slow]) assert.equal(target.circuit.state, "closed", target.name);
  });

  it("is blamed for answers that break off", async () => {
    const one = await upstream("one", [(socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")], {
      circuit,
    });
    await question([one]);
    await question([one]);
    assert.equal(one.target.circuit.state, "open");
  });
});

describe("the places of an upstream", () => {
  it("are given back however a request ends, and a full one is passed over", async () => {
    const answers: (() => void)[] = [];
    const one = await upstream("one", [(socket) => answers.push(() => socket.write(OK)), OK], {
      concurrency: 1,
      queue: 0,
    });
    const two = await upstream("two", [OK]);
    const first = question([one, two]);
    while (answers.length === 0) await new Promise(setImmediate);
    assert.equal(one.target.gate.taken, 1);
    // No place at the first: the second one is asked before anybody waits.
    assert.deepEqual((await question([one, two])).tried, ["two"]);
    assert.deepEqual(await question([one]), {
      tried: ["one: gateway.upstream-busy"],
      got: "gateway.upstream-busy",
      retryAfter: 1,
    });
    answers[0]?.();
    assert.equal((await first).got, "ok");
    assert.equal(one.target.gate.taken, 0);
    for (const script of [status(500), "SSH-2.0\r\n", (socket: Socket) => socket.resetAndDestroy()] as const) {
      const other = await upstream("other", [script]);
      await question([other]);
      assert.equal(other.target.gate.taken, 0);
    }
    const lost = await gone("lost");
    await question([lost]);
    assert.equal(lost.target.gate.taken, 0);
  });

  it("are never taken by more than there are: the others wait their turn", async () => {
    let now = 0;
    let most = 0;
    const one = await upstream(
      "one",
      [
        (socket) => {
          most = Math.max(most, ++now);
          setTimeout(() => {
            now--;
            socket.write(OK);
          }, 5);
        },
      ],
      { concurrency: 3, queue: 100 },
    );
    const all = await Promise.all(Array.from({ length: 20 }, () => question([one])));
    assert.deepEqual(new Set(all.map(({ got }) => got)), new Set(["ok"]));
    assert.ok(most <= 3, `${most} at a time`);
  });
});
