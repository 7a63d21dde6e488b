/**
 * What a request may use at most, and how it is made to keep to it: an output cap where it names none, and usage in a
 * stream that would not say it.
 *
 * The input is bound by its bytes: a byte-level tokenizer makes at most one token of a byte, and what a template puts
 * around a message is shorter than the JSON around it. What is not text has a bound of its own, and that is an estimate:
 * no provider says what the largest image, the longest file or a stored conversation may come to.
 *
 * Sources: API references of OpenAI («Create chat completion»: `max_completion_tokens`, the older `max_tokens`, `n`,
 * `stream_options.include_usage`; «Create a model response»: `max_output_tokens`), Anthropic («Create a Message»:
 * `max_tokens`), Gemini (`generationConfig.maxOutputTokens`, `candidateCount`).
 *
 * @module
 */

import type { ParsedRequest } from "../wire/index.ts";

type Fields = Record<string, unknown>;

/** How a route bounds its output. */
interface Cap {
  /** The object of the body that the fields stand in, in its spellings; left out: the body. */
  readonly within?: readonly [string, ...string[]];
  /** Fields that bound the output, the one to be used first; empty: it has no output that costs. */
  readonly fields: readonly string[];
  /** Which of the fields to use for a model. */
  readonly choose?: (model: string) => string;
  /** The field that asks for several answers, in its spellings. */
  readonly times?: readonly string[];
  /** A stream says its usage only when asked. */
  readonly askUsage?: true;
}

/** Protocol buffers in JSON take every field in two spellings; a request with both of one is refused before it comes here. */
const GEMINI: Cap = {
  within: ["generationConfig", "generation_config"],
  fields: ["maxOutputTokens", "max_output_tokens"],
  times: ["candidateCount", "candidate_count"],
};

/** By operation. One that is not here is taken to write as much as the default cap, and is settled by what it says. */
const CAPS: Readonly<Record<string, Cap>> = {
  "openai.chat": {
    fields: ["max_completion_tokens", "max_tokens"],
    // The reasoning models of OpenAI refuse the older field, many other servers do not know the newer one.
    choose: (model) => (/^(?:gpt-(?!oss)|chatgpt-|o\d)/.test(model) ? "max_completion_tokens" : "max_tokens"),
    times: ["n"],
    askUsage: true,
  },
  "openai.responses": { fields: ["max_output_tokens"] },
  "openai.embeddings": { fields: [] },
  "anthropic.messages": { fields: ["max_tokens"] },
  "gemini.generate": GEMINI,
  "gemini.stream": GEMINI,
  "gemini.embed": { fields: [] },
  "gemini.embed-batch": { fields: [] },
  "predict.infer": { fields: [] },
  "predict.rows": { fields: [] },
};

/** Operations that cost no tokens and no money: they only count tokens, or run here. */
const FREE: ReadonlySet<string> = new Set([
  "anthropic.count-tokens",
  "gemini.count-tokens",
  "predict.infer",
  "predict.rows",
]);

/** Whether an operation is bound by budgets of requests alone. */
export function isFree(operation: string): boolean {
  return FREE.has(operation);
}

/** The most that a request can come to, in tokens. */
interface Worst {
  readonly input: number;
  /** Of all answers together. */
  readonly output: number;
  readonly audio: boolean;
}

export interface Capped {
  readonly worst: Worst;
  /** The body as it may be sent: the client's own bytes where nothing had to be put in. */
  readonly body: Buffer;
  /** The client did not ask for the usage that the stream will say. */
  readonly dropUsage: boolean;
}

/** Tokens that a part which is not text may come to: the dearest image of any provider is near this. */
const PART_TOKENS = 40_000;
/** Bytes of a file to a token, where that comes to more. */
const FILE_BYTES_PER_TOKEN = 6;

/**
 * Caps a request. `value` is what `body` says, and is changed along with it.
 *
 * @param defaults what is put in where no cap is named, and what stored context may come to
 */
export function capRequest(
  operation: string,
  request: { readonly parsed: ParsedRequest; readonly value: unknown; readonly body: Buffer },
  defaults: { readonly outputTokens: number; readonly inputTokens: number },
): Capped {
  const { parsed, body } = request;
  const cap = CAPS[operation];
  const value = request.value as Fields;
  const input = worstInput(parsed, body.length, defaults.inputTokens);
  const audio = parsed.media.some(({ stated, found }) => (found ?? stated ?? "").startsWith("audio/"));
  if (cap === undefined) {
    return { worst: { input, output: defaults.outputTokens, audio }, body, dropUsage: false };
  }
  const patch = new Patch(value, body);
  const output = putCap(cap, value, parsed.model, defaults.outputTokens, patch);
  const dropUsage = cap.askUsage === true && parsed.stream && putUsage(value, patch);
  return { worst: { input, output, audio }, body: patch.body(), dropUsage };
}

/** Reads the caps that a request names, puts one in where none counts, and says how much it may write. */
function putCap(cap: Cap, value: Fields, model: string, most: number, patch: Patch): number {
  const { fields, within, times = [] } = cap;
  const [first] = fields;
  if (first === undefined) return 0;
  const name = within?.find((one) => Object.hasOwn(value, one)) ?? within?.[0];
  const inner = name === undefined ? value : value[name];
  const holder = isFields(inner) ? inner : {};
  const named = fields.filter((field) => Object.hasOwn(holder, field));
  const caps = named.map((field) => holder[field]).filter(isCount);
  const answers = Math.max(1, ...times.map((field) => holder[field]).filter(isCount));
  // What is there and is no cap (null, -1 for «no end») would be read by the upstream as it likes.
  for (const field of named) if (!isCount(holder[field])) patch.remove(holder, field);
  if (caps.length > 0) return answers * Math.max(...caps);
  const field = cap.choose?.(model) ?? first;
  if (name === undefined) patch.add(field, most);
  else if (holder === inner) patch.within(holder, field, most);
  else patch.add(name, { [field]: most });
  return answers * most;
}

/** Makes a stream say its usage. True when the client had not asked for it. */
function putUsage(value: Fields, patch: Patch): boolean {
  const options = value["stream_options"];
  if (!isFields(options)) {
    patch.add("stream_options", { include_usage: true });
    return true;
  }
  if (options["include_usage"] === true) return false;
  patch.within(options, "include_usage", true);
  return true;
}

function worstInput(parsed: ParsedRequest, bytes: number, context: number): number {
  let elsewhere = 0;
  let tokens = 0;
  for (const { kind, size } of parsed.unscanned) if (kind === "base64") elsewhere += size;
  for (const { kind, bytes: size } of parsed.media) {
    tokens += Math.max(PART_TOKENS, kind === "image" ? 0 : Math.ceil((size ?? 0) / FILE_BYTES_PER_TOKEN));
  }
  const stored = parsed.unscanned.some(({ kind, pointer }) => kind === "reference" && CONTEXT.test(pointer));
  return Math.max(0, bytes - elsewhere) + tokens + (stored ? context : 0);
}

/** References to what is as long as a conversation. */
const CONTEXT = /\/(?:previous_response_id|conversation|prompt|cachedContent|container)(?:\/|$)/;

/** Changes to a body. What is only added at its end leaves the client's own bytes as they are. */
class Patch {
  readonly #value: Fields;
  readonly #body: Buffer;
  #added = "";
  #rewritten = false;

  constructor(value: Fields, body: Buffer) {
    this.#value = value;
    this.#body = body;
  }

  add(name: string, member: unknown): void {
    if (Object.hasOwn(this.#value, name)) this.#rewritten = true;
    else this.#added += `,${JSON.stringify(name)}:${JSON.stringify(member)}`;
    this.#value[name] = member;
  }

  within(holder: Fields, name: string, member: unknown): void {
    holder[name] = member;
    this.#rewritten = true;
  }

  remove(holder: Fields, name: string): void {
    delete holder[name];
    this.#rewritten = true;
  }

  body(): Buffer {
    if (this.#rewritten) return Buffer.from(JSON.stringify(this.#value), "utf8");
    if (this.#added === "") return this.#body;
    // The body is an object with members: it names a model, or has contents. Nothing but white space follows its end.
    const end = this.#body.lastIndexOf("}");
    return Buffer.concat([this.#body.subarray(0, end), Buffer.from(`${this.#added}}`, "utf8")]);
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
