/** The pulse over connections that answer, refuse or say nothing as the test says. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { startPulse } from "./pulse.ts";

const EVERY_MS = 5;

/** Waits until it holds; the time limit of the test ends it otherwise. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(1);
}

/** A server whose answers the test gives; counts its connections. */
function fakeServer(answer: (connection: number) => Promise<void>) {
  const server = { opened: 0, ended: 0, lost: 0, asked: 0 };
  const pulse = startPulse({
    everyMs: EVERY_MS,
    open: () => {
      const connection = ++server.opened;
      return {
        ask: async () => {
          server.asked++;
          await answer(connection);
        },
        end: () => void server.ended++,
      };
    },
    letGo: () => void server.lost++,
  });
  return { server, pulse };
}

const refusal = (code: string): Error => Object.assign(new Error("refused"), { severity: "FATAL", code });

describe("the pulse", { timeout: 30_000 }, () => {
  it("asks on one connection for as long as that answers", async () => {
    const { server, pulse } = fakeServer(async () => undefined);
    await until(() => server.asked >= 5);
    assert.equal(pulse.away(), false);
    assert.deepEqual({ ...server, asked: 0 }, { opened: 1, ended: 0, lost: 0, asked: 0 });
    pulse.stop();
    assert.equal(server.ended, 1);
  });

  it("takes a server for lost only when a second connection fails as well", async () => {
    let broken = false;
    const one = fakeServer(async (connection) => {
      if (broken && connection === 1) throw new Error("gone");
    });
    await until(() => one.server.asked >= 2);
    broken = true;
    await until(() => one.server.opened === 2 && one.server.asked >= 6);
    assert.equal(one.server.lost, 0);
    assert.equal(one.pulse.away(), false);
    one.pulse.stop();

    let gone = false;
    const all = fakeServer(async () => {
      if (gone) throw new Error("gone");
    });
    await until(() => all.server.asked >= 2);
    gone = true;
    await until(() => all.pulse.away());
    assert.ok(all.server.lost >= 1);
    gone = false;
    await until(() => !all.pulse.away());
    const { lost } = all.server;
    await until(() => all.server.asked >= 10);
    assert.equal(all.server.lost, lost);
    all.pulse.stop();
  });

  it("lets go of connections to where one fell silent, although another answers", async () => {
    let silent = false;
    const one = fakeServer(async (connection) => {
      if (silent && connection === 1) throw new Error("Query read timeout");
    });
    await until(() => one.server.asked >= 2);
    silent = true;
    await until(() => one.server.opened === 2 && one.server.asked >= 6);
    assert.deepEqual([one.server.lost, one.pulse.away()], [1, false]);
    one.pulse.stop();
  });

  it("takes a refusal for an answer, unless the server goes down or is not up yet", async () => {
    const full = fakeServer(async () => {
      throw refusal("53300");
    });
    await until(() => full.server.asked >= 4);
    assert.equal(full.pulse.away(), false);
    full.pulse.stop();
    const down = fakeServer(async () => {
      throw refusal("57P03");
    });
    await until(() => down.pulse.away());
    down.pulse.stop();
  });

  it("asks nothing after its end, whatever is under way", async () => {
    const held = Promise.withResolvers<void>();
    const { server, pulse } = fakeServer(() => held.promise);
    await until(() => server.asked === 1);
    pulse.stop();
    held.reject(new Error("gone"));
    await delay(5 * EVERY_MS);
    assert.deepEqual([server.asked, server.lost, pulse.away()], [1, 0, false]);
  });
});
