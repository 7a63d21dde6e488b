/**
 * The classifier's side of its thread: a bounded queue, a time limit for each call, and a thread that is started when
 * something is asked and started again when it ended.
 *
 * A call never waits for ever and is never lost: it is answered, or it rejects with the name of what happened. What a
 * thread that ends was working on rejects; what only waited goes to the next thread. A thread that ends again and again
 * is left alone for a while, since loading the model over and over would keep a machine busy that is short of memory.
 *
 * @module
 */

import type { Worker } from "node:worker_threads";
import { closeGate, closeGateNow, createGate, type Gate } from "../../core/index.ts";
import { modelError } from "./errors.ts";
import type { Answer, Question } from "./protocol.ts";

export interface ModelThread {
  /**
   * The logits of `text`.
   *
   * @throws `guard.model-busy`, `guard.model-timeout`, `guard.model-crashed`, `guard.model-closed`, and what the thread
   *   answers
   */
  ask(text: string): Promise<Float32Array>;
  /** Ends the thread. What is under way rejects. */
  close(): Promise<void>;
}

export interface ThreadOptions {
  /** Starts a thread that speaks `protocol.ts`, and does its native work inside the gate. */
  readonly start: (gate: Gate) => Worker;
  /** Calls that may wait at once. */
  readonly maxWaiting: number;
  /** Milliseconds from asking to the answer, and the most a thread may be silent while it has work. */
  readonly timeoutMs: number;
  /** Milliseconds without a thread, after {@link MAX_ENDS} in a row ended without an answer. */
  readonly restMs: number;
}

/** Threads in a row that may end without having answered anything. */
export const MAX_ENDS = 3;

/** Calls that the thread has: the one it works on, and the next, so that it never waits for this side. */
const AT_WORK = 2;

interface Call {
  readonly number: number;
  readonly text: string;
  readonly timer: NodeJS.Timeout;
  readonly answer: PromiseWithResolvers<Float32Array>;
}

/** Makes the thread, which starts with the first call. */
export function createThread({ start, maxWaiting, timeoutMs, restMs }: ThreadOptions): ModelThread {
  let worker: Worker | undefined;
  /** The gate of the thread, while there is one; a thread that is being ended gets nothing more. */
  let gate = createGate();
  let ending = false;
  const queue: Call[] = [];
  const sent = new Map<number, Call>();
  let calls = 0;
  let closed = false;
  /** Why no thread will ever answer. */
  let broken: Error | undefined;
  let ends = 0;
  let restUntil = 0;
  /** Runs while the thread has work, and starts over with each answer. */
  let watch: NodeJS.Timeout | undefined;

  const settle = (call: Call, outcome: Float32Array | Error): void => {
    clearTimeout(call.timer);
    if (outcome instanceof Error) call.answer.reject(outcome);
    else call.answer.resolve(outcome);
  };
  const rejectAll = (calls: Iterable<Call>, error: Error): void => {
    for (const call of calls) settle(call, error);
  };
  const breakDown = (error: Error): void => {
    broken = error;
    rejectAll([...sent.values(), ...queue.splice(0)], error);
    sent.clear();
  };

  /** @returns the new thread, or undefined when this process may start none */
  const begin = (): Worker | undefined => {
    gate = createGate();
    ending = false;
    let own: Worker;
    try {
      own = start(gate);
    } catch (cause) {
      breakDown(modelError("guard.model-crashed", { detail: "no thread could be started", cause }));
      return undefined;
    }
    own.on("message", (answer: Answer) => {
      if (own === worker) receive(answer);
    });
    const ownGate = gate;
    addGate(ownGate);
    // An error is followed by an exit.
    own.on("error", () => {});
    own.on("exit", () => {
      removeGate(ownGate);
      if (own === worker) ended("it ended by itself");
    });
    return own;
  };

  /** Sends what the thread has room for, and lets the process end when nothing is under way. */
  const pump = (): void => {
    const room = ending ? 0 : AT_WORK;
    while (queue.length > 0 && sent.size < room) {
      worker ??= begin();
      if (worker === undefined) return;
      const call = queue.shift() as Call;
      sent.set(call.number, call);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      worker.postMessage({ call: call.number, text: call.text } satisfies Question);
    }
    clearTimeout(watch);
    if (sent.size > 0) {
      worker?.ref();
      watch = setTimeout(giveUp, timeoutMs).unref();
    } else if (!ending) {
      worker?.unref();
    }
  };

  const receive = (answer: Answer): void => {
    if ("broken" in answer) {
      breakDown(modelError(answer.broken.code, answer.broken));
    } else {
      const call = sent.get(answer.call);
      sent.delete(answer.call);
      ends = 0;
      if (call !== undefined) {
        settle(call, "logits" in answer ? answer.logits : modelError(answer.fault.code, answer.fault));
      }
    }
    pump();
  };

  /** Ends the thread, once it is in no native code. Until then there is no other one. */
  const end = async (): Promise<void> => {
    if (worker === undefined) return;
    const last = worker;
    ending = true;
    last.ref();
    const exited = new Promise((resolve) => last.once("exit", resolve));
    await Promise.race([closeGate(gate), exited]);
    await last.terminate();
  };

  /** The thread has said nothing for too long. */
  const giveUp = (): void => {
    const lost = [...sent.values()];
    sent.clear();
    rejectAll(lost, modelError("guard.model-timeout", { detail: `silent for ${timeoutMs} ms` }));
    void end();
  };

  /** The thread is gone. */
  const ended = (why: string): void => {
    worker = undefined;
    ending = false;
    const lost = [...sent.values()];
    sent.clear();
    ends++;
    if (ends >= MAX_ENDS) {
      restUntil = performance.now() + restMs;
      lost.push(...queue.splice(0));
    }
    rejectAll(lost, modelError("guard.model-crashed", { detail: why }));
    pump();
  };

  const expire = (call: Call): void => {
    const at = queue.indexOf(call);
    // One that was sent keeps its place: the thread is still at it.
    if (at !== -1) queue.splice(at, 1);
    settle(call, modelError("guard.model-timeout", { detail: `${timeoutMs} ms` }));
  };

  return {
    ask: (text) => {
      if (closed) return Promise.reject(modelError("guard.model-closed"));
      if (broken !== undefined) return Promise.reject(broken);
      if (queue.length + sent.size >= maxWaiting) {
        return Promise.reject(modelError("guard.model-busy", { detail: `${maxWaiting} texts wait already` }));
      }
      if (ends >= MAX_ENDS && performance.now() < restUntil) {
        return Promise.reject(modelError("guard.model-crashed", { detail: `${ends} times in a row` }));
      }
      const answer = Promise.withResolvers<Float32Array>();
      const call: Call = { number: ++calls, text, answer, timer: setTimeout(() => expire(call), timeoutMs).unref() };
      queue.push(call);
      pump();
      return answer.promise;
    },
    close: async () => {
      closed = true;
      rejectAll([...sent.values(), ...queue.splice(0)], modelError("guard.model-closed"));
      sent.clear();
      clearTimeout(watch);
      await end();
    },
  };
}

/** Gates of the threads that are there. A process that exits closes them first. */
const gates = new Set<Gate>();

/** The most that an exiting process waits for a thread to come out of native code. */
const EXIT_MS = 5000;

function closeAll(): void {
  for (const gate of gates) closeGateNow(gate, EXIT_MS);
}

function addGate(gate: Gate): void {
  if (gates.size === 0) process.on("exit", closeAll);
  gates.add(gate);
}

function removeGate(gate: Gate): void {
  gates.delete(gate);
  if (gates.size === 0) process.off("exit", closeAll);
}
