/**
 * Stages 5 to 7: the upstream is asked, its answer is judged, and what may leave leaves.
 *
 * Only a {@link Cleared} request comes in here, and only this file calls {@link ask}.
 *
 * @module
 */

import { hardest, parseJson, type Verdict } from "../core/index.ts";
import type { GuardStream } from "../guard/index.ts";
import { mayList } from "./authorize/permit.ts";
import { gatewayError } from "./errors.ts";
import { blocked, guardFor, judgeAnswer, maySayModel, type Cleared, type PipelineServices } from "./pipeline.ts";
import { answerPrediction } from "./predict/answer.ts";
import type { Reply } from "./reply.ts";
import { decimalsOf } from "./theft/admit.ts";
import { roundVectors } from "./theft/rounding.ts";
import { isSameModel, judgeAnswered, MODEL_SWAPPED, type Answered } from "./upstream/answered.ts";
import { ask } from "./upstream/attempts.ts";
import type { UpstreamAnswer, UpstreamRequest } from "./upstream/dispatch.ts";
import { upstreamHeaders } from "./upstream/headers.ts";
import { aliasesFor, candidatesFor, type Candidate } from "./upstream/routing.ts";
import type { Target } from "./upstream/target.ts";
import { covers } from "./identity/principal.ts";
import { escapeJson, upstreamPath, type ResponseStream } from "./wire/index.ts";

/**
 * Asks the upstream and sends its answer.
 *
 * @throws the upstream's errors, `gateway.answer-blocked`
 */
export async function answer(cleared: Cleared, reply: Reply, services: PipelineServices): Promise<void> {
  const { operation } = cleared.route;
  if (operation.local === true) {
    await answerPrediction(cleared, reply, services);
    return;
  }
  if (cleared.candidates.length === 0) throw gatewayError("gateway.no-upstream");
  if (operation.method === "GET") {
    await answerListing(cleared, reply, services);
    return;
  }
  const { candidate, answer: upstream } = await askOne(cleared, cleared.candidates, services);
  const { target } = candidate;
  const isStream = /^text\/event-stream *(?:;|$)/i.test(upstream.headers["content-type"] ?? "");
  if (cleared.parsed.stream && isStream && operation.responseStream !== undefined) {
    await answerStream(cleared, candidate, upstream, reply, services);
  } else {
    const read = readAnswer(target, await collected(upstream, services), services);
    const { bytes, value } = rounded(cleared, read, services);
    const { fingerprint, made, model, spans, usage, unscanned } = understand(cleared, target, value);
    cleared.exchange.usage = usage;
    cleared.exchange.budget?.answered(spans);
    const outgoing = await judgeAnswer(cleared, { value, bytes, spans }, unscanned, services);
    const said = sayAnswered(cleared, candidate, { model, fingerprint });
    if (said?.action === "block") throw blocked("gateway.answer-blocked", { verdict: said });
    services.admitting.still(candidate.judged);
    // Before the client has them: it may refer to them at once.
    if (made !== undefined && made.length > 0) {
      await services.references.remember(cleared.principal, target.name, made);
    }
    cleared.exchange.outcome = "served";
    await reply.whole(200, {}, outgoing);
  }
}

/** Sends the request to one of the candidates, and to another when that fails, and waits for a 2xx. */
function askOne(
  cleared: Cleared,
  candidates: readonly Candidate[],
  services: PipelineServices,
): ReturnType<typeof ask> {
  const { exchange, parsed } = cleared;
  return ask(
    {
      candidates,
      cancellation: cleared.cancellation,
      requestFor: (candidate) => requestFor(cleared, candidate),
      onAttempt(attempt, { model, judged }) {
        if (judged !== undefined) exchange.release = judged.answer;
        if (exchange.upstream !== undefined) (exchange.attempts ??= []).push(exchange.upstream);
        exchange.upstream = model === parsed.model ? attempt : Object.assign(attempt, { asked: model });
      },
    },
    { retries: services.config.retries, guard: services.guard, clock: services.clock },
  );
}

/** The request in the words of one candidate: with its key, and its own name of the model. */
function requestFor(cleared: Cleared, { target, model }: Candidate): UpstreamRequest {
  const { http, outgoing, parsed, query, route, value } = cleared;
  const inPath = route.model === undefined || model === parsed.model ? route.model : encodeURIComponent(model);
  const path = upstreamPath(route.operation, inPath);
  // What the guards masked stands in `value` too.
  const renamed = outgoing !== null && route.model === undefined && model !== parsed.model;
  const body = renamed ? Buffer.from(JSON.stringify({ ...(value as object), model }), "utf8") : outgoing;
  return {
    method: route.operation.method,
    path: `${path}${query === "" ? "" : `?${query}`}`,
    headers: upstreamHeaders(target, http.headers, { body: outgoing !== null, stream: parsed.stream }),
    body,
  };
}

/**
 * Puts into the receipt what the upstream says of who answered, once the answer has been judged, and what is to be said
 * of that, which it returns.
 */
function sayAnswered(
  { exchange }: Cleared,
  { target, model: asked }: Candidate,
  answered: Answered,
): Verdict | undefined {
  const { responseVerdict: judged, upstream } = exchange;
  if (judged === undefined || upstream === undefined) return undefined;
  if (maySayModel(answered.model, judged.verdict)) upstream.model = answered.model;
  const said = judgeAnswered(target, asked, answered);
  if (said === undefined) return undefined;
  const both = verdictFold();
  both.add(judged.verdict);
  both.add(said);
  exchange.responseVerdict = { ...judged, verdict: both.verdict() };
  return said;
}

/** The answer with its vectors rounded, where they are to be. */
function rounded(
  { admission, route }: Cleared,
  answered: { readonly bytes: Buffer; readonly value: unknown },
  services: PipelineServices,
): { readonly bytes: Buffer; readonly value: unknown } {
  const decimals = decimalsOf(admission, route.policy.actions, services.config.extraction);
  if (decimals === undefined) return answered;
  roundVectors(answered.value, decimals);
  return { bytes: Buffer.from(JSON.stringify(answered.value), "utf8"), value: answered.value };
}

function collected(upstream: UpstreamAnswer, { config }: PipelineServices): Promise<Buffer> {
  return upstream.collect(config.limits.answerBytes, "answerBytes");
}

function readAnswer(
  target: Target,
  bytes: Buffer,
  services: PipelineServices,
): { readonly bytes: Buffer; readonly value: unknown } {
  const { answerBytes, jsonDepth } = services.config.limits;
  try {
    return { bytes, value: parseJson(bytes, { maxBytes: answerBytes, maxDepth: jsonDepth }) };
  } catch (cause) {
    throw gatewayError("gateway.upstream-invalid", { detail: `${target.name}: not JSON that can be judged`, cause });
  }
}

function understand(
  cleared: Cleared,
  target: Target,
  value: unknown,
): ReturnType<Cleared["route"]["operation"]["parseResponse"]> {
  try {
    return cleared.route.operation.parseResponse(value);
  } catch (cause) {
    throw gatewayError("gateway.upstream-invalid", { detail: `${target.name}: not an answer of its protocol`, cause });
  }
}

async function answerStream(
  cleared: Cleared,
  candidate: Candidate,
  upstream: UpstreamAnswer,
  reply: Reply,
  services: PipelineServices,
): Promise<void> {
  const { exchange, route } = cleared;
  const { target } = candidate;
  // A stream opens a channel for each piece of text: what ended is folded into one verdict and let go.
  const open = new Set<GuardStream>();
  const settled = verdictFold();
  const verdict = (): Verdict => {
    const all = verdictFold();
    all.add(settled.verdict());
    for (const channel of open) all.add(channel.verdict);
    return all.verdict();
  };
  const { vault, ...rest } = cleared.context;
  const stream = route.operation.responseStream?.({
    dropUsage: exchange.budget?.dropUsage === true,
    ...(vault === undefined ? {} : { jsonRestorer: () => vault.restorer(escapeJson) }),
    openChannel(origin, pointer, restores) {
      const guarded = guardFor(cleared, services).stream(
        "response",
        origin,
        pointer,
        restores ? cleared.context : rest,
      );
      const channel = exchange.budget?.meter.watch(guarded, origin, pointer) ?? guarded;
      open.add(channel);
      return channel;
    },
    closed(channel) {
      if (open.delete(channel)) settled.add(channel.verdict);
    },
  }) as ResponseStream;
  const settle = (): void => {
    exchange.usage = stream.usage;
    exchange.responseVerdict = { verdict: verdict(), unscanned: stream.unscanned };
    sayAnswered(cleared, candidate, stream);
  };
  /** Of another model nothing is let through, where policy says so: the first event of a stream names it. */
  const checkModel = (): void => {
    if (target.onModelSwap !== "block" || stream.model === undefined) return;
    if (!isSameModel(candidate.model, stream.model)) {
      throw gatewayError("gateway.answer-blocked", { detail: MODEL_SWAPPED.rule });
    }
  };

  reply.open();
  let received = 0;
  let tail: Uint8Array | string = "";
  let ended = false;
  try {
    await upstream.forEach(async (chunk) => {
      received += chunk.length;
      if (received > services.config.limits.responseBytes) {
        throw gatewayError("gateway.upstream-too-large", {
          detail: `limit ${services.config.limits.responseBytes} bytes (responseBytes)`,
        });
      }
      const out = await stream.push(chunk);
      checkModel();
      services.admitting.still(candidate.judged);
      if (out.blocked) {
        await reply.write(out.bytes);
        throw blocked("gateway.answer-blocked", { verdict: verdict() });
      }
      if (out.ended) {
        ended = true;
        tail = out.bytes;
        return "enough";
      }
      await reply.write(out.bytes);
      if (exchange.budget?.isOver === true) throw gatewayError("gateway.budget-cut", { detail: exchange.budget.names });
      return "more";
    });
    if (!ended) {
      const out = await stream.end();
      checkModel();
      if (out.blocked) {
        await reply.write(out.bytes);
        throw blocked("gateway.answer-blocked", { verdict: verdict() });
      }
      tail = out.bytes;
      if (!stream.complete) {
        await reply.write(out.bytes);
        throw gatewayError("gateway.upstream-broken", { detail: `${target.name}: no end of the stream` });
      }
    }
  } finally {
    settle();
  }
  await services.references.remember(cleared.principal, target.name, stream.made ?? []);
  exchange.outcome = "served";
  await reply.end(tail);
}

/**
 * Makes one verdict of those of all text channels of a stream: the hardest action, every finding, each detector once.
 * Adding one costs what that one holds, since a stream may have tens of thousands.
 */
function verdictFold(): { add(verdict: Verdict): void; verdict(): Verdict } {
  let action: Verdict["action"] = "allow";
  const findings: Verdict["findings"][number][] = [];
  const runs = new Map<string, Verdict["runs"][number]>();
  return {
    add(verdict) {
      action = hardest(action, verdict.action);
      for (const finding of verdict.findings) findings.push(finding);
      for (const run of verdict.runs) {
        const known = runs.get(run.detector);
        const worse = known?.outcome === "error" ? known : run;
        runs.set(run.detector, { ...worse, findings: (known?.findings ?? 0) + run.findings });
      }
    },
    verdict: () => ({ action, findings, runs: [...runs.values()] }),
  };
}

/**
 * A listing of models: the gateway's own names, and what every target says that the key's app may use, cut to the models
 * that the key may use.
 */
async function answerListing(cleared: Cleared, reply: Reply, services: PipelineServices): Promise<void> {
  const { exchange, principal, route } = cleared;
  const { protocol } = route.operation;
  const sees = mayList(services.authorizer, principal, route.policy.actions, {
    address: cleared.http.socket.remoteAddress ?? "",
    now: services.clock.now(),
  });
  const data: unknown[] = [];
  for (const id of aliasesFor(services.routing, principal, protocol)) {
    if (!(await sees(id, candidatesFor(services.routing, principal, protocol, id)))) continue;
    data.push({ id, object: "model", created: 0, owned_by: "holdfast" });
  }
  for (const candidate of cleared.candidates) {
    const { target } = candidate;
    const { answer: upstream } = await askOne(cleared, [candidate], services);
    const { value } = readAnswer(target, await collected(upstream, services), services);
    understand(cleared, target, value);
    for (const model of (value as { data: { id: unknown }[] }).data) {
      if (typeof model.id !== "string") {
        throw gatewayError("gateway.upstream-invalid", { detail: `${target.name}: a model without a name` });
      }
      if (!covers(principal.models, model.id) || !covers(target.models, model.id)) continue;
      if (await sees(model.id, [{ target, model: model.id }])) data.push(model);
    }
  }
  const value = { object: "list", data };
  const { spans, unscanned } = cleared.route.operation.parseResponse(value);
  const bytes = Buffer.from(JSON.stringify(value), "utf8");
  const outgoing = await judgeAnswer(cleared, { value, bytes, spans }, unscanned, services);
  exchange.outcome = "served";
  await reply.whole(200, {}, outgoing);
}
