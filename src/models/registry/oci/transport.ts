/**
 * Push and pull of releases.
 *
 * A push sends what the registry lacks, the manifest last: whoever pulls sees the whole model or none. What was interrupted
 * goes on with the next push, from where each blob was.
 *
 * A pull takes blobs in while it compares them: what is not what its digest says is thrown away, and nothing is published.
 * What is pulled begins in quarantine, whoever approved it elsewhere.
 *
 * @module
 */

import { hash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { isHoldfastError, parseJson } from "../../../core/index.ts";
import { ATTACHMENTS, attachments, type AttachmentKind } from "../attachment.ts";
import type { BlobStore } from "../blobs.ts";
import { PARTS, sorted, versionDigests, type Part, type Sha256, type VersionFile } from "../digest.ts";
import { checkDocument, MOST_DOCUMENT_BYTES } from "../documents.ts";
import { registryError } from "../errors.ts";
import type { StoredBlob } from "../measure.ts";
import { checkPaths } from "../reference.ts";
import type { Registry, Release, Version } from "../store.ts";
import { listArchive, takeArchive, type PackedArchive } from "./archive.ts";
import type { OciClient, UploadMemory } from "./client.ts";
import {
  checkDiffId,
  EMPTY_BYTES,
  packConfig,
  packManifest,
  packReferrer,
  unpackConfig,
  unpackManifest,
  unpackReferrer,
} from "./manifest.ts";
import type { OciReference } from "./reference.ts";

export type Progress = (what: string, done: number, total: number) => void;

export interface Pushed {
  readonly digest: Sha256;
  /** Bytes that went over the wire; the rest was there. */
  readonly sent: number;
  /** What went with it. */
  readonly attached: readonly AttachmentKind[];
}

export interface Pulled {
  readonly digest: Sha256;
  readonly files: readonly VersionFile[];
  readonly parts: Readonly<Partial<Record<Part, Sha256>>>;
  /** What came with it: the signature as it is, documents only where they are about this model. */
  readonly attached: ReadonlyMap<AttachmentKind, StoredBlob>;
}

const CONFIG_BYTES = 16_777_216;
const PART_BYTES = 16_777_216;
/** Referrers of one kind that are looked at. */
const MOST_REFERRERS = 16;

/** Pushes a release and what is attached to it. @throws `models.oci-…`, `models.blob-missing` */
export async function pushRelease(
  { db }: Pick<Registry, "db">,
  blobs: BlobStore,
  client: OciClient,
  { release, version }: { readonly release: Release; readonly version: Version },
  to: OciReference & { readonly tag: string },
  memory: UploadMemory,
  progress: Progress,
): Promise<Pushed> {
  const files = sorted(version.files);
  const parts = await Promise.all(
    PARTS.flatMap((part) => {
      const digest = release[part];
      if (digest === null) return [];
      return [blobs.read(digest, PART_BYTES).then(({ length }) => ({ part, digest, size: length }))];
    }),
  );
  const config = await blobs.put([packConfig(release.model, String(release.number), files, release.createdAt)]);
  const kept = await attachments(db, version);
  const total = version.bytes;
  let sent = 0;
  let done = 0;
  const push = async (name: string, { digest, size }: StoredBlob): Promise<void> => {
    if (!(await blobs.has(digest, size))) throw registryError("models.blob-missing", { detail: name });
    const read = (from: number, length: number): AsyncIterable<Uint8Array> => blobs.part(digest, from, length);
    const upload = { digest, size, read };
    sent += await client.pushBlob(upload, memory, (bytes) => progress(`pushing ${name}`, done + bytes, total));
    done += size;
  };
  for (const file of files) await push(file.path, file);
  for (const part of parts) await push(part.part, part);
  await push("config", config);
  const manifest = packManifest({ config, files, parts });
  const digest = await client.pushManifest(to.tag, manifest);
  const subject = { digest, size: manifest.length };
  if (kept.size > 0) await push("empty config", await blobs.put([EMPTY_BYTES]));
  for (const [kind, blob] of kept) {
    await push(kind, blob);
    await client.pushManifest(undefined, packReferrer(subject, ATTACHMENTS[kind].mediaType, blob), digest);
  }
  return { digest, sent, attached: [...kept.keys()] };
}

/**
 * Pulls a model's blobs.
 *
 * @throws `models.oci-…`, `models.blob-tampered`, `models.path-unsafe`, `models.digest-invalid`, `models.limit-exceeded`
 */
export async function pullModel(
  blobs: BlobStore,
  client: OciClient,
  { tag, digest: wanted }: OciReference,
  progress: Progress,
): Promise<Pulled> {
  const { digest, value } = await client.pullManifest(wanted === undefined ? (tag as string) : `sha256:${wanted}`);
  const { config, layers, parts } = unpackManifest(value);
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const counting = (name: string): ((chunk: Uint8Array) => void) => {
    progress(`pulling ${name}`, done, total);
    return (chunk) => progress(`pulling ${name}`, (done += chunk.length), total);
  };
  const take = async (name: string, expected: StoredBlob, limit = Infinity): Promise<StoredBlob> => {
    const onBytes = counting(name);
    // One that was changed since is pulled again.
    if (await blobs.isWhole(expected)) return expected;
    return await blobs.put(await client.pullBlob(expected.digest), { expected, name, limit, onBytes });
  };
  const files: VersionFile[] = [];
  /** Archives are taken in for as long as they are read. */
  const takeArchived = async (archive: PackedArchive, diffId: Sha256 | undefined): Promise<void> => {
    const name = `an archive, sha256:${archive.digest.slice(0, 12)}`;
    const options = { expected: archive, name, onBytes: counting(name) };
    await blobs.passing(await client.pullBlob(archive.digest), options, async (read) => {
      const { files: listed, contentDigest } = await listArchive(archive, read);
      checkDiffId(diffId, archive.digest, contentDigest);
      checkPaths([...files, ...listed]);
      for (const file of await takeArchive(blobs, archive, read)) files.push(file);
    });
  };

  if (config.size > CONFIG_BYTES)
    throw registryError("models.limit-exceeded", { detail: `config: ${CONFIG_BYTES} bytes` });
  await take("config", config, CONFIG_BYTES);
  const read = await blobs.read(config.digest, CONFIG_BYTES);
  const diffIds = unpackConfig(parseJson(read, { maxBytes: CONFIG_BYTES, maxDepth: 16 }), layers.length);
  for (const [at, layer] of layers.entries()) if ("path" in layer) checkDiffId(diffIds[at], layer.digest);
  for (const [at, layer] of layers.entries()) {
    if ("path" in layer) {
      await take(layer.path, { digest: layer.digest, size: layer.size });
      files.push(layer);
    } else await takeArchived(layer, diffIds[at]);
  }
  for (const part of parts) await take(part.part, { digest: part.digest, size: part.size }, PART_BYTES);
  if (files.length === 0) throw registryError("models.oci-invalid", { detail: "it has no files" });

  const { root } = versionDigests(files);
  const referred = async (kind: AttachmentKind): Promise<StoredBlob | undefined> => {
    const { mediaType } = ATTACHMENTS[kind];
    for (const found of (await client.referrers(digest, mediaType)).slice(0, MOST_REFERRERS)) {
      try {
        const { value: manifest } = await client.pullManifest(found.digest);
        const blob = unpackReferrer(manifest, digest, mediaType);
        const taken = await take(kind, blob, MOST_DOCUMENT_BYTES);
        // A signature is verified later, against what is trusted.
        if (kind !== "signature") {
          checkDocument(kind, await blobs.read(taken.digest, MOST_DOCUMENT_BYTES), { root, files });
        }
        return taken;
      } catch (error) {
        // One that is broken or about something else says nothing: whoever may push may add one. The next.
        if (!isHoldfastError(error) || error.code === "models.oci-unreachable") throw error;
      }
    }
    return undefined;
  };
  const attached = new Map<AttachmentKind, StoredBlob>();
  for (const kind of Object.keys(ATTACHMENTS) as AttachmentKind[]) {
    const found = await referred(kind);
    if (found !== undefined) attached.set(kind, found);
  }
  return { digest, files, parts: Object.fromEntries(parts.map((part) => [part.part, part.digest])), attached };
}

/** Remembers uploads to one repository as files in the data folder: they outlive the process that was interrupted. */
export function fileMemory(folder: string, { host, repository }: OciReference): UploadMemory {
  const fileOf = (digest: Sha256): string => join(folder, hash("sha256", `${host}/${repository}@${digest}`));
  return {
    async get(digest) {
      return await readFile(fileOf(digest), "utf8").catch(() => undefined);
    },
    async set(digest, location) {
      const file = fileOf(digest);
      if (location === undefined) {
        await rm(file, { force: true });
        return;
      }
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // Lost, it costs only time: what was sent is sent again.
      await writeFile(`${file}.new`, location, { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
  };
}
