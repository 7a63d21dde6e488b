/**
 * Persistent ids: what a pickle names without holding it. Of torch they are storages, and in older files classes of modules.
 *
 * Source: torch/serialization.py (_legacy_load, persistent_load).
 *
 * @module
 */

import { STORAGE_ITEM_BYTES, STORAGE_MODULES } from "./allowed.ts";
import type { GlobalValue, Value } from "./values.ts";

/** A storage that a pickle names. */
export interface NamedStorage {
  readonly key: string;
  /** Numbers in it, and its bytes. */
  readonly count: number;
  readonly bytes: number;
}

/**
 * `("storage", type, key, location, count)`, and in older files a view behind it: the key of the storage, and its bytes.
 * Undefined for any other id.
 */
export function storageOf(id: Value, text: (value: Value | undefined) => string | undefined): NamedStorage | undefined {
  const items = id.kind === "tuple" ? (id.items ?? []) : [];
  const [word, type, name, , count] = items;
  if ((items.length !== 5 && items.length !== 6) || text(word) !== "storage") return undefined;
  if (type?.kind !== "global" || !STORAGE_MODULES.includes(type.module) || count?.kind !== "int") return undefined;
  const item = STORAGE_ITEM_BYTES.get(type.name);
  const key = text(name);
  return item === undefined || key === undefined ? undefined : { key, count: count.value, bytes: item * count.value };
}

/**
 * `("module", class, file, source)`: the class, which stands in the pickle as a global, and the code that it had. Undefined for
 * any other id.
 */
export function classOf(id: Value, text: (value: Value | undefined) => string | undefined): GlobalValue | undefined {
  const [word, held] = id.kind === "tuple" && id.items?.length === 4 ? id.items : [];
  return text(word) === "module" && held?.kind === "global" ? held : undefined;
}
