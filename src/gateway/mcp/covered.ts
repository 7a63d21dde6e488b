/**
 * What is read of MCP, for the matrix (`matrix/`): each method with its parameters and its result, and what a server says
 * besides: errors, requests of its own, notifications, each of them judged whole before it leaves, in a stream too.
 *
 * Of a listing of tools the tools, and of the beginning of a session the instructions, come past the guards in no
 * other way than by an operator's approval (`catalogue.ts`); in the matrix they are read as any other field.
 *
 * @module
 */

import type { Covered, Readable } from "../matrix/matrix.ts";
import type { Fields, Shape } from "../wire/index.ts";
import { any, number, record, text } from "../wire/shape.ts";
import { readMessage } from "./message.ts";
import { METHODS, NOTIFICATIONS, SERVER_REQUESTS } from "./protocol.ts";
import { ANSWERS, PARAMS, resultShape } from "./shapes.ts";
import { headOf, textOf } from "./text.ts";

type Said = NonNullable<Covered["messages"]>[number];

const METHODS_OF_CLIENTS = [...new Set([...METHODS.modern, ...METHODS.legacy])].toSorted();

/** Where all of it goes. */
const PATH = "/mcp/{server}";

/** An error as a server may word it. */
const ERROR: Shape = record({ code: number, message: text, data: any }, { required: ["code", "message"] });

/** What a server says while it works at a request, whichever that is. A notification's name may be any. */
const UNASKED: readonly Said[] = [
  { name: "notification", ...message({}, "params", resultShape("notifications/message"), "answer", { method: text }) },
  ...[...SERVER_REQUESTS.keys()].map((method): Said => {
    return { name: method, ...message({ id: 1, method }, "params", resultShape(method), "answer", { id: text }) };
  }),
];

/** Every message of MCP, as the matrix has operations. */
export const mcpCovered: readonly Covered[] = [
  ...METHODS_OF_CLIENTS.map((method): Covered => ({
    id: `mcp.${method}`,
    path: PATH,
    request: message({ id: 1, method }, "params", PARAMS, "request", { id: text }),
    response: message({ id: 1 }, "result", resultShape(method), "answer"),
    messages: [{ name: "error", ...message({ id: 1 }, "error", ERROR, "answer", {}, resultShape(method)) }, ...UNASKED],
  })),
  ...[...NOTIFICATIONS].toSorted().map((method): Covered => ({
    id: `mcp.${method}`,
    path: PATH,
    request: message({ method }, "params", PARAMS, "request"),
  })),
  { id: "mcp.answer", path: PATH, request: message({ id: 1 }, "result", ANSWERS, "request", { id: text }) },
];

/** A message whose text stands in `member`, and in `head`: what goes through `readMessage` and `textOf`. */
function message(
  base: Fields,
  member: "params" | "result" | "error",
  shape: Shape,
  of: "request" | "answer",
  head: Readonly<Record<string, Shape>> = {},
  readBy: Shape = shape,
): Readable {
  return {
    shape: record({ ...head, [member]: shape }, { required: [...Object.keys(head), member] }),
    parse(value) {
      const read = readMessage({ jsonrpc: "2.0", ...base, ...(value as Fields) });
      const inside = (read as unknown as Fields)[member];
      const { spans, unscanned } = textOf(
        readBy,
        inside,
        of,
        of === "answer" && member === "result" ? {} : headOf(read),
      );
      const within = (pointer: string): string => (pointer.startsWith("/#head/") ? pointer : `/${member}${pointer}`);
      return {
        spans: spans.map((span) => ({ ...span, pointer: within(span.pointer) })),
        unscanned: unscanned.map((part) => ({ ...part, pointer: within(part.pointer) })),
      };
    },
  };
}
