/** The running product reads its configuration again: by command, by signal, all of it or none. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";

import { emptyPlace, holdfast, startUp, type Place, type Up } from "./holdfast.ts";
import { startModel, type Model } from "./model.ts";

function configure(place: Place, model: Model, gateway = "", rest = ""): void {
  writeFileSync(
    join(place.cwd, "holdfast.yaml"),
    `gateway:
  listen: 127.0.0.1:0
  upstreams: [{name: tiny, protocol: openai, url: '${model.url}', models: [tiny]}]
${gateway}
admin: {listen: 127.0.0.1:0}
${rest}
`,
  );
}

async function ask({ ready }: Up, messages: number, stream = false): Promise<Response> {
  return await fetch(`${ready.gateway}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${ready.firstKey?.key}` },
    body: JSON.stringify({
      model: "tiny",
      stream,
      messages: Array.from({ length: messages }, () => ({ role: "user", content: "Hello" })),
    }),
  });
}

/** Whether a request with two messages is refused: what the test's limit decides. */
async function isLimited(up: Up): Promise<boolean> {
  const controller = new AbortController();
  const answer = await fetch(`${up.ready.gateway}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${up.ready.firstKey?.key}` },
    body: JSON.stringify({ model: "tiny", stream: true, messages: [1, 2].map(() => ({ role: "user", content: "x" })) }),
    signal: controller.signal,
  });
  controller.abort();
  return answer.status === 413;
}

test("a reload by command and by signal drops no stream, and is whole or refused by name", async (context) => {
  const model = await startModel(context);
  const place = emptyPlace(context);
  configure(place, model);
  const up = await startUp(context, place);
  const streams = [await ask(up, 1, true)];
  assert.equal(await isLimited(up), false);

  configure(place, model, "  limits: {messages: 1}");
  const reloaded = await holdfast(place, "reload", "--format", "json");
  assert.equal(reloaded.code, 0, reloaded.stderr);
  assert.deepEqual(JSON.parse(reloaded.stdout), { changed: ["gateway.limits.messages"] });
  assert.equal(await isLimited(up), true);
  streams.push(await ask(up, 1, true));

  await context.test("what needs a restart is named, and nothing of the rest is taken up", async () => {
    configure(place, model, "  limits: {messages: 5}\n  receipts: buffered");
    const refused = await holdfast(place, "reload");
    assert.equal(refused.code, 64, refused.stdout);
    assert.match(refused.stderr, /only with a restart.*: gateway\.receipts\n/);
    configure(place, model, "  limits: {messages: 5}", "storage: {url: 'sqlite:other.db'}\ncounters: {url: memory}");
    assert.match((await holdfast(place, "reload")).stderr, /only with a restart.*: storage\.url\n/);
    assert.equal(await isLimited(up), true);
  });

  await context.test("what is not valid is refused with its place", async () => {
    configure(place, model, "  limits: {messages: none}");
    const refused = await holdfast(place, "reload");
    assert.equal(refused.code, 64);
    writeFileSync(join(place.cwd, "holdfast.yaml"), "gateway: {");
    up.child.kill("SIGHUP");
    await sleep(300);
    assert.equal(await isLimited(up), true);
  });

  await context.test("a SIGHUP does the same", async () => {
    configure(place, model, "  limits: {messages: 5}");
    up.child.kill("SIGHUP");
    while (await isLimited(up)) await sleep(20);
  });

  model.finish();
  for (const stream of streams) assert.match(await stream.text(), /last[^]*\[DONE\]/);
  const stopped = await up.stop();
  assert.equal(stopped.code, 0, stopped.stderr);
  const lines = stopped.stderr.split("\n").filter((line) => line.includes("configuration was"));
  assert.equal(lines.filter((line) => line.includes("read again")).length, 2, stopped.stderr);
  assert.equal(lines.filter((line) => line.includes("not taken up")).length, 3, stopped.stderr);
});

test("a stop waits for requests under way up to the limit, and takes no further ones", async (context) => {
  const model = await startModel(context);
  const place = emptyPlace(context);
  configure(place, model, "  timeouts: {drainMs: 1500}");
  const up = await startUp(context, place);
  const [ending, hanging] = [await ask(up, 1, true), await ask(up, 1, true)];
  const hung = hanging.text().then(
    () => "ended",
    () => "cut",
  );
  const begun = performance.now();
  const stopped = up.stop();
  // The admin API says so as long as requests are under way.
  let ready: Response | undefined;
  do ready = await fetch(`${up.ready.admin}/readyz`).catch(() => undefined);
  while (ready?.status === 200);
  assert.equal(ready?.status, 503);
  await assert.rejects(ask(up, 1), "the port is closed");
  const [reader] = [ending.body?.getReader()];
  await reader?.cancel();
  assert.equal(await hung, "cut", "nobody waits for ever");
  const took = performance.now() - begun;
  const { code, stderr } = await stopped;
  assert.equal(code, 0, stderr);
  assert.ok(took >= 1_400, `cut after ${took} ms`);
  const verified = await holdfast(place, "ledger", "verify");
  assert.equal(verified.code, 0, verified.stdout);
});
