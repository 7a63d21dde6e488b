/**
 * HDF5, as far as a model can do harm by it: every object is visited, and what leads out of the file (links to other
 * files, data kept in other files, virtual data sets), what is larger than its file could fill, what a configuration
 * of Keras in an attribute would run, and what readers would unpickle, is reported. Data is not read where it is no pickle.
 *
 * Source: HDF5 File Format Specification 3.0.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { ByteReader, TooLong, Truncated } from "../reader.ts";
import type { Source } from "../source.ts";
import { cString, globalHeapObject, readAttribute } from "./hdf5-attribute.ts";
import { denseObjects } from "./hdf5-dense.ts";
import { localHeap, readLink, symbolTable, type Hdf5Link } from "./hdf5-group.ts";
import {
  datatypeOf,
  Hdf5Invalid,
  Message,
  readHeader,
  SHARED,
  sized,
  type Hdf5File,
  type Hdf5Message,
} from "./hdf5-header.ts";
import { scanAttribute, scanData, scanHeaps, unpickledBy, type Unpickled } from "./hdf5-pickles.ts";
import { openHdf5 } from "./hdf5-superblock.ts";
import { isKeras, judgeKeras, KERAS_RULES } from "./keras.ts";
import { readJson } from "./json-text.ts";
import { leavesFolder } from "./path.ts";
import { EXHAUSTS, SUPPLY_CHAIN, TOUCHES_FILES } from "./references.ts";

const REMEDY = "do not load it: ask its author for a file that holds its own data, or for safetensors";

const RULES = {
  outside: {
    id: "hdf5.outside-file",
    severity: "critical",
    verdict: "malicious",
    why: "it takes data from a file outside its folder, so that loading it reads what the machine holds into the model",
    remedy: REMEDY,
    references: [...TOUCHES_FILES, "CVE-2026-1669"],
  },
  other: {
    id: "hdf5.other-file",
    severity: "high",
    verdict: "suspicious",
    why: "it takes data from another file, which a model that was saved whole never does",
    remedy: REMEDY,
    references: [...TOUCHES_FILES, "CVE-2026-1669"],
  },
  bomb: {
    id: "hdf5.shape-bomb",
    severity: "medium",
    verdict: "suspicious",
    why: "a data set claims to be larger than the file could hold however it is compressed: loading it takes all memory",
    remedy: REMEDY,
    references: [...EXHAUSTS],
  },
  invalid: {
    id: "hdf5.invalid",
    severity: "medium",
    verdict: "inconclusive",
    why: "its structure does not hold together, so that not all of it was read",
    remedy: "do not load it: get it again from its publisher, and compare the digest",
    references: [...SUPPLY_CHAIN],
  },
  unread: {
    id: "hdf5.not-read",
    severity: "low",
    verdict: "inconclusive",
    why: "it keeps links, attributes or data in a way that is not read here, so that they were not checked",
    remedy: "save it again with h5py's default settings, or ask for safetensors",
    references: [...SUPPLY_CHAIN],
  },
  plugin: {
    id: "hdf5.filter-plugin",
    severity: "info",
    verdict: "note",
    why: "its data is compressed by a filter that a plug-in must bring",
    remedy: "install that plug-in only from where you trust it",
    references: [...SUPPLY_CHAIN],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const hdf5: Format = {
  id: "hdf5",
  rules: [...Object.values(RULES), ...KERAS_RULES],
  sniff: (source) => openHdf5(source) !== undefined,
  scan: (source, context) => {
    try {
      const opened = openHdf5(source);
      if (opened === undefined || opened === "invalid") throw new Hdf5Invalid("no superblock that can be read");
      if (opened.end > BigInt(source.size)) {
        context.report(RULES.invalid, { detail: `it says that it has ${opened.end} bytes, and has ${source.size}` });
      }
      walk(opened.file, opened.root, context);
    } catch (error) {
      if (!isStructural(error)) throw error;
      context.report(RULES.invalid, { detail: error.message });
    }
  },
};

function isStructural(error: unknown): error is Error {
  return error instanceof Hdf5Invalid || error instanceof Truncated || error instanceof TooLong;
}

interface Place {
  readonly address: bigint;
  readonly path: string;
}

/** Visits every object that hard links reach, each once. What one object hides does not end the visit of the others. */
function walk(file: Hdf5File, root: bigint, context: ScanContext): void {
  const open: Place[] = [{ address: root, path: "" }];
  const seen = new Set<bigint>();
  const unpickled = new Set<Unpickled>();
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (seen.has(place.address)) continue;
    seen.add(place.address);
    if (!context.spend("steps", 1)) return;
    try {
      open.push(...visit(file, place, unpickled, context));
    } catch (error) {
      if (!isStructural(error)) throw error;
      context.report(RULES.invalid, { detail: `${place.path || "/"}: ${error.message}` });
    }
  }
  if (unpickled.has("objects")) scanHeaps(file, context);
}

/** Judges one object and returns where its links lead. What its attributes say that a reader unpickles goes into `unpickled`. */
function visit(
  file: Hdf5File,
  { address, path }: Place,
  unpickled: Set<Unpickled>,
  context: ScanContext,
): readonly Place[] {
  const messages = readHeader(file, address);
  const next: Place[] = [];
  const take = (link: Hdf5Link): void => {
    const name = `${path}/${link.name}`;
    if (link.kind === "hard") next.push({ address: link.address, path: name.slice(-1000) });
    if (link.kind === "external") reportFile(link.file, `a link at ${name}`, context);
  };
  const judge = (attribute: Source): void => {
    const marked = judgeAttribute(file, attribute, path, context);
    if (marked !== undefined) unpickled.add(marked);
  };
  for (const { type, flags, data } of messages) {
    if (!context.spend("steps", 1)) return [];
    const shared = (flags & SHARED) !== 0;
    if (type === Message.symbolTable) for (const link of symbolTable(file, data)) take(link);
    else if (type === Message.link && !shared) take(readLink(file, data));
    else if (type === Message.attribute && !shared) judge(data);
    else if ((type === Message.attribute || type === Message.link) && shared) {
      context.report(RULES.unread, { detail: `a shared message at ${path || "/"}` });
    } else if (type === Message.linkInfo || type === Message.attributeInfo) {
      for (const body of denseOf(file, type, data)) {
        if (!context.spend("steps", 1)) return [];
        if (type === Message.linkInfo) take(readLink(file, body));
        else judge(body);
      }
    } else if (type === Message.externalFiles) judgeExternalFiles(file, data, path, context);
    else if (type === Message.layout) judgeLayout(file, data, path, context);
    else if (type === Message.filters) judgeFilters(data, path, context);
  }
  const type = datatypeOf(file, messages);
  if (type === undefined || type.size < 8) return next;
  judgeSize(file, messages, type, path, context);
  // The first object is the root, whose attributes say whose file it is.
  if (!scanData(file, messages, type, path, context) && unpickled.has("bytes")) {
    context.report(RULES.unread, { detail: `${path} is in chunks, and may be a pickle` });
  }
  return next;
}

function reportFile(name: string, where: string, context: ScanContext): void {
  const why = leavesFolder(name);
  if (why === undefined) context.report(RULES.other, { detail: `${where}: ${name}` });
  else context.report(RULES.outside, { detail: `${where}: ${why}, ${name}` });
}

/** What lies in a heap: its address and that of the tree stand behind a version, flags and a few numbers. */
function* denseOf(file: Hdf5File, type: number, data: Source): Generator<Source, void, undefined> {
  const reader = new ByteReader(data);
  reader.skip(1);
  const flags = reader.u8();
  if ((flags & 1) !== 0) reader.skip(type === Message.linkInfo ? 8 : 2);
  const heap = sized(reader, file.offsetSize);
  const tree = sized(reader, file.offsetSize);
  if (heap !== (1n << BigInt(8 * file.offsetSize)) - 1n) yield* denseObjects(file, heap, tree);
}

/**
 * Configurations of Keras are texts; which attribute a loader reads differs, so that each is judged.
 *
 * @returns what it says that a reader unpickles
 */
function judgeAttribute(file: Hdf5File, data: Source, path: string, context: ScanContext): Unpickled | undefined {
  const { name, unread, value } = readAttribute(file, data);
  if (unread) context.report(RULES.unread, { detail: `${name} at ${path || "/"}` });
  if (value === undefined || !context.spend("bytes", value.length)) return undefined;
  scanAttribute(value, `${name} at ${path || "/"}`, context);
  const text = cString(value);
  const isConfig = name === "model_config" || name === "training_config";
  if (isConfig || (/^\s*\{/.test(text) && text.includes("class_name"))) {
    const config = readJson(text, context);
    if (isConfig || isKeras(config)) judgeKeras(config, context, { classes: true });
  }
  return unpickledBy(name, text);
}

/** Data in other files (IV.A.2.h): the names of the files lie in a heap. */
function judgeExternalFiles(file: Hdf5File, data: Source, path: string, context: ScanContext): void {
  const reader = new ByteReader(data);
  reader.skip(6);
  const used = reader.u16();
  const nameAt = localHeap(file, sized(reader, file.offsetSize));
  for (let slot = 0; slot < used; slot++) {
    const name = nameAt(Number(sized(reader, file.lengthSize)));
    reader.skip(2 * file.lengthSize);
    reportFile(name, `data of ${path}`, context);
  }
}

/** A virtual data set (layout class 3, IV.A.2.i) is made of others; the first names a file, or «.» for its own. */
function judgeLayout(file: Hdf5File, data: Source, path: string, context: ScanContext): void {
  const reader = new ByteReader(data);
  if (reader.u8() < 4 || reader.u8() !== 3) return;
  const address = sized(reader, file.offsetSize);
  const index = reader.u32();
  const entries = globalHeapObject(file, address, index);
  const name = cString(entries.subarray(1 + file.lengthSize));
  reportFile(name === "." ? "its own file" : name, `a virtual data set at ${path}`, context);
}

/** The first filter of a plug-in (identifiers from 256 on, IV.A.2.l). */
function judgeFilters(data: Source, path: string, context: ScanContext): void {
  const reader = new ByteReader(data);
  const version = reader.u8();
  const count = reader.u8();
  if (version === 1) reader.skip(6);
  for (let index = 0; index < count && reader.left >= 6; index++) {
    const id = reader.u16();
    const nameLength = version === 1 || id >= 256 ? reader.u16() : 0;
    reader.skip(2);
    const values = reader.u16();
    if (id >= 256) context.report(RULES.plugin, { detail: `filter ${id} at ${path}` });
    const padded = version === 1 ? Math.ceil(nameLength / 8) * 8 + (values % 2) * 4 : nameLength;
    reader.skip(Math.min(padded + values * 4, reader.left));
  }
}

/** Deflate packs a thousandfold at most: what claims to be larger than that was made to be. */
const MOST_RATIO = 2000;
const HARMLESS = 1024 ** 3;

function judgeSize(
  file: Hdf5File,
  messages: readonly Hdf5Message[],
  type: Source,
  path: string,
  context: ScanContext,
): void {
  const space = messages.find(({ type }) => type === Message.dataspace)?.data;
  if (space === undefined) return;
  const reader = new ByteReader(space);
  const version = reader.u8();
  const rank = reader.u8();
  reader.skip(version === 1 ? 6 : 2);
  const typeReader = new ByteReader(type, 4);
  let bytes = BigInt(typeReader.u32());
  for (let index = 0; index < rank; index++) bytes *= sized(reader, file.lengthSize);
  if (bytes > BigInt(HARMLESS) && bytes > BigInt(file.source.size) * BigInt(MOST_RATIO)) {
    context.report(RULES.bomb, { detail: `${bytes} bytes at ${path}, in a file of ${file.source.size}` });
  }
}
