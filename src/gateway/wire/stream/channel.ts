/**
 * A channel: one text that successive events of a stream continue, on its way through its guard, and the places in the
 * events that its pieces came in.
 *
 * While what comes out of the guard is what went in, a place keeps its piece, and its event waits until all of it is
 * judged. Once the text was masked, or an event could not wait, the channel is *moving*: each place gets what the
 * guard let out when its piece went in. In both cases the places spell what the guard let out, in order.
 *
 * @module
 */

import type { GuardStream, Origin } from "../../../guard/index.ts";
import type { SseEvent } from "../../sse/index.ts";
import type { Place, Treatment } from "../walk.ts";
import { blocked, type TextGuard } from "./text-guard.ts";

/** An event between its guards and the client. */
export interface Waiting {
  readonly source: SseEvent;
  readonly value: unknown;
  /** Slots whose text is not all judged. */
  open: number;
  changed: boolean;
  /** Text was changed or moved, so the log probabilities must go. */
  rewritten: boolean;
  readonly logprobs: Place[];
  left: boolean;
}

/** A piece of a channel's text in an event. */
export interface Slot {
  readonly event: Waiting;
  readonly place: Place;
  readonly text: string;
  /** Units at the end of `text` that are not judged yet. */
  open: number;
}

export interface Channel {
  readonly guard: TextGuard;
  readonly pointer: string;
  readonly origin: Origin;
  readonly treatment: Treatment | "lane";
  readonly stream: GuardStream;
  /** Slots that wait, oldest first. */
  slots: Slot[];
  /** Pushed and not emitted, as long as what was emitted is what was pushed; `undefined` once it was masked. */
  held: string | undefined;
  /** Text comes out later than it went in: each slot gets what its push emits. */
  moving: boolean;
  last: Slot | undefined;
  touched: number;
  /** All that went in and came out, where the stream will say it again; `undefined` where nobody asks, or it is too long. */
  said: Said | undefined;
}

interface Said {
  heard: string;
  emitted: string;
}

export function createChannel(
  guard: TextGuard,
  stream: GuardStream,
  pointer: string,
  origin: Origin,
  treatment: Channel["treatment"],
  said?: Said,
): Channel {
  return {
    guard,
    stream,
    pointer,
    origin,
    treatment,
    slots: [],
    held: "",
    moving: false,
    last: undefined,
    touched: 0,
    said,
  };
}

/** Notes that `text`, which stands at `place`, is about to go into the guard. */
export function addSlot(channel: Channel, event: Waiting, place: Place, text: string): Slot {
  const slot: Slot = { event, place, text, open: text.length };
  channel.last = slot;
  if (channel.held !== undefined) channel.held += text;
  if (!channel.moving) {
    channel.slots.push(slot);
    event.open++;
  }
  return slot;
}

/** Takes what the guard let out when the text of `slot` went in. @throws `gateway.answer-blocked` for a sealed text */
export function absorb(channel: Channel, slot: Slot, emitted: string): void {
  const asPushed = channel.held?.startsWith(emitted) === true;
  if (asPushed) channel.held = channel.held?.slice(emitted.length);
  else mask(channel);
  if (channel.moving) {
    write(channel, slot, emitted);
    // All that went in has come out again: events may wait and leave unchanged as before.
    if (channel.held === "") channel.moving = false;
  } else if (asPushed) settleSlots(channel, emitted.length);
  else giveUp(channel, emitted);
}

/**
 * Takes what the guard let out at the end. Returns the text that has no place any more.
 *
 * @throws `gateway.answer-blocked` for a sealed text
 */
export function finish(channel: Channel, emitted: string): string {
  const asPushed = channel.held === emitted;
  if (!asPushed) mask(channel);
  if (channel.moving) return channel.treatment === "lane" ? "" : emitted;
  if (asPushed) settleSlots(channel, emitted.length);
  else giveUp(channel, emitted);
  return "";
}

/** Lets the waiting events go with what is judged of their text and `more`; the rest moves on. */
export function giveUp(channel: Channel, more: string): void {
  let text = more;
  for (const slot of channel.slots) {
    slot.event.open--;
    write(channel, slot, slot.text.slice(0, slot.text.length - slot.open) + text);
    text = "";
  }
  channel.slots = [];
  channel.moving = true;
}

/** The text that comes out is no longer the text that went in. */
function mask(channel: Channel): void {
  if (channel.treatment === "sealed-part") {
    throw blocked(channel.stream, "a mask would break what the text is part of");
  }
  channel.held = undefined;
}

/** The first `judged` units of the waiting text are judged. */
function settleSlots(channel: Channel, judged: number): void {
  let left = judged;
  let settled = 0;
  for (const slot of channel.slots) {
    if (slot.open > left) {
      slot.open -= left;
      break;
    }
    left -= slot.open;
    slot.event.open--;
    settled++;
  }
  channel.slots.splice(0, settled);
}

/** A lane of log probabilities is not written to: its event loses them all. */
function write(channel: Channel, { event, place, text }: Slot, out: string): void {
  if (out === text) return;
  event.changed = true;
  event.rewritten = true;
  if (channel.treatment !== "lane") place.holder[place.name] = out;
}
