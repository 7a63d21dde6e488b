/**
 * What a request may ask of a model's inner numbers, on every protocol that has them: log probabilities and how many of
 * them, bias on tokens, several answers. What is beyond its cap is refused by name, not cut.
 *
 * Log probabilities tell how a model weighs every word, and bias brings out words that an answer would never show; of both
 * together the last layer of a model can be worked out (N. Carlini et al., «Stealing part of a production language model»,
 * 2024), so they are never let through together.
 *
 * Sources: API references of OpenAI («Create chat completion», «Create a model response») and Gemini
 * (`GenerationConfig`); the further names are those of vLLM and llama.cpp.
 *
 * @module
 */

import { gatewayError } from "../errors.ts";
import type { Fields, Operation } from "../wire/index.ts";
import type { ExtractionConfig } from "./config.ts";

type Caps = ExtractionConfig["caps"];

/** Fields that ask for log probabilities: switches and counts. */
const LOGPROBS = ["logprobs", "prompt_logprobs", "n_probs", "responseLogprobs", "response_logprobs"];
/** Fields that say how many alternatives there are to be of each token. */
const TOP = ["top_logprobs", "logprobs", "prompt_logprobs", "n_probs"];
const ANY_LOGPROBS = [...LOGPROBS, "top_logprobs"];
const BIAS = ["logit_bias", "logitBias", "allowed_token_ids", "bad_words"];
const ANSWERS = ["n", "best_of", "candidateCount", "candidate_count"];
/** What Responses are asked to include. */
const INCLUDED = "message.output_text.logprobs";

/**
 * Checks the objects of a request in which such fields may stand.
 *
 * @param coarse the one who asks is answered coarsely: no log probabilities, no bias, one answer
 * @throws `gateway.extraction-capped`, and where only `coarse` forbids it `gateway.extraction-coarsened`
 */
export function checkCaps(operation: Operation, value: unknown, caps: Caps, coarse: boolean): void {
  if (!isFields(value)) return;
  checkBoth(value, "", caps, coarse);
  if (operation.protocol !== "gemini") return;
  for (const name of ["generationConfig", "generation_config"]) {
    const config = value[name];
    if (isFields(config)) checkBoth(config, `/${name}`, caps, coarse);
  }
}

function checkBoth(holder: Fields, pointer: string, caps: Caps, coarse: boolean): void {
  check(holder, pointer, caps, "gateway.extraction-capped");
  if (coarse) check(holder, pointer, COARSE, "gateway.extraction-coarsened");
}

/** What is asked for by one who is answered coarsely. */
const COARSE: Caps = { logprobs: false, topLogprobs: 0, logitBias: "refuse", biasedTokens: 0, answers: 1 };

type Code = "gateway.extraction-capped" | "gateway.extraction-coarsened";

function check(holder: Fields, pointer: string, caps: Caps, code: Code): void {
  const refuse = (name: string, what: string): never => {
    throw gatewayError(code, { detail: `${pointer}/${name}: ${what}` });
  };
  const asks = (name: string): boolean => Object.hasOwn(holder, name) && !isNothing(holder[name]);
  const included = Array.isArray(holder["include"]) && holder["include"].includes(INCLUDED);
  const logprobs = ANY_LOGPROBS.find(asks) ?? (included ? "include" : undefined);
  if (logprobs !== undefined && !caps.logprobs) refuse(logprobs, "no log probabilities (logprobs)");
  for (const name of TOP) {
    if (!asks(name)) continue;
    const many = holder[name];
    if (many === true) continue;
    if (!(typeof many === "number" && many <= caps.topLogprobs))
      refuse(name, `at most ${caps.topLogprobs} (topLogprobs)`);
  }
  const bias = BIAS.find(asks);
  if (bias !== undefined) {
    if (caps.logitBias === "refuse") refuse(bias, "no bias on tokens (logitBias)");
    checkBias(bias, holder[bias], caps, refuse);
    for (const other of BIAS.filter((name) => name !== bias && asks(name)))
      checkBias(other, holder[other], caps, refuse);
    if (logprobs !== undefined) refuse(bias, "not together with log probabilities");
  }
  for (const name of ANSWERS) {
    if (!asks(name)) continue;
    const many = holder[name];
    if (!(typeof many === "number" && many <= caps.answers)) refuse(name, `at most ${caps.answers} (answers)`);
  }
}

/** Bias is a map of numbers by token, or a list of pairs; what cannot be read as either is not let through. */
function checkBias(name: string, bias: unknown, caps: Caps, refuse: (name: string, what: string) => never): void {
  const isAllowed = name === "allowed_token_ids";
  const values = Array.isArray(bias)
    ? bias.map((pair: unknown) =>
        name === "bad_words" ? -1 : isAllowed ? 1 : Array.isArray(pair) ? pair[1] : undefined,
      )
    : typeof bias === "object" && bias !== null
      ? Object.values(bias)
      : [undefined];
  if (values.length > caps.biasedTokens) refuse(name, `at most ${caps.biasedTokens} tokens (biasedTokens)`);
  if (caps.logitBias === "any") return;
  // `false` is llama.cpp's word for «never».
  if (!values.every((one) => one === false || (typeof one === "number" && one <= 0))) {
    refuse(name, "only downwards (logitBias)");
  }
}

/** What asks for nothing: left out, off, or an empty list or map. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
