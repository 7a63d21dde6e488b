/**
 * Embeddings with fewer decimals: as good for search, and worth less to one who trains on them. Numbers are rounded
 * wherever they stand in a vector, and so are those in base64, which are the same numbers as 32-bit floats.
 *
 * Sources: API references of OpenAI («The embedding object», `encoding_format`) and Gemini (`ContentEmbedding`).
 *
 * @module
 */

import { gatewayError } from "../errors.ts";

/**
 * Rounds the vectors of an answer, in place.
 *
 * @throws `gateway.upstream-invalid` for what is in a vector's place and is none
 */
export function roundVectors(value: unknown, decimals: number): void {
  if (!isFields(value)) return;
  const { data, embedding, embeddings } = value;
  const vectors = [
    ...(Array.isArray(data) ? data.map((one: unknown) => [one, "embedding"] as const) : []),
    ...(Array.isArray(embeddings) ? embeddings.map((one: unknown) => [one, "values"] as const) : []),
    [embedding, "values"] as const,
  ];
  for (const [holder, name] of vectors) {
    if (isFields(holder) && holder[name] !== undefined) holder[name] = rounded(holder[name], decimals);
  }
}

/** A number with so many decimals; ties go away from zero, and there is no negative zero. */
export function roundTo(x: number, decimals: number): number {
  const scale = 10 ** decimals;
  const scaled = Math.abs(x) * scale;
  // Beyond 2^53 there are no decimals left.
  if (!(scaled < Number.MAX_SAFE_INTEGER)) return x;
  const size = Math.round(scaled) / scale;
  return size === 0 ? 0 : Math.sign(x) * size;
}

/**
 * @throws `gateway.extraction-capped` where a request asks for vectors in a form that is not rounded
 */
export function checkRoundable(value: unknown): void {
  const type = isFields(value) ? (value["output_dtype"] ?? "float") : "float";
  if (type === "float") return;
  throw gatewayError("gateway.extraction-capped", { detail: "/output_dtype: only float while vectors are rounded" });
}

function rounded(vector: unknown, decimals: number): unknown {
  if (typeof vector === "number") return roundTo(vector, decimals);
  if (Array.isArray(vector)) return vector.map((one: unknown) => rounded(one, decimals));
  if (typeof vector === "string") return inBase64(vector, decimals);
  throw gatewayError("gateway.upstream-invalid", { detail: "an embedding that is no list of numbers" });
}

function inBase64(text: string, decimals: number): string {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length % 4 !== 0 || bytes.toString("base64") !== text) {
    throw gatewayError("gateway.upstream-invalid", {
      detail: "an embedding in base64 that is no list of 32-bit floats",
    });
  }
  for (let at = 0; at < bytes.length; at += 4) bytes.writeFloatLE(roundTo(bytes.readFloatLE(at), decimals), at);
  return bytes.toString("base64");
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
