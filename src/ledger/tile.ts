/**
 * Tiles and entry bundles: their paths, their widths, their bytes (c2sp.org/tlog-tiles).
 *
 * A tile is 256 consecutive hashes of one level; those of level 0 are leaf hashes, those of level L+1 are the roots of
 * full tiles of level L. A bundle holds the entries under one tile of level 0. The rightmost of each may be partial.
 *
 * @module
 */

import { ledgerError } from "./errors.ts";
import { HASH_BYTES } from "./merkle.ts";

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

/** A tile's level, or `entries` for the bundles beside level 0. */
export type Level = number | "entries";

export interface TileAddress {
  readonly level: Level;
  readonly index: number;
  /** 1 to 256; 256 is a full tile. */
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]`, with `/` on every system. */
export function tilePath({ level, index, width }: TileAddress): string {
  const full = `tile/${level}/${indexPath(index)}`;
  return width === TILE_WIDTH ? full : `${full}.p/${width}`;
}

/** Reads a path as {@link tilePath} writes it; anything else is undefined. One address has exactly one path. */
export function parseTilePath(path: string): TileAddress | undefined {
  const match = /^tile\/(0|[1-9]\d?|entries)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path);
  if (match === null) return undefined;
  const [, level = "", digits = "", partial] = match;
  const address: TileAddress = {
    level: level === "entries" ? level : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, "")),
    width: partial === undefined ? TILE_WIDTH : Number(partial),
  };
  // Rendering it again refuses level 64 and up, width 256, an index beyond 2^53 and needless leading `x000`.
  if (typeof address.level === "number" && address.level > 63) return undefined;
  if (!Number.isSafeInteger(address.index) || tilePath(address) !== path) return undefined;
  return partial !== undefined && address.width >= TILE_WIDTH ? undefined : address;
}

/** Number of hashes that level `level` of a tree of `size` leaves has in all. */
export function levelWidth(size: number, level: Level): number {
  return level === "entries" ? size : Math.floor(size / TILE_WIDTH ** level);
}

/** Width of tile `index` of a level in a tree of `size` leaves: 0 where the tree has no such tile. */
export function tileWidth(size: number, level: Level, index: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, levelWidth(size, level) - index * TILE_WIDTH));
}

/** Splits the bytes of a tile. @throws `ledger.tile-missing` when they are not `width` hashes */
export function decodeTile(bytes: Uint8Array, width: number, path: string): Uint8Array[] {
  if (bytes.length !== width * HASH_BYTES) {
    throw ledgerError("ledger.tile-missing", { detail: `${path} has ${bytes.length} bytes` });
  }
  return Array.from({ length: width }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

/** An entry as it stands in a bundle: its length as a big-endian uint16, then its bytes. Copies the entry. */
export function frameEntry(entry: Uint8Array): Uint8Array {
  // Memory of its own: a piece of a pool would keep all of it for as long as the entry waits for its bundle.
  const framed = Buffer.allocUnsafeSlow(2 + entry.length);
  framed.writeUInt16BE(entry.length, 0);
  framed.set(entry, 2);
  return framed;
}

/** The entry of a {@link frameEntry}. Shares its memory. */
export function unframeEntry(framed: Uint8Array): Uint8Array {
  return framed.subarray(2);
}

/**
 * Splits a bundle into framed entries, which share its memory.
 *
 * Where the bundle breaks off, or ends before or after `width` entries, `problem` says so and `entries` holds those
 * that could be read (at most `width`).
 */
export function splitBundle(bytes: Uint8Array, width: number): { entries: Uint8Array[]; problem: string | undefined } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width) {
    if (at + 2 > bytes.length) return { entries, problem: `ends after ${entries.length} of ${width} entries` };
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) return { entries, problem: `ends within entry ${entries.length + 1} of ${width}` };
    entries.push(bytes.subarray(at, end));
    at = end;
  }
  const rest = bytes.length - at;
  return { entries, problem: rest === 0 ? undefined : `has ${rest} bytes after its ${width} entries` };
}

/** As {@link splitBundle}, for bundles that must be whole. @throws `ledger.bundle-invalid` */
export function decodeBundle(bytes: Uint8Array, width: number, path: string): Uint8Array[] {
  const { entries, problem } = splitBundle(bytes, width);
  if (problem !== undefined) throw ledgerError("ledger.bundle-invalid", { detail: `${path} ${problem}` });
  return entries;
}

/** Zero-padded 3-digit path elements, all but the last with an `x`: 1234067 is `x001/x234/067`. */
function indexPath(index: number): string {
  let path = String(index % 1000).padStart(3, "0");
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  }
  return path;
}
