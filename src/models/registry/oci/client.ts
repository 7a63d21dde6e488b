/**
 * A client of the OCI distribution specification v1.1, for one repository: blobs, manifests, and what refers to them.
 *
 * What is read is checked against the digest that it was asked for by, and is nobody's business before it was. What is
 * uploaded goes in chunks; where a chunk was lost, the registry says how much it has, and the rest follows.
 *
 * @module
 */

import { hash } from "node:crypto";
import { Readable } from "node:stream";

import { parseJson } from "../../../core/index.ts";
import { isSha256, parseDigest, type Sha256 } from "../digest.ts";
import { registryError } from "../errors.ts";
import type { OciAnswer, OciHttp } from "./http.ts";
import { INDEX_TYPE, MANIFEST_TYPE, type Descriptor } from "./manifest.ts";
import type { OciReference } from "./reference.ts";

interface Upload {
  readonly digest: Sha256;
  readonly size: number;
  /** A part of the bytes to send. */
  readonly read: (from: number, length: number) => AsyncIterable<Uint8Array>;
}

/** Remembers where an upload goes on, beyond the end of this process. */
export interface UploadMemory {
  get(digest: Sha256): Promise<string | undefined>;
  set(digest: Sha256, location: string | undefined): Promise<void>;
}

export interface OciClient {
  hasBlob(digest: Sha256): Promise<boolean>;
  /** Sends a blob, unless it is there. Returns how many bytes were sent. */
  pushBlob(upload: Upload, memory: UploadMemory, progress: (sent: number) => void): Promise<number>;
  /** The bytes of a blob, unchecked: whoever takes them in compares. */
  pullBlob(digest: Sha256): Promise<AsyncIterable<Uint8Array>>;
  /** A manifest by tag or digest, checked. @throws `models.blob-tampered`, `models.oci-invalid` */
  pullManifest(
    reference: string,
  ): Promise<{ readonly bytes: Uint8Array; readonly digest: Sha256; readonly value: unknown }>;
  /** @returns its digest */
  pushManifest(reference: string | undefined, bytes: Uint8Array, subject?: Sha256): Promise<Sha256>;
  /** Manifests that refer to one, of one kind. */
  referrers(subject: Sha256, artifactType: string): Promise<readonly Descriptor[]>;
}

/** Bytes of a chunk: a lost connection costs no more than this. */
const CHUNK_BYTES = 16 * 1024 * 1024;
/** The specification asks registries to take manifests of at least 4 MiB; larger ones are rare and refused. */
const MANIFEST_BYTES = 4 * 1024 * 1024;
/** How often one blob's upload is begun anew when the registry does not know it any more. */
const ATTEMPTS = 3;

/** Makes the client of one repository. */
export function ociClient(http: OciHttp, { repository }: Pick<OciReference, "repository">): OciClient {
  const root = `/v2/${repository}`;
  const pull = `repository:${repository}:pull`;
  const push = `repository:${repository}:pull,push`;

  const hasBlob = async (digest: Sha256, scope = push): Promise<boolean> => {
    const answer = await http.send({
      method: "HEAD",
      url: `${root}/blobs/sha256:${digest}`,
      scope,
      accept: [200, 404],
    });
    await answer.discard();
    return answer.status === 200;
  };

  /** Where an upload goes on, and from which byte. */
  const begin = async (digest: Sha256, memory: UploadMemory): Promise<{ location: string; from: number }> => {
    const known = await memory.get(digest);
    if (known !== undefined) {
      const status = await http.send({
        method: "GET",
        url: known,
        scope: push,
        accept: [200, 202, 204, 400, 404, 416],
      });
      await status.discard();
      const from = receivedBytes(status);
      if (status.status === 204 && from !== undefined) return { location: locationOf(status) ?? known, from };
    }
    const answer = await http.send({
      method: "POST",
      url: `${root}/blobs/uploads/`,
      headers: { "content-length": "0" },
      scope: push,
      accept: [202],
    });
    await answer.discard();
    const location = locationOf(answer);
    if (location === undefined) throw registryError("models.oci-refused", { detail: "it gave no place for an upload" });
    await memory.set(digest, location);
    return { location, from: 0 };
  };

  const sendRest = async (
    { read, size, digest }: Upload,
    start: { location: string; from: number },
    memory: UploadMemory,
    progress: (sent: number) => void,
  ): Promise<number> => {
    let { location, from } = start;
    let sent = 0;
    while (from < size) {
      const end = Math.min(from + CHUNK_BYTES, size);
      const [first, last] = [from, end - 1];
      const answer = await http.send({
        method: "PATCH",
        url: location,
        headers: {
          "content-type": "application/octet-stream",
          "content-length": String(end - from),
          "content-range": `${first}-${last}`,
        },
        body: () => Readable.from(read(first, last + 1 - first)),
        scope: push,
        accept: [201, 202, 204],
      });
      await answer.discard();
      location = locationOf(answer) ?? location;
      await memory.set(digest, location);
      sent += end - from;
      from = receivedBytes(answer) ?? end;
      progress(from);
    }
    const put = new URL(location, "http://relative.invalid");
    put.searchParams.set("digest", `sha256:${digest}`);
    const url = put.hostname === "relative.invalid" ? `${put.pathname}${put.search}` : put.href;
    const answer = await http.send({
      method: "PUT",
      url,
      headers: { "content-length": "0", "content-type": "application/octet-stream" },
      scope: push,
      accept: [201, 204],
    });
    await answer.discard();
    return sent;
  };

  const pullManifest: OciClient["pullManifest"] = async (reference) => {
    const answer = await http.send({
      method: "GET",
      url: `${root}/manifests/${reference}`,
      headers: { accept: `${MANIFEST_TYPE}, ${INDEX_TYPE}` },
      scope: pull,
      accept: [200],
    });
    const bytes = await answer.bytes(MANIFEST_BYTES);
    const digest = hash("sha256", bytes);
    const said = answer.header("docker-content-digest");
    const wanted = reference.startsWith("sha256:") ? reference : said;
    if (wanted !== undefined && parseDigest(wanted) !== digest) {
      throw registryError("models.blob-tampered", { detail: `the manifest is sha256:${digest}, not ${wanted}` });
    }
    return { bytes, digest, value: parseJson(bytes, { maxBytes: MANIFEST_BYTES, maxDepth: 16 }) };
  };

  const pushManifest: OciClient["pushManifest"] = async (reference, bytes, subject) => {
    const digest = hash("sha256", bytes);
    const answer = await http.send({
      method: "PUT",
      url: `${root}/manifests/${reference ?? `sha256:${digest}`}`,
      headers: { "content-type": MANIFEST_TYPE, "content-length": String(bytes.length) },
      body: () => bytes,
      scope: push,
      accept: [201],
    });
    await answer.discard();
    // Registries from before v1.1 do not keep track of what refers to what: then a tag does.
    if (subject !== undefined && answer.header("oci-subject") === undefined) {
      await addToTag(subject, {
        mediaType: MANIFEST_TYPE,
        digest: `sha256:${digest}`,
        size: bytes.length,
        ...typeOf(bytes),
      });
    }
    return digest;
  };

  const taggedReferrers = async (subject: Sha256, scope: string): Promise<readonly Descriptor[]> => {
    const answer = await http.send({
      method: "GET",
      url: `${root}/manifests/sha256-${subject}`,
      headers: { accept: INDEX_TYPE },
      scope,
      accept: [200, 404],
    });
    if (answer.status === 404) {
      await answer.discard();
      return [];
    }
    return descriptorsOf(parseJson(await answer.bytes(MANIFEST_BYTES)));
  };

  const addToTag = async (subject: Sha256, descriptor: Descriptor): Promise<void> => {
    const others = (await taggedReferrers(subject, push)).filter(({ digest }) => digest !== descriptor.digest);
    const index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [...others, descriptor] };
    const bytes = Buffer.from(JSON.stringify(index));
    const answer = await http.send({
      method: "PUT",
      url: `${root}/manifests/sha256-${subject}`,
      headers: { "content-type": INDEX_TYPE, "content-length": String(bytes.length) },
      body: () => bytes,
      scope: push,
      accept: [201],
    });
    await answer.discard();
  };

  return {
    hasBlob: (digest) => hasBlob(digest, pull),
    pullManifest,
    pushManifest,
    async pushBlob(upload, memory, progress) {
      if (await hasBlob(upload.digest)) return 0;
      for (let attempt = 1; ; attempt++) {
        const start = await begin(upload.digest, memory);
        // More than there is can only be of another upload.
        const isOurs = start.from <= upload.size;
        try {
          if (isOurs) {
            progress(start.from);
            const sent = await sendRest(upload, start, memory, progress);
            await memory.set(upload.digest, undefined);
            return sent;
          }
        } catch (error) {
          if (!isRefusal(error) || attempt === ATTEMPTS) throw error;
        }
        // What it has of this upload is not what it should be: from the beginning.
        await memory.set(upload.digest, undefined);
      }
    },
    async pullBlob(digest) {
      if (!isSha256(digest)) throw registryError("models.digest-invalid");
      const answer = await http.send({
        method: "GET",
        url: `${root}/blobs/sha256:${digest}`,
        scope: pull,
        accept: [200],
      });
      return answer.stream();
    },
    async referrers(subject, artifactType) {
      const answer = await http.send({
        method: "GET",
        url: `${root}/referrers/sha256:${subject}?artifactType=${encodeURIComponent(artifactType)}`,
        headers: { accept: INDEX_TYPE },
        scope: pull,
        accept: [200, 400, 404, 405],
      });
      let all: readonly Descriptor[];
      if (answer.status === 200) {
        all = descriptorsOf(parseJson(await answer.bytes(MANIFEST_BYTES)));
      } else {
        await answer.discard();
        all = await taggedReferrers(subject, pull);
      }
      return all.filter((one) => one.artifactType === artifactType);
    },
  };
}

/** How many bytes the registry has: `range: 0-<last>`, where `0-0` also stands for none at the very beginning. */
function receivedBytes(answer: OciAnswer): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.header("range") ?? "")?.[1];
  if (last === undefined) return undefined;
  return Number(last) === 0 ? 0 : Number(last) + 1;
}

function locationOf(answer: OciAnswer): string | undefined {
  const location = answer.header("location");
  return location === undefined || !URL.canParse(location, answer.url) ? undefined : new URL(location, answer.url).href;
}

function isRefusal(error: unknown): boolean {
  return (error as { code?: unknown }).code === "models.oci-refused";
}

function typeOf(bytes: Uint8Array): { artifactType?: string } {
  const { artifactType } = parseJson(bytes) as { artifactType?: unknown };
  return typeof artifactType === "string" ? { artifactType } : {};
}

/** The descriptors of an index. Those that are none are left out: they are found by nobody. */
function descriptorsOf(value: unknown): readonly Descriptor[] {
  const manifests = (value as { manifests?: unknown } | null)?.manifests;
  if (!Array.isArray(manifests)) throw registryError("models.oci-invalid", { detail: "not an index" });
  return manifests.filter((one: Partial<Descriptor> | null): one is Descriptor => {
    return typeof one?.digest === "string" && typeof one.size === "number" && typeof one.mediaType === "string";
  });
}
