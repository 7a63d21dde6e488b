/**
 * A journal on disk. It is only ever appended to; to shorten it, another takes its place.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";

import { STAGING_FOLDER } from "./durable.ts";
import type { Files, Handle } from "./files.ts";
import { journalEncoder, type JournalEncoder, type JournalHeader, type LedgerRecord } from "./journal.ts";

export interface OpenJournal {
  readonly handle: Handle;
  readonly encoder: JournalEncoder;
  /** Length of the file. */
  bytes: number;
}

/** Appends `records` as one durable write. */
export async function appendRecords(
  files: Files,
  journal: OpenJournal,
  records: readonly LedgerRecord[],
): Promise<void> {
  const bytes = journal.encoder.batch(records);
  await files.append(journal.handle, bytes);
  journal.bytes += bytes.length;
}

/** Puts a new journal with `records` in place of the one at `path` (within `folder`), durably. */
export async function startJournal(
  files: Files,
  folder: string,
  path: string,
  header: JournalHeader,
  records: readonly LedgerRecord[],
): Promise<OpenJournal> {
  const encoder = journalEncoder(header);
  const staged = join(folder, STAGING_FOLDER, basename(path));
  const handle = await files.createLog(staged, 0o600);
  try {
    const bytes = records.length === 0 ? encoder.header : Buffer.concat([encoder.header, encoder.batch(records)]);
    await files.append(handle, bytes);
    await files.rename(staged, join(folder, path));
    await files.syncFolder(dirname(join(folder, path)));
    return { handle, encoder, bytes: bytes.length };
  } catch (error) {
    await files.close(handle).catch(() => undefined);
    throw error;
  }
}
