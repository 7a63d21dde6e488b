/**
 * The journal: where an entry is durable before it is in a tile. Pure: bytes in, records out; `writer.ts` does the
 * writing.
 *
 *     header   lines of text: format, origin, first index, root hash of the tree of that size, marker, SHA-256 of the
 *              lines before; then a blank line
 *     batch*   marker (16 bytes) | length of the records (uint32) | record*
 *     record   check (32 bytes) | length of the entry (uint16) | entry
 *
 * A batch is one durable write. A check is SHA-256(previous check || leaf hash), the first from SHA-256(header), so that
 * every byte counts and no record can move, vanish or come from another journal unseen. The marker is random: a batch
 * begins with it, and no entry can contain it by design. That tells two kinds of bad ending apart: a write that was
 * torn off (nothing after it, never acknowledged, safe to cut) and damage to acknowledged entries (a later batch
 * exists, so this one had been acknowledged), which is never cut.
 *
 * @module
 */

import { hash, randomBytes } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { ledgerError } from "./errors.ts";
import { equalHashes, HASH_BYTES, leafHash, MAX_ENTRY_BYTES } from "./merkle.ts";
import { isKeyName } from "./note.ts";
import { frameEntry, unframeEntry } from "./tile.ts";

const FORMAT = "holdfast.dev/ledger-journal@v1";
const MARKER_BYTES = 16;
const BATCH_HEAD_BYTES = MARKER_BYTES + 4;
/** Longest header: an origin of at most 512 characters, in UTF-8, and four short lines. */
const MAX_HEADER_BYTES = 4096;

export interface JournalHeader {
  readonly origin: string;
  /** Index of the first record. */
  readonly first: number;
  /** Root hash of the tree of `first` entries. */
  readonly root: Uint8Array;
}

/** An entry on its way into the tree. */
export interface LedgerRecord {
  /** As it stands in a bundle: uint16 length, then the entry. */
  readonly framed: Uint8Array;
  readonly leaf: Uint8Array;
}

/** The record of an entry, whose bytes it copies. @throws `ledger.entry-too-large` */
export function recordOf(entry: Uint8Array): LedgerRecord {
  if (entry.length > MAX_ENTRY_BYTES) {
    throw ledgerError("ledger.entry-too-large", { detail: `${entry.length} bytes` });
  }
  return { framed: frameEntry(entry), leaf: leafHash(entry) };
}

/** The bytes that records take in memory. */
export function byteLength(records: readonly LedgerRecord[]): number {
  return records.reduce((sum, { framed, leaf }) => sum + framed.length + leaf.length, 0);
}

/** Turns records into the bytes of one journal; carries the chain of checks. */
export interface JournalEncoder {
  readonly header: Uint8Array;
  /** The bytes of one batch. */
  batch(records: readonly LedgerRecord[]): Uint8Array;
}

/** `random` makes the marker: 16 bytes that no entry's author can know. */
export function journalEncoder(
  { origin, first, root }: JournalHeader,
  random: (size: number) => Uint8Array = randomBytes,
): JournalEncoder {
  const marker = random(MARKER_BYTES);
  const hex = Buffer.from(marker).toString("hex");
  const lines = `${FORMAT}\n${origin}\n${first}\n${encodeBase64(root)}\n${hex}\n`;
  const header = Buffer.from(`${lines}${encodeBase64(hash("sha256", lines, "buffer"))}\n\n`);
  let check: Uint8Array = hash("sha256", header, "buffer");

  return {
    header,
    batch: (records) => {
      const length = records.reduce((sum, { framed }) => sum + HASH_BYTES + framed.length, 0);
      const bytes = Buffer.allocUnsafe(BATCH_HEAD_BYTES + length);
      bytes.set(marker, 0);
      bytes.writeUInt32BE(length, MARKER_BYTES);
      let at = BATCH_HEAD_BYTES;
      for (const { framed, leaf } of records) {
        check = nextCheck(check, leaf);
        bytes.set(check, at);
        bytes.set(framed, at + HASH_BYTES);
        at += HASH_BYTES + framed.length;
      }
      return bytes;
    },
  };
}

export interface Journal {
  readonly header: JournalHeader;
  /** The records up to the first thing that is wrong, if anything is. */
  readonly records: readonly LedgerRecord[];
  /**
   * `whole`: every byte is accounted for. `torn`: it ends in a write that may never have been finished. `damaged`:
   * something is wrong before a later batch, so acknowledged entries are affected.
   */
  readonly ending: "whole" | "torn" | "damaged";
}

/** Reads a journal; undefined where not even the header is one. Records share the memory of `bytes`. */
export function decodeJournal(bytes: Uint8Array): Journal | undefined {
  const head = decodeHeader(bytes);
  if (head === undefined) return undefined;
  const { header, marker, length } = head;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: LedgerRecord[] = [];
  let check: Uint8Array = hash("sha256", buffer.subarray(0, length), "buffer");

  let start = length;
  while (start < buffer.length) {
    const batch = decodeBatch(buffer, start, marker, check, records);
    if (batch.end === undefined) {
      const later = buffer.indexOf(marker, start + 1) !== -1;
      return { header, records, ending: later ? "damaged" : "torn" };
    }
    check = batch.check;
    start = batch.end;
  }
  return { header, records, ending: "whole" };
}

/** Adds the records of a batch to `records`. Where it ends; no end where it is not whole. */
function decodeBatch(
  buffer: Buffer,
  start: number,
  marker: Uint8Array,
  before: Uint8Array,
  records: LedgerRecord[],
): { check: Uint8Array; end: number | undefined } {
  let check = before;
  const broken = { check, end: undefined };
  let at = start + BATCH_HEAD_BYTES;
  if (at > buffer.length || !equalHashes(buffer.subarray(start, start + MARKER_BYTES), marker)) return broken;
  // The length is not covered by a check of its own: what is read under a wrong one fails the checks, or ends where no
  // batch begins.
  const end = at + buffer.readUInt32BE(start + MARKER_BYTES);
  while (at < end) {
    const entryAt = at + HASH_BYTES + 2;
    if (entryAt > Math.min(end, buffer.length)) return broken;
    const next = entryAt + buffer.readUInt16BE(at + HASH_BYTES);
    if (next > Math.min(end, buffer.length)) return broken;
    const framed = buffer.subarray(at + HASH_BYTES, next);
    const leaf = leafHash(unframeEntry(framed));
    check = nextCheck(check, leaf);
    if (!equalHashes(check, buffer.subarray(at, at + HASH_BYTES))) return broken;
    records.push({ framed, leaf });
    at = next;
  }
  return { check, end };
}

function decodeHeader(bytes: Uint8Array): { header: JournalHeader; marker: Uint8Array; length: number } | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, MAX_HEADER_BYTES));
  const length = start.indexOf("\n\n") + 2;
  if (length === 1 || !isUtf8(start.subarray(0, length))) return undefined;
  const lines = start.toString("utf8", 0, length - 2).split("\n");
  const [format, origin = "", digits = "", encoded = "", hex = "", digest] = lines;
  const digested = `${lines.slice(0, -1).join("\n")}\n`;
  const root = decodeBase64(encoded);
  const first = Number(digits);
  if (format !== FORMAT || lines.length !== 6 || !isKeyName(origin)) return undefined;
  if (!/^(?:0|[1-9]\d{0,15})$/.test(digits) || !Number.isSafeInteger(first)) return undefined;
  if (root?.length !== HASH_BYTES || !/^[0-9a-f]{32}$/.test(hex)) return undefined;
  if (digest !== encodeBase64(hash("sha256", digested, "buffer"))) return undefined;
  return { header: { origin, first, root }, marker: Buffer.from(hex, "hex"), length };
}

const chain = Buffer.alloc(2 * HASH_BYTES);

function nextCheck(check: Uint8Array, leaf: Uint8Array): Uint8Array {
  chain.set(check, 0);
  chain.set(leaf, HASH_BYTES);
  return hash("sha256", chain, "buffer");
}
