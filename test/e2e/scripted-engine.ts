/**
 * An engine for the local model's server that says what a test tells it to.
 *
 * @module
 */

import type { Engine, Generation } from "../../examples/local-model/engine.ts";
import { localModelError } from "../../examples/local-model/errors.ts";

export const SCRIPTED_MODEL = "scripted";

export interface Script {
  /** Pieces of the answer. */
  readonly pieces: readonly string[];
  /** Thrown instead of the piece at this index. */
  readonly failAt?: number;
  /** After the pieces, wait until the client has gone. */
  readonly waits?: boolean;
  readonly stop?: string;
}

/** An engine that says what it is told, and remembers what it was asked. */
export function scriptedEngine(script: Script) {
  const asked: Generation[] = [];
  const gone = Promise.withResolvers<void>();
  const engine: Engine = {
    model: SCRIPTED_MODEL,
    contextSize: 100,
    async *generate(generation, signal) {
      asked.push(generation);
      signal.addEventListener("abort", () => gone.resolve());
      if (script.failAt === 0) throw localModelError("local-model.busy");
      yield { kind: "start", inputTokens: 7 };
      for (const [index, text] of script.pieces.entries()) {
        if (index > 0 && index === script.failAt) throw new Error("a detail that stays inside");
        yield { kind: "text", text };
      }
      if (script.waits === true) return await gone.promise;
      yield {
        kind: "end",
        reason: "stop",
        stop: script.stop,
        inputTokens: 7,
        outputTokens: script.pieces.length,
      };
      return undefined;
    },
    embed: (text) => Promise.resolve({ vector: [0.5, -0.25, text.length], inputTokens: 1 }),
    close: () => Promise.resolve(),
  };
  return { engine, asked, gone: gone.promise };
}
