/**
 * One exchange of an application with a model: a request, and the answer whole or in pieces. It carries what the guard
 * has to remember from the one to the other: the instructions in force, and what placeholders stand for.
 *
 * @module
 */

import type { Verdict } from "../../core/index.ts";
import type { Direction, Origin } from "../detector.ts";
import type { ExchangeContext, Guard, Inspection } from "../guard.ts";
import type { GuardStream, StreamStep } from "../stream.ts";
import type { Restorer } from "../vault.ts";
import { blockedError } from "./blocked.ts";
import { textsOf, withoutLogprobs, type Reading, type Texts } from "./texts.ts";

/** Options of every integration. */
export interface UseOptions {
  /**
   * Called with every verdict, also `allow`: for logs and counters. A streamed answer has one for each of its channels,
   * and one for every other event in which something was found.
   */
  readonly onVerdict?: (verdict: Verdict, direction: Direction) => void;
  /**
   * Whose exchanges these are, where one process serves several tenants: what the guard remembers of texts is used for each
   * of them alone.
   */
  readonly scope?: string;
}

export interface Exchange {
  /** The request that may be sent. @throws `guard.blocked`, `guard.body-unread` */
  readonly request: (message: unknown, reading: Reading) => Promise<unknown>;
  /** The answer that may be shown. @throws `guard.blocked`, `guard.body-unread` */
  readonly response: (message: unknown, reading: Reading) => Promise<unknown>;
  /** The same for one event of a streamed answer, whose verdict is reported only where something was found. */
  readonly event: (message: unknown) => Promise<unknown>;
  /** One channel of an answer in pieces. `json`: what comes back in it stands inside the strings of a JSON text. */
  readonly channel: (origin: Origin, pointer: string, json: boolean) => GuardStream;
  /** Reports a channel's verdict. @throws `guard.blocked` */
  readonly settle: (stream: GuardStream) => void;
}

/** Opens an exchange. */
export function openExchange(guard: Guard, { onVerdict, scope = "" }: UseOptions): Exchange {
  let context: ExchangeContext = { scope };
  const report = (verdict: Verdict, direction: Direction): void => {
    onVerdict?.(verdict, direction);
    if (verdict.action === "block") throw blockedError(verdict, direction);
  };
  const changedBy = ({ masked, restored }: Inspection, message: unknown, texts: Texts): unknown => {
    if (masked.length === 0 && restored.length === 0) return message;
    const back = restored.map(({ pointer, text }) => {
      const written = texts.spans.find((span) => span.pointer === pointer)?.text ?? text;
      return {
        pointer,
        text: isJsonText(pointer, written) ? (context.vault?.restore(written, escapeJson) ?? text) : text,
      };
    });
    return withoutLogprobs(texts.replace([...masked, ...back]));
  };
  return {
    request: async (message, reading) => {
      const texts = textsOf(message, reading);
      const saidBy = (who: Origin): readonly string[] =>
        texts.spans.filter(({ origin }) => origin === who).map(({ text }) => text);
      context = { scope, instructions: saidBy("system"), known: saidBy("user") };
      const { verdict, masked, vault } = await guard.inspect(texts.spans, "request", { scope });
      report(verdict, "request");
      if (vault !== undefined) context = { ...context, vault };
      await guard.prepare("response", context);
      return masked.length === 0 ? message : texts.replace(masked);
    },
    response: async (message, reading) => {
      const texts = textsOf(message, reading);
      const inspection = await guard.inspect(texts.spans, "response", context);
      report(inspection.verdict, "response");
      return changedBy(inspection, message, texts);
    },
    event: async (message) => {
      const texts = textsOf(message, { origin: "assistant" });
      if (texts.spans.length === 0) return message;
      const inspection = await guard.inspect(texts.spans, "response", context);
      if (inspection.verdict.action !== "allow") report(inspection.verdict, "response");
      return changedBy(inspection, message, texts);
    },
    channel: (origin, pointer, json) => {
      const { vault, ...rest } = context;
      if (!json || vault === undefined) return guard.stream("response", origin, pointer, context);
      return restoring(guard.stream("response", origin, pointer, rest), vault.restorer(escapeJson));
    },
    settle: ({ verdict }) => report(verdict, "response"),
  };
}

/** A stream whose placeholders come back as `restorer` writes them. */
function restoring(stream: GuardStream, restorer: Restorer): GuardStream {
  const restored = ({ emit, blocked }: StreamStep, last: boolean): StreamStep => ({
    emit: restorer.push(emit) + (last && !blocked ? restorer.end() : ""),
    blocked,
  });
  return {
    push: async (chunk) => restored(await stream.push(chunk), false),
    end: async () => restored(await stream.end(), true),
    get verdict() {
      return stream.verdict;
    },
  };
}

/** The arguments of a tool call, which most APIs carry as the text of a JSON object. */
function isJsonText(pointer: string, text: string): boolean {
  return /\/(?:arguments|input)$/.test(pointer) && /^\s*[{[]/.test(text);
}

/** A value as it is written between the quotes of a JSON string. */
function escapeJson(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}
