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
 * Some protocols say a text again once it is whole. What a guard has let out for a text, the same text becomes wherever it
 * is said again (`repeats`), so that what a client puts together and what it is then told are one.
 *
 * @module
 */

import type { GuardStream, Origin } from "../../../guard/index.ts";
import { gatewayError, type GatewayError } from "../../errors.ts";
import { encodeEvent, type SseEvent } from "../../sse/index.ts";
import { logprobLanes } from "../logprobs.ts";
import type { StreamHooks, Unscanned } from "../operation.ts";
import { walk, type Place, type Treatment, type Visitor } from "../walk.ts";
import type { Shape } from "../shape.ts";
import { carrier } from "./carrier.ts";
import { absorb, addSlot, createChannel, finish, giveUp, type Channel, type Slot, type Waiting } from "./channel.ts";
import { nextRound, type Steps } from "./settle.ts";
import { blocked, jsonGuard, plainGuard, type TextGuard } from "./text-guard.ts";

export interface Relay {
  /**
   * Takes an event.
   *
   * @param parts what to read in `value`, which stands for the event's data and may be changed
   * @param closing the scopes whose channels end with this event, and all below them: `/choices/0`, `/content/3`
   * @param last nothing may come any more: the event waits for the next one, or for the end of all channels, so that
   *   what is left of their texts comes before it
   */
  event(
    source: SseEvent,
    value: unknown,
    parts: readonly Part[],
    closing?: readonly string[],
    last?: boolean,
  ): Steps<void>;
  /** Ends the channels of scopes, and of all below them, before the next event. */
  end(scopes: readonly string[]): Steps<void>;
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

/** What a protocol's streams need. */
export interface RelayOptions {
  /** What the channel of a pointer is part of, and ends with. Default: the pointer's first two tokens. */
  readonly scopeOf?: (pointer: string) => string;
  /** Texts are said again once they are whole. */
  readonly repeats?: boolean;
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

/** Most UTF-16 units of one stream that are kept for when they are said again; the rest is judged again. */
const MAX_REPEATED_CHARS = 4 * 1024 * 1024;

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

export function createRelay(hooks: StreamHooks, { scopeOf = firstTwo, repeats = false }: RelayOptions = {}): Relay {
  // By scope, then by pointer.
  const scopes = new Map<string, Map<string, Channel>>();
  const loose = new Set<Channel>();
  const holding = new Set<Channel>();
  const remembered = new Map<string, string>();
  const members = new Map<string, number>();
  const unscanned = new Map<string, Unscanned>();
  // Pointers of texts that have ended. A client would put what came after to what came before, a guard would not.
  const ended = new Set<string>();
  // What came out for a text, by the text.
  const outcomes = new Map<string, string>();
  let repeated = 0;
  let queue: Waiting[] = [];
  let parked: Waiting | undefined;
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
      case "text":
      case "sealed":
      case "names":
        yield* judgeWhole(event, read);
    }
  }

  /** A string that came whole. */
  function* judgeWhole(event: Waiting, read: Read): Steps<void> {
    const { text, pointer, place } = read;
    const known = repeats ? outcomes.get(keyOf(read)) : undefined;
    const out = known ?? (yield* outcomeOf(read));
    remember(read, out);
    if (out !== text) {
      place.holder[place.name] = out;
      event.changed = true;
      event.rewritten = true;
    } else if (text.length <= MAX_REMEMBERED_CHARS && (remembered.has(pointer) || remembered.size < MAX_REMEMBERED)) {
      remembered.set(pointer, text);
    }
  }

  /** What a string becomes. */
  function* outcomeOf({ text, pointer, origin, treatment }: Read): Steps<string> {
    const stream = yield* openGuard(origin, pointer, treatment === "text");
    const guard = guardFor(stream, { pointer, origin, treatment });
    const out = (yield* guard.push(text)) + (yield* guard.end());
    if (out !== text && treatment !== "text" && treatment !== "json") {
      throw blocked(stream, "a mask would break what the text is part of");
    }
    return out;
  }

  function guardFor(stream: GuardStream, { pointer, origin, treatment }: Omit<Read, "text" | "place">): TextGuard {
    if (treatment !== "json" && treatment !== "json-part") return plainGuard(stream, closed);
    return jsonGuard(stream, () => openGuard(origin, pointer, false), closed, hooks.jsonRestorer?.());
  }

  /** Keeps what a text became. A sealed text is never changed, so it has no other outcome to find. */
  function remember({ text, origin, treatment }: Omit<Read, "place">, out: string): void {
    const key = keyOf({ text, origin, treatment });
    if (!repeats || key === "" || outcomes.has(key)) return;
    if (repeated + text.length + out.length > MAX_REPEATED_CHARS) return;
    repeated += text.length + out.length;
    outcomes.set(key, out);
  }

  /** A piece of a channel. */
  function* follow(event: Waiting, read: Read): Steps<void> {
    const channel = scopes.get(scopeOf(read.pointer))?.get(read.pointer) ?? (yield* openChannel(read));
    channel.touched = sequence;
    const slot = addSlot(channel, event, read.place, read.text);
    const emitted = yield* channel.guard.push(read.text);
    keep(channel, read.text, emitted);
    absorb(channel, slot, emitted);
    if (channel.slots.length > 0) holding.add(channel);
    else holding.delete(channel);
  }

  function keep(channel: Channel, heard: string, emitted: string): void {
    const { said } = channel;
    if (said === undefined) return;
    said.heard += heard;
    said.emitted += emitted;
    if (said.heard.length > MAX_REPEATED_CHARS) channel.said = undefined;
  }

  function* openChannel({ pointer, origin, treatment }: Read): Steps<Channel> {
    if (ended.has(pointer)) throw gatewayError("gateway.upstream-invalid", { detail: "a text goes on after its end" });
    if (++open > MAX_CHANNELS) throw tooMany(MAX_CHANNELS, "texts at a time");
    // Placeholders come back in text that may change.
    const stream = yield* openGuard(origin, pointer, treatment === "part" || treatment === "loose-part");
    const guard = guardFor(stream, { pointer, origin, treatment });
    const said = repeats && treatment !== "lane" ? { heard: "", emitted: "" } : undefined;
    const channel = createChannel(guard, stream, pointer, origin, treatment, said);
    const scope = scopeOf(pointer);
    const siblings = scopes.get(scope) ?? new Map<string, Channel>();
    scopes.set(scope, siblings.set(pointer, channel));
    if (treatment === "loose-part") loose.add(channel);
    return channel;
  }

  function* endScopes(above: readonly string[]): Steps<void> {
    for (const [scope, channels] of scopes) {
      if (!above.some((one) => scope === one || one === "" || scope.startsWith(`${one}/`))) continue;
      scopes.delete(scope);
      for (const channel of channels.values()) yield* end(channel);
    }
  }

  function* end(channel: Channel): Steps<void> {
    open--;
    loose.delete(channel);
    holding.delete(channel);
    if (channel.treatment !== "lane" && channel.treatment !== "loose-part") ended.add(channel.pointer);
    const emitted = yield* channel.guard.end();
    keep(channel, "", emitted);
    if (channel.said !== undefined) remember({ ...channel, text: channel.said.heard }, channel.said.emitted);
    const rest = finish(channel, emitted);
    if (rest !== "" && channel.last !== undefined) deliver(channel.last, rest);
  }

  function unpark(): void {
    if (parked !== undefined) queue.push(parked);
    parked = undefined;
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
    *event(source, value, parts, closing = [], last = false) {
      sequence++;
      unpark();
      const event: Waiting = { source, value, open: 0, changed: false, rewritten: false, logprobs: [], left: false };
      const found = readsOf(event, parts);
      for (const read of found) yield* judge(event, read);
      // Only now may the event be seen by `release`: all of it has been with its guards.
      if (closing.length > 0) yield* endScopes(closing);
      const seen = loose.size === 0 ? NO_SCOPES : new Set(found.map(({ pointer }) => scopeOf(pointer)));
      for (const channel of loose) {
        // An unknown field is followed as long as the events of its choice or block carry it.
        if (channel.touched === sequence || !seen.has(scopeOf(channel.pointer))) continue;
        scopes.get(scopeOf(channel.pointer))?.delete(channel.pointer);
        yield* end(channel);
      }
      for (const channel of holding) {
        if ((last || channel.touched === sequence) && queue.length < MAX_WAITING) continue;
        giveUp(channel, "");
        holding.delete(channel);
      }
      if (last) parked = event;
      else queue.push(event);
    },
    end: endScopes,
    pass(source) {
      queue.push({ source, value: undefined, open: 0, changed: false, rewritten: false, logprobs: [], left: false });
    },
    *close() {
      yield* endScopes([""]);
      unpark();
    },
    release() {
      let text = "";
      let events = 0;
      let unchanged = true;
      for (const event of queue) {
        if (event.open > 0) break;
        event.left = true;
        events++;
        if (event.rewritten) for (const place of event.logprobs) dropLogprobs(place);
        if (event.changed) unchanged = false;
        text += encodeEvent(
          event.changed ? { type: event.source.type, data: JSON.stringify(event.value) } : event.source,
        );
      }
      queue = queue.slice(events);
      return { text, events, unchanged };
    },
    get waiting() {
      return queue.length > 0 || parked !== undefined;
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

function dropLogprobs({ holder, name }: Place): void {
  holder[name] = Array.isArray(holder[name]) ? [] : null;
}

/** A text by what decides about it; `""` for one whose outcome is not kept. */
function keyOf({ text, origin, treatment }: Pick<Read, "text" | "origin" | "treatment">): string {
  if (treatment === "json" || treatment === "json-part") return `json ${origin} ${text}`;
  return treatment === "text" || treatment === "part" || treatment === "loose-part" ? `text ${origin} ${text}` : "";
}

/** What a channel is part of: the first two tokens of its pointer, `/choices/0`. */
function firstTwo(pointer: string): string {
  const second = pointer.indexOf("/", 1);
  const third = second === -1 ? -1 : pointer.indexOf("/", second + 1);
  return third === -1 ? pointer : pointer.slice(0, third);
}
