/**
 * Reads the text of MCP's messages with the guards, and writes back what they mask.
 *
 * What a client sends is a request, as to any upstream. What a server says is both: an answer to whoever asked, from which
 * keys and hidden characters are taken as from any answer, and a request to the model that reads it next, so that
 * injections are looked for in it as in requests.
 *
 * @module
 */

import { hardest, isHoldfastError, type Verdict } from "../../core/index.ts";
import { createGuard, type Guard, type Inspection, type TextSpan, type Vault } from "../../guard/index.ts";
import { checkMedia } from "../admission/media.ts";
import { blocking } from "../authorize/tighten.ts";
import type { GatewayConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import { guardsOf, type GuardsConfig } from "../guards.ts";
import type { Exchange } from "../receipt/receipt.ts";
import { setAtPointer, type Fields, type Shape, type Unscanned } from "../wire/index.ts";
import type { McpServer } from "./servers.ts";
import { textOf, type Head } from "./text.ts";

/** What was read of one message. */
interface Judged {
  /** Something was masked, in place. */
  readonly changed: boolean;
  /** Rules that found something. */
  readonly rules: readonly string[];
  readonly vault: Vault | undefined;
}

export interface Judge {
  /** Reads what a client sends. @throws `gateway.blocked`, the errors of media and of the message's size */
  request(
    exchange: Exchange,
    shape: Shape,
    value: Fields,
    options: { readonly tightened: boolean; readonly head: Head },
  ): Promise<Judged>;
  /** Reads what a server says. @throws `gateway.answer-blocked`, the errors of media and of the message's size */
  answer(
    exchange: Exchange,
    shape: Shape,
    value: Fields,
    server: McpServer,
    options: { readonly tightened: boolean; readonly head: Head; readonly vault: Vault | undefined },
  ): Promise<Judged>;
  /** The rules that find something in a text of a server, wherever it stands. Decides nothing. */
  find(shape: Shape, value: Fields): Promise<readonly { readonly rule: string; readonly at: string }[]>;
}

/** The judge of a gateway. `guard`: the one that reads requests. */
export function openJudge(config: GatewayConfig, guard: Guard, blockingGuard: () => Guard): Judge {
  const reading = answerGuards(config.guards);
  const answers = createGuard(guardsOf(reading));
  let strict: Guard | undefined;
  const answersFor = (tightened: boolean): Guard =>
    tightened ? (strict ??= createGuard(guardsOf(blocking(reading)))) : answers;

  return {
    async request(exchange, shape, value, { head, tightened }) {
      const { media, spans, unscanned } = textOf(shape, value, "request", head);
      checkMedia(media, config.media);
      const inspection = await (tightened ? blockingGuard() : guard).inspect(spans, "request", scopeOf(exchange));
      exchange.requestVerdict = fold(exchange.requestVerdict, inspection.verdict, unscanned);
      return write(value, inspection, "gateway.blocked");
    },

    async answer(exchange, shape, value, server, { head, tightened, vault }) {
      const { media, spans, unscanned } = textOf(shape, value, "answer", head);
      checkKey(spans, server);
      checkMedia(media, config.media);
      const context = vault === undefined ? scopeOf(exchange) : { ...scopeOf(exchange), vault };
      const inspection = await answersFor(tightened).inspect(spans, "response", context);
      exchange.responseVerdict = fold(exchange.responseVerdict, inspection.verdict, unscanned);
      return write(value, inspection, "gateway.answer-blocked");
    },

    async find(shape, value) {
      const { spans } = textOf(shape, value, "answer", {});
      const { verdict } = await answers.inspect(spans, "response");
      const failed = verdict.runs.filter(({ outcome }) => outcome === "error");
      return [
        ...verdict.findings.map(({ location, rule }) => ({ rule, at: location.pointer })),
        ...failed.map(({ detector }) => ({ rule: `${detector}.not-checked`, at: "" })),
      ];
    },
  };
}

/** The guards as they read what a server says: injections as in requests, whatever is done about those of answers. */
export function answerGuards(guards: GuardsConfig): GuardsConfig {
  const { request, response } = guards.injection;
  if (request === "off") return guards;
  const hard = response === "off" ? request : hardest(response, request);
  return { ...guards, injection: { ...guards.injection, response: hard } };
}

/** What the guards remember of a text, they use again for the same app alone. */
function scopeOf({ principal }: Exchange): { readonly scope: string } {
  return { scope: principal?.app ?? "" };
}

/** A server that says its own key would give it to every client. */
function checkKey(spans: readonly TextSpan[], { key, name }: McpServer): void {
  if (key === undefined) return;
  const text = key.reveal();
  if (spans.some((span) => span.text.includes(text))) {
    throw gatewayError("gateway.answer-blocked", { detail: `${name} said the key that it was sent` });
  }
}

function write(value: Fields, inspection: Inspection, code: "gateway.blocked" | "gateway.answer-blocked"): Judged {
  const { masked, restored, vault, verdict } = inspection;
  const rules = [...new Set(verdict.findings.map(({ rule }) => rule))];
  if (verdict.action === "block") throw gatewayError(code, { detail: sayWhy(verdict, rules) });
  for (const { pointer, text } of masked) setAtPointer(value, pointer, text, code);
  for (const { pointer, text } of restored) {
    try {
      setAtPointer(value, pointer, text, code);
    } catch (error) {
      // What cannot be changed keeps its placeholders: they give nothing away.
      if (!isHoldfastError(error, code)) throw error;
    }
  }
  return { changed: masked.length + restored.length > 0, rules, vault };
}

/** Rules that a refusal names at most. */
const NAMED = 5;

function sayWhy({ runs }: Verdict, rules: readonly string[]): string {
  const failed = runs.filter(({ outcome }) => outcome === "error").map(({ detector }) => `${detector} could not check`);
  return [...failed, ...rules].slice(0, NAMED).join(", ");
}

/** Findings and unread parts of all messages of a stream that are kept; a receipt lists fewer. */
const KEPT = 200;

/** One verdict of those of several messages: the hardest action, every finding, each detector once. */
function fold(
  known: Exchange["requestVerdict"],
  verdict: Verdict,
  unscanned: readonly Unscanned[],
): NonNullable<Exchange["requestVerdict"]> {
  if (known === undefined) return { verdict, unscanned };
  const runs = new Map(known.verdict.runs.map((run) => [run.detector, run]));
  for (const run of verdict.runs) {
    const before = runs.get(run.detector);
    const worse = before?.outcome === "error" ? before : run;
    runs.set(run.detector, { ...worse, findings: (before?.findings ?? 0) + run.findings });
  }
  return {
    verdict: {
      action: hardest(known.verdict.action, verdict.action),
      findings: [...known.verdict.findings, ...verdict.findings].slice(0, KEPT),
      runs: [...runs.values()],
    },
    unscanned: [...known.unscanned, ...unscanned].slice(0, KEPT),
  };
}
