/**
 * Metrics and traces, both off by default, both made from the finished exchange: nothing is measured twice and the hot
 * path carries no instrumentation. Neither ever holds text of a request: labels are routes, outcomes and codes of our
 * own, and models and upstreams that the configuration knows.
 *
 * Sources: OpenTelemetry semantic conventions for generative AI (`gen_ai.*`), Prometheus naming practices.
 *
 * @module
 */

import type { TelemetryConfig } from "../config.ts";
import type { Exchange } from "../receipt/receipt.ts";
import type { Target } from "../upstream/target.ts";

export interface Telemetry {
  /** Called once for each exchange, when it is over. `traceparent` is the client's, if it sent one. */
  ended(exchange: Exchange, traceparent: string | string[] | undefined): void;
  readonly metricsText?: () => Promise<string>;
  close(): Promise<void>;
}

/** Starts what the configuration asks for. The libraries are loaded only then. */
export async function startTelemetry(
  config: TelemetryConfig,
  upstreams: readonly Target[],
  countersAway: () => boolean,
): Promise<Telemetry> {
  const metrics = config.metrics ? (await import("./metrics.ts")).startMetrics(upstreams, countersAway) : undefined;
  const traces =
    config.traces === undefined ? undefined : (await import("./traces.ts")).startTraces(config.traces.endpoint);
  return {
    ended(exchange, traceparent) {
      metrics?.observe(exchange);
      traces?.observe(exchange, typeof traceparent === "string" ? traceparent : undefined);
    },
    ...(metrics === undefined ? {} : { metricsText: async () => metrics.text() }),
    async close() {
      metrics?.close();
      await traces?.close();
    },
  };
}
