import assert from "node:assert/strict";
import { before, it } from "node:test";

import { onEachDatabase } from "../../../test/servers/databases.ts";
import { fakeClock, isHoldfastError } from "../../core/index.ts";
import { migrate, sql, storageModule, type Db } from "../../storage/index.ts";
import type { Principal } from "../identity/principal.ts";
import { gatewayModule } from "../module.ts";
import { allowCall, forgetFlow, listCalls, openFlow, type Call, type Flow } from "./flow.ts";
import { forgetSessions, openSessions } from "./session.ts";
import {
  approveSeen,
  findDefinition,
  forgetUnapproved,
  listDefinitions,
  readDefinitions,
  revokeApproval,
  saveSeen,
} from "./store.ts";

const someone = (keyId: string): Principal => ({
  keyId,
  app: "shop",
  models: ["*"],
  requestsPerMinute: undefined,
  concurrency: undefined,
});
const send = (args: object = {}): Call => ({ server: "mail", tool: "send", arguments: args, requestId: "r" });

onEachDatabase("what is kept of MCP", (stage) => {
  let db: Db;
  before(async () => {
    ({ db } = stage());
    await migrate(db, [storageModule, gatewayModule]);
  });

  const waits = async (flow: Flow, context: string, call: Call): Promise<string> => {
    let id = "";
    await assert.rejects(flow.pass(context, call), (error) => {
      id = /call ([0-9a-f]+)/.exec(isHoldfastError(error, "gateway.mcp-flow") ? error.message : "")?.[1] ?? "";
      return id !== "";
    });
    return id;
  };

  it("binds a context as long as what it took in may be in it, and as its mode says", async () => {
    const clock = fakeClock();
    const open = (flow: "off" | "findings" | "strict"): Flow =>
      openFlow(db, clock, { flow, flowMs: 1_000, flowScope: "principal" });
    const [off, findings, strict] = [open("off"), open("findings"), open("strict")];
    await off.takeIn("a", "web", ["injection.direct"]);
    await findings.takeIn("a", "web", []);
    assert.equal(await strict.isUntrusted("a"), false);
    await strict.takeIn("a", "web", []);
    assert.equal(await findings.isUntrusted("a"), true);
    assert.equal(await off.isUntrusted("a"), false);
    assert.equal(await findings.isUntrusted("b"), false);
    await waits(strict, "a", send());
    await off.pass("a", send());
    clock.advance(1_000);
    await strict.pass("a", send());
  });

  it("is of a principal over all its sessions, or of one session", () => {
    const clock = fakeClock();
    const of = (flowScope: "principal" | "session", key: string, session?: string): string =>
      openFlow(db, clock, { flow: "strict", flowMs: 1_000, flowScope }).contextOf(someone(key), session);
    assert.equal(of("principal", "k1", "s1"), of("principal", "k1", "s2"));
    assert.notEqual(of("principal", "k1"), of("principal", "k2"));
    assert.notEqual(of("session", "k1", "s1"), of("session", "k1", "s2"));
    assert.equal(of("session", "k1"), of("principal", "k1"));
  });

  it("lets an allowed call pass once, for a while, and no other call with it", async () => {
    const clock = fakeClock();
    const flow = openFlow(db, clock, { flow: "findings", flowMs: 86_400_000, flowScope: "principal" });
    await flow.takeIn("c", "web", ["x"]);
    const id = await waits(flow, "c", send({ to: "ann" }));
    assert.equal(await allowCall(db, "nobody", clock.now()), false);
    assert.equal(await allowCall(db, id, clock.now()), true);
    for (const other of [
      send({ to: "bob" }),
      { ...send({ to: "ann" }), server: "other" },
      { ...send({ to: "ann" }), tool: "erase" },
    ]) {
      assert.notEqual(await waits(flow, "c", other), id);
    }
    await flow.takeIn("d", "web", ["x"]);
    assert.notEqual(await waits(flow, "d", send({ to: "ann" })), id);
    const both = await Promise.allSettled([flow.pass("c", send({ to: "ann" })), flow.pass("c", send({ to: "ann" }))]);
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal(await allowCall(db, id, clock.now()), true);
    clock.advance(15 * 60_000);
    await waits(flow, "c", send({ to: "ann" }));
    const listed = (await listCalls(db, clock.now())).find((call) => call.id === id);
    assert.equal(listed?.allowedAt, undefined);
    clock.advance(24 * 3_600_000);
    assert.equal(await allowCall(db, id, clock.now()), false);
    await forgetFlow(db, clock.now(), 86_400_000);
    assert.deepEqual(await listCalls(db, 0), []);
  });

  it("keeps 100 calls of one context that wait, and not one more", async () => {
    const clock = fakeClock();
    const flow = openFlow(db, clock, { flow: "findings", flowMs: 60_000, flowScope: "principal" });
    await flow.takeIn("e", "web", ["x"]);
    for (let count = 0; count < 100; count++) await waits(flow, "e", send({ count }));
    await assert.rejects(flow.pass("e", send({ count: 100 })), /100 calls of this principal wait/);
    await waits(flow, "e", send({ count: 7 }));
  });

  it("sessions are found by their owner and at their server, until they are not used any more", async () => {
    const clock = fakeClock();
    const sessions = openSessions(db, clock, {
      limits: { messageBytes: 1, messages: 1, tools: 1, definitionBytes: 1, sessions: 2 },
      timeouts: { firstByteMs: 1, idleMs: 1, callMs: 1, sessionMs: 100_000 },
    });
    const unknown = (error: unknown): boolean => isHoldfastError(error, "gateway.mcp-session-unknown");
    const id = await sessions.begin(someone("k1"), "files", "2025-11-25", "the server's own");
    const found = await sessions.find(someone("k1"), "files", id);
    assert.deepEqual([found.version, found.upstream], ["2025-11-25", "the server's own"]);
    // Who reads the database learns of neither id.
    const [row] = await db.query<{ upstream: string }>(sql`select * from mcp_sessions`);
    const stored = `${JSON.stringify(row)} ${Buffer.from(row?.upstream ?? "", "base64").toString("latin1")}`;
    assert.ok(!stored.includes("server's own") && !stored.includes(id));
    await assert.rejects(sessions.find(someone("k2"), "files", id), unknown);
    await assert.rejects(sessions.find(someone("k1"), "mail", id), unknown);
    await assert.rejects(sessions.find(someone("k1"), "files", `${id}x`), unknown);
    await sessions.begin(someone("k1"), "files", "2025-11-25", undefined);
    await assert.rejects(sessions.begin(someone("k1"), "files", "2025-11-25", undefined), /limit 2/);
    for (let used = 0; used < 3; used++) {
      clock.advance(99_000);
      await sessions.find(someone("k1"), "files", id);
    }
    await sessions.begin(someone("k1"), "files", "2025-11-25", undefined);
    clock.advance(100_000);
    await assert.rejects(sessions.find(someone("k1"), "files", id), unknown);
    await forgetSessions(db, clock.now(), 100_000);
    assert.deepEqual(await db.query(sql`select id_digest from mcp_sessions`), []);
  });

  it("definitions: the one seen last, and the approved one, which only an operator changes", async () => {
    const definition = (digest: string): { name: string; digest: string; text: string } => ({
      name: "read",
      digest,
      text: JSON.stringify({ name: "read", digest }),
    });
    const found = [{ rule: "unicode.tag", at: "/description" }];
    await saveSeen(db, "files", definition("d1"), [], false, 1);
    assert.equal((await findDefinition(db, "files", "read"))?.approved, undefined);
    assert.equal(await approveSeen(db, "files", "read", "d0"), false);
    assert.equal(await approveSeen(db, "files", "read", "d1"), true);
    await saveSeen(db, "files", definition("d2"), found, true, 2);
    assert.deepEqual(await findDefinition(db, "files", "read"), {
      server: "files",
      name: "read",
      seen: "d2",
      seenAt: 2,
      findings: found,
      approved: "d1",
      approvedBy: "operator",
    });
    const texts = await readDefinitions(db, "files", "read");
    assert.deepEqual([texts?.seen["digest"], texts?.approved?.["digest"]], ["d2", "d1"]);
    await saveSeen(db, "mail", definition("d3"), [], true, 3);
    assert.equal((await findDefinition(db, "mail", "read"))?.approvedBy, "policy");
    await forgetUnapproved(db, "files", ["read"]);
    assert.equal((await listDefinitions(db)).length, 2);
    assert.equal(await revokeApproval(db, "files", "read"), true);
    assert.equal(await revokeApproval(db, "files", "read"), false);
    await forgetUnapproved(db, "files", ["read"]);
    assert.deepEqual(
      (await listDefinitions(db)).map(({ server }) => server),
      ["mail"],
    );
    assert.deepEqual(await listDefinitions(db, "files"), []);
  });
});
