/** One gateway in several processes: one port, one ledger, one set of limits, whatever becomes of a process. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";

import { emptyPlace, holdfast, startUp, type Place, type Up } from "./holdfast.ts";
import { startModel } from "./model.ts";

const skip = process.platform === "linux" ? false : "skipped: processes are found by /proc";

function configure(place: Place, url: string, gateway = ""): void {
  writeFileSync(
    join(place.cwd, "holdfast.yaml"),
    `gateway:
  listen: 127.0.0.1:0
  upstreams: [{name: tiny, protocol: openai, url: '${url}', models: [tiny]}]
${gateway}
admin: {listen: 127.0.0.1:0}
telemetry: {metrics: true}
`,
  );
}

/** Each on a connection of its own, so that every worker gets its share. */
async function ask({ ready }: Up, key: string | undefined, more: object = {}): Promise<Response> {
  return await fetch(`${ready.gateway}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}`, connection: "close" },
    body: JSON.stringify({ model: "tiny", messages: [{ role: "user", content: "Hello" }], ...more }),
  });
}

/** The admin API, which does what the commands do without a process for each. */
async function admin({ ready }: Up, method: string, path: string, body?: object): Promise<Response> {
  const token = readFileSync(ready.adminTokenFile, "utf8").trim();
  return await fetch(`${ready.admin}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function workersOf({ child }: Up): readonly number[] {
  return readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

async function newKey(up: Up, limits: object = {}): Promise<{ id: string; key: string }> {
  return (await (await admin(up, "POST", "/api/keys", { app: "shop", ...limits })).json()) as {
    id: string;
    key: string;
  };
}

test("two workers on the embedded stores are one gateway", { skip }, async (context) => {
  const upstream = await startModel(context);
  const place = emptyPlace(context);
  configure(place, upstream.url);
  const up = await startUp(context, place, "--workers", "2");
  const key = up.ready.firstKey?.key;
  assert.equal(workersOf(up).length, 2);
  const limited = await newKey(up, { requestsPerMinute: 7 });

  await context.test("both serve, and metrics tell them apart", async () => {
    const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await ask(up, key)).status));
    assert.deepEqual([...new Set(statuses)], [200]);
    const text = await (await admin(up, "GET", "/metrics")).text();
    for (const worker of [1, 2]) {
      assert.match(text, new RegExp(`holdfast_requests_total\\{worker="${worker}",route="openai.chat"`), text);
    }
    assert.equal(text.match(/# TYPE holdfast_requests_total /g)?.length, 1);
  });

  await context.test("a limit holds for both together", async () => {
    const before = upstream.asked();
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await ask(up, limited.key)).status));
    const served = statuses.filter((status) => status === 200).length;
    // The bucket gains a token every eight seconds.
    assert.ok(served >= 7 && served <= 9, statuses.join(" "));
    assert.equal(upstream.asked() - before, served);
  });

  await context.test("a key revoked at the admin API stops at both within two seconds", async () => {
    const { id, key: leaked } = await newKey(up);
    assert.equal((await ask(up, leaked)).status, 200);
    assert.equal((await admin(up, "DELETE", `/api/keys/${id}`)).status, 200);
    await sleep(2_000);
    const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await ask(up, leaked)).status));
    assert.deepEqual([...new Set(statuses)], [401]);
  });

  await context.test("a reload reaches both, and drops no stream", async () => {
    const stream = await ask(up, key, { stream: true });
    configure(place, upstream.url, "  limits: {messages: 1}");
    assert.deepEqual(await (await admin(up, "POST", "/api/reload")).json(), { changed: ["gateway.limits.messages"] });
    const messages = [1, 2].map(() => ({ role: "user", content: "x" }));
    const statuses = await Promise.all(
      Array.from({ length: 6 }, async () => (await ask(up, key, { messages })).status),
    );
    assert.deepEqual([...new Set(statuses)], [413]);
    configure(place, upstream.url, "  models: {mine: [{upstream: none, model: m}]}");
    assert.match(await (await admin(up, "POST", "/api/reload")).text(), /there is no upstream none/);
    upstream.finish();
    assert.match(await stream.text(), /last[^]*\[DONE\]/);
  });

  await context.test("one that is killed is started again, and the other serves meanwhile", async () => {
    const [victim] = workersOf(up);
    process.kill(victim as number, "SIGKILL");
    while (workersOf(up).includes(victim as number)) await sleep(10);
    assert.equal((await ask(up, key)).status, 200);
    for (let workers = 0; workers !== 2; workers = (await perWorker()).length) await sleep(100);
    // On the configuration that was taken up since the start.
    const messages = [1, 2].map(() => ({ role: "user", content: "x" }));
    const statuses = await Promise.all(
      Array.from({ length: 6 }, async () => (await ask(up, key, { messages })).status),
    );
    assert.deepEqual([...new Set(statuses)], [413]);
    // And takes part in the next reload, at the port that was there before it.
    configure(place, upstream.url, "  limits: {messages: 2}");
    assert.deepEqual(await (await admin(up, "POST", "/api/reload")).json(), { changed: ["gateway.limits.messages"] });
    const more = await Promise.all(Array.from({ length: 6 }, async () => (await ask(up, key, { messages })).status));
    assert.deepEqual([...new Set(more)], [200]);

    async function perWorker(): Promise<readonly string[]> {
      const text = await (await admin(up, "GET", "/metrics")).text();
      return text.match(/^nodejs_eventloop_lag_p99_seconds\{worker="\d"\}/gm) ?? [];
    }
  });

  const stream = await ask(up, key, { stream: true });
  const stopping = up.stop();
  await sleep(200);
  upstream.finish();
  assert.match(await stream.text(), /last[^]*\[DONE\]/, "requests under way end");
  const stopped = await stopping;
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.match(stopped.stderr, /a worker ended and is started again/);
  const verified = await holdfast(place, "ledger", "verify", "--format", "json");
  assert.equal(verified.code, 0, verified.stdout);
});

test("what a worker cannot start for ends all, in two lines", { skip }, async (context) => {
  const place = emptyPlace(context);
  configure(place, "http://127.0.0.1:1/v1", "  tls: {cert: {env: NONE}, key: {env: NONE}}");
  const failed = await holdfast(place, "up", "--workers", "2");
  assert.equal(failed.code, 2);
  assert.match(failed.stderr, /holdfast: error: the certificate, key .* cannot be read: cert: .*NONE is not set\n/);
  writeFileSync(join(place.cwd, "holdfast.yaml"), "gateway: {listen: '192.0.2.1:0'}\nadmin: {listen: '127.0.0.1:0'}\n");
  assert.match(
    (await holdfast(place, "up", "--workers", "2")).stderr,
    /error: the gateway cannot listen on its address/,
  );
  for (const workers of ["0", "65", "1.5"]) {
    const refused = await holdfast(place, "up", `--workers=${workers}`);
    assert.equal(refused.code, 64, workers);
    assert.match(refused.stderr, /the number of workers is not one that can be started/);
  }
});

test("workers end with their primary, whatever ends it", { skip }, async (context) => {
  const upstream = await startModel(context);
  const place = emptyPlace(context);
  configure(place, upstream.url);
  const up = await startUp(context, place, "--workers", "2");
  const workers = workersOf(up);
  assert.equal(workers.length, 2);
  await up.stop("SIGKILL");
  const alive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  while (workers.some(alive)) await sleep(20);
  await assert.rejects(ask(up, up.ready.firstKey?.key), "the port is closed");
});
