/**
 * Work that the server repeats while it is up.
 *
 * @module
 */

import { errorFields, type Logger } from "./log.ts";

export interface RunningJob {
  readonly name: string;
  /** Milliseconds from the end of one run to the start of the next. */
  readonly every: number;
  readonly run: () => Promise<void>;
}

/** How long a stop waits for runs that are under way. A longer one fails when what it uses is closed, and is harmless. */
const STOP_WAIT_MS = 5_000;

/**
 * Runs each job now, and again `every` milliseconds after it ended. One that fails is logged and tried again at its next
 * turn: it never ends the server, nor the other jobs.
 */
export function startJobs(jobs: readonly RunningJob[], log: Logger): { stop(): Promise<void> } {
  let stopped = false;
  const timers = new Set<NodeJS.Timeout>();
  const active = new Set<Promise<void>>();

  /** What was logged last of each job that fails: a disk that stays full is one line, not one a second. */
  const failing = new Map<string, string>();

  const turn = async (job: RunningJob): Promise<void> => {
    try {
      await job.run();
      if (failing.delete(job.name)) log.info("a job works again", { job: job.name });
    } catch (error) {
      const fields = errorFields(error);
      const what = JSON.stringify(fields);
      if (!stopped && failing.get(job.name) !== what) log.error("a job failed", { job: job.name, ...fields });
      failing.set(job.name, what);
    }
    if (stopped) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      start(job);
    }, job.every);
    timers.add(timer);
  };
  const start = (job: RunningJob): void => {
    const running = turn(job).finally(() => active.delete(running));
    active.add(running);
  };

  for (const job of jobs) start(job);
  return {
    async stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      let timer: NodeJS.Timeout | undefined;
      const enough = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, STOP_WAIT_MS);
      });
      await Promise.race([Promise.all(active), enough]);
      clearTimeout(timer);
    },
  };
}
