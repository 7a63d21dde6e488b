/**
 * Pickles: every stream of a file to its end, what stands behind them, and what no machine reached.
 *
 * A file may hold several, one after another: torch's older files hold five, and raw storages behind them. Loaders read
 * as many as they like, so all are read here.
 *
 * @module
 */

import type { Format, ScanContext } from "../../format.ts";
import { ByteReader } from "../../reader.ts";
import { sliceSource, type Source } from "../../source.ts";
import { findHidden, paySearch } from "./hidden.ts";
import { arrayBehind } from "./joblib.ts";
import type { MachineHost } from "./host.ts";
import { PickleMachine } from "./machine.ts";
import type { NamedStorage } from "./persistent.ts";
import { Op } from "./opcodes.ts";
import { PICKLE_RULES } from "./rules.ts";
import { isPickleAt } from "./trial.ts";
import { fileOf, type BytesValue, type TextValue } from "./values.ts";

export const pickleFormat: Format = {
  id: "pickle",
  rules: Object.values(PICKLE_RULES),
  sniff: (source) => isPickleAt(source, 0) || isBrokenPickle(source),
  scan: (source, context) => {
    scanPickles(source, context);
  },
};

/**
 * Whether it has the mark of a pickle, breaks off at once, and holds another pickle or what one is made of: a beginning that
 * loaders refuse must not keep the rest from being read.
 */
function isBrokenPickle(source: Source): boolean {
  if (source.read(0, 1)[0] !== Op.PROTO) return false;
  let left = SNIFFED_STEPS;
  const budget = { spend: (_: unknown, steps: number) => (left -= steps) >= 0 };
  return findHidden(sliceSource(source, 0, SNIFFED), 1, budget).length > 0;
}

/** Bytes behind a mark that are searched for another beginning, and steps that are taken there. */
const SNIFFED = 16 * 1024 * 1024;
const SNIFFED_STEPS = 1_000_000;

/** Storages that the pickle at the start of `source` names, by their keys, as far as it can be read. */
export function storagesOf(source: Source, spend: ScanContext["spend"]): ReadonlyMap<string, NamedStorage> {
  const host: MachineHost = { report: () => {}, nested: () => {}, steps: (amount) => spend("steps", amount) };
  const machine = new PickleMachine(source, 0, host);
  machine.run();
  return machine.storages;
}

function scanPickles(source: Source, context: ScanContext): void {
  const host: MachineHost = {
    report: (rule, at) => context.report(rule, at),
    steps: (amount) => context.spend("steps", amount),
    nested: (bytes, offset) => context.member(`bytes at ${offset}`, bytes),
    literal: (value) => searchLiteral(source, value, context),
    arrayBehind: (object, machine) => arrayBehind(object, machine, host),
  };
  const storages = new Map<string, NamedStorage>();
  let at = 0;
  while (at < source.size) {
    const machine = new PickleMachine(source, at, host);
    const end = machine.run();
    if (end === "given-up") return;
    for (const [key, storage] of machine.storages) storages.set(key, storage);
    if (machine.faultAt === undefined) {
      at = machine.reader.position;
      if (at === source.size || isPickleAt(source, at)) continue;
      if (storages.size > 0 && areStorages(source, at, storages)) return;
    } else {
      // What comes behind the fault was read for its names; a loader may begin anew anywhere in it.
      at = machine.faultAt + 1;
    }
    const next = searchRest(source, at, context);
    if (next === undefined) return;
    at = next;
  }
}

/** Searches what no machine reached. @returns where a pickle begins there */
function searchRest(source: Source, at: number, context: ScanContext): number | undefined {
  if (at >= source.size) return undefined;
  if (!paySearch(source.size - at, context)) return undefined;
  context.report(PICKLE_RULES.trailing, { offset: at, detail: `${source.size - at} bytes` });
  for (const hidden of findHidden(source, at, context)) {
    if (hidden.pickle) return hidden.at;
    context.report(PICKLE_RULES.hidden, { offset: hidden.at, detail: hidden.name ?? "" });
  }
  return undefined;
}

/** Searches a literal: pickles in pickles are loaded by what is made of them, out of sight of this machine. */
function searchLiteral(source: Source, value: BytesValue | TextValue, context: ScanContext): void {
  const { offset, length } = value;
  if (!paySearch(length, context)) return;
  const literal = fileOf(source, value);
  for (const { at, pickle, name } of findHidden(literal, 0, context)) {
    if (pickle) context.member(`bytes at ${offset + at}`, sliceSource(literal, at, literal.size));
    else context.report(PICKLE_RULES.literal, { offset: offset + at, detail: name ?? "" });
  }
}

/**
 * Whether what stands behind the pickles is the raw storages of an older file of torch, to its last byte: in the order of
 * their keys, each behind its count in 8 bytes.
 */
function areStorages(source: Source, at: number, storages: ReadonlyMap<string, NamedStorage>): boolean {
  const reader = new ByteReader(source, at);
  for (const key of [...storages.keys()].toSorted()) {
    const { count, bytes } = storages.get(key) as NamedStorage;
    if (reader.left < 8 + bytes || reader.u64() !== BigInt(count)) return false;
    reader.skip(bytes);
  }
  return reader.left === 0;
}
