/**
 * Reads the control sequences that terminals obey (ECMA-48, fifth edition, sections 5.4 and 8.3.89; OSC 8 and OSC 52
 * as xterm and its like have them).
 *
 * Colours and bold type are left alone; what is hidden (`ESC [ 8 m`), moved, erased, linked, copied or commanded is not.
 *
 * @module
 */

import { ADDRESS_BOUND } from "./markdown.ts";
import type { ExfiltrationRule, Reading } from "./rules.ts";
import type { Judge } from "./target.ts";

const ESCAPE = 0x1b;
/** Units of a control sequence's parameters. */
const PARAMETER_BOUND = 64;

/** Reads the sequence at an ESC or C1 control. */
export function readTerminal(text: string, at: number, final: boolean, judge: Judge): Reading {
  const escape = text.charCodeAt(at) === ESCAPE;
  if (escape && at + 1 >= text.length) return final ? undefined : { waitFrom: at };
  // A C1 control is its ESC form in one character.
  const kind = escape ? text.charCodeAt(at + 1) : text.charCodeAt(at) - 0x40;
  const from = at + (escape ? 2 : 1);
  switch (kind) {
    case 0x5b: // CSI
      return readControl(text, at, from, final, escape);
    case 0x50: // DCS
    case 0x58: // SOS
    case 0x5d: // OSC
    case 0x5e: // PM
    case 0x5f: // APC
      return readString(text, at, from, final, kind === 0x5d ? judge : undefined);
    default:
      // Of the others, RIS resets the terminal; a stray C1 control is a letter of an old code page.
      return escape && kind === 0x63 ? { rule: "terminal-control", start: at, end: from } : undefined;
  }
}

function readControl(text: string, at: number, from: number, final: boolean, escape: boolean): Reading {
  const limit = from + PARAMETER_BOUND;
  for (let end = from; end < limit; end++) {
    if (end >= text.length) return final ? undefined : { waitFrom: at };
    const unit = text.charCodeAt(end);
    if (unit >= 0x20 && unit <= 0x3f) continue;
    if (unit < 0x40 || unit > 0x7e) return undefined;
    // The one-character form must have parameters: else it is a quotation mark of an old code page before a word.
    if (!escape && end === from) return undefined;
    if (unit === 0x6d && !/(?:^|[;:])0*8(?:$|[;:])/.test(withoutColours(text.slice(from, end)))) return undefined;
    return { rule: "terminal-control", start: at, end: end + 1 };
  }
  return { rule: "terminal-control", start: at, end: limit };
}

/** SGR parameters without the numbers of extended colours, `38;5;8`. */
function withoutColours(parameters: string): string {
  return parameters.replaceAll(/[34]8[;:](?:5[;:]\d{1,3}|2(?:[;:]\d{0,3}){3,4})/g, "");
}

/** Reads a control string to its terminator; `judge` is given for an OSC. */
function readString(text: string, at: number, from: number, final: boolean, judge: Judge | undefined): Reading {
  const limit = from + ADDRESS_BOUND;
  for (let end = from; end < limit; end++) {
    if (end >= text.length) return final ? sighting(text, at, from, end, end, judge) : { waitFrom: at };
    const unit = text.charCodeAt(end);
    if (unit === 0x07 || unit === 0x9c) return sighting(text, at, from, end, end + 1, judge);
    if (unit !== ESCAPE) continue;
    if (end + 1 >= text.length && !final) return { waitFrom: at };
    return sighting(text, at, from, end, text.charCodeAt(end + 1) === 0x5c ? end + 2 : end, judge);
  }
  return { rule: "unclosed-address", start: at, end: limit, grows: true };
}

function sighting(
  text: string,
  start: number,
  from: number,
  to: number,
  end: number,
  judge: Judge | undefined,
): Reading {
  const rule = judge === undefined ? "terminal-control" : judgeCommand(text.slice(from, to), judge);
  return rule === undefined ? { passTo: end } : { rule, start, end };
}

function judgeCommand(command: string, judge: Judge): ExfiltrationRule | undefined {
  const match = /^(\d{1,4})(?:;|$)/.exec(command);
  switch (match?.[1]) {
    case "8": {
      // `8;parameters;address`; without an address it ends the link.
      const address = /^8;[^;]*;(.*)$/s.exec(command)?.[1] ?? "";
      return judge(address, "load") === undefined ? undefined : "terminal-link";
    }
    case "52":
      return "terminal-clipboard";
    default:
      return "terminal-control";
  }
}
