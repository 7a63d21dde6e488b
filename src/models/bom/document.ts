/**
 * What both forms of a bill of materials are given besides the inspection, and how they name themselves: everything that
 * changes a document is an input, so that the same inputs make the same bytes.
 *
 * @module
 */

import { hash } from "node:crypto";

import type { Dataset } from "./croissant.ts";
import type { DeclaredLicence, DetectedLicence } from "./licence/licences.ts";
import type { Port } from "./tensor.ts";

export interface BomOptions {
  /** When the document is made, in whole seconds since 1970. */
  readonly time: number;
  readonly version?: string;
  readonly supplier?: string;
  /** Where the model was had from. */
  readonly downloadLocation?: string;
  /** When the model was released: an RFC 3339 time in UTC. */
  readonly released?: string;
  /** Data sets that were read and checked. */
  readonly datasets: readonly Dataset[];
  /** A signature in the model's folder, which its root leaves out. */
  readonly signature?: { readonly path: string; readonly sha256: string };
}

/** `2026-11-28T02:15:00Z`. */
export function timestampOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");
}

/** A UUID of version 8 (RFC 9562 section 5.8) that only the document's content decides. */
export function uuidOf(content: string): string {
  const bytes = Buffer.from(hash("sha256", content, "buffer").subarray(0, 16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** `input_ids: I64 [?, ?]`. */
export function portText({ name, dtype, shape }: Port): string {
  const sizes = shape.map((size) => (size === undefined ? "?" : String(size))).join(", ");
  return `${name === "" ? "unnamed" : name}: ${dtype} [${sizes}]`;
}

/** Whether a name is an expression of several ids. */
export function isExpression(id: string): boolean {
  return id.includes(" ");
}

/** Licences without repetition, in their order. */
export function distinct<Named extends DeclaredLicence | DetectedLicence>(
  licences: readonly Named[],
): readonly Named[] {
  const seen = new Set<string>();
  return licences.filter(({ id }) => !seen.has(id) && seen.add(id));
}
