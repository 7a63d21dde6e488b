/**
 * A dialect: one protocol that the server speaks. It reads a request into words that the engine knows, and writes what
 * the engine says in its own form.
 *
 * @module
 */

import type { z } from "zod";

import { isHoldfastError, type HoldfastError } from "../../src/core/index.ts";
import type { Generation, GenerationEvent } from "./engine.ts";
import { localModelError } from "./errors.ts";

/** A request for an answer, read and checked. */
export interface Ask {
  readonly generation: Generation;
  readonly stream: boolean;
  /** Whether a stream ends with the token counts. */
  readonly streamUsage: boolean;
}

export type GenerationEnd = Extract<GenerationEvent, { kind: "end" }>;

export interface Dialect {
  /** @throws `local-model.request-invalid`, `local-model.unsupported`, `local-model.model-unknown` */
  read(body: unknown, model: string): Ask;
  /** The answer as one document. */
  whole(model: string, text: string, end: GenerationEnd): unknown;
  /** The answer as server-sent events: one writer for each answer. */
  stream(model: string, ask: Ask): { write(event: GenerationEvent): string };
  /** An error as a document, with its HTTP status. */
  error(error: HoldfastError): { readonly status: number; readonly body: unknown };
  /** An error after the stream has begun. */
  errorEvent(error: HoldfastError): string;
}

/** Checks `body` against `schema`. What is not in the schema is ignored. @throws `local-model.request-invalid` */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join(".") ?? "";
  throw localModelError("local-model.request-invalid", {
    detail: `${where === "" ? "body" : where}: ${issue?.message}`,
  });
}

/** Refuses a parameter that would be without effect here: an answer that ignores it would be a wrong one. */
export function refuse(parameters: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    throw localModelError("local-model.unsupported", { detail: name });
  }
}

/** @throws `local-model.model-unknown` */
export function checkModel(asked: string, model: string): void {
  if (asked !== model) throw localModelError("local-model.model-unknown", { detail: `this server has ${model}` });
}

/** Any thrown value as an error that may be shown. What was not meant for people becomes a bare 500. */
export function shown(error: unknown): HoldfastError {
  return isHoldfastError(error) ? error : localModelError("local-model.internal", { cause: error });
}

/** One server-sent event (HTML Living Standard, section 9.2). */
export function serverSentEvent(data: unknown, event?: string): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}
