import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import type { GatewayConfig } from "../gateway/index.ts";
import { loadConfig, type LoadedConfig } from "./config/load.ts";
import { reloader, type ReloadServices } from "./reload.ts";

const UPSTREAMS = "upstreams: [{name: one, protocol: openai, url: 'http://127.0.0.1:1/v1'}]";

/** Services of a product that runs on a file, and a gateway that takes what it is given. */
function setUp(context: TestContext, prepare?: (config: GatewayConfig) => void) {
  const cwd = mkdtempSync(join(tmpdir(), "holdfast-reload-"));
  context.after(() => rmSync(cwd, { recursive: true, force: true }));
  const write = (gateway: string, rest = ""): void => {
    writeFileSync(join(cwd, "holdfast.yaml"), `gateway: {${UPSTREAMS}, ${gateway}}\n${rest}`);
  };
  write("limits: {messages: 5}");
  const source = { env: {}, cwd };
  let loaded: LoadedConfig = loadConfig(source);
  const logged: string[] = [];
  const log = (message: string, fields?: object): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const services: ReloadServices = {
    source,
    home: loaded.home,
    log: { debug: log, info: log, warn: log, error: log },
    get config() {
      return loaded.config;
    },
    setConfig: (next) => (loaded = next),
  };
  const used: number[] = [];
  const reload = reloader(services, {
    async prepare(config) {
      prepare?.(config);
      // As long as it takes, a second reload waits.
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { commit: () => void used.push(config.limits.messages), abort: async () => undefined };
    },
  });
  return { write, reload, used, logged, messages: () => loaded.config.gateway.limits.messages };
}

test("what changed is taken up, said and logged by its path", async (context) => {
  const { write, reload, used, logged, messages } = setUp(context);
  assert.deepEqual(await reload(), { changed: [] });
  write("limits: {messages: 6}, guards: {pii: {request: mask}}");
  assert.deepEqual(await reload(), { changed: ["gateway.limits.messages", "gateway.guards.pii.request"] });
  assert.deepEqual([used, messages()], [[5, 6], 6]);
  assert.match(logged.at(-1) ?? "", /read again .*gateway\.limits\.messages/);
});

test("each section that needs a restart is refused by name, with all that changed beside it", async (context) => {
  const { write, reload, used, logged, messages } = setUp(context);
  for (const [rest, path] of [
    ["storage: {url: 'postgres://user:s3cret@host/db'}", "storage.url"],
    ["counters: {url: 'redis://:s3cret@host'}", "counters.url"],
    ["admin: {listen: 127.0.0.1:1}", "admin.listen"],
    ["telemetry: {metrics: true}", "telemetry.metrics"],
    ["data: elsewhere", "data"],
  ] as const) {
    write("limits: {messages: 6}", rest);
    await assert.rejects(reload(), { code: "server.restart-needed", detail: path });
  }
  assert.deepEqual([used, messages()], [[], 5]);
  assert.ok(!logged.join().includes("s3cret"));
});

test("what is not valid, not there, or not taken by the gateway leaves all as it was", async (context) => {
  const { write, reload, used, messages } = setUp(context, ({ limits }) => {
    if (limits.messages === 7) throw new Error("no");
  });
  write("limits: {mesages: 6}");
  await assert.rejects(reload(), { code: "server.config-invalid" });
  write("limits: {messages: 7}");
  await assert.rejects(reload(), /no/);
  assert.deepEqual([used, messages()], [[], 5]);
  write("limits: {messages: 8}");
  await reload();
  assert.deepEqual([used, messages()], [[8], 8], "the next one is not held up");
});

test("one at a time, in the order in which they were asked for", async (context) => {
  const { write, reload, used } = setUp(context);
  const first = reload();
  write("limits: {messages: 6}");
  const second = reload();
  write("limits: {messages: 7}");
  await Promise.all([first, second]);
  assert.deepEqual(used.at(-1), 7, "the last one read what stands there now");
  assert.equal(used.length, 2);
});
