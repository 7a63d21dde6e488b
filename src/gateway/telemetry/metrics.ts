/**
 * The metrics of the gateway, for Prometheus.
 *
 * @module
 */

import { monitorEventLoopDelay } from "node:perf_hooks";

import type { Exchange } from "../receipt/receipt.ts";
import type { Target } from "../upstream/target.ts";
import { createRegistry } from "./prometheus.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
/** Bucket bounds that the semantic conventions recommend for `gen_ai.client.token.usage`. */
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];
/** How often the event loop's delay is sampled, in milliseconds. */
const LAG_RESOLUTION_MS = 20;

export interface Metrics {
  observe(exchange: Exchange): void;
  readonly text: () => string;
  close(): void;
}

/** A registry of its own, so that two gateways in one process do not share counters. */
export function startMetrics(upstreams: readonly Target[] = [], countersAway = (): boolean => false): Metrics {
  const registry = createRegistry();
  const requests = registry.counter("holdfast_requests_total", "Requests that ended", ["route", "outcome", "error"]);
  const duration = registry.histogram(
    "holdfast_request_duration_seconds",
    "From the first header of a request to its receipt",
    ["route", "outcome"],
    SECONDS,
  );
  const firstByte = registry.histogram(
    "holdfast_upstream_first_byte_seconds",
    "From sending a request to the upstream's status line",
    ["upstream"],
    SECONDS,
  );
  const attempts = registry.counter(
    "holdfast_upstream_attempts_total",
    "Requests sent to upstreams, or kept from them",
    ["upstream", "error"],
  );
  const ofEach = (read: (target: Target) => number) => () =>
    upstreams.map((target) => ({ labels: [target.name], value: read(target) }));
  registry.gauges(
    "holdfast_upstream_circuit_state",
    "0: closed, 1: half-open, 2: open",
    ["upstream"],
    ofEach(({ circuit }) => CIRCUIT_STATES.indexOf(circuit.state)),
  );
  registry.gauges(
    "holdfast_upstream_in_flight",
    "Requests that an upstream is answering",
    ["upstream"],
    ofEach(({ gate }) => gate.taken),
  );
  registry.gauges(
    "holdfast_upstream_waiting",
    "Requests that wait for a place at an upstream",
    ["upstream"],
    ofEach(({ gate }) => gate.waiting),
  );
  const budgeted = registry.counter(
    "holdfast_budget_requests_total",
    "Requests that a budget bound: settled or refused, by the shared counters or by this instance's escrow",
    ["budget", "outcome", "counter"],
  );
  registry.gauge(
    "holdfast_counters_away",
    "1 while the shared counters are away and this instance goes on with its share of limits and its escrow of budgets",
    "gauge",
    () => (countersAway() ? 1 : 0),
  );
  const stages = registry.counter(
    "holdfast_extraction_requests_total",
    "Requests of keys and apps in a stage of the watch over extraction",
    ["kind", "stage", "scope"],
  );
  const findings = registry.counter("holdfast_guard_findings_total", "Findings of the guards", ["direction", "rule"]);
  const tokens = registry.histogram(
    "gen_ai_client_token_usage",
    "Tokens of a request as the upstream reports them",
    ["gen_ai_operation_name", "gen_ai_token_type"],
    TOKENS,
  );
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  registry.gauge("nodejs_eventloop_lag_p99_seconds", "Delay of the event loop since the start", "gauge", () =>
    Math.max(0, lag.percentile(99) / 1e9 - LAG_RESOLUTION_MS / 1_000),
  );
  registry.gauge("process_resident_memory_bytes", "Memory in use", "gauge", () => process.memoryUsage.rss());
  registry.gauge("process_cpu_seconds_total", "Processor time used", "counter", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });

  return {
    observe(exchange) {
      const {
        endedAt,
        error = "",
        outcome,
        requestVerdict,
        responseVerdict,
        route = "none",
        upstream,
        usage,
      } = exchange;
      requests.add(route, outcome, error);
      duration.observe(((endedAt ?? exchange.startedAt) - exchange.startedAt) / 1_000, route, outcome);
      if (upstream?.firstByteMs !== undefined) firstByte.observe(upstream.firstByteMs / 1_000, upstream.name);
      for (const attempt of exchange.attempts ?? []) attempts.add(attempt.name, attempt.error ?? "");
      // The last one may have begun well and broken off: then the exchange says why it ended.
      if (upstream !== undefined) attempts.add(upstream.name, upstream.error ?? upstreamError(error));
      for (const { counter, name, settled } of exchange.budget?.records ?? []) {
        budgeted.add(name, settled === null ? "refused" : "settled", counter);
      }
      const { extraction } = exchange;
      if (extraction !== undefined) stages.add(extraction.kind, extraction.stage, extraction.scope);
      for (const { rule } of requestVerdict?.verdict.findings ?? []) findings.add("request", rule);
      for (const { rule } of responseVerdict?.verdict.findings ?? []) findings.add("response", rule);
      if (usage !== undefined) {
        tokens.observe(usage.inputTokens, operationName(route), "input");
        tokens.observe(usage.outputTokens, operationName(route), "output");
      }
    },
    text: () => registry.text(),
    close: () => void lag.disable(),
  };
}

const CIRCUIT_STATES = ["closed", "half-open", "open"];

/** The error of an exchange, where it is the upstream's. */
function upstreamError(error: string): string {
  return error.startsWith("gateway.upstream-") ? error : "";
}

/** `gen_ai.operation.name` of a route. */
export function operationName(route: string): string {
  return route === "openai.embeddings" ? "embeddings" : route === "openai.models" ? "list_models" : "chat";
}
