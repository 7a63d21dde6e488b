/**
 * What protection costs: the same requests direct to an upstream, through the thinnest Node reverse proxy, and through
 * Holdfast with everything on: by rules alone, with the guards of the default configuration, with durable receipts. Where
 * `@portkey-ai/gateway` is installed in a folder (`npm install --prefix FOLDER @portkey-ai/gateway`), it runs along.
 * Rounds are interleaved, medians are printed, ratios are against the null proxy of the same run. Each server is warmed up
 * first: what a server of some minutes does is measured, not how its code is compiled.
 *
 *     npm run bench -- gateway [--rounds 5] [--seconds 3] [--warm 15] [--streams 20] [--idle 500] [--portkey FOLDER]
 */

import { loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

import { INSTRUCTIONS, openIdle, timeToFirstText } from "./gateway-streams.ts";
import { CHANGING_WORDS, load, post, type LoadResult } from "./load.ts";
import { startChild, startPortkey, type Server } from "./servers.ts";
import { print } from "./table.ts";

const MANY = 32;
/** Where the bench looks for another gateway unless it is told. */
const PORTKEY = "/tmp/portkey";
const PORTKEY_NAME = "@portkey-ai/gateway";

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  /** Seconds of load on each server before anything is measured. */
  readonly warm: number;
  readonly streams: number;
  readonly idle: number;
  readonly portkey: string;
}

interface Target {
  readonly name: string;
  readonly server: Server;
  readonly many: (LoadResult & { readonly cpuMicros: number })[];
  readonly single: LoadResult[];
  readonly firstText: number[];
  /** Bytes, without and with streams that wait. */
  idle?: { readonly before: number; readonly after: number };
}

const ROLES = [
  ["null proxy", "null"],
  ["holdfast, rules only", "rules"],
  ["holdfast, default guards", "buffered"],
  ["holdfast, default, durable", "durable"],
] as const;

export async function run(args: readonly string[]): Promise<void> {
  const options = optionsOf(args);
  const body = requestBody();
  const targets: Target[] = [];
  const add = (name: string, server: Server): void => {
    targets.push({ name, server, many: [], single: [], firstText: [] });
  };
  const upstream = await startChild("upstream");
  try {
    add("direct", upstream);
    for (const [name, role] of ROLES) add(name, await startChild(role, upstream.port));
    const portkey = await startPortkey(options.portkey, upstream.port);
    if (portkey === undefined)
      console.log(`skipped: @portkey-ai/gateway, which is not installed in ${options.portkey}`);
    else add(PORTKEY_NAME, portkey);
    const { rounds, seconds, streams, warm } = options;
    console.log(
      `${MANY} and 1 connections, ${Buffer.byteLength(body)} byte requests, ${rounds} interleaved rounds of ${seconds} s, after ${warm} s of load on each`,
    );
    for (const { server } of targets) {
      await load(server.port, requestTo(server, body), { connections: MANY, seconds: warm });
      await timeToFirstText(server, streams);
    }
    for (let round = 0; round < rounds; round++) {
      for (const target of targets) target.many.push(await loadMany(target.server, body, seconds));
      for (const { server, single } of targets) {
        single.push(await load(server.port, requestTo(server, body), { connections: 1, seconds: seconds / 2 }));
      }
      for (const { server, firstText } of targets) firstText.push(...(await timeToFirstText(server, streams)));
    }
    for (const target of targets) await idleStreams(target, options.idle);
    report(targets, options);
  } finally {
    for (const server of new Set([upstream, ...targets.map((target) => target.server)])) server.stop();
  }
}

function optionsOf(args: readonly string[]): Options {
  const number = (text: string): number => {
    const value = Number(text);
    if (!(value > 0)) throw new Error(`not a number over 0: ${text}`);
    return value;
  };
  const option = (value: string) => ({ type: "string", default: value }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: option("5"),
      seconds: option("3"),
      warm: option("15"),
      streams: option("20"),
      idle: option("500"),
      portkey: option(PORTKEY),
    },
  });
  const { rounds, seconds, streams, warm, idle, portkey } = values;
  return {
    rounds: number(rounds),
    seconds: number(seconds),
    warm: number(warm),
    streams: number(streams),
    idle: number(idle),
    portkey,
  };
}

const QUESTION = "Where is my parcel, and when will it come? I ordered it last week. ";

/** The instructions of an app, which are the same with every request, and a question, which is not. */
function requestBody(): string {
  return JSON.stringify({
    model: "bench",
    messages: [
      { role: "system", content: INSTRUCTIONS },
      { role: "user", content: `${CHANGING_WORDS}: ${QUESTION.repeat(20)}` },
    ],
    temperature: 0.2,
  });
}

function requestTo({ headers }: Server, body: string): Buffer {
  return post("/v1/chat/completions", headers, body);
}

async function loadMany(server: Server, body: string, seconds: number): Promise<Target["many"][number]> {
  const before = await server.usage();
  const result = await load(server.port, requestTo(server, body), { connections: MANY, seconds });
  const after = await server.usage();
  return { ...result, cpuMicros: ((after?.cpu ?? Number.NaN) - (before?.cpu ?? Number.NaN)) / result.requests };
}

/** Memory before and while streams wait, for servers that tell it. */
async function idleStreams(target: Target, count: number): Promise<void> {
  const before = await target.server.usage();
  if (before === undefined) return;
  const sockets = await openIdle(target.server, count);
  await delay(1_000);
  const after = await target.server.usage();
  for (const socket of sockets) socket.destroy();
  if (after !== undefined) target.idle = { before: before.rss, after: after.rss };
  await delay(500);
}

function report(targets: readonly Target[], { idle, seconds }: Options): void {
  const nullProxy = targets.find(({ name }) => name === "null proxy") as Target;
  const base = median(nullProxy.many.map((result) => result.perSecond));
  const baseSingle = median(nullProxy.single.map((result) => result.p50));
  const baseFirst = median(nullProxy.firstText);
  const busy = [["", "req/s", "[min..max]", "of null", "p50 ms", "p99 ms", "CPU µs/req"]];
  const alone = [["", "1 conn p50 ms", "added ms", "first text ms", "added ms", "RSS MB", `with ${idle} streams`]];
  for (const { name, many, single, firstText, idle: waiting } of targets) {
    const rates = many.map((result) => result.perSecond);
    const refused = [...many, ...single].reduce((sum, result) => sum + result.refused, 0);
    if (refused > 0) throw new Error(`${name}: ${refused} answers were not 200`);
    busy.push([
      name,
      median(rates).toFixed(0),
      `[${Math.min(...rates).toFixed(0)}..${Math.max(...rates).toFixed(0)}]`,
      `${((100 * median(rates)) / base).toFixed(1)} %`,
      median(many.map((result) => result.p50)).toFixed(2),
      median(many.map((result) => result.p99)).toFixed(1),
      orDash(median(many.map((result) => result.cpuMicros)), 0),
    ]);
    const p50 = median(single.map((result) => result.p50));
    const first = median(firstText);
    if (Number.isNaN(first) && name !== PORTKEY_NAME) throw new Error(`${name}: did not stream`);
    alone.push([
      name,
      p50.toFixed(3),
      (p50 - baseSingle).toFixed(3),
      orDash(first, 2),
      orDash(first - baseFirst, 2),
      orDash((waiting?.before ?? Number.NaN) / 1_048_576, 0),
      orDash((waiting?.after ?? Number.NaN) / 1_048_576, 0),
    ]);
  }
  console.log(`\n${MANY} connections, rounds of ${seconds} s`);
  print(busy);
  console.log("\none connection; the first text of an answer, which comes a word each 10 ms; streams that wait");
  print(alone);
  console.log(`\nload after the run ${(loadavg()[0] ?? 0).toFixed(2)}`);
}

function orDash(value: number, digits: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(digits);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
