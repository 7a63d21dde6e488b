/**
 * Reads a ledger's published files. Takes no lock, keeps nothing open, works while another process writes: what a
 * checkpoint calls for is there before the checkpoint is, and a partial file only goes once the full one is there.
 *
 * A reader trusts the folder. Whoever does not verifies it (`verify.ts`), or a proof (`tlog-proof.ts`).
 *
 * @module
 */

import { join } from "node:path";
import { parseCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { ledgerError } from "./errors.ts";
import { diskFiles } from "./files.ts";
import { consistencyPath, inclusionPath, type TileSource } from "./proof.ts";
import { tileWidth, TILE_WIDTH, unframeEntry } from "./tile.ts";
import { readBundle, readTile, type ReadFile } from "./tree.ts";

export interface LedgerEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
}

export interface LedgerReader {
  /** The published checkpoint, its signature not verified; undefined where there is none. */
  checkpoint(): Promise<Checkpoint | undefined>;
  /** A published entry. @throws `ledger.entry-unknown` */
  entry(index: number): Promise<Uint8Array>;
  /**
   * Published entries from `from` on, up to `to` (exclusive) or to where the ledger ended when this began; one bundle
   * at a time in memory. @throws `ledger.range-invalid`
   */
  entries(from?: number, to?: number): AsyncIterable<LedgerEntry>;
  /** That `index` is in the tree of `size` entries (RFC 6962 section 2.1.1). @throws `ledger.entry-unknown`, `ledger.range-invalid` */
  inclusionProof(index: number, size: number): Promise<Uint8Array[]>;
  /** That the tree of `to` entries begins with that of `from` (RFC 6962 section 2.1.2). @throws `ledger.range-invalid` */
  consistencyProof(from: number, to: number): Promise<Uint8Array[]>;
}

/**
 * @example
 * ```ts
 * import { openLedgerReader } from "holdfast/ledger";
 *
 * const reader = openLedgerReader(".holdfast/ledger");
 * for await (const { index, bytes } of reader.entries(0)) console.log(index, bytes.length);
 * ```
 */
export function openLedgerReader(folder: string): LedgerReader {
  const read: ReadFile = (path) => diskFiles.read(join(folder, path));

  async function checkpoint(): Promise<Checkpoint | undefined> {
    const bytes = await read("checkpoint");
    return bytes === undefined ? undefined : parseCheckpoint(bytes);
  }

  /** The published size, once every given number is at most that. */
  async function sizeFor(...sizes: readonly number[]): Promise<number> {
    const size = (await checkpoint())?.size ?? 0;
    for (const wanted of sizes) {
      if (!Number.isSafeInteger(wanted) || wanted < 0 || wanted > size) {
        throw ledgerError("ledger.range-invalid", { detail: `${wanted} of ${size}` });
      }
    }
    return size;
  }

  async function bundleAt(index: number, size: number): Promise<Uint8Array[]> {
    const number = Math.floor(index / TILE_WIDTH);
    return readBundle(read, number, tileWidth(size, "entries", number));
  }

  return {
    checkpoint,

    entry: async (index) => {
      const size = (await checkpoint())?.size ?? 0;
      if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
        throw ledgerError("ledger.entry-unknown", { detail: `${index} of ${size}` });
      }
      const bundle = await bundleAt(index, size);
      return unframeEntry(bundle[index % TILE_WIDTH] as Uint8Array);
    },

    entries: async function* (from = 0, to) {
      const size = await sizeFor(from, to ?? from);
      const end = to ?? size;
      for (let index = from; index < end;) {
        const bundle = await bundleAt(index, size);
        for (const framed of bundle.slice(index % TILE_WIDTH)) {
          if (index === end) return;
          yield { index, bytes: unframeEntry(framed) };
          index += 1;
        }
      }
    },

    inclusionProof: async (index, size) => {
      const published = await sizeFor(size);
      if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
        throw ledgerError("ledger.entry-unknown", { detail: `${index} of ${size}` });
      }
      return inclusionPath(index, size, tilesOf(read, published));
    },

    consistencyProof: async (from, to) => {
      const published = await sizeFor(from, to);
      if (from > to) throw ledgerError("ledger.range-invalid", { detail: `from ${from} to ${to}` });
      return consistencyPath(from, to, tilesOf(read, published));
    },
  };
}

/** The tiles of a published size. One proof asks for the nodes of the same few tiles again and again. */
function tilesOf(read: ReadFile, size: number): TileSource {
  const tiles = new Map<string, Promise<Uint8Array[]>>();
  return (level, index) => {
    const key = `${level}/${index}`;
    const known = tiles.get(key) ?? readTile(read, level, index, tileWidth(size, level, index));
    tiles.set(key, known);
    return known;
  };
}
