/** `holdfast policy …`: what is wrong is shown whole, and why a request is denied can be read. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Exit, fakeClock, isHoldfastError, type CommandResult, type CommandRun, type Style } from "../../core/index.ts";
import { migrate, openDb, storageModule, type Db } from "../../storage/index.ts";
import { gatewayConfig } from "../config.ts";
import { createKey } from "../identity/store.ts";
import { gatewayMigrations } from "../migrations.ts";
import type { GatewayServices } from "../module.ts";
import { check, explainOne } from "./commands.ts";

const home = mkdtempSync(join(tmpdir(), "holdfast-policy-command-"));
const clock = fakeClock(Date.UTC(2026, 10, 27, 12));
const plain = (text: string): string => text;
const style: Style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };
let db: Db;

before(async () => {
  db = await openDb({ url: "sqlite", home });
  await migrate(db, [storageModule, { name: "gateway", migrations: gatewayMigrations }]);
  writeFileSync(
    join(home, "p.cedar"),
    `@id("shop") permit (principal in App::"shop", action, resource);
@id("dev") permit (principal in Group::"dev", action == Action::"infer", resource == Model::"gpt-5");
@id("no-pii") forbid (principal, action, resource) when { context.dataClasses.contains("pii") };
@id("office") forbid (principal in App::"desk", action, resource) unless { context.address.isInRange(ip("10.0.0.0/8")) && context.now.toTime() < duration("18h") };
@id("desk") permit (principal in App::"desk", action, resource);
@id("breaks") forbid (principal in App::"broken", action, resource) when { context.weekday + 9223372036854775807 > 0 };`,
  );
});

after(async () => {
  await db.close();
  rmSync(home, { recursive: true, force: true });
});

const config = (more: object = {}) =>
  gatewayConfig.parse({
    authorization: { policies: home },
    upstreams: [
      { name: "one", protocol: "openai", url: "https://one.example/v1", models: ["gpt-*"] },
      { name: "two", protocol: "openai", url: "https://two.example/v1", apps: ["desk"] },
    ],
    models: { fast: [{ upstream: "one", model: "gpt-5" }] },
    identity: {
      issuers: [{ name: "corp", issuer: "https://login.example", audience: ["us"], app: "portal" }],
      certificates: [{ name: "mesh", match: { dns: "a.example" }, app: "desk", models: ["gpt-5"] }],
    },
    ...more,
  });

async function run(
  command: CommandRun<GatewayServices>,
  options: Readonly<Record<string, string | boolean | readonly string[]>>,
  args: Readonly<Record<string, string>> = {},
  more: object = {},
): Promise<CommandResult & { readonly shown: string }> {
  const services = { clock, db: async () => db, config: { gateway: config(more) } };
  const result = await command({ services, options, args, rest: [], progress: () => undefined });
  return { ...result, shown: result.text(style) };
}

const refused =
  (code: string, why = /./) =>
  (error: unknown) =>
    isHoldfastError(error, code) && why.test(error.detail ?? "");

describe("policy check", () => {
  it("says that the policies are valid", async () => {
    const { exit, shown, data } = await run(check, {});
    assert.deepEqual([exit, shown], [undefined, `valid: ${home}; 6 policies`]);
    assert.equal((data as { policies: unknown[] }).policies.length, 6);
  });

  it("shows every problem by its place, and ends so that a script notices", async () => {
    const wrong = mkdtempSync(join(tmpdir(), "holdfast-policy-command-"));
    writeFileSync(join(wrong, "a.cedar"), 'permit (principal, action == Action::"infre", resource);\n');
    writeFileSync(join(wrong, "b.cedar"), "\nforbid (principal, action, resource) when { context.nope };");
    try {
      const { exit, shown } = await run(check, {}, { folder: wrong });
      assert.equal(exit, Exit.usage);
      assert.match(shown, /^a\.cedar:1: a\.cedar#1: .*infre/m);
      assert.match(shown, /^b\.cedar:2: b\.cedar#1: .*nope/m);
      await assert.rejects(
        run(explainOne, { principal: "app:shop", model: "m", policies: wrong }),
        refused("gateway.policy-invalid"),
      );
    } finally {
      rmSync(wrong, { recursive: true, force: true });
    }
  });

  it("needs a folder", async () => {
    await assert.rejects(run(check, {}, {}, { authorization: {} }), refused("gateway.policy-option", /no folder/));
  });
});

describe("policy explain", () => {
  const ask = (principal: string, more: Readonly<Record<string, string | boolean | readonly string[]>> = {}) =>
    run(explainOne, { principal, model: "gpt-5", ...more });

  it("names what permits, and what each policy says", async () => {
    const { exit, shown } = await ask("app:shop");
    assert.equal(exit, Exit.clean);
    assert.match(shown, /^allowed: gpt-5 at one: permitted by shop$/m);
    assert.match(shown, /^ {2}permit {2}shop +applies +p\.cedar:1$/m);
    assert.match(shown, /^ {2}forbid {2}no-pii +does not apply +p\.cedar:3$/m);
  });

  it("names what forbids, and says when nothing permits", async () => {
    const forbidden = await ask("app:shop", { dataClass: ["pii"] });
    assert.equal(forbidden.exit, Exit.findings);
    assert.match(forbidden.shown, /^denied: gpt-5 at one: forbidden by no-pii$/m);
    assert.match(forbidden.shown, /^ {2}permit {2}shop +applies/m);
    const nothing = await ask("app:other");
    assert.match(nothing.shown, /^denied: gpt-5 at one: no policy permits it$/m);
    const broken = await ask("app:broken");
    assert.match(broken.shown, /breaks failed, which denies whatever the others say/);
    assert.match(broken.shown, /breaks +failed +p\.cedar:6/);
  });

  it("knows users, their groups and apps, certificates and keys", async () => {
    assert.equal((await ask("user:corp/alice", { group: ["dev"] })).exit, Exit.clean);
    assert.equal((await ask("user:corp/alice")).exit, Exit.findings);
    assert.equal((await ask("user:corp/alice", { group: "dev", action: "embed" })).exit, Exit.findings);
    assert.equal((await ask("user:other/alice", { app: "shop" })).exit, Exit.clean);
    assert.equal((await ask("certificate:mesh", { address: "10.9.8.7" })).exit, Exit.clean);
    const { id } = await createKey(db, { app: "shop", models: ["gpt-5"] }, clock);
    assert.equal((await ask(`key:${id}`)).exit, Exit.clean);
    const outside = await ask(`key:${id}`, { model: "gpt-4" });
    assert.equal(outside.exit, Exit.findings);
    assert.match(outside.shown, /scope of the key does not cover/);
  });

  it("takes time and address as they are given", async () => {
    const at = async (time: string, address: string): Promise<unknown> =>
      (await ask("app:desk", { at: time, address })).exit;
    assert.equal(await at("2026-11-27T12:00:00Z", "10.1.1.1"), Exit.clean);
    assert.equal(await at("2026-11-27T19:00:00Z", "10.1.1.1"), Exit.findings);
    assert.equal(await at("2026-11-27T12:00:00Z", "11.1.1.1"), Exit.findings);
  });

  it("asks of a name of the gateway's own all that stands behind it, and of a model every upstream", async () => {
    const { data } = await ask("app:desk", { model: "fast", address: "10.1.1.1" });
    const asked = (result: unknown) => (result as { explained: { what: string }[] }).explained.map(({ what }) => what);
    assert.deepEqual(asked(data), ["gpt-5 at one", "fast at one"]);
    assert.deepEqual(asked((await ask("app:desk")).data), ["gpt-5 at one", "gpt-5 at two"]);
    assert.deepEqual(asked((await ask("app:desk", { upstream: "two" })).data), ["gpt-5 at two"]);
    assert.deepEqual(asked((await ask("app:shop")).data), ["gpt-5 at one"]);
    assert.deepEqual(asked((await ask("app:shop", { upstream: "three" })).data), ["gpt-5 at three"]);
  });

  it("asks of a tool its server too", async () => {
    const { exit, shown } = await run(explainOne, { principal: "app:shop", tool: "mail/send" });
    assert.equal(exit, Exit.clean);
    assert.match(shown, /^allowed: server mail: permitted by shop$/m);
    assert.match(shown, /^allowed: tool send of mail: permitted by shop$/m);
    assert.equal((await run(explainOne, { principal: "app:other", tool: "mail" })).exit, Exit.findings);
    await assert.rejects(ask("app:shop", { tool: "mail/send" }), refused("gateway.policy-option", /without --model/));
  });

  it("refuses what it does not understand", async () => {
    for (const principal of ["", "shop", "app:", "role:admin", "user:nobody/x", "certificate:nope"]) {
      await assert.rejects(ask(principal), refused("gateway.policy-option"), principal);
    }
    await assert.rejects(ask("key:nope"), (error: unknown) => isHoldfastError(error, "gateway.key-unknown"));
    await assert.rejects(ask("app:shop", { action: "delete" }), refused("gateway.policy-option", /infer or embed/));
    await assert.rejects(ask("app:shop", { at: "noon" }), refused("gateway.policy-option", /--at/));
    await assert.rejects(ask("app:shop", { model: "" }), refused("gateway.policy-option", /--model/));
  });
});
