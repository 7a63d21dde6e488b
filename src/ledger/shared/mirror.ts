/**
 * A copy of a shared log in a folder: the same files on every machine, made from the same entries, so that all that reads a
 * ledger's folder reads a shared one. It takes over no checkpoint that does not continue the one it has, which makes every
 * replica a witness: a database that was set back, or changed, is found by the next one that looks.
 *
 *     .state/next   the signed checkpoint that is being written towards, before its first tile: whoever verifies the folder
 *                   after a crash knows what lies ahead of `checkpoint`
 *     tile/…        then the files that it calls for
 *     checkpoint    last
 *
 * @module
 */

import { join } from "node:path";

import { openCheckpoint, type Checkpoint } from "../checkpoint.ts";
import { folderWriter, NEXT_FILE } from "../durable.ts";
import { edgeRoot, emptyEdge, pushLeaf, type Edge } from "../edge.ts";
import { ledgerError } from "../errors.ts";
import type { Files } from "../files.ts";
import { recordOf } from "../journal.ts";
import { EMPTY_ROOT, equalHashes, leafHash } from "../merkle.ts";
import type { NoteSigner } from "../note.ts";
import { recoverPublished } from "../recover.ts";
import { growTree, type ReadFile, type Tree } from "../tree.ts";
import type { SharedStore } from "./store.ts";

export interface Mirror {
  /** Entries of the newest checkpoint here. */
  readonly size: number;
  readonly checkpoint: Checkpoint | undefined;
  /** Root hash of the tree with `entries` after those that are here. */
  rootWith(entries: readonly Uint8Array[]): Uint8Array;
  /**
   * Writes what the checkpoint of `note` calls for, then the checkpoint.
   *
   * @throws `ledger.rolled-back` for one that is older than the one here, `ledger.damaged` for one of other entries,
   *   `ledger.note-unverified`
   */
  follow(note: string, read: SharedStore["read"]): Promise<Checkpoint>;
}

/** Entries read and written at a time: some megabytes, and at most 64. */
export const STEP = 1_024;

/** @throws `ledger.key-mismatch`, `ledger.damaged` */
export async function openMirror(files: Files, folder: string, signer: NoteSigner): Promise<Mirror> {
  const disk: ReadFile = (path) => files.read(join(folder, path));
  const stored = await disk("checkpoint");
  const found = stored === undefined ? undefined : await recoverPublished(disk, stored, signer);
  const tree: Tree = found?.tree ?? { edge: emptyEdge(), bundle: [] };
  const writer = folderWriter(files, folder);
  let checkpoint = found?.checkpoint;
  /** What a crash may have left ahead of the checkpoint is looked for once. */
  let sweep = true;

  return {
    get size() {
      return checkpoint?.size ?? 0;
    },
    get checkpoint() {
      return checkpoint;
    },
    rootWith(entries) {
      const edge = copyOf(tree.edge);
      for (const entry of entries) pushLeaf(edge, leafHash(entry), () => undefined);
      return edgeRoot(edge);
    },
    async follow(note, read) {
      const next = openCheckpoint(Buffer.from(note), signer);
      const before = checkpoint ?? { size: 0, root: EMPTY_ROOT };
      if (next.size < before.size) {
        throw ledgerError("ledger.rolled-back", { detail: `${next.size} entries, of ${before.size}` });
      }
      if (next.size === before.size && !equalHashes(next.root, before.root)) throw contradicts(next.size);
      if (checkpoint !== undefined && next.size === checkpoint.size) return checkpoint;

      await writer.put(NEXT_FILE.replaceAll("\\", "/"), Buffer.from(note));
      await writer.settle();
      // Ahead of the checkpoint where the database went away while an earlier one was followed.
      for (let from = tree.edge.size; from < next.size;) {
        const to = Math.min(next.size, from + STEP);
        const entries = await read(from, to);
        if (entries.length !== to - from) throw ledgerError("ledger.rolled-back", { detail: `no entry ${to - 1}` });
        await growTree(writer, tree, entries.map(recordOf), sweep);
        sweep = false;
        from = to;
      }
      if (!equalHashes(edgeRoot(tree.edge), next.root)) throw contradicts(next.size);
      await writer.put("checkpoint", Buffer.from(note));
      await writer.settle();
      checkpoint = next;
      return next;
    },
  };
}

function copyOf({ size, roots, levels }: Edge): Edge {
  return { size, roots: [...roots], levels: levels.map((level) => [...level]) };
}

function contradicts(size: number): Error {
  return ledgerError("ledger.damaged", { detail: `the entries in the database are not those of checkpoint ${size}` });
}
