import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";

import { emptyPlace, holdfast, start, finished, startUp, type Place, type Ready } from "./holdfast.ts";
import { startModel } from "./model.ts";

/** A model API that gives one answer, and a configuration that names it and lets the system choose the ports. */
async function withModel(context: TestContext): Promise<Place> {
  const { url } = await startModel(context);
  const place = emptyPlace(context);
  writeFileSync(
    join(place.cwd, "holdfast.yaml"),
    `gateway:
  listen: 127.0.0.1:0
  upstreams: [{name: tiny, protocol: openai, url: '${url}', models: [tiny]}]
admin: {listen: 127.0.0.1:0}
telemetry: {metrics: true}
`,
  );
  return place;
}

function ask(ready: Ready, key: string | undefined, content: string): Promise<Response> {
  return fetch(`${ready.gateway}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model: "tiny", messages: [{ role: "user", content }] }),
  });
}

function admin(ready: Ready, path: string): Promise<Response> {
  const token = readFileSync(ready.adminTokenFile, "utf8").trim();
  return fetch(`${ready.admin}${path}`, { headers: { authorization: `Bearer ${token}` } });
}

test("from the first start to a ledger that anyone can verify", async (context) => {
  const place = await withModel(context);
  const up = await startUp(context, place);
  const { ready } = up;
  const key = ready.firstKey?.key;
  assert.match(key ?? "", /^hf_/);
  assert.equal(ready.firstKey?.app, "default");
  assert.ok(ready.try.includes(key as string) && ready.try.includes(ready.gateway));
  if (process.platform !== "win32") assert.equal(statSync(ready.adminTokenFile).mode & 0o777, 0o600);

  const answered = await ask(ready, key, "Hello");
  assert.equal(answered.status, 200);
  assert.match(await answered.text(), /hello there/);
  assert.equal((await ask(ready, undefined, "Hello")).status, 401);
  assert.equal((await ask(ready, key, "Hello\u{e0041}\u{e0042}")).status, 403, "smuggled text is stopped");

  await context.test("the line to try works as it is printed", { skip: !existsSync("/usr/bin/curl") }, async () => {
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", ready.try], { env: place.env });
    assert.match(stdout, /hello there/);
  });

  await context.test("a second one on the same data folder is refused", async () => {
    const second = await holdfast(place, "up");
    assert.equal(second.code, 2);
    assert.match(
      second.stderr,
      /^holdfast: error: another holdfast runs on this data folder: .*\nholdfast: hint: .+\n$/,
    );
  });

  await context.test("the admin API wants its token, and serves the ledger, the metrics and the keys", async () => {
    assert.equal((await fetch(`${ready.admin}/api/keys`)).status, 401);
    assert.equal((await fetch(`${ready.admin}/healthz`)).status, 200);
    assert.equal((await fetch(`${ready.admin}/readyz`)).status, 200);
    assert.match(await (await admin(ready, "/ledger/checkpoint")).text(), /\n— /);
    assert.equal((await admin(ready, "/ledger/../keys/ledger.key")).status, 404);
    assert.match(await (await admin(ready, "/metrics")).text(), /^# HELP /m);
    const { keys } = (await (await admin(ready, "/api/keys")).json()) as { keys: { app: string }[] };
    assert.ok(keys.some(({ app }) => app === "default"));
  });

  await context.test("a key made by the command works at the running gateway", async () => {
    const made = await holdfast(place, "key", "create", "--app", "shop", "--format", "json");
    assert.equal(made.code, 0, made.stderr);
    const { key: shop } = JSON.parse(made.stdout) as { key: string };
    assert.equal((await ask(ready, shop, "Hello")).status, 200);
  });

  await context.test(
    "the running server answers for the posture: what it shows holds, and of models there is no evidence yet",
    async () => {
      const { code, stdout, stderr } = await holdfast(place, "posture", "--check", "--format", "json");
      const { controls } = JSON.parse(stdout) as {
        controls: {
          control: { id: string };
          status: string;
          proofs: { latest: { observed: string; ledgerIndex?: number } }[];
        }[];
      };
      const proven = controls.filter(({ proofs }) => proofs.length > 0);
      const seen = proven.map(
        ({ control, status, proofs }) => `${control.id} ${status}: ${proofs[0]?.latest.observed}`,
      );
      const withStatus = (wanted: string): string[] =>
        proven.flatMap(({ control, status }) => (status === wanted ? [control.id] : [])).toSorted();
      assert.equal(code, 2, `${stderr}${seen.join("\n")}`);
      assert.deepEqual(withStatus("holds"), ["G9", "R1", "R12", "R2", "R7"], seen.join("\n"));
      assert.deepEqual(withStatus("no evidence"), ["M10", "M4", "M5", "M6", "M7"], seen.join("\n"));
      assert.equal(proven.length, 10);
      for (const { proofs } of proven) assert.equal(typeof proofs[0]?.latest.ledgerIndex, "number");
    },
  );

  await context.test("doctor finds it running and in order", async () => {
    const { code, stdout } = await holdfast(place, "doctor");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /a holdfast runs on this data folder/);
  });

  const stopped = await up.stop("SIGTERM");
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.match(stopped.stdout, /\{"event":"stopped","signal":"SIGTERM"\}\n$/);
  assert.equal(stopped.stderr.includes(key as string), false, "no key in the log");

  const verified = await holdfast(place, "ledger", "verify", "--format", "json");
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  assert.ok((JSON.parse(verified.stdout) as { size: number }).size >= 10, verified.stdout);
});

test("a later start shows no key, says in five lines what it does, and takes the keys made before", async (context) => {
  const place = await withModel(context);
  const first = await startUp(context, place);
  const key = first.ready.firstKey?.key;
  // However it ended: the lock goes with the process, and nothing has to be repaired.
  assert.equal((await first.stop("SIGKILL")).signal, "SIGKILL");

  const child = start(place, ["up"]);
  const end = finished(child);
  context.after(() => child.kill("SIGKILL"));
  let text = "";
  while (!/^try .*\n/m.test(text)) text += String((await once(child.stdout, "data"))[0]);
  const lines = text.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => line.split(/[ :]/)[0]),
    ["Holdfast", "data", "model", "key", "try"],
  );
  assert.doesNotMatch(text, /hf_/);
  assert.match(text, /make another: holdfast key create/);
  const gateway = /gateway (http:\S+),/.exec(text)?.[1] as string;
  assert.equal((await ask({ ...first.ready, gateway }, key, "Hello")).status, 200);
  child.kill("SIGINT");
  assert.equal((await end).code, 0);
});

test("without a model it protects, and says so", async (context) => {
  const place = emptyPlace(context);
  // An upstream list that is empty makes it look on this machine: what it finds there is not this test's to say.
  writeFileSync(join(place.cwd, "holdfast.yaml"), "gateway: {listen: 127.0.0.1:0}\nadmin: {listen: 127.0.0.1:0}\n");
  const up = await startUp(context, place);
  if (up.ready.upstreams.length === 0) {
    const response = await ask(up.ready, up.ready.firstKey?.key, "Hello");
    assert.equal(response.status, 503);
    assert.match(await response.text(), /no model is configured/);
    assert.equal((await fetch(`${up.ready.admin}/readyz`)).status, 503);
  }
  assert.equal((await up.stop()).code, 0);
});

test("an address in use is named, with how to change it, and nothing is left behind", async (context) => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  context.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  for (const [variable, field] of [
    ["HOLDFAST_GATEWAY_LISTEN", "gateway.listen"],
    ["HOLDFAST_ADMIN_LISTEN", "admin.listen"],
  ] as const) {
    const place = emptyPlace(context, {
      HOLDFAST_GATEWAY_LISTEN: "127.0.0.1:0",
      HOLDFAST_ADMIN_LISTEN: "127.0.0.1:0",
      [variable]: `127.0.0.1:${port}`,
    });
    const { code, stdout, stderr } = await holdfast(place, "up");
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    const [error = "", hint = ""] = stderr.split("\n").filter((line) => line.startsWith("holdfast: "));
    assert.match(error, new RegExp(`cannot listen.*${port}.*EADDRINUSE`));
    assert.ok(hint.includes(field), hint);
  }
});

test("it goes on when nobody reads what it prints", async (context) => {
  const place = emptyPlace(context, { HOLDFAST_GATEWAY_LISTEN: "127.0.0.1:0", HOLDFAST_ADMIN_LISTEN: "127.0.0.1:0" });
  const up = await startUp(context, place);
  up.child.stdout.destroy();
  const { code, stderr } = await up.stop();
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /EPIPE|holdfast: error/);
});

test("listening for other machines is said aloud", async (context) => {
  const place = emptyPlace(context, { HOLDFAST_GATEWAY_LISTEN: "0.0.0.0:0", HOLDFAST_ADMIN_LISTEN: "127.0.0.1:0" });
  const up = await startUp(context, place);
  assert.match(up.ready.gateway, /^http:\/\/127\.0\.0\.1:/);
  const { code, stderr } = await up.stop();
  assert.equal(code, 0);
  assert.match(stderr, /"level":"warn","message":"the gateway listens for other machines, without TLS/);
});

test("a first Ctrl-C waits for what is in flight, a second does not", async (context) => {
  const place = await withModel(context);
  const up = await startUp(context, place);
  const { hostname, port } = new URL(up.ready.gateway);
  // A request whose body never comes keeps the gateway draining.
  const socket = connect(Number(port), hostname);
  context.after(() => socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${up.ready.firstKey?.key}\r\n` +
      "content-type: application/json\r\ncontent-length: 100\r\n\r\n{",
  );
  // The server has the request once it has answered one that came after it.
  assert.equal((await ask(up.ready, up.ready.firstKey?.key, "Hello")).status, 200);

  let log = "";
  const stopping = new Promise<void>((resolve) => {
    up.child.stderr.on("data", (chunk: string) => {
      log += chunk;
      if (log.includes('"message":"stopping"')) resolve();
    });
  });
  up.child.kill("SIGINT");
  await stopping;
  assert.equal(up.child.exitCode, null);
  const { code } = await up.stop("SIGINT");
  assert.equal(code, 130);
  const verified = await holdfast(place, "ledger", "verify");
  assert.equal(verified.code, 0, "what was acknowledged is there");
});
