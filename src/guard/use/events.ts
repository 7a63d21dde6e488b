/**
 * A stream of events, guarded: the pieces of text in them run through one guard stream for each channel (a choice's
 * text, a content block, the arguments of one tool call), everything else in an event is judged as a message.
 *
 * What is held back leaves with a later piece of its channel, or, when the channel ends, in an event made like the last
 * one that had a piece of it. The guarantee is the guard stream's own: of what strict detectors find nothing leaves;
 * windowed ones (classifiers) judge as the text passes, and a stated number of units may be out before they block.
 *
 * @module
 */

import type { GuardStream } from "../stream.ts";
import type { Exchange } from "./exchange.ts";
import { withoutLogprobs, withTextAt } from "./texts.ts";

/** A piece of a channel's text in an event. */
export interface Piece {
  readonly channel: string;
  /** RFC 6901 pointer to the piece in its event. */
  readonly pointer: string;
  readonly text: string;
  /** The channel is the text of a JSON value: the arguments of a tool call. */
  readonly json?: boolean;
}

/** What a protocol says of one event. */
export interface EventReading {
  readonly pieces: readonly Piece[];
  /** The channels that end with this event, after its own pieces. */
  readonly ends: (channel: string) => boolean;
}

interface Channel {
  readonly stream: GuardStream;
  /** The last event that had a piece of it. */
  last: { readonly event: unknown; readonly pieces: readonly Piece[]; readonly pointer: string };
  /** Units that came in and did not go out. */
  held: number;
}

/**
 * The events that may be shown, in order. An event without change is passed on as the same object.
 *
 * @throws `guard.blocked` where the guard blocks: everything before is out, and nothing after
 */
export async function* guardEvents<Event>(
  events: AsyncIterable<Event>,
  read: (event: Event) => EventReading,
  exchange: Exchange,
): AsyncGenerator<Event, void, undefined> {
  const channels = new Map<string, Channel>();
  for await (const event of events) {
    const { pieces, ends } = read(event);
    const texts = new Map<string, string>();
    /** Every piece went out as it came, with nothing held back before or after. */
    let asItCame = true;
    for (const piece of pieces) {
      const channel = channelOf(channels, event, pieces, piece, exchange);
      const before = channel.held;
      const { emit, blocked } = await channel.stream.push(piece.text);
      channel.held += piece.text.length - emit.length;
      asItCame &&= before === 0 && emit === piece.text;
      texts.set(piece.pointer, emit);
      // What was let out together with the block was judged: it may be shown.
      if (blocked) yield withTexts(event, pieces, texts);
      if (blocked) exchange.settle(channel.stream);
    }
    for (const [name, channel] of channels) {
      if (!ends(name)) continue;
      channels.delete(name);
      const { emit, blocked } = await channel.stream.end();
      const own = pieces.find((piece) => piece.channel === name);
      if (own !== undefined) texts.set(own.pointer, (texts.get(own.pointer) ?? "") + emit);
      else if (emit !== "") yield flush(channel, emit) as Event;
      if (own !== undefined && emit !== "") asItCame = false;
      if (own !== undefined && blocked) yield withTexts(event, pieces, texts);
      exchange.settle(channel.stream);
    }
    const bare = withTexts(event, pieces, NO_TEXTS);
    const judged = (await exchange.event(bare)) as Event;
    const shown = withTexts(judged === bare ? event : judged, pieces, texts);
    yield asItCame ? shown : (withoutLogprobs(shown) as Event);
  }
  for (const channel of channels.values()) {
    const { emit } = await channel.stream.end();
    if (emit !== "") yield flush(channel, emit) as Event;
    exchange.settle(channel.stream);
  }
}

const NO_TEXTS: ReadonlyMap<string, string> = new Map();

function channelOf(
  channels: Map<string, Channel>,
  event: unknown,
  pieces: readonly Piece[],
  { channel: name, pointer, json }: Piece,
  exchange: Exchange,
): Channel {
  const last = { event, pieces, pointer };
  const known = channels.get(name);
  if (known !== undefined) return Object.assign(known, { last });
  const made: Channel = { stream: exchange.channel("assistant", `/${name}`, json === true), last, held: 0 };
  channels.set(name, made);
  return made;
}

/** An event like the channel's last one, with this text as its only piece. */
function flush({ last }: Channel, text: string): unknown {
  return withoutLogprobs(withTexts(last.event, last.pieces, new Map([[last.pointer, text]])));
}

/** The event with these texts in the places of its pieces, and none where there is none. */
function withTexts<Event>(event: Event, pieces: readonly Piece[], texts: ReadonlyMap<string, string>): Event {
  let changed: unknown = event;
  for (const { pointer, text } of pieces) {
    const next = texts.get(pointer) ?? "";
    if (next !== text) changed = withTextAt(changed, pointer, next);
  }
  return changed as Event;
}
