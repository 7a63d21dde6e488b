/**
 * Server-sent events (WHATWG HTML, section 9.2.6), read from bytes and written again. An event that nothing changed is
 * passed on as the bytes that came; one whose data changed keeps its other fields.
 *
 * @module
 */

import { useError } from "./errors.ts";

export interface ServerEvent {
  /** Its lines as they came, without the empty line that ends it. */
  readonly lines: readonly string[];
  /** The `data` lines joined; `undefined` where there are none. */
  readonly data: string | undefined;
}

/** Most units of one event: what is not read whole is not judged. */
const MAX_EVENT = 16 * 1024 * 1024;

/** The events of a body. The last one counts also without its empty line. @throws `guard.body-unread` */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  /** It may end in the middle of a line end. */
  let cut = false;
  let lines: string[] = [];
  let size = 0;
  const take = function* (text: string, last: boolean): Generator<ServerEvent, void, undefined> {
    rest += text;
    // A line that comes in many pieces is looked at once, when it is complete.
    if (cut || /[\r\n]/.test(text)) yield* takeLines(last);
    cut = text === "" ? cut : text.endsWith("\r");
    if (size + rest.length > MAX_EVENT) {
      throw useError("guard.body-unread", { detail: `an event of more than ${MAX_EVENT} characters` });
    }
  };
  const takeLines = function* (last: boolean): Generator<ServerEvent, void, undefined> {
    // A carriage return at the end may be half of a line end.
    const parts = rest.split(last ? /\r\n|\r|\n/ : /\r\n|\r(?!$)|\n/);
    rest = parts.pop() ?? "";
    for (const line of parts) {
      size += line.length + 1;
      if (line !== "") {
        lines.push(line);
      } else if (lines.length > 0) {
        yield eventOf(lines);
        lines = [];
        size = 0;
      }
    }
  };
  for await (const bytes of body) yield* take(decoder.decode(bytes, { stream: true }), false);
  yield* take(`${decoder.decode()}\n\n`, true);
}

/** The event as bytes, with other data where `data` is given. */
export function writeEvent({ lines }: ServerEvent, data?: string): Uint8Array {
  const written =
    data === undefined
      ? lines
      : [...lines.filter((line) => field(line) !== "data"), ...data.split("\n").map((line) => `data: ${line}`)];
  return new TextEncoder().encode(`${written.join("\n")}\n\n`);
}

function eventOf(lines: readonly string[]): ServerEvent {
  const data = lines
    .filter((line) => field(line) === "data")
    .map((line) => line.slice("data:".length).replace(/^ /, ""));
  return { lines, data: data.length === 0 ? undefined : data.join("\n") };
}

/** The name in front of the colon; a comment has none. */
function field(line: string): string {
  const colon = line.indexOf(":");
  return colon === -1 ? line : line.slice(0, colon);
}
