/**
 * What belongs to a version without being one of its files: its signature, its bills of materials, its card, a comparison
 * with another model. One of each kind; the next takes its place, and both stand in the ledger by their digests.
 *
 * @module
 */

import { readFile, stat } from "node:fs/promises";

import { isHoldfastError } from "../../core/index.ts";
import { sql, type Db } from "../../storage/index.ts";
import type { BlobStore } from "./blobs.ts";
import type { Sha256 } from "./digest.ts";
import { checkDocument, MOST_DOCUMENT_BYTES, type DocumentKind } from "./documents.ts";
import { registryError } from "./errors.ts";
import { SIGNATURE_FILE } from "./import/source.ts";
import type { StoredBlob } from "./measure.ts";
import { change, type Registry, type Version } from "./store.ts";

export type AttachmentKind = "signature" | DocumentKind;

/** How each kind is called, by which name it is written out, and of which type it is in an OCI registry. */
export const ATTACHMENTS: Readonly<
  Record<AttachmentKind, { readonly title: string; readonly file: string; readonly mediaType: string }>
> = {
  signature: {
    title: "signature",
    file: SIGNATURE_FILE,
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
  },
  bom: { title: "CycloneDX", file: "bom.cdx.json", mediaType: "application/vnd.cyclonedx+json" },
  spdx: { title: "SPDX", file: "bom.spdx.json", mediaType: "application/spdx3+json" },
  card: { title: "model card", file: "card.md", mediaType: "text/markdown" },
  lineage: {
    title: "lineage",
    file: "lineage.json",
    mediaType: "application/vnd.holdfast.model.lineage.v1+json",
  },
};

/** Keeps a blob as what belongs to a version, in the place of the one before. */
export async function attach(
  { db }: Pick<Registry, "db">,
  { model, root }: Pick<Version, "model" | "root">,
  kind: AttachmentKind,
  { digest, size }: StoredBlob,
): Promise<void> {
  await db.execute(sql`insert into registry_attachments (model, root, kind, digest, bytes)
    values (${model}, ${root}, ${kind}, ${digest}, ${size})
    on conflict (model, root, kind) do update set digest = ${digest}, bytes = ${size}`);
}

/** What belongs to a version, in the order of {@link ATTACHMENTS}. */
export async function attachments(
  db: Db,
  { model, root }: Pick<Version, "model" | "root">,
): Promise<ReadonlyMap<AttachmentKind, StoredBlob>> {
  const rows = await db.query<{ kind: AttachmentKind; digest: Sha256; bytes: number }>(
    sql`select kind, digest, bytes from registry_attachments where model = ${model} and root = ${root}`,
  );
  const order = Object.keys(ATTACHMENTS);
  const sorted = rows.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  return new Map(sorted.map(({ kind, digest, bytes }) => [kind, { digest, size: bytes }]));
}

/**
 * Keeps a stored blob as a document about the version, in the place of the one before, and records it.
 *
 * @returns whether it was not the version's already
 * @throws `models.document-invalid`, `models.document-mismatch`, `models.limit-exceeded`
 */
export async function attachDocument(
  { db, clock }: Pick<Registry, "db" | "clock">,
  blobs: BlobStore,
  version: Version,
  kind: DocumentKind,
  blob: StoredBlob,
  by: string,
): Promise<boolean> {
  const format = checkDocument(kind, await blobs.read(blob.digest, MOST_DOCUMENT_BYTES), version);
  const { model, root } = version;
  return await db.transaction(async (tx) => {
    if ((await attachments(tx, version)).get(kind)?.digest === blob.digest) return false;
    await attach({ db: tx }, version, kind, blob);
    const said = { what: "document attached", kind, document: blob.digest, format, bytes: blob.size };
    await change(tx, clock, { model, root, said, by });
    return true;
  });
}

/** Reads a file that is to be attached. @throws `models.document-invalid`, `models.limit-exceeded` */
export async function readDocument(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MOST_DOCUMENT_BYTES) {
      throw registryError("models.limit-exceeded", { detail: `${path}: ${size} bytes, limit ${MOST_DOCUMENT_BYTES}` });
    }
    return await readFile(path);
  } catch (error) {
    if (isHoldfastError(error)) throw error;
    throw registryError("models.document-invalid", { detail: `${path}: ${(error as NodeJS.ErrnoException).code}` });
  }
}
