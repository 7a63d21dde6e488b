/**
 * Stages 5 to 7: the upstream is asked, its answer is judged, and what may leave leaves.
 *
 * Only a {@link Cleared} request comes in here, and only this file calls {@link send}.
 *
 * @module
 */

import { hardest, parseJson, type Verdict } from "../core/index.ts";
import type { GuardStream } from "../guard/index.ts";
import { gatewayError } from "./errors.ts";
import { blocked, judgeAnswer, maySayModel, type Cleared, type PipelineServices } from "./pipeline.ts";
import type { Reply } from "./reply.ts";
import { send, type UpstreamAnswer } from "./upstream/dispatch.ts";
import { upstreamFailure } from "./upstream/failure.ts";
import { upstreamHeaders } from "./upstream/headers.ts";
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
  const [target] = cleared.targets;
  if (target === undefined) throw gatewayError("gateway.no-upstream");
  if (operation.method === "GET") {
    await answerListing(cleared, reply, services);
    return;
  }
  const upstream = await ask(cleared, target, services);
  const isStream = /^text\/event-stream *(?:;|$)/i.test(upstream.headers["content-type"] ?? "");
  if (cleared.parsed.stream && isStream && operation.responseStream !== undefined) {
    await answerStream(cleared, target, upstream, reply, services);
  } else {
    const { bytes, value } = await readAnswer(target, upstream, services);
    const { model, spans, usage, unscanned } = understand(cleared, target, value);
    cleared.exchange.usage = usage;
    const outgoing = await judgeAnswer(cleared, { value, bytes, spans }, unscanned, services);
    sayModel(cleared, model);
    cleared.exchange.outcome = "served";
    await reply.whole(200, {}, outgoing);
  }
}

/** Sends the request to one target and waits for a 2xx. */
async function ask(cleared: Cleared, target: Target, services: PipelineServices): Promise<UpstreamAnswer> {
  const { cancellation, exchange, http, outgoing, parsed, query, route } = cleared;
  const upstream: NonNullable<typeof exchange.upstream> = { name: target.name };
  exchange.upstream = upstream;
  const started = services.clock.monotonic();
  const path = `${upstreamPath(route.operation, route.model)}${query === "" ? "" : `?${query}`}`;
  const headers = upstreamHeaders(target, http.headers, { body: outgoing !== null, stream: parsed.stream });
  const got = await send(target, { method: route.operation.method, path, headers, body: outgoing }, cancellation);
  upstream.status = got.status;
  upstream.firstByteMs = services.clock.monotonic() - started;
  if (got.status < 200 || got.status > 299) throw await upstreamFailure(target, got, services.guard);
  const encoding = got.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    got.abort();
    throw gatewayError("gateway.upstream-invalid", { detail: `${target.name}: a content encoding nobody asked for` });
  }
  return got;
}

/** Puts the model that the upstream names into the receipt, once the answer has been judged. */
function sayModel({ exchange }: Cleared, model: string | undefined): void {
  const verdict = exchange.responseVerdict?.verdict;
  if (verdict !== undefined && exchange.upstream !== undefined && maySayModel(model, verdict)) {
    exchange.upstream.model = model;
  }
}

async function readAnswer(
  target: Target,
  upstream: UpstreamAnswer,
  services: PipelineServices,
): Promise<{ bytes: Buffer; value: unknown }> {
  const { responseBytes, jsonDepth } = services.config.limits;
  const bytes = await upstream.collect(responseBytes);
  try {
    return { bytes, value: parseJson(bytes, { maxBytes: responseBytes, maxDepth: jsonDepth }) };
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
  target: Target,
  upstream: UpstreamAnswer,
  reply: Reply,
  services: PipelineServices,
): Promise<void> {
  const { exchange, route } = cleared;
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
    ...(vault === undefined ? {} : { jsonRestorer: () => vault.restorer(escapeJson) }),
    openChannel(origin, pointer, restores) {
      const channel = services.guard.stream("response", origin, pointer, restores ? cleared.context : rest);
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
    sayModel(cleared, stream.model);
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
      return "more";
    });
    if (!ended) {
      const out = await stream.end();
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

/** A listing of models: what every target says that the key's app may use, cut to the models that the key may use. */
async function answerListing(cleared: Cleared, reply: Reply, services: PipelineServices): Promise<void> {
  const { exchange, principal, targets } = cleared;
  const data: unknown[] = [];
  for (const target of targets) {
    const { value } = await readAnswer(target, await ask(cleared, target, services), services);
    understand(cleared, target, value);
    for (const model of (value as { data: { id: string }[] }).data) {
      if (covers(principal.models, model.id) && covers(target.models, model.id)) data.push(model);
    }
  }
  const value = { object: "list", data };
  const { spans, unscanned } = cleared.route.operation.parseResponse(value);
  const bytes = Buffer.from(JSON.stringify(value), "utf8");
  const outgoing = await judgeAnswer(cleared, { value, bytes, spans }, unscanned, services);
  exchange.outcome = "served";
  await reply.whole(200, {}, outgoing);
}
