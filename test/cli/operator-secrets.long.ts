/**
 * The operator's own secrets, one in every slot that there is, in the whole product on real servers: none of them is in what
 * any process prints, logs, answers, counts, traces or records, nor in the database, whatever goes wrong. What a request or
 * an upstream can carry is in `test/gateway/secrets.test.ts`.
 */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { it, type TestContext } from "node:test";

import { Client } from "pg";
import { Agent, request } from "undici";

import { testAuthority, type TestAuthority } from "../identity/certificates.ts";
import { postgresMissing, startPostgres, type PostgresServer } from "../servers/postgres.ts";
import { redisMissing, startRedis } from "../servers/redis.ts";
import { startFakeUpstream, type FakeUpstream } from "../upstreams/fake.ts";
import { emptyPlace, finished, holdfast, start, startUp, type Place } from "./holdfast.ts";

const authority = testAuthority();
const missing =
  postgresMissing ?? redisMissing ?? (authority === undefined ? "skipped: openssl is not installed" : false);

const opaque = (slot: string): string => `canary-${slot}-zq7x0123456789`;

/** Answers every request with the headers that it got, as an error. */
async function startEcho(
  context: TestContext,
): Promise<{ readonly url: string; readonly requests: FakeUpstream["requests"] }> {
  const upstream = await startFakeUpstream({
    answer({ headers }, response) {
      const said = JSON.stringify({ error: { message: JSON.stringify(headers), code: "no" } });
      response.writeHead(400, { "content-type": "application/json" }).end(said);
      return true;
    },
  });
  context.after(() => upstream.close());
  return { url: new URL(upstream.url).origin, requests: upstream.requests };
}

/** Every row of every table, as text; bytes also as what they spell. */
async function databaseText(postgres: PostgresServer): Promise<string> {
  const client = new Client(postgres.url());
  await client.connect();
  const tables = await client.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'holdfast'",
  );
  const rows: string[] = [];
  for (const { name } of tables.rows) {
    const { rows: found } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
    for (const { row } of found) {
      rows.push(row);
      for (const [, hex] of row.matchAll(/\\x([0-9a-f]+)/g)) {
        rows.push(Buffer.from(hex as string, "hex").toString("utf8"));
      }
    }
  }
  await client.end();
  assert.ok(rows.length > 10);
  return rows.join("\n");
}

/** The forms in which a text, or bytes, could stand somewhere. */
function formsOf(secret: string | Buffer): readonly string[] {
  const bytes = Buffer.from(secret);
  const coded = [
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
    bytes.toString("latin1"),
  ];
  return typeof secret === "string"
    ? [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...coded]
    : coded;
}

it(
  "no secret of the operator comes out anywhere, whatever goes wrong",
  { skip: missing, timeout: 600_000 },
  async (context) => {
    const pairs = authority as TestAuthority;
    context.after(() => pairs.close());
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    context.after(() => Promise.all([postgres.stop(), redis.stop()]));
    const echo = await startEcho(context);
    const secrets: Record<string, string> = {
      "upstream key": opaque("upstream-key"),
      "key of an MCP server": opaque("mcp-key"),
      "secret of the ledger": opaque("ledger-secret-of-32-bytes-and-more"),
      "client secret of the issuer": opaque("oidc-client-secret"),
      "token of the collector": opaque("collector-token"),
      "passphrase of a seal": opaque("passphrase of a seal"),
      "password of PostgreSQL": postgres.password,
      "password of Redis": redis.password,
      "a wrong password": opaque("wrong-password"),
      "key of the certificate": pairs.server.key.split("\n")[1] as string,
      "an unknown key of a client": `hf_0123456789ab_${opaque("client").replaceAll(/[^a-z0-9]/gi, "")}`,
    };
    const place: Place = emptyPlace(context, {
      HOLDFAST_STORAGE_URL: postgres.url(),
      HOLDFAST_COUNTERS_URL: redis.url,
      HOLDFAST_LEDGER_SECRET: secrets["secret of the ledger"] as string,
      UPSTREAM_KEY: secrets["upstream key"] as string,
      MCP_KEY: secrets["key of an MCP server"] as string,
    });
    const file = (name: string, text: string): void => writeFileSync(join(place.cwd, name), text, { mode: 0o600 });
    file("tls.crt", pairs.server.cert);
    file("tls.key", pairs.server.key);
    file("oidc.secret", secrets["client secret of the issuer"] as string);
    file("passphrase", secrets["passphrase of a seal"] as string);
    const config = (more = ""): string => `gateway:
  listen: 127.0.0.1:0
  tls: {cert: {file: tls.crt}, key: {file: tls.key}}
  retries: {attempts: 1}
  upstreams: [{name: echo, protocol: openai, url: '${echo.url}/v1', key: {env: UPSTREAM_KEY}}]
  mcp: {servers: [{name: tools, url: '${echo.url}/mcp', key: {env: MCP_KEY}}]}
admin:
  listen: 127.0.0.1:0
  login:
    url: 'https://holdfast.example'
    issuer: '${echo.url}'
    clientId: holdfast
    clientSecret: {file: oidc.secret}
    roles: {admin: [security]}
telemetry: {metrics: true, traces: {endpoint: '${echo.url}/traces?token=${secrets["token of the collector"]}'}}
${more}`;
    file("holdfast.yaml", config());

    /** All that anybody could have read, by where. */
    const said: [where: string, text: string][] = [];
    const run = async (where: string, of: Place, ...args: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await holdfast(of, ...args);
      said.push([`${where}: ${args.join(" ")}`, `${stdout}\n${stderr}`]);
      return stdout;
    };
    const debug: Place = { ...place, env: { ...place.env, HOLDFAST_LOG: "debug" } };

    // The server: served, refused, blocked, and asked by hand.
    const { ready, stop } = await startUp(context, debug, "--workers", "2");
    const firstKey = ready.firstKey?.key as string;
    const data = join(place.cwd, ".holdfast");
    const adminToken = readFileSync(join(data, "keys", "admin.token"), "utf8").trim();
    const ask = async (url: string, headers: Record<string, string>, body?: unknown): Promise<void> => {
      const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
      const answer = await request(url, {
        dispatcher,
        method: body === undefined ? "GET" : "POST",
        headers: { "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      said.push([`answer of ${url}`, `${JSON.stringify(answer.headers)}\n${await answer.body.text()}`]);
      await dispatcher.close();
    };
    const key = { authorization: `Bearer ${firstKey}` };
    const hello = { model: "m", messages: [{ role: "user", content: "hi" }] };
    const exercise = async (): Promise<void> => {
      await ask(`${ready.gateway}/v1/chat/completions`, key, hello);
      await ask(`${ready.gateway}/v1/chat/completions`, key, { ...hello, stream: true });
      await ask(
        `${ready.gateway}/v1/chat/completions`,
        { authorization: `Bearer ${secrets["an unknown key of a client"]}` },
        hello,
      );
      await ask(
        `${ready.gateway}/mcp/tools`,
        { ...key, accept: "application/json, text/event-stream" },
        {
          jsonrpc: "2.0",
          id: 1,
          method: "initialize",
          params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
        },
      );
      for (const path of ["/healthz", "/readyz"]) await ask(`${ready.gateway}${path}`, {});
      const admin = { authorization: `Bearer ${adminToken}` };
      for (const path of ["/readyz", "/metrics", "/api/posture", "/api/keys", "/api/session", "/login", "/nowhere"]) {
        await ask(`${ready.admin}${path}`, admin);
        await ask(`${ready.admin}${path}`, { authorization: `Bearer ${secrets["a wrong password"]}` });
      }
    };
    await exercise();
    // The secrets were there to be told: the model and the server of tools got their keys.
    const heard = JSON.stringify(echo.requests);
    for (const slot of ["upstream key", "key of an MCP server"])
      assert.ok(heard.includes(secrets[slot] as string), slot);

    // Commands beside it.
    for (const args of [
      ["doctor"],
      ["posture", "--check"],
      ["key", "list"],
      ["ledger", "show"],
      ["gateway", "coverage"],
    ]) {
      await run("beside the server", debug, ...args);
    }
    file("holdfast.yaml", config("nonsense: 1\n"));
    await run("a configuration that is wrong", debug, "reload");
    file("holdfast.yaml", config());
    await run("reload", debug, "reload");

    // What it needs goes away.
    await Promise.all([postgres.kill(), redis.kill()]);
    await delay(3_000);
    await exercise();
    await run("without its servers", debug, "doctor");
    await run("without its servers", debug, "key", "list");
    await Promise.all([postgres.start(), redis.start()]);
    await delay(3_000);
    await exercise();
    const { stdout, stderr } = await stop();
    // The first key is shown once, on purpose, to whoever starts it.
    said.push(["standard output of up", stdout.replaceAll(firstKey, "")], ["log of up", stderr]);
    assert.match(stderr, /"level":"/);

    // Commands with secrets that are wrong, or in places where they should not be.
    const wrong = secrets["a wrong password"] as string;
    const places: readonly Record<string, string>[] = [
      { HOLDFAST_STORAGE_URL: postgres.url().replace(/:[^:@]*@/, `:${wrong}@`) },
      { HOLDFAST_STORAGE_URL: `postgres://u:${wrong}@127.0.0.1:1/x` },
      { HOLDFAST_STORAGE_URL: `postgres://u:${wrong}@[nonsense/x` },
      { HOLDFAST_STORAGE_URL: `mysql://u:${wrong}@127.0.0.1/x` },
      { HOLDFAST_COUNTERS_URL: redis.url.replace(/:[^:@]*@/, `:${wrong}@`) },
      { HOLDFAST_COUNTERS_URL: `redis://:${wrong}@127.0.0.1:1` },
      { HOLDFAST_COUNTERS_URL: `memcached://:${wrong}@127.0.0.1` },
      { HOLDFAST_LEDGER_SECRET: wrong },
      { HOLDFAST_LEDGER_SECRET: wrong.slice(0, 12) },
      { UPSTREAM_KEY: `${wrong}\nx` },
    ];
    for (const [index, env] of places.entries()) {
      const other: Place = { ...debug, env: { ...debug.env, ...env } };
      for (const args of [["doctor"], ["config", "check"], ["key", "list"], ["up", "--format", "json"]]) {
        const child = start(other, [...args, ...(args[0] === "up" ? ["--data", `other-${index}`] : [])]);
        const timer = setTimeout(() => child.kill("SIGTERM"), 8_000);
        const { stdout: out, stderr: err } = await finished(child);
        clearTimeout(timer);
        const shown = /"firstKey":\{[^}]*\}/g;
        said.push([`${Object.keys(env).join()} ${index}: ${args.join(" ")}`, `${out.replaceAll(shown, "")}\n${err}`]);
      }
    }
    file(
      "wrong.yaml",
      `gateway: {upstreams: [{name: x, protocol: openai, url: 'http://u:${wrong}@h/v1', key: ${wrong}}]}\n`,
    );
    await run("keys in the configuration", debug, "config", "check", "wrong.yaml");

    // Seals.
    mkdirSync(join(place.cwd, "models"));
    file("models/weights.bin", "weights");
    const sealed = await run("seal", debug, "seal", "models/weights.bin", "--to", "passphrase:passphrase");
    assert.match(sealed, /weights\.bin\.age/);
    file("other", wrong);
    await run("unseal", debug, "unseal", "models/weights.bin.age", "--with", "passphrase:other");
    await run("seal inspect", debug, "seal", "inspect", "models/weights.bin.age");

    // A crash, by an error that quotes a secret, as one of a library might.
    const hook = `setTimeout(() => { throw new Error("cannot reach ${postgres.url()} with ${secrets["upstream key"]}") }, 4000)`;
    // A file of its own: a place in the stack names the module, and a data URL is all of its text.
    file("crash.mjs", hook);
    const crashing = start(debug, ["up", "--format", "json"], ["--import", join(place.cwd, "crash.mjs")]);
    const crash = await finished(crashing);
    assert.equal(crash.code, 2, "it did not crash");
    assert.match(crash.stderr, /core\.internal/);
    said.push(["crash", `${crash.stdout}\n${crash.stderr}`]);

    // What stays.
    for (const path of readdirSync(join(data, "ledger"), { recursive: true, withFileTypes: true })) {
      if (!path.isFile()) continue;
      said.push([`ledger/${path.name}`, readFileSync(join(path.parentPath, path.name)).toString("latin1")]);
    }
    said.push(["the database", await databaseText(postgres)]);
    // Where they are sent is the token's place.
    const traces = echo.requests.filter(({ path }) => path.startsWith("/traces"));
    said.push(["traces", traces.map(({ body, headers }) => `${JSON.stringify(headers)}\n${body}`).join("\n")]);
    assert.ok(said.at(-1)?.[1].includes("holdfast.request.id"), "no traces");

    const inKeys = (name: string): Buffer => readFileSync(join(data, "keys", name));
    const all: (readonly [string, string | Buffer])[] = [
      ...Object.entries(secrets),
      ["keys/ledger.key", inKeys("ledger.key").toString("utf8").trim().split("+").at(-1) as string],
      ["keys/commitment.key", inKeys("commitment.key")],
      ["keys/admin.token", adminToken],
      ["the first key", firstKey],
    ];
    const hits: string[] = [];
    for (const [slot, secret] of all) {
      assert.ok(secret.length >= 12, slot);
      for (const [where, text] of said) {
        if (formsOf(secret).some((form) => text.includes(form))) hits.push(`${slot} in ${where}`);
      }
    }
    assert.deepEqual(hits, []);
    // A search that finds nothing has to be one that could.
    assert.ok(said.some(([, text]) => text.includes("storage.unavailable")));
  },
);
