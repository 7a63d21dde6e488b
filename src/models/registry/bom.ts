/**
 * The bill of materials of a version: CycloneDX, about the very root digest that is scanned, signed and approved. One about
 * another model is refused, wherever it comes from; one that is taken is evidence, by its own digest.
 *
 * Source: CycloneDX 1.7, `bom-1.7.schema.json`; the property is what `bom/cyclonedx.ts` writes.
 *
 * @module
 */

import { readFile, stat } from "node:fs/promises";

import { isHoldfastError, parseJson } from "../../core/index.ts";
import type { BlobStore, StoredBlob } from "./blobs.ts";
import { printable } from "./digest.ts";
import { registryError } from "./errors.ts";
import { attach, attachments } from "./examine.ts";
import { change, type Registry, type Version } from "./store.ts";

/** Bytes of a bill of materials at most: it lists every file. */
const MOST_BOM_BYTES = 67_108_864;

const ROOT_PROPERTY = "holdfast:oms:root";
type Fields = Readonly<Record<string, unknown>>;

/**
 * Keeps a stored blob as the version's bill of materials, in the place of the one before, and records it.
 *
 * @returns whether it was not the version's already
 * @throws `models.bom-invalid`, `models.bom-mismatch`, `models.limit-exceeded`
 */
export async function attachBom(
  { db, clock }: Pick<Registry, "db" | "clock">,
  blobs: BlobStore,
  version: Version,
  blob: StoredBlob,
  by: string,
): Promise<boolean> {
  const format = checkBom(await blobs.read(blob.digest, MOST_BOM_BYTES), version);
  const { model, root } = version;
  return await db.transaction(async (tx) => {
    if ((await attachments(tx, version)).get("bom")?.digest === blob.digest) return false;
    await attach({ db: tx }, version, "bom", blob);
    const said = { what: "bill of materials attached", bom: blob.digest, format, bytes: blob.size };
    await change(tx, clock, { model, root, said, by });
    return true;
  });
}

/** Reads a file that is to be attached. @throws `models.bom-invalid`, `models.limit-exceeded` */
export async function readBom(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MOST_BOM_BYTES) {
      throw registryError("models.limit-exceeded", { detail: `${path}: ${size} bytes, limit ${MOST_BOM_BYTES}` });
    }
    return await readFile(path);
  } catch (error) {
    if (isHoldfastError(error)) throw error;
    throw registryError("models.bom-invalid", { detail: `${path}: ${(error as NodeJS.ErrnoException).code}` });
  }
}

/**
 * Checks that a document is a bill of materials of this version: it names the root digest, and no file that the version
 * has not got, or with another digest.
 *
 * @returns its format, such as `CycloneDX 1.7`
 * @throws `models.bom-invalid`, `models.bom-mismatch`
 */
export function checkBom(bytes: Uint8Array, { root, files }: Pick<Version, "root" | "files">): string {
  const document = documentIn(bytes);
  const version = document["specVersion"];
  if (document["bomFormat"] !== "CycloneDX" || typeof version !== "string" || !/^1\.[0-9]$/.test(version)) {
    throw registryError("models.bom-invalid", { detail: "it is not CycloneDX in JSON" });
  }
  const subject = asFields(asFields(document["metadata"])["component"]);
  const roots = listOf(subject["properties"]).filter(({ name }) => name === ROOT_PROPERTY);
  const [named] = roots;
  if (named === undefined || roots.length > 1 || typeof named["value"] !== "string") {
    throw registryError("models.bom-invalid", { detail: `its component has not one property ${ROOT_PROPERTY}` });
  }
  if (named["value"] !== `sha256:${root}`) {
    throw registryError("models.bom-mismatch", {
      detail: `it is about ${printable(named["value"])}, the release has sha256:${root}`,
    });
  }
  const digests = new Map(files.map(({ path, digest }) => [path, digest]));
  for (const { type, name, hashes } of listOf(document["components"])) {
    if (type !== "file") continue;
    const sha256 = listOf(hashes).find(({ alg }) => alg === "SHA-256")?.["content"];
    if (typeof name !== "string" || sha256 === undefined || digests.get(name) !== sha256) {
      throw registryError("models.bom-mismatch", {
        detail: `the release has no such file: ${printable(String(name))}`,
      });
    }
  }
  return `CycloneDX ${version}`;
}

function documentIn(bytes: Uint8Array): Fields {
  try {
    return asFields(parseJson(bytes, { maxBytes: MOST_BOM_BYTES, maxDepth: 64 }));
  } catch (error) {
    if (isHoldfastError(error)) throw registryError("models.bom-invalid", { detail: error.message });
    throw error;
  }
}

function asFields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(asFields) : [];
}
