/**
 * ModelPack: a model as an OCI artifact. What we write has a layer for each file, as it is, so that the layer's digest is
 * the file's; its name stands in an annotation. What others write may have archives of files as layers as well. The other
 * parts of a release are layers of a type of our own, which other tools pass over.
 *
 * A manifest that is pulled is foreign: it is read strictly, and whatever it leaves open is refused.
 *
 * Source: ModelPack model-spec, `docs/spec.md`, `docs/config.md`, `docs/annotations.md` and `specs-go/v1/mediatype.go`; OCI
 * image specification v1.1.
 *
 * @module
 */

import { parseDigest, PARTS, printable, type Part, type Sha256, type VersionFile } from "../digest.ts";
import { registryError } from "../errors.ts";
import { checkPaths } from "../reference.ts";
import { MOST_FILES } from "../releases.ts";
import type { PackedArchive } from "./archive.ts";

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
export const MODEL_TYPE = "application/vnd.cncf.model.manifest.v1+json";
const CONFIG_TYPE = "application/vnd.cncf.model.config.v1+json";
const EMPTY_TYPE = "application/vnd.oci.empty.v1+json";
const PART_TYPE = "application/vnd.holdfast.release.part.v1";
const FILEPATH = "org.cncf.model.filepath";
const PART = "dev.holdfast.part";
const LAYER =
  /^application\/vnd\.cncf\.model\.(?:weight|weight\.config|doc|code|dataset)\.v1\.(raw|tar|tar\+gzip|tar\+zstd)$/;

/** The bytes `{}`, which stand where a manifest must have a config and there is none. */
export const EMPTY_BYTES = Buffer.from("{}");
const EMPTY_DIGEST = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface PackedPart {
  readonly part: Part;
  readonly digest: Sha256;
  readonly size: number;
}

interface PackedModel {
  readonly config: { readonly digest: Sha256; readonly size: number };
  readonly parts: readonly PackedPart[];
}

/** What a manifest of ours says. */
export interface Packed extends PackedModel {
  readonly files: readonly VersionFile[];
}

/** What a manifest says, whoever made it. */
export interface Unpacked extends PackedModel {
  /** In the manifest's order: files, and archives of files. */
  readonly layers: readonly (VersionFile | PackedArchive)[];
}

/** The config of a model, as bytes. `createdAt`: milliseconds since the epoch. */
export function packConfig(
  model: string,
  version: string,
  files: readonly VersionFile[],
  createdAt: number,
): Uint8Array {
  const config = {
    descriptor: { name: model, version, createdAt: new Date(createdAt).toISOString() },
    config: {},
    modelfs: { type: "layers", diffIds: files.map(({ digest }) => `sha256:${digest}`) },
  };
  return Buffer.from(JSON.stringify(config));
}

/** The manifest of a model, as bytes. The same model makes the same bytes. */
export function packManifest({ config, files, parts }: Packed): Uint8Array {
  const layers: Descriptor[] = files.map(({ path, digest, size }) => ({
    mediaType: `application/vnd.cncf.model.${kindOf(path)}.v1.raw`,
    digest: `sha256:${digest}`,
    size,
    annotations: { [FILEPATH]: path },
  }));
  for (const { part, digest, size } of parts) {
    layers.push({ mediaType: PART_TYPE, digest: `sha256:${digest}`, size, annotations: { [PART]: part } });
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: MODEL_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: `sha256:${config.digest}`, size: config.size },
    layers,
  };
  return Buffer.from(JSON.stringify(manifest));
}

/** The manifest of what refers to a model: its signature, its bill of materials. */
export function packReferrer(
  subject: { readonly digest: Sha256; readonly size: number },
  artifactType: string,
  blob: { readonly digest: Sha256; readonly size: number },
): Uint8Array {
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType,
    config: { mediaType: EMPTY_TYPE, digest: EMPTY_DIGEST, size: EMPTY_BYTES.length },
    layers: [{ mediaType: artifactType, digest: `sha256:${blob.digest}`, size: blob.size }],
    subject: { mediaType: MANIFEST_TYPE, digest: `sha256:${subject.digest}`, size: subject.size },
  };
  return Buffer.from(JSON.stringify(manifest));
}

/**
 * Reads the manifest of a model.
 *
 * @throws `models.oci-invalid`, `models.path-unsafe`, `models.digest-invalid`, `models.limit-exceeded`
 */
export function unpackManifest(value: unknown): Unpacked {
  const manifest = asRecord(value);
  if (manifest["schemaVersion"] !== 2 || manifest["mediaType"] !== MANIFEST_TYPE)
    throw invalid("not an OCI image manifest");
  if (manifest["artifactType"] !== MODEL_TYPE)
    throw invalid(`not a model: ${printable(String(manifest["artifactType"]))}`);
  const config = descriptorOf(manifest["config"]);
  if (config.mediaType !== CONFIG_TYPE) throw invalid("its config is not one of a model");
  const layers = manifest["layers"];
  if (!Array.isArray(layers)) throw invalid("it has no layers");
  if (layers.length > MOST_FILES) throw registryError("models.limit-exceeded", { detail: `${layers.length} layers` });
  const contents: (VersionFile | PackedArchive)[] = [];
  const parts: PackedPart[] = [];
  for (const layer of layers) {
    const { mediaType, digest, size, annotations = {} } = descriptorOf(layer);
    if (mediaType === PART_TYPE) {
      const part = PARTS.find((one) => one === annotations[PART]);
      if (part === undefined || parts.some((one) => one.part === part))
        throw invalid("a part of the release is not known");
      parts.push({ part, digest: parseDigest(digest), size });
      continue;
    }
    const packing = LAYER.exec(mediaType)?.[1];
    if (packing === undefined) throw invalid(`a layer is ${printable(mediaType)}, which is none of a model`);
    const blob = { digest: parseDigest(digest), size };
    if (packing === "tar" || packing === "tar+gzip" || packing === "tar+zstd") {
      // Names are inside; the annotation of the layer is for people.
      contents.push({ packing, ...blob });
      continue;
    }
    const path = annotations[FILEPATH];
    if (path === undefined) throw invalid("a layer has no file name");
    contents.push({ path, ...blob });
  }
  if (contents.length === 0) throw invalid("it has no files");
  checkPaths(contents.filter((one) => "path" in one));
  return { config: { digest: parseDigest(config.digest), size: config.size }, layers: contents, parts };
}

/** What a config says of each layer: a digest of its content. @throws `models.oci-invalid`, `models.digest-invalid` */
export function unpackConfig(value: unknown, layers: number): readonly Sha256[] {
  const diffIds = asRecord(asRecord(value)["modelfs"])["diffIds"];
  if (!Array.isArray(diffIds) || diffIds.length !== layers) throw otherFiles();
  return diffIds.map((one) => parseDigest(String(one)));
}

/**
 * Checks what the config says of a layer. Of a compressed one the specification means the content out of its compression;
 * some tools name the layer itself. Either says which bytes.
 *
 * @throws `models.oci-invalid`
 */
export function checkDiffId(diffId: Sha256 | undefined, ...digests: readonly Sha256[]): void {
  if (diffId === undefined || !digests.includes(diffId)) throw otherFiles();
}

function otherFiles(): Error {
  return invalid("its config names other files than its layers");
}

/** The blob that a referrer of a model carries. @throws `models.oci-invalid` */
export function unpackReferrer(
  value: unknown,
  subject: Sha256,
  artifactType: string,
): { digest: Sha256; size: number } {
  const manifest = asRecord(value);
  const of = asRecord(manifest["subject"])["digest"];
  if (manifest["artifactType"] !== artifactType || of !== `sha256:${subject}`)
    throw invalid("it refers to something else");
  const layers = manifest["layers"];
  if (!Array.isArray(layers) || layers.length !== 1) throw invalid("what refers to it has not one layer");
  const { digest, size } = descriptorOf(layers[0]);
  return { digest: parseDigest(digest), size };
}

function descriptorOf(value: unknown): Descriptor {
  const { mediaType, digest, size, annotations } = asRecord(value);
  if (typeof mediaType !== "string" || typeof digest !== "string") throw invalid("a descriptor has no type or digest");
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw invalid("a descriptor has no size");
  const texts = Object.entries(annotations === undefined ? {} : asRecord(annotations)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return { mediaType, digest, size: size as number, annotations: Object.fromEntries(texts) };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("not an object");
  return value as Record<string, unknown>;
}

function invalid(detail: string): Error {
  return registryError("models.oci-invalid", { detail });
}

/** What a file is, by its name: for people who look at the registry. Nothing is decided by it. */
function kindOf(path: string): string {
  const name = path.toLowerCase();
  if (/(?:^|\/)(?:readme|license|licence|notice|model_card)[^/]*$|\.(?:md|txt|pdf)$/.test(name)) return "doc";
  if (/\.(?:json|ya?ml|toml|model|vocab|cfg)$/.test(name)) return "weight.config";
  return /\.(?:py|js|ts|sh|ipynb)$/.test(name) ? "code" : "weight";
}
