/**
 * What protection costs: the same requests direct to an upstream, through the thinnest Node reverse proxy, and through
 * Holdfast with everything on, buffered and durable. Rounds are interleaved, medians are printed, ratios are against
 * the null proxy of the same run.
 */

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";

import { load, post, type LoadResult } from "./load.ts";

const ROUNDS = 5;
const SECONDS = 3;
const WARM_SECONDS = 3;
const MANY = 32;

interface Target {
  readonly name: string;
  readonly child: ChildProcess;
  readonly port: number;
  readonly request: Buffer;
  readonly many: (LoadResult & { readonly cpuMicros: number })[];
  readonly single: LoadResult[];
}

interface Usage {
  readonly cpu: NodeJS.CpuUsage;
  readonly rss: number;
}

export async function run(): Promise<void> {
  const body = JSON.stringify({
    model: "bench",
    messages: [
      { role: "system", content: "You answer questions about our shop, briefly and politely. ".repeat(8) },
      { role: "user", content: "Where is my parcel, and when will it come? I ordered it last week. ".repeat(20) },
    ],
    temperature: 0.2,
  });
  const targets: Target[] = [];
  const upstream = await start("upstream");
  try {
    targets.push(target("direct", upstream, body));
    for (const [name, role] of [
      ["null proxy", "null"],
      ["holdfast, buffered", "buffered"],
      ["holdfast, durable", "durable"],
    ] as const) {
      targets.push(target(name, await start(role, upstream.port), body));
    }
    console.log(
      `${MANY} and 1 connections, ${Buffer.byteLength(body)} byte requests, ${ROUNDS} interleaved rounds of ${SECONDS} s`,
    );
    for (const each of targets) await load(each.port, each.request, { connections: MANY, seconds: WARM_SECONDS });
    for (let round = 0; round < ROUNDS; round++) {
      for (const each of targets) {
        const before = await usage(each.child);
        const result = await load(each.port, each.request, { connections: MANY, seconds: SECONDS });
        const after = await usage(each.child);
        const micros = after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system;
        each.many.push({ ...result, cpuMicros: micros / result.requests });
      }
      for (const each of targets) {
        each.single.push(await load(each.port, each.request, { connections: 1, seconds: SECONDS / 2 }));
      }
    }
    await print(targets);
  } finally {
    for (const child of new Set([upstream.child, ...targets.map((each) => each.child)])) child.disconnect();
  }
}

function target(name: string, started: Started, body: string): Target {
  const headers: Record<string, string> = started.key === undefined ? {} : { authorization: `Bearer ${started.key}` };
  return {
    name,
    child: started.child,
    port: started.port,
    request: post("/v1/chat/completions", headers, body),
    many: [],
    single: [],
  };
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
  readonly key?: string;
}

async function start(role: string, upstreamPort?: number): Promise<Started> {
  const file = fileURLToPath(new URL("gateway-child.ts", import.meta.url));
  const child = fork(file, upstreamPort === undefined ? [role] : [role, String(upstreamPort)]);
  const [message] = (await once(child, "message")) as [{ port: number; key?: string }];
  return { child, ...message };
}

async function usage(child: ChildProcess): Promise<Usage> {
  child.send("usage");
  const [message] = (await once(child, "message")) as [Usage];
  return message;
}

async function print(targets: readonly Target[]): Promise<void> {
  const nullProxy = targets[1] as Target;
  const base = median(nullProxy.many.map((result) => result.perSecond));
  const baseSingle = median(nullProxy.single.map((result) => result.p50));
  const rows = [
    ["", "req/s", "[min..max]", "of null", "p50 ms", "p99 ms", "CPU µs/req", "1 conn p50 ms", "added ms", "RSS MB"],
  ];
  for (const each of targets) {
    const rates = each.many.map((result) => result.perSecond);
    const single = median(each.single.map((result) => result.p50));
    const refused = [...each.many, ...each.single].reduce((sum, result) => sum + result.refused, 0);
    if (refused > 0) throw new Error(`${each.name}: ${refused} answers were not 200`);
    rows.push([
      each.name,
      median(rates).toFixed(0),
      `[${Math.min(...rates).toFixed(0)}..${Math.max(...rates).toFixed(0)}]`,
      `${((100 * median(rates)) / base).toFixed(0)} %`,
      median(each.many.map((result) => result.p50)).toFixed(2),
      median(each.many.map((result) => result.p99)).toFixed(1),
      median(each.many.map((result) => result.cpuMicros)).toFixed(0),
      single.toFixed(3),
      (single - baseSingle).toFixed(3),
      ((await usage(each.child)).rss / 1_048_576).toFixed(0),
    ]);
  }
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  console.log("");
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
        )
        .join("  "),
    );
  }
  console.log(`\nload after the run ${(loadavg()[0] ?? 0).toFixed(2)}`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
