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
import type { BlobStore, StoredBlob } from "../blobs.ts";
import { checkBom } from "../bom.ts";
import { sorted, versionDigests, type Sha256, type VersionFile } from "../digest.ts";
import { registryError } from "../errors.ts";
import { attachments } from "../examine.ts";
import { MOST_SIGNATURE_BYTES } from "../import/import.ts";
import type { Registry, Release, Version } from "../store.ts";
import type { OciClient, UploadMemory } from "./client.ts";
import {
  BOM_TYPE,
  checkConfig,
  EMPTY_BYTES,
  packConfig,
  packManifest,
  packReferrer,
  PARTS,
  SIGNATURE_TYPE,
  unpackManifest,
  unpackReferrer,
  type Part,
} from "./manifest.ts";
import type { OciReference } from "./reference.ts";

export type Progress = (what: string, done: number, total: number) => void;

export interface Pushed {
  readonly digest: Sha256;
  /** Bytes that went over the wire; the rest was there. */
  readonly sent: number;
  readonly signature: boolean;
  readonly bom: boolean;
}

export interface Pulled {
  readonly digest: Sha256;
  readonly files: readonly VersionFile[];
  readonly parts: Readonly<Partial<Record<Part, Sha256>>>;
  readonly signature?: StoredBlob;
  readonly bom?: StoredBlob;
}

const CONFIG_BYTES = 16_777_216;
const PART_BYTES = 16_777_216;
/** Referrers of one kind that are looked at. */
const MOST_REFERRERS = 16;

/** Pushes a release, its signature and its bill of materials. @throws `models.oci-…`, `models.blob-missing` */
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
    const upload = { digest, size, path: blobs.path(digest) };
    sent += await client.pushBlob(upload, memory, (bytes) => progress(`pushing ${name}`, done + bytes, total));
    done += size;
  };
  for (const file of files) await push(file.path, file);
  for (const part of parts) await push(part.part, part);
  await push("config", config);
  const manifest = packManifest({ config, files, parts });
  const digest = await client.pushManifest(to.tag, manifest);
  const subject = { digest, size: manifest.length };
  const types = { signature: SIGNATURE_TYPE, bom: BOM_TYPE } as const;
  if (kept.size > 0) await push("empty config", await blobs.put([EMPTY_BYTES]));
  for (const [kind, blob] of kept) {
    await push(kind, blob);
    await client.pushManifest(undefined, packReferrer(subject, types[kind], blob), digest);
  }
  return { digest, sent, signature: kept.has("signature"), bom: kept.has("bom") };
}

/**
 * Pulls a model's blobs.
 *
 * @throws `models.oci-…`, `models.blob-tampered`, `models.path-unsafe`, `models.digest-invalid`
 */
export async function pullModel(
  blobs: BlobStore,
  client: OciClient,
  { tag, digest: wanted }: OciReference,
  progress: Progress,
): Promise<Pulled> {
  const { digest, value } = await client.pullManifest(wanted === undefined ? (tag as string) : `sha256:${wanted}`);
  const { config, files, parts } = unpackManifest(value);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const take = async (name: string, expected: StoredBlob, limit?: number): Promise<StoredBlob> => {
    progress(`pulling ${name}`, done, total);
    // One that was changed since is pulled again.
    if (await blobs.isWhole(expected)) return expected;
    return await blobs.put(await client.pullBlob(expected.digest), {
      expected,
      name,
      ...(limit === undefined ? {} : { limit }),
      onBytes: (chunk) => {
        done += chunk.length;
        progress(`pulling ${name}`, done, total);
      },
    });
  };
  if (config.size > CONFIG_BYTES)
    throw registryError("models.limit-exceeded", { detail: `config: ${CONFIG_BYTES} bytes` });
  await take("config", config, CONFIG_BYTES);
  checkConfig(
    parseJson(await blobs.read(config.digest, CONFIG_BYTES), { maxBytes: CONFIG_BYTES, maxDepth: 16 }),
    files,
  );
  for (const file of files) await take(file.path, { digest: file.digest, size: file.size });
  for (const part of parts) await take(part.part, { digest: part.digest, size: part.size }, PART_BYTES);

  const referred = async (
    artifactType: string,
    check?: (bytes: Uint8Array) => void,
  ): Promise<StoredBlob | undefined> => {
    for (const found of (await client.referrers(digest, artifactType)).slice(0, MOST_REFERRERS)) {
      try {
        const { value: manifest } = await client.pullManifest(found.digest);
        const blob = unpackReferrer(manifest, digest, artifactType);
        const taken = await take(artifactType, blob, MOST_SIGNATURE_BYTES);
        check?.(await blobs.read(taken.digest, MOST_SIGNATURE_BYTES));
        return taken;
      } catch (error) {
        // One that is broken or about something else says nothing: whoever may push may add one. The next.
        if (!isHoldfastError(error) || error.code === "models.oci-unreachable") throw error;
      }
    }
    return undefined;
  };
  const signature = await referred(SIGNATURE_TYPE);
  const { root } = versionDigests(files);
  const bom = await referred(BOM_TYPE, (bytes) => checkBom(bytes, { root, files }));
  return {
    digest,
    files,
    parts: Object.fromEntries(parts.map((part) => [part.part, part.digest])),
    ...(signature === undefined ? {} : { signature }),
    ...(bom === undefined ? {} : { bom }),
  };
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
