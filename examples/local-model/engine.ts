/**
 * The engine: a chat model behind a small port, so that the protocols do not know what computes the words.
 *
 * One request computes at a time, in the order of arrival; the others wait. Each starts from an empty context, so that
 * nothing of one conversation reaches the next.
 *
 * @module
 */

import type { Llama, LlamaEmbeddingContext, LlamaModel, LlamaPackage, LlamaSequence, Token } from "./llama.ts";

import { localModelError } from "./errors.ts";
import { createQueue } from "./queue.ts";
import { createStopper } from "./stop.ts";

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly text: string;
}

export interface Generation {
  readonly messages: readonly Message[];
  /** Most tokens to generate; the context bounds it anyway. */
  readonly maxTokens: number | undefined;
  /** 0 always takes the likeliest token. */
  readonly temperature: number;
  readonly topP: number;
  /** The same seed gives the same answer on the same machine. */
  readonly seed: number | undefined;
  /** The answer ends before the first of these. */
  readonly stop: readonly string[];
}

export type GenerationEvent =
  | { readonly kind: "start"; readonly inputTokens: number }
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "end";
      readonly reason: "stop" | "length";
      /** The stop text that was met, if one was. */
      readonly stop: string | undefined;
      readonly inputTokens: number;
      readonly outputTokens: number;
    };

export interface Engine {
  readonly model: string;
  /** Tokens of prompt and answer together. */
  readonly contextSize: number;
  /** Ends early and silently when `signal` aborts. @throws `local-model.context-exceeded`, `local-model.busy` */
  generate(generation: Generation, signal: AbortSignal): AsyncIterable<GenerationEvent>;
  /** @throws `local-model.context-exceeded`, `local-model.busy` */
  embed(
    text: string,
    signal: AbortSignal,
  ): Promise<{ readonly vector: readonly number[]; readonly inputTokens: number }>;
  close(): Promise<void>;
}

/**
 * Goes in front where the conversation has no system message, as the template in the weights demands. Its own sentence
 * there is longer, and measurably confuses a model of this size.
 */
const DEFAULT_SYSTEM = "You are a helpful assistant.";
const CONTEXT_SIZE = 2048;
const THREADS = 2;
/** A prompt is read in pieces of this many tokens, so that a client that leaves is noticed in between. */
const PROMPT_PIECE = 128;
/** Requests that wait beside the one that computes. */
const MOST_WAITING = 16;

/** Loads the model at `path`. Takes about a second and 400 MB of memory. */
export async function loadEngine(path: string, model: string): Promise<Engine> {
  const llama = await openLlama();
  const weights = await llama.loadModel({ modelPath: path });
  const context = await weights.createContext({ contextSize: CONTEXT_SIZE, sequences: 1, threads: THREADS });
  const sequence = context.getSequence();
  const queue = createQueue(MOST_WAITING);
  let embedding: Promise<LlamaEmbeddingContext> | undefined;

  return {
    model,
    contextSize: CONTEXT_SIZE,
    async *generate(generation, signal) {
      const prompt = tokenizePrompt(weights, generation.messages);
      if (prompt.length >= CONTEXT_SIZE) throw tooLong(prompt.length);
      const leave = await queue.enter(signal);
      if (leave === undefined) return;
      try {
        yield* run(weights, sequence, prompt, generation, signal);
      } finally {
        leave();
      }
    },
    async embed(text, signal) {
      const tokens = weights.tokenize(text, false);
      if (tokens.length >= CONTEXT_SIZE) throw tooLong(tokens.length);
      const leave = await queue.enter(signal);
      if (leave === undefined) return { vector: [], inputTokens: 0 };
      try {
        embedding ??= weights.createEmbeddingContext({ contextSize: CONTEXT_SIZE, threads: THREADS });
        const { vector } = await (await embedding).getEmbeddingFor(tokens);
        return { vector, inputTokens: tokens.length };
      } finally {
        leave();
      }
    },
    close: () => llama.dispose(),
  };
}

async function* run(
  weights: LlamaModel,
  sequence: LlamaSequence,
  prompt: readonly Token[],
  generation: Generation,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  yield { kind: "start", inputTokens: prompt.length };
  await sequence.clearHistory();
  // Generation starts from the last piece, which must not be empty.
  let read = 0;
  for (; prompt.length - read > PROMPT_PIECE; read += PROMPT_PIECE) {
    if (signal.aborted) return;
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(read, read + PROMPT_PIECE));
  }

  const most = Math.min(generation.maxTokens ?? CONTEXT_SIZE, CONTEXT_SIZE - prompt.length);
  const stopper = createStopper(generation.stop);
  const decode = createDecoder(weights);
  let outputTokens = 0;
  let reason: "stop" | "length" = "stop";
  const tokens = sequence.evaluate(prompt.slice(read), {
    temperature: generation.temperature,
    topP: generation.topP,
    topK: 40,
    ...(generation.seed === undefined ? {} : { seed: generation.seed }),
  });
  for await (const token of tokens) {
    if (signal.aborted) return;
    outputTokens++;
    const text = stopper.push(decode(token));
    if (text !== "") yield { kind: "text", text };
    if (stopper.met !== undefined) break;
    if (outputTokens >= most) {
      reason = "length";
      break;
    }
  }
  const rest = stopper.end();
  if (rest !== "") yield { kind: "text", text: rest };
  yield { kind: "end", reason, stop: stopper.met, inputTokens: prompt.length, outputTokens };
}

/**
 * The prompt in ChatML, as the template in the weights says. The text of messages is never read for special tokens, so
 * that a message cannot end itself and begin another in a role that is not its own.
 */
function tokenizePrompt(weights: LlamaModel, messages: readonly Message[]): Token[] {
  const [start, end] = [weights.tokenize("<|im_start|>", true), weights.tokenize("<|im_end|>", true)];
  const turn = (role: string, text: string) => [
    ...start,
    ...weights.tokenize(`${role}\n${text}`, false),
    ...end,
    ...weights.tokenize("\n", false),
  ];
  return [
    ...(messages[0]?.role === "system" ? [] : turn("system", DEFAULT_SYSTEM)),
    ...messages.flatMap(({ role, text }) => turn(role, text)),
    ...start,
    ...weights.tokenize("assistant\n", false),
  ];
}

/** Tokens in, text out. A character of several bytes may come in several tokens: they wait for each other. */
function createDecoder(weights: LlamaModel): (token: Token) => string {
  let waiting: Token[] = [];
  return (token) => {
    waiting.push(token);
    const text = weights.detokenize(waiting, false);
    // No character of UTF-8 is longer than four bytes; more tokens than that are not the start of one.
    if (text.endsWith("\ufffd") && waiting.length < 4) return "";
    waiting = [];
    return text;
  };
}

async function openLlama(): Promise<Llama> {
  // The engine is installed on demand, so the name is not one that the type checker must find.
  const name: string = "node-llama-cpp";
  const llama = (await import(name)) as LlamaPackage;
  return llama.getLlama({ build: "never", skipDownload: true, gpu: false, progressLogs: false, logLevel: "error" });
}

function tooLong(tokens: number): Error {
  return localModelError("local-model.context-exceeded", { detail: `${tokens} tokens, the limit is ${CONTEXT_SIZE}` });
}
