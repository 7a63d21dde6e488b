/**
 * The gateway's side of a predictive model's thread: one request at a time, a bounded queue, a time limit that counts the
 * wait, and a new thread for one that ended. A run that takes too long cannot be broken off, for it is native code: its
 * caller is told, and nothing else is begun until it has come out and its thread was replaced.
 *
 * @module
 */

import { Worker } from "node:worker_threads";

import { closeGate, closeGateNow, createGate, type Gate } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import type { Answer, ModelInfo, Question, RawTensor, ThreadData } from "./protocol.ts";

export interface PredictThread {
  /** What the file declares. */
  readonly info: ModelInfo;
  /**
   * @throws `gateway.predict-busy`, `gateway.predict-timeout`, `gateway.predict-failed`, `gateway.stopping`
   */
  run(inputs: readonly RawTensor[]): Promise<readonly RawTensor[]>;
  /** Ends the thread, once it is in no native code. What is under way rejects. */
  close(): Promise<void>;
}

export interface PredictThreadOptions {
  readonly file: string;
  readonly sha256: string | undefined;
  readonly threads: number;
  readonly queue: number;
  readonly timeoutMs: number;
}

interface Call {
  readonly number: number;
  readonly inputs: readonly RawTensor[];
  readonly answer: PromiseWithResolvers<readonly RawTensor[]>;
  timer: NodeJS.Timeout | undefined;
}

/** How long a process that exits waits for native code, in milliseconds. */
const EXIT_MS = 5_000;

/**
 * Starts the thread, and resolves when the model is loaded.
 *
 * @throws `gateway.predict-model-invalid`, `gateway.predict-runtime-missing`
 */
export async function openPredictThread(options: PredictThreadOptions): Promise<PredictThread> {
  const { queue: most, timeoutMs } = options;
  const queue: Call[] = [];
  let worker: Worker | undefined;
  let gate: Gate = createGate();
  let current: Call | undefined;
  let calls = 0;
  let closed = false;
  let ending = false;
  const onExit = (): void => closeGateNow(gate, EXIT_MS);

  /** Starts a thread and waits until it has loaded the model. */
  const start = async (): Promise<ModelInfo> => {
    gate = createGate();
    const workerData: ThreadData = { file: options.file, sha256: options.sha256, threads: options.threads, gate };
    const own = import.meta.url.endsWith(".ts")
      ? new Worker(new URL("./worker.ts", import.meta.url), { workerData, execArgv: [] })
      : new Worker(new URL("./worker.js", import.meta.url), { workerData, execArgv: [] });
    worker = own;
    const loaded = Promise.withResolvers<ModelInfo>();
    own.on("message", (answer: Answer) => {
      if ("ready" in answer) loaded.resolve(answer.ready);
      else if ("broken" in answer) loaded.reject(gatewayError(answer.broken.code, answer.broken));
      else if (own === worker) received(answer);
    });
    // An error is followed by an exit.
    own.on("error", () => {});
    own.on("exit", () => {
      const error = gatewayError("gateway.predict-failed", { detail: "its thread ended" });
      loaded.reject(error);
      if (own === worker) ended(error);
    });
    return await loaded.promise;
  };

  const settle = (call: Call, outcome: readonly RawTensor[] | Error): void => {
    clearTimeout(call.timer);
    if (outcome instanceof Error) call.answer.reject(outcome);
    else call.answer.resolve(outcome);
  };

  const pump = (): void => {
    if (current !== undefined || ending || closed) return;
    const call = queue.shift();
    if (call === undefined) {
      worker?.unref();
      return;
    }
    current = call;
    if (worker === undefined) {
      start().then(send, (error: Error) => ended(error));
      return;
    }
    send();
  };

  const send = (): void => {
    if (current === undefined || worker === undefined) return;
    worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    worker.postMessage({ call: current.number, inputs: current.inputs } satisfies Question);
  };

  const received = (answer: Exclude<Answer, { ready: unknown } | { broken: unknown }>): void => {
    if (current?.number !== answer.call) return;
    const call = current;
    current = undefined;
    settle(call, "outputs" in answer ? answer.outputs : gatewayError(answer.fault.code, answer.fault));
    pump();
  };

  /** The thread is gone, or never was. */
  const ended = (error: Error): void => {
    worker = undefined;
    const call = current;
    current = undefined;
    if (call !== undefined) settle(call, error);
    pump();
  };

  const end = async (): Promise<void> => {
    const last = worker;
    if (last === undefined) return;
    last.ref();
    const exited = new Promise((resolve) => last.once("exit", resolve));
    await Promise.race([closeGate(gate), exited]);
    await last.terminate();
  };

  const expire = (call: Call): void => {
    const at = queue.indexOf(call);
    if (at !== -1) queue.splice(at, 1);
    settle(call, gatewayError("gateway.predict-timeout", { detail: `limit ${timeoutMs} ms (timeoutMs)` }));
    if (call !== current || ending) return;
    ending = true;
    void end().finally(() => {
      ending = false;
      pump();
    });
  };

  process.on("exit", onExit);
  let info: ModelInfo;
  try {
    info = await start();
  } catch (error) {
    closed = true;
    process.off("exit", onExit);
    await end();
    throw error;
  }
  // `start` has set it; without work it must not keep the process.
  worker?.unref();

  return {
    info,
    run(inputs) {
      if (closed) return Promise.reject(gatewayError("gateway.stopping"));
      if (queue.length >= most && current !== undefined) {
        return Promise.reject(
          gatewayError("gateway.predict-busy", { detail: `${most} requests wait already (queue)`, retryAfter: 1 }),
        );
      }
      const call: Call = { number: ++calls, inputs, answer: Promise.withResolvers(), timer: undefined };
      call.timer = setTimeout(() => expire(call), timeoutMs);
      queue.push(call);
      pump();
      return call.answer.promise;
    },
    async close() {
      closed = true;
      const stopping = gatewayError("gateway.stopping");
      for (const call of [...(current === undefined ? [] : [current]), ...queue.splice(0)]) settle(call, stopping);
      await end();
      process.off("exit", onExit);
    },
  };
}
