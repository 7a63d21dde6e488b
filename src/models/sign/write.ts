/**
 * The files that signing makes, each whole or as it was before: signatures, which replace the one before, and keys, which
 * replace nothing.
 *
 * @module
 */

import { isHoldfastError } from "../../core/index.ts";
import { makeFile, replaceFile } from "../../storage/index.ts";
import { signError } from "./errors.ts";

const MODE = 0o644;

/** @throws `models.signature-unwritable` */
export async function writeSignature(path: string, bytes: Uint8Array | string): Promise<void> {
  await explained(path, replaceFile(path, MODE, bytes));
}

/** @throws `models.signature-unwritable`, also where something is at `path` */
export async function writeKey(path: string, text: string, { mode = MODE }: { mode?: number } = {}): Promise<void> {
  await explained(
    path,
    makeFile(path, mode, (file) => file.writeFile(text)),
  );
}

async function explained(path: string, written: Promise<void>): Promise<void> {
  try {
    await written;
  } catch (cause) {
    const detail = isHoldfastError(cause, "storage.output-exists")
      ? `${path} is there already`
      : `${path}: ${(cause as NodeJS.ErrnoException).code ?? "unknown"}`;
    throw signError("models.signature-unwritable", { detail, cause });
  }
}
