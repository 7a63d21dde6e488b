/**
 * OpenTelemetry traces of the gateway: one span for each request, in the words of the semantic conventions for
 * generative AI, sent over OTLP/HTTP.
 *
 * @module
 */

import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

import type { Exchange } from "../receipt/receipt.ts";
import { operationName } from "./metrics.ts";

export interface Traces {
  observe(exchange: Exchange, traceparent: string | undefined): void;
  /** Sends what is still held. */
  close(): Promise<void>;
}

/** How long a collector has to take a batch of spans, retries included, in milliseconds. Bounds what closing waits for. */
const SEND_MS = 1_000;

/** Starts sending spans to `endpoint`. A collector that is away costs spans, never requests. */
export function startTraces(endpoint: string): Traces {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "holdfast" }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: endpoint, timeoutMillis: SEND_MS }) }),
    ],
  });
  const tracer = provider.getTracer("holdfast.gateway");
  return {
    observe(exchange, traceparent) {
      const operation = operationName(exchange.route ?? "");
      const span = tracer.startSpan(
        exchange.model === undefined ? operation : `${operation} ${exchange.model}`,
        { kind: SpanKind.SERVER, startTime: exchange.receivedAt, attributes: attributesOf(exchange, operation) },
        parentOf(traceparent),
      );
      if (exchange.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: exchange.error });
      span.end(exchange.receivedAt + (exchange.endedAt ?? exchange.startedAt) - exchange.startedAt);
    },
    async close() {
      await provider.shutdown().catch(() => undefined);
    },
  };
}

function attributesOf(exchange: Exchange, operation: string): Attributes {
  const attributes: Attributes = {
    "gen_ai.operation.name": operation,
    "http.response.status_code": exchange.status,
    "holdfast.request.id": exchange.id,
    "holdfast.outcome": exchange.outcome,
  };
  const optional: Attributes = {
    "gen_ai.provider.name": exchange.upstream?.name,
    "gen_ai.request.model": exchange.upstream?.asked ?? exchange.model,
    "holdfast.upstream.attempts": exchange.upstream === undefined ? undefined : 1 + (exchange.attempts?.length ?? 0),
    "gen_ai.response.model": exchange.upstream?.model,
    "gen_ai.usage.input_tokens": exchange.usage?.inputTokens,
    "gen_ai.usage.output_tokens": exchange.usage?.outputTokens,
    "error.type": exchange.error,
    "holdfast.app": exchange.principal?.app,
    "holdfast.guard.request": exchange.requestVerdict?.verdict.action,
    "holdfast.guard.response": exchange.responseVerdict?.verdict.action,
  };
  for (const [name, value] of Object.entries(optional)) if (value !== undefined) attributes[name] = value;
  return attributes;
}

/** The client's trace, W3C Trace Context section 3.2, version 00. Anything else starts a new trace. */
function parentOf(traceparent: string | undefined): Context {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? "");
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
