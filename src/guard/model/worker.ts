/**
 * The thread of the transformer: checks and loads `tokenizer.json` and `model.onnx`, then answers one text after the
 * other with the logits of every head.
 *
 * A text of more tokens than the model takes is read in several sequences, and its logits are the highest of them: what
 * one part of it says, the text says. Each sequence is run alone, never padded in a batch with others: the weights are
 * quantised while running, by the range of all numbers of a run, so that in a batch a text's verdict would depend on
 * what others sent at that moment.
 *
 * @module
 */

import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { isHoldfastError, inside, type Gate } from "../../core/index.ts";
import { modelError, type ModelErrorCode } from "./errors.ts";
import type { Answer, Fault, Question, ThreadData } from "./protocol.ts";
import { openTokenizer, type Tokenizer } from "./tokenizer.ts";
import { readWeight } from "./weights.ts";

/**
 * Sequences of one text. A window of ordinary text is one or two; only text made of characters that stand for many
 * others reaches the limit.
 */
const MAX_SEQUENCES = 8;

interface Model {
  readonly tokenizer: Tokenizer;
  /** The logits of one sequence. */
  run(ids: readonly number[]): Promise<Float32Array>;
}

if (parentPort !== null) await serve(parentPort, workerData as ThreadData);

/** Loads the model and answers `port`, in the order of the questions. */
async function serve(port: MessagePort, data: ThreadData): Promise<void> {
  let model: Model;
  try {
    model = await load(data);
  } catch (error) {
    port.postMessage({ broken: faultOf(error) } satisfies Answer);
    return;
  }
  let last = Promise.resolve();
  port.on("message", ({ call, text }: Question) => {
    last = last.then(async () => {
      port.postMessage(await answer(model, data, call, text));
    });
  });
}

async function answer(model: Model, data: ThreadData, call: number, text: string): Promise<Answer> {
  try {
    const sequences = model.tokenizer.sequences(text, data.maxTokens);
    if (sequences.length > MAX_SEQUENCES) {
      throw modelError("guard.model-overload", { detail: `more than ${MAX_SEQUENCES} sequences in one window` });
    }
    const logits = new Float32Array(data.heads).fill(Number.NEGATIVE_INFINITY);
    for (const ids of sequences) {
      const row = await model.run(ids);
      for (let head = 0; head < logits.length; head++) {
        logits[head] = Math.max(logits[head] as number, row[head] as number);
      }
    }
    if (!logits.every(Number.isFinite)) throw modelError("guard.model-invalid", { detail: "an answer of no numbers" });
    return { call, logits };
  } catch (error) {
    return { call, fault: faultOf(error) };
  }
}

async function load({ folder, heads, threads, gate }: ThreadData): Promise<Model> {
  const tokenizer = openTokenizer(await readWeight(folder, "tokenizer.json"));
  const bytes = await readWeight(folder, "model.onnx");
  const { runtime, session } = await native(gate, async () => {
    const runtime = await import("onnxruntime-node").catch((cause: unknown) => {
      throw modelError("guard.model-runtime-missing", { detail: reasonOf(cause) });
    });
    const session = await openSession(runtime.InferenceSession, bytes, threads);
    // The runtime has a copy of its own. This thread has nothing else to collect, so the file would stay for ever.
    bytes.buffer.transfer(0);
    return { runtime, session };
  });
  const tensorOf = (values: readonly number[]): Tensor =>
    new runtime.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);

  return {
    tokenizer,
    run: async (ids) => {
      const feeds = { input_ids: tensorOf(ids), attention_mask: tensorOf(ids.map(() => 1)) };
      const { logits } = await native(gate, () => session.run(feeds));
      if (logits === undefined || !(logits.data instanceof Float32Array) || logits.data.length !== heads) {
        throw modelError("guard.model-invalid", { detail: "model.onnx does not answer with one number for each head" });
      }
      return logits.data;
    },
  };
}

/** Runs native code inside the gate. @throws `guard.model-closed` when this thread is about to be ended */
async function native<T extends object>(gate: Gate, work: () => Promise<T>): Promise<T> {
  const result = await inside(gate, work);
  if (result === undefined) throw modelError("guard.model-closed");
  return result;
}

async function openSession(
  sessions: typeof InferenceSession,
  bytes: Uint8Array,
  threads: number,
): Promise<InferenceSession> {
  try {
    return await sessions.create(bytes, {
      executionProviders: ["cpu"],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // An arena keeps the most that was ever needed, and a pattern plans for it.
      enableCpuMemArena: false,
      enableMemPattern: false,
      logSeverityLevel: 3,
    });
  } catch (cause) {
    throw modelError("guard.model-invalid", { detail: `model.onnx: ${reasonOf(cause)}` });
  }
}

/** What crosses to the other thread. Messages of errors may quote the text: only those of this part are passed on. */
function faultOf(error: unknown): Fault {
  if (!isHoldfastError(error)) return { code: "guard.model-crashed", detail: "the model failed on a text" };
  const code = error.code as ModelErrorCode;
  return error.detail === undefined ? { code } : { code, detail: error.detail };
}

/** Why loading failed: nothing of a text is in it. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown";
  const code = (cause as NodeJS.ErrnoException).code;
  return code ?? (cause.message.split("\n")[0] as string);
}
