/**
 * Soak: mixed load with faults injected, of upstreams and of clients, for as long as `HOLDFAST_SOAK_SECONDS` says (60
 * unless it is set). Memory stays flat, nothing goes uncaught, and every request has exactly one receipt.
 */

import assert from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { decodeStatement, PredicateType } from "../../src/core/index.ts";
import type { Receipt } from "../../src/gateway/index.ts";
import { openLedgerReader } from "../../src/ledger/index.ts";
import { startFakeUpstream } from "../upstreams/fake.ts";
import { misbehaviours, startHostileUpstream } from "../upstreams/hostile.ts";

const SECONDS = Number(process.env["HOLDFAST_SOAK_SECONDS"] ?? 60);
const CLIENTS = 8;
const SAMPLE_MS = Math.max(1_000, SECONDS * 10);
/** What the heap may have grown by, at the lower end of the slope's interval, over the whole time. */
const GROWTH_BYTES = 16 * 1_048_576;
const SECRET = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");

interface Sample {
  readonly heap: number;
  readonly rss: number;
  readonly tally: Readonly<Record<"received" | "inFlight" | "recorded" | "pending" | "unrecorded" | "lost", number>>;
  readonly uncaught: readonly string[];
  readonly errors: readonly string[];
}

it(`a gateway under faults for ${SECONDS} s`, { timeout: (SECONDS + 120) * 1_000 }, async (context) => {
  const home = await mkdtemp(join(tmpdir(), "holdfast-soak-"));
  const names = [...(Object.keys(misbehaviours) as (keyof typeof misbehaviours)[]), "refused"] as const;
  const hostile = await Promise.all(names.map((name) => startHostileUpstream(name, { bytes: 1_048_576 })));
  const honest = await startFakeUpstream({ text: Array.from({ length: 12 }, (_, at) => `word ${at} `), delayMs: 2 });
  const child = fork(
    fileURLToPath(new URL("soak-child.ts", import.meta.url)),
    [
      home,
      JSON.stringify(
        configFor(
          honest.url,
          names.map((name, at) => [name, hostile[at]?.url ?? ""]),
        ),
      ),
    ],
    { execArgv: ["--expose-gc"] },
  );
  const samples: { readonly at: number; readonly heap: number; readonly rss: number }[] = [];
  const answered: string[] = [];
  try {
    const [{ port, key }] = (await once(child, "message")) as [{ port: number; key: string }];
    const client = clientOf(port, key, names, answered);
    const started = performance.now();
    const until = started + SECONDS * 1_000;
    const sampling = (async () => {
      for (; performance.now() < until; await delay(SAMPLE_MS)) {
        const { heap, rss, uncaught } = await ask(child, "sample");
        assert.deepEqual(uncaught, []);
        samples.push({ at: performance.now() - started, heap, rss });
        // What stands in for the world keeps what it was sent.
        for (const { requests } of [honest, ...hostile]) (requests as unknown[]).length = 0;
      }
    })();
    await Promise.all([sampling, ...Array.from({ length: CLIENTS }, (_, seed) => client(seed, until))]);
    const last = await ask(child, "close");

    assert.deepEqual(last.uncaught, []);
    assert.deepEqual(last.errors, []);
    const { received, recorded, unrecorded, inFlight, pending, lost } = last.tally;
    assert.deepEqual([inFlight, pending, lost], [0, 0, 0]);
    assert.equal(received, recorded + unrecorded);
    const { outcomes, seen, twice } = await readReceipts(join(home, "ledger"));
    assert.equal(twice, 0);
    assert.equal(seen.size, recorded);
    assert.deepEqual(answered.filter((id) => !seen.has(id)).slice(0, 5), [], "an answer without its receipt");
    for (const outcome of ["served", "blocked", "refused", "failed", "cancelled"]) assert.ok(outcomes.has(outcome));

    const heap = slopeOf(samples.map(({ at, heap: bytes }) => [at, bytes]));
    const rss = slopeOf(samples.map(({ at, rss: bytes }) => [at, bytes]));
    context.diagnostic(`${received} requests, ${recorded} receipts: ${JSON.stringify(Object.fromEntries(outcomes))}`);
    context.diagnostic(`heap after collection ${sayLevels(samples.map((one) => one.heap))}, ${saySlope(heap)}`);
    context.diagnostic(`resident ${sayLevels(samples.map((one) => one.rss))}, ${saySlope(rss)}`);
    assert.ok(heap.low * SECONDS * 1_000 < GROWTH_BYTES, saySlope(heap));
  } finally {
    child.kill();
    await Promise.all([honest, ...hostile].map((one) => one.close()));
    await rm(home, { recursive: true, force: true });
  }
});

function configFor(honest: string, hostile: readonly (readonly [string, string])[]): object {
  const off = { request: "off", response: "off" };
  return {
    listen: "127.0.0.1:0",
    receipts: "buffered",
    upstreams: [
      { name: "honest", protocol: "openai", url: honest, models: ["honest"] },
      { name: "honest-messages", protocol: "anthropic", url: honest, models: ["honest"] },
      ...hostile.map(([name, url]) => ({ name, protocol: "openai", url, models: [name] })),
    ],
    guards: { injection: off },
    budgets: [
      { name: "tokens", what: "tokens", limit: 1e15, window: "day", per: ["key", "model"] },
      { name: "requests", what: "requests", limit: 1e15, window: "minute" },
    ],
    limits: { responseBytes: 262_144, answerBytes: 262_144, bodyBytes: 262_144 },
    retries: { attempts: 2, backoffMs: 5 },
    // All the faults are to be met for all of the time.
    circuit: { failures: 1_000_000_000 },
    timeouts: { firstByteMs: 400, idleMs: 400, totalMs: 4_000, clientMs: 1_500 },
  };
}

/** A client that asks for one thing after another, most of which go wrong. What it was answered goes into `answered`. */
function clientOf(
  port: number,
  key: string,
  models: readonly string[],
  answered: string[],
): (seed: number, until: number) => Promise<void> {
  const url = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const chat = (model: string, stream: boolean, content = "Where is my parcel?"): string =>
    JSON.stringify({ model, stream, messages: [{ role: "user", content }] });
  const post = async (body: string, path = "/v1/chat/completions", as = headers): Promise<void> => {
    const response = await fetch(url + path, { method: "POST", headers: as, body }).catch(() => undefined);
    if (response === undefined) return;
    const id = response.headers.get("x-request-id");
    await response.text().catch(() => undefined);
    if (id !== null && as === headers) answered.push(id);
  };
  /** Bytes by hand, and then whatever `then` does to the connection. */
  const raw = (body: string, sent: number, pauseMs: number, then: "leave" | "stay"): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.on("error", () => undefined);
      socket.on("close", () => {
        resolve();
      });
      const head = Object.entries({
        host: "h",
        ...headers,
        connection: "close",
        "content-length": String(body.length),
      });
      const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      socket.write(`POST /v1/chat/completions HTTP/1.1\r\n${lines}\r\n${body.slice(0, sent)}`);
      setTimeout(() => {
        if (then === "leave") socket.destroy();
        else socket.write(body.slice(sent));
        // A slow reader: it takes a piece now and then.
        socket.on("data", () => {
          socket.pause();
          setTimeout(() => socket.resume(), 30);
        });
      }, pauseMs);
    });

  return async (seed, until) => {
    for (let turn = seed; performance.now() < until; turn += CLIENTS) {
      const model = models[turn % models.length] ?? "honest";
      const stream = turn % 2 === 0;
      await post(chat(model, stream));
      await post(chat("honest", !stream));
      await post(JSON.stringify({ model: "honest", input: ["a", "b"] }), "/v1/embeddings");
      await post(
        JSON.stringify({ model: "honest", max_tokens: 9, stream, messages: [{ role: "user", content: "hi" }] }),
        "/v1/messages",
      );
      if (turn % 3 === 0) await post(chat("honest", stream, `my key is ${SECRET}`));
      if (turn % 5 === 0) await post('{"model":');
      if (turn % 7 === 0)
        await post(chat("honest", false), "/v1/chat/completions", { ...headers, authorization: "Bearer x" });
      if (turn % 4 === 1) await raw(chat("honest", true), 40, 20, "leave");
      if (turn % 4 === 2) await raw(chat("honest", true), 9_999, 15, "leave");
      if (turn % 4 === 3) await raw(chat("honest", true), 40, 100, "stay");
    }
  };
}

async function ask(child: ChildProcess, what: "sample" | "close"): Promise<Sample> {
  child.send(what);
  const [sample] = (await once(child, "message")) as [Sample];
  return sample;
}

async function readReceipts(folder: string): Promise<{
  readonly seen: ReadonlySet<string>;
  readonly twice: number;
  readonly outcomes: ReadonlyMap<string, number>;
}> {
  const seen = new Set<string>();
  const outcomes = new Map<string, number>();
  let twice = 0;
  for await (const { bytes } of openLedgerReader(folder).entries(0)) {
    const { predicate, predicateType } = decodeStatement(bytes);
    if (predicateType !== PredicateType.receipt) continue;
    const { id, outcome } = predicate as Receipt;
    if (seen.has(id)) twice++;
    seen.add(id);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return { seen, twice, outcomes };
}

interface Slope {
  /** Bytes a millisecond, with the ends of the 95 % interval. */
  readonly slope: number;
  readonly low: number;
  readonly high: number;
}

/** Least squares over the last two thirds: in the beginning caches fill and code is compiled. */
function slopeOf(points: readonly (readonly [at: number, bytes: number])[]): Slope {
  const used = points.slice(Math.floor(points.length / 3));
  const n = used.length;
  const meanAt = used.reduce((sum, [at]) => sum + at, 0) / n;
  const mean = used.reduce((sum, [, bytes]) => sum + bytes, 0) / n;
  const spread = used.reduce((sum, [at]) => sum + (at - meanAt) ** 2, 0);
  const slope = used.reduce((sum, [at, bytes]) => sum + (at - meanAt) * (bytes - mean), 0) / spread;
  const rest = used.reduce((sum, [at, bytes]) => sum + (bytes - mean - slope * (at - meanAt)) ** 2, 0);
  const half = 1.96 * Math.sqrt(rest / Math.max(1, n - 2) / spread);
  return { slope, low: slope - half, high: slope + half };
}

function saySlope({ slope, low, high }: Slope): string {
  const perHour = (value: number): string => ((value * 3_600_000) / 1_048_576).toFixed(1);
  return `slope ${perHour(slope)} MB an hour [${perHour(low)}..${perHour(high)}]`;
}

function sayLevels(levels: readonly number[]): string {
  const say = (bytes = Number.NaN): string => (bytes / 1_048_576).toFixed(1);
  return `${say(levels[0])} to ${say(levels.at(-1))} MB`;
}
