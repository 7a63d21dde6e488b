/**
 * The watch over extraction at the door: caps on what a request may ask for, then the stage of who asks.
 *
 * @module
 */

import { hash } from "node:crypto";

import type { PolicyAction } from "../authorize/schema.ts";
import type { Principal } from "../identity/principal.ts";
import type { Exchange } from "../receipt/receipt.ts";
import type { Cancellation } from "../upstream/dispatch.ts";
import type { Operation, ParsedRequest } from "../wire/index.ts";
import { checkCaps } from "./caps.ts";
import type { ExtractionConfig } from "./config.ts";
import type { Admission, Extraction } from "./extraction.ts";
import { askedTexts, textQuery, type Query } from "./features.ts";
import type { Kind } from "./finding.ts";
import { checkRoundable } from "./rounding.ts";

export interface Door {
  readonly principal: Principal;
  readonly operation: Operation;
  readonly actions: readonly PolicyAction[];
  readonly parsed: ParsedRequest;
  readonly value: unknown;
  readonly body: Buffer;
  /** Of a predictive model: its inputs. */
  readonly rows?: readonly Query[] | undefined;
}

/**
 * Lets a request through the watch, or refuses it. A promise where something is to be waited for.
 *
 * @throws `gateway.extraction-capped`, `gateway.extraction-coarsened`, `gateway.extraction-slowed`,
 *   `gateway.extraction-refused`
 */
export function admit(
  exchange: Exchange,
  door: Door,
  { config, extraction }: { readonly config: ExtractionConfig; readonly extraction: Extraction },
  cancellation: Cancellation,
): Admission | Promise<Admission> {
  const { operation, parsed, principal, rows, value } = door;
  const kind = kindOf(door);
  if (kind === undefined) return OPEN;
  if (kind !== "predictions") checkCaps(operation, value, config.caps, false);
  if (kind === "embeddings" && config.caps.embeddingDecimals !== undefined) checkRoundable(value);
  if (!extraction.watches(kind)) return OPEN;
  const queries = kind === "predictions" ? (rows ?? []) : queriesOf(kind, door, extraction.secret);
  const model = kind === "predictions" ? { model: parsed.model } : {};
  const check = (admission: Admission): Admission => {
    if (admission.coarse && kind !== "predictions") {
      checkCaps(operation, value, config.caps, true);
      if (kind === "embeddings") checkRoundable(value);
    }
    return admission;
  };
  const admitted = extraction.admit(exchange, { principal, kind, queries, ...model }, cancellation);
  return admitted instanceof Promise ? admitted.then(check) : check(admitted);
}

/** What is not watched. */
const OPEN: Admission = { coarse: false, answered() {} };

/** Decimals that vectors of an answer are rounded to; undefined: as they are. */
export function decimalsOf(
  { coarse }: Admission,
  actions: readonly PolicyAction[],
  { caps, coarsenDecimals }: ExtractionConfig,
): number | undefined {
  if (!actions.includes("embed")) return undefined;
  if (!coarse) return caps.embeddingDecimals;
  return Math.min(caps.embeddingDecimals ?? Infinity, coarsenDecimals);
}

/** A count of tokens gives nothing of the model away. */
function kindOf({ operation, actions }: Door): Kind | undefined {
  if (operation.method === "GET" || operation.id.endsWith(".count-tokens")) return undefined;
  if (operation.local === true) return "predictions";
  if (actions.includes("embed")) return "embeddings";
  return actions.includes("infer") ? "text" : undefined;
}

/** Texts of one request of whose words features are made; of the others only that they differ. */
const FEATURED = 32;

function queriesOf(kind: Kind, { body, parsed }: Door, secret: string): readonly Query[] {
  const texts = askedTexts(parsed.spans);
  if (kind === "text") {
    // What is not text (images, token ids) tells one request from another too.
    const isAllText = texts.length > 0 && parsed.unscanned.length === 0;
    return [textQuery(secret, isAllText ? texts : [hash("sha256", body), ...texts])];
  }
  const queries = texts.map((text, index) => textQuery(secret, [text], index < FEATURED));
  if (queries.length >= parsed.messages) return queries;
  // And counts as often as there are inputs.
  const digest = hash("sha256", body);
  for (let index = queries.length; index < parsed.messages; index++) {
    queries.push(textQuery(secret, [`${index}`, digest], false));
  }
  return queries;
}
