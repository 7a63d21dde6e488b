/**
 * Writes files in one step: whole, or as they were before, and durable once that is reported.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { signError } from "./errors.ts";

export interface WriteOptions {
  /** Permissions. Default: 0o644. */
  readonly mode?: number;
  /** Refuses to replace a file. Default: false. */
  readonly fresh?: boolean;
}

/** @throws `models.signature-unwritable` */
export async function writeWhole(path: string, bytes: Uint8Array | string, options: WriteOptions = {}): Promise<void> {
  const target = resolve(path);
  const temporary = `${target}.${randomUUID()}.part`;
  try {
    const file = await open(temporary, "wx", options.mode ?? 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    if (options.fresh === true) {
      // Unlike renaming, linking never replaces what is there.
      await link(temporary, target);
      await rm(temporary);
    } else {
      await rename(temporary, target);
    }
    // The name is durable once the folder is.
    const folder = await open(dirname(target), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (cause) {
    await rm(temporary, { force: true });
    const code = (cause as NodeJS.ErrnoException).code;
    const detail = code === "EEXIST" ? `${path} is there already` : `${path}: ${code ?? "unknown"}`;
    throw signError("models.signature-unwritable", { detail, cause });
  }
}
