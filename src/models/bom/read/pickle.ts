/**
 * Reads a pickle as data: what is built is written down, nothing is looked up, imported or called. Only the operations
 * that plain checkpoints have are known; any other ends the reading. It judges nothing: that is `scan`'s work.
 *
 * Source: CPython, `Lib/pickletools.py` (protocols 2 to 4).
 *
 * @module
 */

import { decodeUtf8 } from "../../../core/index.ts";
import { Op } from "../../scan/formats/pickle/opcodes.ts";
import { ByteReader } from "../../scan/reader.ts";
import type { Source } from "../../scan/source.ts";
import { bomError } from "../errors.ts";

/** What a pickle would build. Containers are shared, and may hold themselves. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | readonly Pickled[]
  | Map<Pickled, Pickled>
  | PickledGlobal
  | PickledCall
  | PickledPersistent;

/** A name that a loader would import. */
export interface PickledGlobal {
  readonly global: string;
}

/** A call that a loader would make. `items` are set on its result. */
export interface PickledCall {
  readonly call: string;
  readonly args: readonly Pickled[];
  readonly items: Map<Pickled, Pickled>;
}

/** Something that the loader fetches from elsewhere: a storage of the archive. */
export interface PickledPersistent {
  readonly persistent: Pickled;
}

const MAX_STEPS = 5_000_000;
const MAX_TEXT_BYTES = 1024 * 1024;
const MARK: unique symbol = Symbol("mark");
type Slot = Pickled | typeof MARK;

/** @throws `models.metadata-invalid`, `models.metadata-limit`, `core.utf8-invalid`, `Truncated`, `TooLong` */
export function readPickle(source: Source): Pickled {
  const reader = new ByteReader(source);
  const stack: Slot[] = [];
  const memo = new Map<number, Pickled>();
  const pop = (): Pickled => {
    const top = stack.pop();
    if (top === undefined || top === MARK) throw invalid("its stack is empty where it takes from it");
    return top;
  };
  const top = (): Pickled => {
    const value = pop();
    stack.push(value);
    return value;
  };
  const popToMark = (): Pickled[] => {
    const from = stack.lastIndexOf(MARK);
    if (from < 0) throw invalid("a mark is missing");
    return stack.splice(from).slice(1) as Pickled[];
  };
  const recall = (index: number): Pickled => {
    const value = memo.get(index);
    if (value === undefined) throw invalid(`nothing was kept under ${index}`);
    return value;
  };

  for (let step = 0; step < MAX_STEPS; step++) {
    const opcode = reader.u8();
    switch (opcode) {
      case Op.PROTO:
        if (reader.u8() > 4) throw invalid("a protocol after 4");
        break;
      case Op.FRAME: // a hint for buffering
        reader.skip(8);
        break;
      case Op.STOP:
        return pop();
      case Op.MARK:
        stack.push(MARK);
        break;
      case Op.NONE:
        stack.push(null);
        break;
      case Op.NEWTRUE:
      case Op.NEWFALSE:
        stack.push(opcode === Op.NEWTRUE);
        break;
      case Op.BININT:
        stack.push(reader.i32());
        break;
      case Op.BININT1:
        stack.push(reader.u8());
        break;
      case Op.BININT2:
        stack.push(reader.u16());
        break;
      case Op.LONG1:
        stack.push(long(reader.bytes(reader.u8())));
        break;
      case Op.BINFLOAT: // big-endian
        stack.push(new DataView(reader.bytes(8).buffer).getFloat64(0));
        break;
      case Op.BINUNICODE:
        stack.push(text(reader, reader.u32()));
        break;
      case Op.SHORT_BINUNICODE:
        stack.push(text(reader, reader.u8()));
        break;
      case Op.EMPTY_LIST:
      case Op.EMPTY_TUPLE:
        stack.push([]);
        break;
      case Op.EMPTY_DICT:
        stack.push(new Map());
        break;
      case Op.TUPLE:
        stack.push(popToMark());
        break;
      case Op.TUPLE1:
      case Op.TUPLE2:
      case Op.TUPLE3: {
        const items: Pickled[] = [];
        for (let count = opcode - Op.TUPLE1 + 1; count > 0; count--) items.unshift(pop());
        stack.push(items);
        break;
      }
      case Op.APPEND:
        append(pop(), top());
        break;
      case Op.APPENDS:
        for (const item of popToMark()) append(item, top());
        break;
      case Op.SETITEM: {
        const value = pop();
        const key = pop();
        set(top(), key, value);
        break;
      }
      case Op.SETITEMS: {
        const items = popToMark();
        for (let at = 0; at + 1 < items.length; at += 2) set(top(), items[at] as Pickled, items[at + 1] as Pickled);
        break;
      }
      case Op.BINPUT:
        memo.set(reader.u8(), top());
        break;
      case Op.LONG_BINPUT:
        memo.set(reader.u32(), top());
        break;
      case Op.MEMOIZE:
        memo.set(memo.size, top());
        break;
      case Op.BINGET:
        stack.push(recall(reader.u8()));
        break;
      case Op.LONG_BINGET:
        stack.push(recall(reader.u32()));
        break;
      case Op.GLOBAL:
        stack.push({ global: `${line(reader)}.${line(reader)}` });
        break;
      case Op.STACK_GLOBAL: {
        const name = pop();
        const module = pop();
        if (typeof name !== "string" || typeof module !== "string") throw invalid("a name that is no text");
        stack.push({ global: `${module}.${name}` });
        break;
      }
      case Op.BINPERSID:
        stack.push({ persistent: pop() });
        break;
      case Op.REDUCE:
      case Op.NEWOBJ: {
        const args = pop();
        const callee = pop();
        if (!Array.isArray(args) || !isGlobal(callee)) throw invalid("a call of what is no name");
        stack.push({ call: callee.global, args: args as readonly Pickled[], items: new Map() });
        break;
      }
      case Op.BUILD: // state of an object, which is not kept
        pop();
        break;
      default:
        throw invalid(`the operation 0x${opcode.toString(16)} at byte ${reader.position - 1}`);
    }
  }
  throw bomError("models.metadata-limit", { detail: `a pickle of more than ${MAX_STEPS} operations` });
}

export function isGlobal(value: Pickled | undefined): value is PickledGlobal {
  return typeof value === "object" && value !== null && "global" in value;
}

export function isCall(value: Pickled | undefined): value is PickledCall {
  return typeof value === "object" && value !== null && "call" in value;
}

export function isPersistent(value: Pickled | undefined): value is PickledPersistent {
  return typeof value === "object" && value !== null && "persistent" in value;
}

function append(item: Pickled, list: Pickled): void {
  if (!Array.isArray(list)) throw invalid("something is appended to what is no list");
  list.push(item);
}

function set(target: Pickled, key: Pickled, value: Pickled): void {
  if (target instanceof Map) target.set(key, value);
  else if (isCall(target)) target.items.set(key, value);
  else throw invalid("something is set in what is no dictionary");
}

/** A whole number of up to 8 bytes, two's complement; a longer one is no count of a tensor. */
function long(bytes: Uint8Array): number {
  if (bytes.length > 8) throw invalid("a number of more than 8 bytes");
  let value = 0n;
  for (const [index, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * index);
  return Number(BigInt.asIntN(bytes.length * 8, value));
}

function text(reader: ByteReader, length: number): string {
  if (length > MAX_TEXT_BYTES) {
    throw bomError("models.metadata-limit", { detail: `a text of ${length} bytes, at most ${MAX_TEXT_BYTES}` });
  }
  return decodeUtf8(reader.bytes(length));
}

function line(reader: ByteReader): string {
  const bytes = reader.line(MAX_LINE_BYTES + 1);
  if (bytes === undefined || bytes.length > MAX_LINE_BYTES) throw invalid("a name without an end");
  return decodeUtf8(bytes);
}

const MAX_LINE_BYTES = 1_000;

function invalid(detail: string): Error {
  return bomError("models.metadata-invalid", { detail: `its pickle is not that of a plain checkpoint: ${detail}` });
}
