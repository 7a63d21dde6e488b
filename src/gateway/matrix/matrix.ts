/**
 * The matrix: protocol x direction x stream x field, and what becomes of a text in each of its cells.
 *
 * Nothing here is declared. For every cell a message is made with a canary in that one place (`samples.ts`), and it goes
 * the way that a request, an answer or an event of a stream goes, up to a guard that looks for nothing else.
 *
 * @module
 */

import { isHoldfastError } from "../../core/index.ts";
import type { GuardStream, Origin, StreamStep } from "../../guard/index.ts";
import {
  setAtPointer,
  type EventShape,
  type Operation,
  type ParsedRequest,
  type ResponseStream,
  type StreamHooks,
  type Shape,
} from "../wire/index.ts";
import { samplesOf, type Sample, type SampleForm } from "./samples.ts";

/** A message, and how the gateway reads it. */
export interface Readable {
  readonly shape: Shape;
  /** Every text of it. @throws where it is not the protocol */
  readonly parse: (value: unknown) => Pick<ParsedRequest, "spans" | "unscanned">;
}

/** What the matrix has a row for: an operation of a model API (`coveredBy`), or a message of another protocol. */
export interface Covered {
  readonly id: string;
  readonly path: string;
  readonly request?: Readable;
  readonly response?: Readable;
  /** Messages of a stream that are judged whole, one by one. */
  readonly messages?: readonly (Readable & { readonly name: string })[];
  /** Events of a stream whose text is judged piece by piece. */
  readonly events?: readonly EventShape[];
  readonly openStream?: (hooks: StreamHooks) => ResponseStream | undefined;
}

export interface Cell {
  /** `openai.chat`. */
  readonly route: string;
  readonly direction: "request" | "answer";
  readonly stream: boolean;
  /** The kind of event, in a stream. */
  readonly event: string | undefined;
  readonly field: string;
  readonly form: SampleForm;
  /** Under which origin a guard reads it; `undefined` where none does. */
  readonly origin: Origin | undefined;
  readonly outcome: Outcome;
}

/**
 * - `masked`, `blocked`: a guard reads the text; where policy masks, the text is masked, or the message blocked, since a
 *   mask would break what the text is part of
 * - `refused`: the message is not the protocol, and goes nowhere
 * - `replaced`: text without meaning, whose place is taken by other such text
 * - `not scanned`: no text, and named in the receipt
 * - `delivered`: a guard did not see it. There is no such cell
 */
export type Outcome = "masked" | "blocked" | "refused" | "replaced" | "not scanned" | "delivered";

/** What is planted. It is no word of any protocol, and base64 knows it not for its own. */
const CANARY = "c4nary-of-holdfast";
const MASK = "[masked]";

/** An operation as the matrix has it. */
export function coveredBy(operation: Operation): Covered {
  const { id, path, shapes } = operation;
  const model = path.includes("{model}") ? "m" : undefined;
  const { events = [], request, response } = shapes;
  return {
    id,
    path,
    ...(request && { request: { shape: request, parse: (value) => operation.parseRequest(value, model) } }),
    response: { shape: response, parse: (value) => operation.parseResponse(value) },
    events,
    openStream: (hooks) => operation.responseStream?.(hooks),
  };
}

/** Every cell of what is covered. */
export async function coverageOf(covered: readonly Covered[]): Promise<readonly Cell[]> {
  const cells: Cell[] = [];
  for (const { id, request, response, messages = [], events = [], openStream } of covered) {
    const base = { route: id, event: undefined } as const;
    const whole = (
      { shape, parse }: Readable,
      direction: Cell["direction"],
      more: Partial<Pick<Cell, "event" | "stream">>,
    ): void => {
      const code = direction === "request" ? "gateway.blocked" : "gateway.answer-blocked";
      for (const sample of samplesOf(shape)) {
        const found = inMessage(parse, sample, code);
        cells.push({ ...base, ...named(sample), direction, stream: false, ...more, ...found });
      }
    };
    if (request !== undefined) whole(request, "request", {});
    if (response !== undefined) whole(response, "answer", {});
    for (const one of messages) whole(one, "answer", { stream: true, event: one.name });
    for (const { name, shape, event } of events) {
      for (const sample of samplesOf(shape)) {
        const made = { ...sample, build: (text: string) => event(sample.build(text)) };
        const found = await inStream(openStream, made);
        cells.push({ ...base, event: name, ...named(sample), direction: "answer", stream: true, ...found });
      }
    }
  }
  return cells;
}

type Found = Pick<Cell, "origin" | "outcome">;

function named({ field, form }: Sample): Pick<Cell, "field" | "form"> {
  return { field: field === "" ? "/" : field, form };
}

function inMessage(
  parse: Readable["parse"],
  sample: Sample,
  code: "gateway.blocked" | "gateway.answer-blocked",
): Found {
  const value = sample.build(CANARY);
  try {
    const { spans, unscanned } = parse(value);
    const seen = spans.filter(({ text }) => text.includes(CANARY));
    const [first] = seen;
    if (first === undefined) return unseen(sample.form, unscanned.length > 0, false);
    for (const { pointer, text } of seen) setAtPointer(value, pointer, text.replaceAll(CANARY, MASK), code);
    return { origin: first.origin, outcome: says(value) ? "delivered" : "masked" };
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    const blocked = error.code === code;
    return { origin: blocked ? originOf(parse, sample) : undefined, outcome: blocked ? "blocked" : "refused" };
  }
}

function originOf(parse: Readable["parse"], sample: Sample): Origin | undefined {
  return parse(sample.build(CANARY)).spans.find(({ text }) => text.includes(CANARY))?.origin;
}

/** Runs a stream of one event twice: with a guard that masks, and with one that blocks. */
async function inStream(openStream: Covered["openStream"], sample: Sample): Promise<Found> {
  const event = Buffer.from(`data: ${JSON.stringify(sample.build(CANARY))}\n\n`, "utf8");
  let origin: Origin | undefined;
  const run = async (blocks: boolean): Promise<{ out: string; blocked: boolean; stream: ResponseStream }> => {
    const stream = openStream?.({
      openChannel: (from) => canaryGuard(blocks, () => (origin ??= from)),
    }) as ResponseStream;
    let out = "";
    for (const step of [() => stream.push(event), () => stream.end()]) {
      const { bytes, blocked } = await step();
      out += typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("utf8");
      if (blocked) return { out, blocked, stream };
    }
    return { out, blocked: false, stream };
  };
  try {
    const blocking = await run(true);
    if (!blocking.blocked) {
      return unseen(sample.form, blocking.stream.unscanned.length > 0, !says(blocking.out));
    }
    const masking = await run(false);
    if (says(blocking.out) || says(masking.out)) return { origin, outcome: "delivered" };
    return { origin, outcome: masking.blocked ? "blocked" : "masked" };
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return { origin: undefined, outcome: "refused" };
  }
}

function unseen(form: SampleForm, isNamed: boolean, isGone: boolean): Found {
  const replaced = form === "padding" && isGone;
  const unscanned = form === "numbers" && isNamed;
  return { origin: undefined, outcome: replaced ? "replaced" : unscanned ? "not scanned" : "delivered" };
}

/** Whether the canary is in a message, in any form in which a client could read it. */
function says(value: unknown): boolean {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const decoded = text.replaceAll(/\\+u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  return decoded.includes(CANARY) || text.includes(Buffer.from(CANARY, "utf8").toString("base64"));
}

/** Holds everything back until the end, then decides. */
function canaryGuard(blocks: boolean, found: () => void): GuardStream {
  let text = "";
  let hit = false;
  return {
    push(piece): StreamStep {
      text += piece;
      hit ||= text.includes(CANARY);
      if (hit) found();
      return { emit: "", blocked: hit && blocks };
    },
    end: (): StreamStep => ({ emit: text.replaceAll(CANARY, MASK), blocked: hit && blocks }),
    get verdict() {
      return { action: hit ? (blocks ? "block" : "mask") : "allow", findings: [], runs: [] } as const;
    },
  };
}
