/** Whatever is killed: who got an answer finds its receipt in the ledger, once, and the ledger verifies. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";

import { decodeStatement, PredicateType } from "../../src/core/index.ts";
import { openLedgerReader } from "../../src/ledger/index.ts";
import { emptyPlace, holdfast, startUp, type Up } from "./holdfast.ts";
import { startModel } from "./model.ts";

const skip = process.platform === "linux" ? false : "skipped: processes are found by /proc";
const CLIENTS = 8;
const KILLS = 4;

function workersOf({ child }: Up): readonly number[] {
  return readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

test(
  "workers and their primary are killed under load, and no acknowledged receipt is lost or doubled",
  { skip },
  async (context) => {
    const { url } = await startModel(context);
    const place = emptyPlace(context);
    writeFileSync(
      join(place.cwd, "holdfast.yaml"),
      `gateway:
  listen: 127.0.0.1:0
  limits: {requestsPerMinute: 1000000}
  upstreams: [{name: tiny, protocol: openai, url: '${url}'}]
admin: {listen: 127.0.0.1:0}
`,
    );
    const up = await startUp(context, place, "--workers", "2");
    const load = { done: false };
    const answered: string[] = [];
    let broken = 0;
    const client = async (): Promise<void> => {
      while (!load.done) {
        try {
          const response = await fetch(`${up.ready.gateway}/v1/chat/completions`, {
            method: "POST",
            headers: { "content-type": "application/json", authorization: `Bearer ${up.ready.firstKey?.key}` },
            body: JSON.stringify({ model: "tiny", messages: [{ role: "user", content: "Hello" }] }),
          });
          await response.text();
          if (response.status === 200) answered.push(response.headers.get("x-request-id") as string);
        } catch {
          broken++;
          await sleep(20);
        }
      }
    };
    const clients = Array.from({ length: CLIENTS }, client);
    for (let kill = 0; kill < KILLS; kill++) {
      const before = answered.length;
      while (answered.length < before + 50) await sleep(20);
      const [victim] = workersOf(up);
      process.kill(victim as number, "SIGKILL");
      while (workersOf(up).includes(victim as number)) await sleep(20);
    }
    const before = answered.length;
    while (answered.length < before + 50) await sleep(20);
    await up.stop("SIGKILL");
    load.done = true;
    await Promise.all(clients);
    assert.ok(broken > 0, "something was broken off");

    // Another start recovers what was acknowledged and not yet published.
    await (await startUp(context, place)).stop();
    const verified = await holdfast(place, "ledger", "verify", "--format", "json");
    assert.equal(verified.code, 0, verified.stdout);
    const { size } = JSON.parse(verified.stdout) as { size: number };
    const seen = new Map<string, number>();
    for await (const { bytes } of openLedgerReader(join(place.cwd, ".holdfast", "ledger")).entries(0, size)) {
      const { predicate, predicateType } = decodeStatement(bytes);
      if (predicateType !== PredicateType.receipt) continue;
      const { id } = predicate as { id: string };
      seen.set(id, (seen.get(id) ?? 0) + 1);
    }
    const wrong = answered.filter((id) => seen.get(id) !== 1);
    assert.deepEqual(wrong, [], `${answered.length} answers, ${seen.size} receipts`);
    assert.ok(
      [...seen.values()].every((times) => times === 1),
      "none twice",
    );
  },
);
