/**
 * The relay: events of a stream in, the same events out once every text in them has been judged.
 *
 * Text that successive events continue is a *channel* with a guard of its own. An event waits while a part of its text
 * is held back, and leaves as it came once that is judged, so a clean stream is passed on unchanged. When another event
 * comes that does not continue the channel, the waiting one leaves with the part that is judged, and the rest travels
 * with the channel's next piece, or in an event of its own before the channel ends. The same happens to text that was
 * masked. In every case the text that a client puts together from a channel is what the guard let out, in order.
 *
 * Strings that come whole (ids, names, citations) are judged whole before their event leaves. Log probabilities repeat
 * the text: an event whose text was masked, or leaves in another event than it came in, loses them.
 *
 * @module
 */

import type { GuardStream, Origin } from "../../../guard/index.ts";
import { gatewayError, type GatewayError } from "../../errors.ts";
import { encodeEvent, type SseEvent } from "../../sse/index.ts";
import { unescapeJson } from "../escape.ts";
import { logprobLanes } from "../logprobs.ts";
import type { StreamHooks, Unscanned } from "../operation.ts";
import { walk, type Place, type Treatment, type Visitor } from "../walk.ts";
import type { Shape } from "../shape.ts";
import { carrier } from "./carrier.ts";
import { absorb, addSlot, createChannel, finish, giveUp, type Channel, type Slot, type Waiting } from "./channel.ts";
import { nextRound, type Steps } from "./settle.ts";
import { blocked, jsonGuard, plainGuard } from "./text-guard.ts";

export interface Relay {
  /**
   * Takes an event.
   *
   * @param parts what to read in `value`, which stands for the event's data and may be changed
   * @param closing the scopes whose channels end with this event: `/choices/0`, `/content/3`
   */
  event(source: SseEvent, value: unknown, parts: readonly Part[], closing?: readonly string[]): Steps<void>;
  /** Takes an event that holds no text of an upstream. */
  pass(source: SseEvent): void;
  /** Ends every channel. */
  close(): Steps<void>;
  /** What may leave now. */
  release(): Released;
  /** True while an event waits. */
  readonly waiting: boolean;
  /** What was not read as text, by pointer. */
  readonly unscanned: readonly Unscanned[];
}

/** A part of an event's value, and the shape that it has. */
export interface Part {
  readonly shape: Shape;
  readonly value: unknown;
  readonly pointer: string;
  readonly origin: Origin;
  /** `value` is a copy: nothing can be written to it, so a mask in it becomes a block. */
  readonly copy?: boolean;
}

interface Released {
  readonly text: string;
  /** Events that left, and whether each left as it came. */
  readonly events: number;
  readonly unchanged: boolean;
}

/** Most guards that one stream may open, one after the other: far more than any answer needs. */
const MAX_GUARDS = 32_768;
/** Guards that are opened before others get their turn: some 5 ms of work. An ordinary answer opens a handful. */
const GUARDS_PER_ROUND = 128;
/** Most channels at a time: 128 choices with the log probabilities of 20 alternatives. */
const MAX_CHANNELS = 4_096;
/** Most events that wait for a channel; beyond it they leave with what is judged. */
const MAX_WAITING = 256;
/** Whole strings that are remembered, and their length, so that what every event repeats is judged once. */
const MAX_REMEMBERED = 256;
const MAX_REMEMBERED_CHARS = 256;

/** Most values of one event: the walk over them is not interrupted. */
const MAX_EVENT_VALUES = 65_536;

/** Texts that come whole with their event. */
const WHOLE: ReadonlySet<Treatment> = new Set(["text", "sealed", "names"]);

interface Read {
  readonly text: string;
  readonly pointer: string;
  readonly origin: Origin;
  readonly treatment: Treatment | "lane";
  readonly place: Place;
}

export function createRelay(hooks: StreamHooks): Relay {
  // By scope, then by pointer.
  const scopes = new Map<string, Map<string, Channel>>();
  const loose = new Set<Channel>();
  const holding = new Set<Channel>();
  const remembered = new Map<string, string>();
  const members = new Map<string, number>();
  const unscanned = new Map<string, Unscanned>();
  let queue: Waiting[] = [];
  let guards = 0;
  let open = 0;
  let sequence = 0;

  function* openGuard(origin: Origin, pointer: string, restores: boolean): Steps<GuardStream> {
    if (++guards > MAX_GUARDS) throw tooMany(MAX_GUARDS, "texts");
    if (guards % GUARDS_PER_ROUND === 0) yield nextRound();
    return hooks.openChannel(origin, pointer, restores);
  }

  const closed = (guard: GuardStream): void => hooks.closed?.(guard);

  // The event that is being read, and what was found in it.
  let reading: Waiting;
  let reads: Read[] = [];
  let copied = false;
  let values = 0;
  const visitor: Visitor = {
    text(text, pointer, origin, treatment, place) {
      // What the last event said at the same place needs no second look.
      if (text === "" || (WHOLE.has(treatment) && remembered.get(pointer) === text)) return;
      reads.push({ text, pointer, origin, treatment: copied ? "sealed" : treatment, place });
    },
    logprobs(value, pointer, origin, place) {
      reading.logprobs.push(place);
      for (const { name, text } of logprobLanes(value)) {
        reads.push({ text, pointer: `${pointer}/${name}`, origin, treatment: "lane", place });
      }
    },
    unscanned(one) {
      const known = unscanned.get(one.pointer);
      if (known === undefined && unscanned.size >= MAX_CHANNELS)
        throw tooMany(MAX_CHANNELS, "fields that are not text");
      unscanned.set(one.pointer, { ...one, size: one.size + (known?.size ?? 0) });
    },
    // An event of 4 MB that is nothing but brackets: what stands between them is counted where it is opened.
    enter(members) {
      values += members;
      if (values > MAX_EVENT_VALUES) throw tooMany(MAX_EVENT_VALUES, "values of one event");
    },
    // Servers differ, and a field of another type has just been read as text.
    mismatch() {},
    // A field that is not known is followed by its name, whatever stands before it in each event.
    member(pointer, name) {
      const key = `${pointer}/${name}`;
      const number = members.get(key) ?? members.size;
      if (number >= MAX_CHANNELS) throw tooMany(MAX_CHANNELS, "unknown fields");
      members.set(key, number);
      return number;
    },
  };

  function readsOf(event: Waiting, parts: readonly Part[]): readonly Read[] {
    reading = event;
    reads = [];
    values = 0;
    for (const { shape, value, pointer, origin, copy } of parts) {
      copied = copy === true;
      walk(shape, value, pointer, origin, visitor);
    }
    return reads;
  }

  function* judge(event: Waiting, read: Read): Steps<void> {
    switch (read.treatment) {
      case "padding":
        pad(event, read);
        return;
      case "part":
      case "loose-part":
      case "sealed-part":
      case "json-part":
      case "lane":
        yield* follow(event, read);
        return;
      case "json":
        yield* judgeWhole(event, read);
        if (read.text.includes("\\"))
          yield* judgeWhole(event, { ...read, text: unescapeJson(read.text), treatment: "sealed" });
        return;
      case "text":
      case "sealed":
      case "names":
        yield* judgeWhole(event, read);
    }
  }

  /** A string that came whole. */
  function* judgeWhole(event: Waiting, { text, pointer, origin, treatment, place }: Read): Steps<void> {
    const stream = yield* openGuard(origin, pointer, treatment === "text");
    const guard = plainGuard(stream, closed);
    const out = (yield* guard.push(text)) + (yield* guard.end());
    if (out !== text) {
      if (treatment !== "text") throw blocked(stream, "a mask would break what the text is part of");
      place.holder[place.name] = out;
      event.changed = true;
      event.rewritten = true;
    } else if (text.length <= MAX_REMEMBERED_CHARS && (remembered.has(pointer) || remembered.size < MAX_REMEMBERED)) {
      remembered.set(pointer, text);
    }
  }

  /** A piece of a channel. */
  function* follow(event: Waiting, read: Read): Steps<void> {
    const channel = scopes.get(scopeOf(read.pointer))?.get(read.pointer) ?? (yield* openChannel(read));
    channel.touched = sequence;
    const slot = addSlot(channel, event, read.place, read.text);
    absorb(channel, slot, yield* channel.guard.push(read.text));
    if (channel.slots.length > 0) holding.add(channel);
    else holding.delete(channel);
  }

  function* openChannel({ pointer, origin, treatment }: Read): Steps<Channel> {
    if (++open > MAX_CHANNELS) throw tooMany(MAX_CHANNELS, "texts at a time");
    // Placeholders come back in text that may change.
    const stream = yield* openGuard(origin, pointer, treatment === "part" || treatment === "loose-part");
    const guard =
      treatment === "json-part"
        ? jsonGuard(stream, () => openGuard(origin, pointer, false), closed, hooks.jsonRestorer?.())
        : plainGuard(stream, closed);
    const channel = createChannel(guard, stream, pointer, treatment);
    const scope = scopeOf(pointer);
    const siblings = scopes.get(scope) ?? new Map<string, Channel>();
    scopes.set(scope, siblings.set(pointer, channel));
    if (treatment === "loose-part") loose.add(channel);
    return channel;
  }

  function* endScope(scope: string): Steps<void> {
    const channels = scopes.get(scope);
    scopes.delete(scope);
    for (const channel of channels?.values() ?? []) yield* end(channel);
  }

  function* end(channel: Channel): Steps<void> {
    open--;
    loose.delete(channel);
    holding.delete(channel);
    const rest = finish(channel, yield* channel.guard.end());
    if (rest !== "" && channel.last !== undefined) deliver(channel.last, rest);
  }

  /** Text that is left when its channel ends: added to the channel's last event, or sent in a copy of it. */
  function deliver({ event, place }: Slot, rest: string): void {
    if (!event.left) {
      const text = place.holder[place.name];
      place.holder[place.name] = `${typeof text === "string" ? text : ""}${rest}`;
      event.changed = true;
      event.rewritten = true;
      return;
    }
    const value = carrier(event.value, place, rest);
    queue.push({ source: event.source, value, open: 0, changed: true, rewritten: true, logprobs: [], left: false });
  }

  return {
    *event(source, value, parts, closing = []) {
      sequence++;
      const event: Waiting = { source, value, open: 0, changed: false, rewritten: false, logprobs: [], left: false };
      const found = readsOf(event, parts);
      for (const read of found) yield* judge(event, read);
      // Only now may the event be seen by `release`: all of it has been with its guards.
      for (const scope of closing) yield* endScope(scope);
      const seen = loose.size === 0 ? NO_SCOPES : new Set(found.map(({ pointer }) => scopeOf(pointer)));
      for (const channel of loose) {
        // An unknown field is followed as long as the events of its choice or block carry it.
        if (channel.touched === sequence || !seen.has(scopeOf(channel.pointer))) continue;
        scopes.get(scopeOf(channel.pointer))?.delete(channel.pointer);
        yield* end(channel);
      }
      for (const channel of holding) {
        if (channel.touched === sequence && queue.length < MAX_WAITING) continue;
        giveUp(channel, "");
        holding.delete(channel);
      }
      queue.push(event);
    },
    pass(source) {
      queue.push({ source, value: undefined, open: 0, changed: false, rewritten: false, logprobs: [], left: false });
    },
    *close() {
      for (const scope of scopes.keys()) yield* endScope(scope);
    },
    release() {
      let text = "";
      let events = 0;
      let unchanged = true;
      for (const event of queue) {
        if (event.open > 0) break;
        event.left = true;
        events++;
        if (event.rewritten) for (const { holder, name } of event.logprobs) holder[name] = null;
        if (event.changed) unchanged = false;
        text += encodeEvent(
          event.changed ? { type: event.source.type, data: JSON.stringify(event.value) } : event.source,
        );
      }
      queue = queue.slice(events);
      return { text, events, unchanged };
    },
    get waiting() {
      return queue.length > 0;
    },
    get unscanned() {
      return [...unscanned.values()];
    },
  };
}

function tooMany(limit: number, what: string): GatewayError {
  return gatewayError("gateway.upstream-too-large", { detail: `more than ${limit} ${what} in one stream` });
}

/** Padding hides the length of what it accompanies. Its text is replaced, so that nothing can be said in it. */
function pad(event: Waiting, { text, place }: Read): void {
  place.holder[place.name] = "x".repeat(text.length);
  event.changed = true;
}

const NO_SCOPES: ReadonlySet<string> = new Set();

/** What a channel is part of: the first two tokens of its pointer, `/choices/0`. */
function scopeOf(pointer: string): string {
  const second = pointer.indexOf("/", 1);
  const third = second === -1 ? -1 : pointer.indexOf("/", second + 1);
  return third === -1 ? pointer : pointer.slice(0, third);
}
