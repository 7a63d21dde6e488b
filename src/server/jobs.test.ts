import assert from "node:assert/strict";
import { test } from "node:test";

import { fakeClock } from "../core/index.ts";
import { startJobs } from "./jobs.ts";
import { createLogger } from "./log.ts";

function quiet(): { lines: string[]; log: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  return {
    lines,
    log: createLogger({ write: (line) => lines.push(line), clock: fakeClock(), level: "debug", format: "json" }),
  };
}

test("a job runs at once and again, one run at a time, until it is stopped", async () => {
  let active = 0;
  let runs = 0;
  const third = Promise.withResolvers<void>();
  const jobs = startJobs(
    [
      {
        name: "one",
        every: 1,
        run: async () => {
          assert.equal(++active, 1);
          await new Promise((resolve) => setTimeout(resolve, 2));
          active -= 1;
          if (++runs === 3) third.resolve();
        },
      },
    ],
    quiet().log,
  );
  await third.promise;
  await jobs.stop();
  assert.equal(active, 0, "the run under way was waited for");
  const after = runs;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(runs, after);
});

test("a job that fails is logged without its words, tried again, and does not disturb the others", async () => {
  const { lines, log } = quiet();
  let failures = 0;
  let others = 0;
  const enough = Promise.withResolvers<void>();
  const jobs = startJobs(
    [
      {
        name: "bad",
        every: 1,
        run: async () => {
          failures += 1;
          throw new Error("hunter2");
        },
      },
      {
        name: "good",
        every: 1,
        run: async () => {
          others += 1;
          if (failures > 1 && others > 1) enough.resolve();
        },
      },
    ],
    log,
  );
  await enough.promise;
  await jobs.stop();
  assert.match(lines[0] ?? "", /"message":"a job failed","job":"bad"/);
  assert.doesNotMatch(lines.join(""), /hunter2/);
});

test("a failure that stays the same is logged once, and that it is over is logged too", async () => {
  const { lines, log } = quiet();
  const done = Promise.withResolvers<void>();
  let runs = 0;
  const jobs = startJobs(
    [
      {
        name: "disk",
        every: 1,
        run: async () => {
          runs += 1;
          if (runs <= 3) throw Object.assign(new Error("full"), { code: "ENOSPC" });
          if (runs === 4) throw Object.assign(new Error("broken"), { code: "EIO" });
          if (runs === 6) done.resolve();
        },
      },
    ],
    log,
  );
  await done.promise;
  await jobs.stop();
  const said = lines.map((line) => JSON.parse(line) as { level: string; system?: string });
  assert.deepEqual(
    said.map(({ level, system }) => `${level} ${system ?? ""}`),
    ["error ENOSPC", "error EIO", "info "],
  );
});
