/**
 * The thread of one predictive model: reads the file, checks its digest, and answers one request after the other.
 *
 * @module
 */

import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import type * as Runtime from "onnxruntime-node";
import type { InferenceSession, Tensor } from "onnxruntime-node";

import { inside, type Gate } from "../../core/index.ts";
import type { Answer, Declared, Fault, FaultCode, ModelInfo, Question, RawTensor, ThreadData } from "./protocol.ts";

interface Loaded {
  readonly info: ModelInfo;
  run(inputs: readonly RawTensor[]): Promise<readonly RawTensor[]>;
}

// Before its first use: the module waits below.
class Failure extends Error {
  readonly fault: Fault;

  constructor(code: FaultCode, detail?: string) {
    super(code);
    this.fault = detail === undefined ? { code } : { code, detail };
  }
}

if (parentPort !== null) await serve(parentPort, workerData as ThreadData);

async function serve(port: MessagePort, data: ThreadData): Promise<void> {
  let model: Loaded;
  try {
    model = await load(data);
  } catch (error) {
    port.postMessage({ broken: faultOf(error) } satisfies Answer);
    return;
  }
  port.postMessage({ ready: model.info } satisfies Answer);
  let last = Promise.resolve();
  port.on("message", ({ call, inputs }: Question) => {
    last = last.then(async () => {
      port.postMessage(await answer(model, call, inputs));
    });
  });
}

async function answer(model: Loaded, call: number, inputs: readonly RawTensor[]): Promise<Answer> {
  try {
    return { call, outputs: await model.run(inputs) };
  } catch (error) {
    return { call, fault: faultOf(error) };
  }
}

async function load({ file, sha256, threads, gate }: ThreadData): Promise<Loaded> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new Failure("gateway.predict-model-invalid", `${file}: ${cause.code ?? "cannot be read"}`);
  });
  const digest = hash("sha256", bytes);
  if (sha256 !== undefined && digest !== sha256) {
    throw new Failure("gateway.predict-model-invalid", `${file}: its digest is not the one of the configuration`);
  }
  const { runtime, session } = await native(gate, async () => {
    const runtime = await import("onnxruntime-node").catch(() => {
      throw new Failure("gateway.predict-runtime-missing");
    });
    return { runtime, session: await openSession(runtime, file, bytes, threads) };
  });
  const info: ModelInfo = {
    sha256: digest,
    inputs: session.inputMetadata.map(declared),
    outputs: session.outputMetadata.map(declared),
  };
  return {
    info,
    async run(inputs) {
      const feeds: Record<string, Tensor> = {};
      for (const { name, type, shape, data } of inputs) {
        feeds[name] = new runtime.Tensor(type as "float32", data as Float32Array, shape);
      }
      const results = await native(gate, () => session.run(feeds));
      return info.outputs.map(({ name }) => rawOf(name, results[name]));
    },
  };
}

async function openSession(
  runtime: typeof Runtime,
  file: string,
  bytes: Uint8Array,
  threads: number,
): Promise<InferenceSession> {
  try {
    return await runtime.InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split("\n")[0] as string) : "unknown";
    throw new Failure("gateway.predict-model-invalid", `${file}: ${why}`);
  }
}

function declared(value: InferenceSession.ValueMetadata): Declared {
  if (!value.isTensor) throw new Failure("gateway.predict-model-invalid", `${value.name} is no tensor`);
  const shape = value.shape.map((size) => (typeof size === "number" && size > 0 ? size : -1));
  return { name: value.name, type: value.type, shape };
}

function rawOf(name: string, tensor: Tensor | undefined): RawTensor {
  if (tensor === undefined) throw new Failure("gateway.predict-failed", "an output is missing");
  return { name, type: tensor.type, shape: [...tensor.dims], data: tensor.data };
}

/** Runs native code inside the gate: see there. */
async function native<T extends object>(gate: Gate, work: () => Promise<T>): Promise<T> {
  const result = await inside(gate, work);
  if (result === undefined) throw new Failure("gateway.stopping");
  return result;
}

/** What crosses to the other thread. What the runtime says of a run may quote its input: it is not passed on. */
function faultOf(error: unknown): Fault {
  if (error instanceof Failure) return error.fault;
  return { code: "gateway.predict-failed" };
}
