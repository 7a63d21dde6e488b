/**
 * Prometheus metrics of the gateway.
 *
 * @module
 */

import { collectDefaultMetrics, Counter, Histogram, Registry } from "prom-client";

import type { Exchange } from "../receipt/receipt.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
/** Bucket bounds that the semantic conventions recommend for `gen_ai.client.token.usage`. */
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

export interface Metrics {
  observe(exchange: Exchange): void;
  readonly text: () => Promise<string>;
}

/** A registry of its own, so that two gateways in one process do not share counters. */
export function startMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: "holdfast_requests_total",
    help: "Requests that ended, by route, outcome and error code",
    labelNames: ["route", "outcome", "error"],
    registers,
  });
  const duration = new Histogram({
    name: "holdfast_request_duration_seconds",
    help: "From the first header of a request to its receipt",
    labelNames: ["route", "outcome"],
    buckets: SECONDS,
    registers,
  });
  const firstByte = new Histogram({
    name: "holdfast_upstream_first_byte_seconds",
    help: "From sending a request to the upstream's status line",
    labelNames: ["upstream"],
    buckets: SECONDS,
    registers,
  });
  const findings = new Counter({
    name: "holdfast_guard_findings_total",
    help: "Findings of the guards, by direction and rule",
    labelNames: ["direction", "rule"],
    registers,
  });
  const tokens = new Histogram({
    name: "gen_ai_client_token_usage",
    help: "Tokens of a request as the upstream reports them",
    labelNames: ["gen_ai_operation_name", "gen_ai_token_type"],
    buckets: TOKENS,
    registers,
  });

  // Finding the series of a set of labels costs more than counting in it, and there are few: each is looked up once.
  const requestSeries = remembered((route, outcome, error) => requests.labels({ route, outcome, error }));
  const durationSeries = remembered((route, outcome) => duration.labels({ route, outcome }));
  const firstByteSeries = remembered((upstream) => firstByte.labels({ upstream }));
  const tokenSeries = remembered((gen_ai_operation_name, gen_ai_token_type) =>
    tokens.labels({ gen_ai_operation_name, gen_ai_token_type }),
  );

  return {
    observe(exchange) {
      const route = exchange.route ?? "none";
      requestSeries(route, exchange.outcome, exchange.error ?? "").inc();
      const ended = exchange.endedAt ?? exchange.startedAt;
      durationSeries(route, exchange.outcome).observe((ended - exchange.startedAt) / 1_000);
      if (exchange.upstream?.firstByteMs !== undefined) {
        firstByteSeries(exchange.upstream.name).observe(exchange.upstream.firstByteMs / 1_000);
      }
      for (const direction of ["request", "response"] as const) {
        const record = direction === "request" ? exchange.requestVerdict : exchange.responseVerdict;
        for (const { rule } of record?.verdict.findings ?? []) findings.inc({ direction, rule });
      }
      if (exchange.usage !== undefined) {
        tokenSeries(operationName(route), "input").observe(exchange.usage.inputTokens);
        tokenSeries(operationName(route), "output").observe(exchange.usage.outputTokens);
      }
    },
    text: () => registry.metrics(),
  };
}

/** Calls `make` once for each list of arguments. */
function remembered<Series>(make: (...labels: string[]) => Series): (...labels: string[]) => Series {
  const known = new Map<string, Series>();
  return (...labels) => {
    const name = labels.join(" ");
    let series = known.get(name);
    if (series === undefined) known.set(name, (series = make(...labels)));
    return series;
  };
}

/** `gen_ai.operation.name` of a route. */
export function operationName(route: string): string {
  return route === "openai.embeddings" ? "embeddings" : route === "openai.models" ? "list_models" : "chat";
}
