/**
 * One exchange of an application with a model: a request, and the answer whole or in pieces. It carries what the guard
 * has to remember from the one to the other: the instructions in force, and what placeholders stand for.
 *
 * @module
 */

import type { Verdict } from "../../core/index.ts";
import type { Direction, Origin } from "../detector.ts";
import type { ExchangeContext, Guard } from "../guard.ts";
import type { GuardStream } from "../stream.ts";
import { blockedError } from "./blocked.ts";
import { textsOf, withoutLogprobs, type Reading } from "./texts.ts";

/** Options of every integration. */
export interface UseOptions {
  /**
   * Called with every verdict, also `allow`: for logs and counters. A streamed answer has one for each of its channels,
   * and one for every other event in which something was found.
   */
  readonly onVerdict?: (verdict: Verdict, direction: Direction) => void;
}

export interface Exchange {
  /** The request that may be sent. @throws `guard.blocked`, `guard.body-unread` */
  readonly request: (message: unknown, reading: Reading) => Promise<unknown>;
  /** The answer that may be shown. @throws `guard.blocked`, `guard.body-unread` */
  readonly response: (message: unknown, reading: Reading) => Promise<unknown>;
  /** The same for one event of a streamed answer, whose verdict is reported only where something was found. */
  readonly event: (message: unknown) => Promise<unknown>;
  /** One channel of an answer in pieces. */
  readonly channel: (origin: Origin, pointer: string) => GuardStream;
  /** Reports a channel's verdict. @throws `guard.blocked` */
  readonly settle: (stream: GuardStream) => void;
}

/** Opens an exchange. */
export function openExchange(guard: Guard, { onVerdict }: UseOptions): Exchange {
  let context: ExchangeContext = {};
  const report = (verdict: Verdict, direction: Direction): void => {
    onVerdict?.(verdict, direction);
    if (verdict.action === "block") throw blockedError(verdict, direction);
  };
  return {
    request: async (message, reading) => {
      const texts = textsOf(message, reading);
      context = { instructions: texts.spans.filter(({ origin }) => origin === "system").map(({ text }) => text) };
      const { verdict, masked, vault } = await guard.inspect(texts.spans, "request");
      report(verdict, "request");
      if (vault !== undefined) context = { ...context, vault };
      return masked.length === 0 ? message : texts.replace(masked);
    },
    response: async (message, reading) => {
      const texts = textsOf(message, reading);
      const { verdict, masked } = await guard.inspect(texts.spans, "response", context);
      report(verdict, "response");
      return masked.length === 0 ? message : withoutLogprobs(texts.replace(masked));
    },
    event: async (message) => {
      const texts = textsOf(message, { origin: "assistant" });
      if (texts.spans.length === 0) return message;
      const { verdict, masked } = await guard.inspect(texts.spans, "response", context);
      if (verdict.action !== "allow") report(verdict, "response");
      return masked.length === 0 ? message : withoutLogprobs(texts.replace(masked));
    },
    channel: (origin, pointer) => guard.stream("response", origin, pointer, context),
    settle: ({ verdict }) => report(verdict, "response"),
  };
}
