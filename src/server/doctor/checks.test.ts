import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { fakeClock } from "../../core/index.ts";
import { openLedger } from "../../ledger/index.ts";
import { sql } from "../../storage/index.ts";
import { runDoctor } from "../commands/doctor.ts";
import { lockHome } from "../home.ts";
import { createLogger } from "../log.ts";
import { createServices, type Services } from "../services.ts";
import { checks, type CheckResult } from "./checks.ts";

const QUIET =
  "gateway: {listen: '127.0.0.1:0', upstreams: [{name: u, protocol: openai, url: 'http://127.0.0.1:1/v1'}]}\nadmin: {listen: '127.0.0.1:0'}\n";

function setUp(context: TestContext, config = QUIET): { services: Services; cwd: string } {
  const cwd = mkdtempSync(join(tmpdir(), "holdfast-doctor-"));
  writeFileSync(join(cwd, "holdfast.yaml"), config);
  const services = createServices({
    source: { env: {}, cwd },
    log: createLogger({ write: () => undefined, clock: fakeClock(), level: "error", format: "json" }),
    print: () => undefined,
  });
  context.after(async () => {
    await services.close();
    rmSync(cwd, { recursive: true, force: true });
  });
  return { services, cwd };
}

/** What the doctor says of one thing, first line. */
async function says(services: Services, name: string): Promise<Omit<CheckResult, "name">> {
  const { data } = await runDoctor({ services, args: {}, rest: [], options: {}, progress: () => undefined });
  const found = (data as { checks: CheckResult[] }).checks.find((check) => check.name === name);
  assert.ok(found);
  const { name: _, ...rest } = found;
  return rest;
}

test("it looks and makes nothing", async (context) => {
  const { services, cwd } = setUp(context);
  await says(services, "node");
  assert.deepEqual(readdirSync(cwd), ["holdfast.yaml"]);
});

test("a database that a newer version made is named, before that version is missed", async (context) => {
  const { services } = setUp(context);
  const db = await services.db();
  assert.match((await says(services, "database")).what, /^sqlite answers, \d+ migrations applied$/);
  await db.execute(
    sql`insert into storage_migrations (module, id, digest, applied_at) values ('later', '0001-x', '', 0)`,
  );
  const { status, what } = await says(services, "database");
  assert.equal(status, "fail");
  assert.match(what, /newer version: later\/0001-x/);
  await db.execute(sql`delete from storage_migrations where module = 'later' or module = 'govern'`);
  assert.match((await says(services, "database")).what, /1 follow at the next start/);
});

test("a database file that is none is failed by name", async (context) => {
  const { services } = setUp(context);
  writeFileSync(
    join(services.home, "state.db"),
    "this is not a database, and long enough to be read as one".repeat(20),
    {
      mode: 0o600,
    },
  );
  assert.equal((await says(services, "database")).status, "fail");
});

test("the ledger is verified, and one that was changed fails", async (context) => {
  const { services } = setUp(context);
  assert.match((await says(services, "ledger")).what, /not there yet/);
  const ledger = await openLedger({ folder: services.ledgerFolder, keyFile: services.ledgerKeyFile });
  await ledger.append(new TextEncoder().encode("entry"));
  await ledger.close();
  assert.deepEqual(await says(services, "ledger"), { status: "ok", what: "1 entry verifies" });
  appendFileSync(join(services.ledgerFolder, "checkpoint"), "x");
  const { status, todo } = await says(services, "ledger");
  assert.equal(status, "fail");
  assert.match(todo ?? "", /holdfast ledger verify/);
});

test("a running server has its ports; an address for other machines is a warning", async (context) => {
  const { services } = setUp(context);
  assert.match((await says(services, "ports")).what, /gateway 127\.0\.0\.1:0 is free/);
  const lock = lockHome(services.home);
  context.after(() => lock.release());
  assert.match((await says(services, "ports")).what, /runs on this data folder/);

  const open = setUp(context, QUIET.replace("127.0.0.1:0", "0.0.0.0:0"));
  assert.equal((await says(open.services, "ports")).status, "warn");
  assert.equal(existsSync(join(open.cwd, ".holdfast")), false);
});

test("an upstream that accepts a connection is reachable, and no more is claimed", async (context) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { services } = setUp(context, QUIET.replace("127.0.0.1:1/v1", `127.0.0.1:${port}/v1`));
  assert.deepEqual(await says(services, "upstreams"), {
    status: "ok",
    what: "u accepts connections (its key was not tried)",
  });
  const gone = setUp(context);
  assert.equal((await says(gone.services, "upstreams")).status, "fail");
  const inside = setUp(context, QUIET.replace("protocol: openai", "protocol: openai, network: public"));
  assert.match((await says(inside.services, "upstreams")).what, /loopback address/);
});

test("a name of a model must lead to an upstream that serves it", async (context) => {
  const named = (upstream: string): string =>
    QUIET.replace("gateway: {", `gateway: {models: {fast: [{upstream: ${upstream}, model: m}]}, `);
  const lines = async (text: string): Promise<readonly string[]> => {
    const [check] = checks.filter(({ name }) => name === "upstreams");
    return ((await check?.run(setUp(context, text).services)) ?? []).map(({ status, what }) => `${status} ${what}`);
  };
  assert.match((await lines(named("u")))[1] ?? "", /^ok fast: /);
  assert.match((await lines(named("nobody")))[1] ?? "", /^fail .*fast: there is no upstream nobody$/);
});

test("an invalid configuration fails what needs it, with its hint, and the rest is still checked", async (context) => {
  const { services } = setUp(context, "gatway: 1\n");
  assert.equal((await says(services, "node")).status, "ok");
  for (const name of ["configuration", "data folder", "ledger"]) {
    const { status, todo } = await says(services, name);
    assert.equal(status, "fail", name);
    assert.equal(todo, "did you mean gateway");
  }
});
