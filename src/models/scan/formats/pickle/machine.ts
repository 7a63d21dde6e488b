/**
 * The pickle machine: runs every instruction of protocols 0 to 5 over a stack, a memo and marks, as CPython's does, and
 * makes nothing of it but judgements. No name is imported, no callable called.
 *
 * What CPython refuses ends the pickle for it, and not for this machine: it says so once and goes on as far as the
 * instructions can be told apart, so that nothing hides behind a mistake made on purpose.
 *
 * Source: Lib/pickle.py, Lib/pickletools.py and Modules/_pickle.c of CPython 3.14.
 *
 * @module
 */

import type { ScanRule } from "../../finding.ts";
import { ByteReader, Truncated } from "../../reader.ts";
import type { Source } from "../../source.ts";
import { bytesOf, decimalOf, indexOf, lineOf, lineText, longOf, textLine, textOf } from "./arguments.ts";
import { attributeOf, callValue, checkItems, checkState, instantiate, type CallHost } from "./calls.ts";
import type { MachineHost } from "./host.ts";
import { describeGlobal, GRADE_RULES, isPath, judgeGlobal } from "./judge.ts";
import { Op } from "./opcodes.ts";
import { classOf, storageOf, type NamedStorage } from "./persistent.ts";
import { PICKLE_RULES } from "./rules.ts";
import { MachineStack } from "./stack.ts";
import * as v from "./values.ts";

/** `stopped`: at STOP. `ended`: where no instruction is. `given-up`: at a limit. */
export type MachineEnd = "stopped" | "ended" | "given-up";

/** Entries of stack and memo together, with some 100 bytes each. */
const MAX_ENTRIES = 8_000_000;
/** Instructions between two looks at the budget. */
const STEP = 4_096;

/** A run that only tells whether a pickle is there: at the start of something, or anywhere within other bytes. */
export type Trial = "start" | "within";

export class PickleMachine {
  readonly source: Source;
  readonly reader: ByteReader;
  /** Storages of torch that it names, by their keys. */
  readonly storages = new Map<string, NamedStorage>();
  /** Instructions, and calls among them. */
  count = 0;
  calls = 0;
  /** The instruction at which CPython would have ended with an error. */
  faultAt: number | undefined;
  /** Before that: it named a global, and one on the list of what is dangerous. */
  named = false;
  dangerous = false;

  readonly #host: MachineHost;
  readonly #calls: CallHost;
  readonly #stack = new MachineStack((what) => this.#fault(what));
  readonly #globals = new Map<string, v.GlobalValue>();
  #trial: Trial | undefined;
  #frameEnd = 0;
  #at = 0;

  constructor(source: Source, position: number, host: MachineHost) {
    this.source = source;
    this.reader = new ByteReader(source, position);
    this.#host = host;
    this.#calls = {
      report: (rule, detail) => this.#report(rule, detail),
      fault: (what) => this.#fault(what),
      called: () => {
        if (!this.faulty) this.calls++;
      },
      nested: (file) => host.nested(v.fileOf(source, file), file.offset),
    };
  }

  /**
   * Runs to STOP, to where no instruction is, or to a limit. A trial ends at the first fault, as loaders do; frames mean
   * nothing to it, since some loaders never look at them. One `within` other bytes takes a number of the extension registry
   * for a fault too, which it is to every loader that was told of none.
   */
  run(trial?: Trial): MachineEnd {
    this.#trial = trial;
    for (;;) {
      if (this.count % STEP === 0 && !this.#room()) return "given-up";
      if (trial !== undefined && this.faulty) return "ended";
      this.#at = this.reader.position;
      if (this.#frameEnd > 0 && this.#at >= this.#frameEnd) this.#frameEnd = 0;
      try {
        const op = this.reader.u8();
        this.count++;
        if (op === Op.STOP) return this.#stop();
        if (!this.#step(op)) {
          this.#fault(`no instruction 0x${op.toString(16).padStart(2, "0")}`);
          this.reader.position = this.#at;
          return "ended";
        }
      } catch (error) {
        if (!(error instanceof Truncated)) throw error;
        this.#fault("it is cut short");
        this.reader.position = this.#at;
        return "ended";
      }
      if (this.#frameEnd > 0 && this.#at < this.#frameEnd && this.reader.position > this.#frameEnd) {
        this.#report(PICKLE_RULES.frame, "an instruction reaches over the end of its frame");
        this.#frameEnd = 0;
      }
    }
  }

  /** The characters of a short text. */
  text(value: v.Value | undefined): string | undefined {
    if (value?.kind !== "text" || value.length > v.MAX_NAME) return undefined;
    return v.decodeText(this.source.read(value.offset, value.length), value.form);
  }

  get faulty(): boolean {
    return this.faultAt !== undefined;
  }

  #room(): boolean {
    if (this.#stack.size > MAX_ENTRIES) {
      this.#report(PICKLE_RULES.limit, `${MAX_ENTRIES} entries of stack and memo`);
      return false;
    }
    return this.#host.steps(STEP);
  }

  #stop(): MachineEnd {
    if (this.#frameEnd > this.reader.position) this.#report(PICKLE_RULES.frame, "it stops before its frame ends");
    this.#stack.pop();
    return "stopped";
  }

  /** @returns whether there is such an instruction */
  #step(op: number): boolean {
    const { reader } = this;
    const constant = v.CONSTANTS.get(op);
    if (constant !== undefined) return this.#stack.push(constant);
    switch (op) {
      case Op.PROTO: {
        const version = reader.u8();
        if (version > 5) this.#fault(`protocol ${version}`);
        return true;
      }
      case Op.FRAME:
        this.#frame(Number(reader.u64()));
        return true;
      case Op.MARK:
        return this.#stack.mark();
      case Op.POP:
        return this.#stack.drop();
      case Op.POP_MARK:
        this.#stack.popMark();
        return true;
      case Op.DUP:
        this.#stack.push(this.#stack.top());
        return true;
      case Op.BININT:
        return this.#stack.push({ kind: "int", value: reader.i32() });
      case Op.BININT1:
        return this.#stack.push({ kind: "int", value: reader.u8() });
      case Op.BININT2:
        return this.#stack.push({ kind: "int", value: reader.u16() });
      case Op.LONG1:
        return this.#stack.push(longOf(reader, reader.u8()));
      case Op.LONG4:
        return this.#stack.push(longOf(reader, reader.u32()));
      case Op.BINFLOAT:
        reader.skip(8);
        return this.#stack.push(v.NUMBER);
      case Op.INT:
      case Op.LONG:
        return this.#stack.push(decimalOf(reader));
      case Op.FLOAT:
        lineOf(reader);
        return this.#stack.push(v.NUMBER);
      case Op.STRING:
        return this.#literal(textLine(reader, "quoted"));
      case Op.UNICODE:
        return this.#literal(textLine(reader, "escaped"));
      case Op.BINSTRING:
        return this.#literal(textOf(reader, reader.u32(), "latin1"));
      case Op.SHORT_BINSTRING:
        return this.#literal(textOf(reader, reader.u8(), "latin1"));
      case Op.SHORT_BINUNICODE:
        return this.#literal(textOf(reader, reader.u8(), "utf8"));
      case Op.BINUNICODE:
        return this.#literal(textOf(reader, reader.u32(), "utf8"));
      case Op.BINUNICODE8:
        return this.#literal(textOf(reader, reader.length64(), "utf8"));
      case Op.SHORT_BINBYTES:
        return this.#literal(bytesOf(reader, reader.u8()));
      case Op.BINBYTES:
        return this.#literal(bytesOf(reader, reader.u32()));
      case Op.BINBYTES8:
      case Op.BYTEARRAY8:
        return this.#literal(bytesOf(reader, reader.length64()));
      case Op.READONLY_BUFFER:
        this.#stack.top();
        return true;
      case Op.EMPTY_DICT:
        return this.#stack.push({ kind: "dict", entries: new Map() });
      case Op.TUPLE1:
      case Op.TUPLE2:
      case Op.TUPLE3:
        return this.#stack.push(v.tupleOf(this.#stack.popMany(op - Op.TUPLE1 + 1)));
      case Op.TUPLE:
        return this.#stack.push(v.tupleOf(this.#stack.popMark()));
      case Op.LIST:
        this.#stack.popMark();
        return this.#stack.push({ kind: "list" });
      case Op.FROZENSET:
        this.#stack.popMark();
        return this.#stack.push({ kind: "set" });
      case Op.DICT: {
        const dict: v.DictValue = { kind: "dict", entries: new Map() };
        this.#keep(dict, this.#stack.popMark());
        return this.#stack.push(dict);
      }
      case Op.APPEND:
        this.#stack.pop();
        checkItems(this.#stack.top(), "list", this.#calls);
        return true;
      case Op.APPENDS:
      case Op.ADDITEMS:
        this.#stack.popMark();
        checkItems(this.#stack.top(), op === Op.ADDITEMS ? "set" : "list", this.#calls);
        return true;
      case Op.SETITEM:
        this.#setItems(this.#stack.popMany(2));
        return true;
      case Op.SETITEMS:
        this.#setItems(this.#stack.popMark());
        return true;
      case Op.GET:
        return this.#stack.get(indexOf(reader, this.#calls));
      case Op.BINGET:
        return this.#stack.get(reader.u8());
      case Op.LONG_BINGET:
        return this.#stack.get(reader.u32());
      case Op.PUT:
        return this.#stack.put(indexOf(reader, this.#calls));
      case Op.BINPUT:
        return this.#stack.put(reader.u8());
      case Op.LONG_BINPUT:
        return this.#stack.put(reader.u32());
      case Op.MEMOIZE:
        return this.#stack.memoize();
      default:
        return this.#stepObject(op);
    }
  }

  /** The instructions that name, call and change things. */
  #stepObject(op: number): boolean {
    const { reader } = this;
    switch (op) {
      case Op.GLOBAL:
        return this.#stack.push(this.#globalLines());
      case Op.STACK_GLOBAL:
        return this.#stack.push(this.#stackGlobal());
      case Op.EXT1:
        return this.#extension(reader.u8());
      case Op.EXT2:
        return this.#extension(reader.u16());
      case Op.EXT4:
        return this.#extension(reader.i32());
      case Op.INST: {
        // CPython looks for the mark first: without one, nothing is imported.
        const args = v.tupleOf(this.#stack.popMark());
        return this.#stack.push(instantiate(this.#globalLines(), args, this.#calls));
      }
      case Op.OBJ: {
        const [callable, ...args] = this.#stack.popMark();
        if (callable === undefined) this.#fault("OBJ without a class");
        return this.#stack.push(instantiate(callable ?? v.UNKNOWN, v.tupleOf(args), this.#calls));
      }
      case Op.REDUCE: {
        const [callable, args] = this.#stack.popMany(2) as [v.Value, v.Value];
        const attribute = attributeOf(callable, args, this);
        return this.#stack.push(attribute ?? callValue(callable, args, this.#calls));
      }
      case Op.NEWOBJ:
      case Op.NEWOBJ_EX: {
        const [callable, args] = this.#stack.popMany(op === Op.NEWOBJ ? 2 : 3) as [v.Value, v.Value];
        return this.#stack.push(instantiate(callable, args, this.#calls, "new"));
      }
      case Op.BUILD:
        return this.#build(this.#stack.pop());
      case Op.PERSID: {
        const id = lineText(reader);
        if (!/^[ -~]*$/.test(id)) this.#fault("a persistent id that is no text");
        else this.#report(PICKLE_RULES.persistent, id);
        return this.#stack.push(v.UNKNOWN);
      }
      case Op.BINPERSID:
        return this.#stack.push(this.#persistent(this.#stack.pop()));
      default:
        return false;
    }
  }

  #literal(value: v.Value): true {
    const isLong = (value.kind === "text" || value.kind === "bytes") && value.length >= v.MIN_PICKLE;
    if (isLong) this.#host.literal?.(value);
    return this.#stack.push(value);
  }

  #frame(length: number): void {
    if (this.#trial !== undefined) return;
    if (this.#frameEnd > this.reader.position) this.#report(PICKLE_RULES.frame, "a frame begins in a frame");
    const fits = length <= this.reader.left;
    if (!fits) this.#fault("a frame reaches past the end");
    this.#frameEnd = fits ? this.reader.position + length : 0;
  }

  #globalLines(): v.GlobalValue {
    const module = v.decodeText(lineOf(this.reader), "utf8");
    const name = v.decodeText(lineOf(this.reader), "utf8");
    if (module === undefined || name === undefined || !isPath(module) || !isPath(name))
      this.#fault("no name of a global");
    return this.#global(module ?? "?", name ?? "?");
  }

  #stackGlobal(): v.Value {
    const [module, name] = this.#stack.popMany(2) as [v.Value, v.Value];
    const names = [this.text(module), this.text(name)] as const;
    if (names[0] !== undefined && names[1] !== undefined) return this.#global(names[0], names[1]);
    if ([module, name].some(({ kind }) => kind === "object" || kind === "unknown" || kind === "text")) {
      this.#report(PICKLE_RULES.computed, `${names[0] ?? "?"}.${names[1] ?? "?"}`);
    } else {
      this.#fault("a name that is no text");
    }
    return v.UNKNOWN;
  }

  #global(module: string, name: string): v.GlobalValue {
    this.named ||= !this.faulty;
    const key = `${module}\n${name}`;
    const known = this.#globals.get(key);
    if (known !== undefined) return known;
    const value = judgeGlobal(module, name);
    this.#globals.set(key, value);
    if (value.grade !== "allowed") {
      this.dangerous ||= !this.faulty && value.grade === "dangerous";
      this.#report(GRADE_RULES[value.grade].name, describeGlobal(value));
    }
    return value;
  }

  #extension(code: number): true {
    if (this.#trial === "within") this.#fault("a number of the extension registry");
    this.#report(PICKLE_RULES.extension, `number ${code}`);
    return this.#stack.push({
      kind: "global",
      module: "extension",
      name: String(code),
      grade: "extension",
      use: undefined,
    });
  }

  #setItems(items: readonly v.Value[]): void {
    const target = this.#stack.top();
    if (items.length % 2 !== 0) this.#fault("a key without a value");
    if (target.kind === "dict") this.#keep(target, items);
    checkItems(target, "dict", this.#calls);
  }

  #keep(dict: v.DictValue, items: readonly v.Value[]): void {
    for (let index = 0; index + 1 < items.length && dict.entries.size < v.KEPT; index += 2) {
      const key = this.text(items[index]);
      if (key !== undefined) dict.entries.set(key, items[index + 1] as v.Value);
    }
  }

  #build(state: v.Value): true {
    const target = this.#stack.top();
    checkState(target, this.#calls);
    if (target.kind !== "object") return true;
    target.state = state;
    const behind = this.#host.arrayBehind?.(target, this);
    if (behind === undefined) return true;
    // joblib ends the frame before it writes an array.
    if (this.#frameEnd > this.reader.position) this.#report(PICKLE_RULES.frame, "an array in a frame");
    this.#frameEnd = 0;
    this.reader.skip(behind);
    return true;
  }

  #persistent(id: v.Value): v.Value {
    const text = (value: v.Value | undefined): string | undefined => this.text(value);
    // The class of a module, with its source, in older files of torch: the loader gives back the class.
    const held = classOf(id, text);
    if (held !== undefined) return held;
    const storage = storageOf(id, text);
    if (storage === undefined) {
      const word = id.kind === "tuple" ? this.text(id.items?.[0]) : undefined;
      this.#report(PICKLE_RULES.persistent, word ?? id.kind);
      return v.UNKNOWN;
    }
    this.storages.set(storage.key, storage);
    return v.STORAGE;
  }

  #fault(what: string): void {
    if (this.faulty) return;
    this.#report(PICKLE_RULES.broken, what);
    this.faultAt = this.#at;
  }

  #report(rule: ScanRule, detail: string): void {
    this.#host.report(rule, { offset: this.#at, detail });
  }
}
