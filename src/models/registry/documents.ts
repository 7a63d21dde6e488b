/**
 * Documents about a version: bills of materials in CycloneDX and SPDX, a model card, a comparison with another model. Each
 * is taken only if it is about the very root digest that is scanned, signed and approved: one about another model is
 * refused, wherever it comes from.
 *
 * Sources: CycloneDX 1.7, `bom-1.7.schema.json`; SPDX 3.0.1, model (Core, Software, AI); what `bom/` writes.
 *
 * @module
 */

import { decodeUtf8, isHoldfastError, parseJson } from "../../core/index.ts";
import { isKinship } from "../bom/lineage.ts";
import { isSha256, printable } from "./digest.ts";
import { registryError } from "./errors.ts";
import type { Version } from "./store.ts";

export type DocumentKind = "bom" | "spdx" | "card" | "lineage";

/** Bytes of a document at most: a bill of materials lists every file. */
export const MOST_DOCUMENT_BYTES = 67_108_864;

const ROOT_PROPERTY = "holdfast:oms:root";
type Fields = Readonly<Record<string, unknown>>;
type About = Pick<Version, "root" | "files">;

/** In which of the two formats a bill of materials is. @throws `models.document-invalid` */
export function bomKind(bytes: Uint8Array): "bom" | "spdx" {
  const document = documentIn(bytes);
  if (document["bomFormat"] === "CycloneDX") return "bom";
  if (Array.isArray(document["@graph"])) return "spdx";
  throw invalid("it is neither CycloneDX in JSON nor SPDX 3 in JSON-LD");
}

/**
 * Checks that a document is about this version: it names the root digest, and no file that the version has not got, or
 * with another digest.
 *
 * @returns what it is, such as `CycloneDX 1.7`
 * @throws `models.document-invalid`, `models.document-mismatch`
 */
export function checkDocument(kind: DocumentKind, bytes: Uint8Array, version: About): string {
  return CHECKS[kind](bytes, version);
}

const CHECKS: Readonly<Record<DocumentKind, (bytes: Uint8Array, version: About) => string>> = {
  bom: (bytes, version) => checkCycloneDx(documentIn(bytes), version),
  spdx: (bytes, version) => checkSpdx(documentIn(bytes), version),
  card: checkCard,
  lineage: (bytes, version) => checkLineage(documentIn(bytes), version),
};

function checkCycloneDx(document: Fields, version: About): string {
  const specVersion = document["specVersion"];
  if (document["bomFormat"] !== "CycloneDX" || typeof specVersion !== "string" || !/^1\.[0-9]$/.test(specVersion)) {
    throw invalid("it is not CycloneDX in JSON");
  }
  const subject = asFields(asFields(document["metadata"])["component"]);
  const roots = listOf(subject["properties"]).filter(({ name }) => name === ROOT_PROPERTY);
  const [named] = roots;
  if (named === undefined || roots.length > 1 || typeof named["value"] !== "string") {
    throw invalid(`its component has not one property ${ROOT_PROPERTY}`);
  }
  checkRoot(named["value"], version);
  const files = listOf(document["components"]).filter(({ type }) => type === "file");
  checkFiles(
    files.map(({ name, hashes }) => [name, listOf(hashes).find(({ alg }) => alg === "SHA-256")?.["content"]]),
    version,
  );
  return `CycloneDX ${specVersion}`;
}

/** The model is the one root element of the one bill, an AI package; its files are all the files of the document. */
function checkSpdx(document: Fields, version: About): string {
  const elements = new Map<unknown, Fields>();
  const graph = listOf(document["@graph"]);
  for (const element of graph) {
    const id = element["spdxId"];
    if (typeof id !== "string") continue;
    if (elements.has(id)) throw invalid(`it has ${printable(id)} twice`);
    elements.set(id, element);
  }
  const specVersion = graph.find(({ type }) => type === "CreationInfo")?.["specVersion"];
  if (typeof specVersion !== "string" || !/^3\.\d{1,3}\.\d{1,3}$/.test(specVersion)) throw invalid("it is not SPDX 3");
  const bills = graph.filter(({ type }) => type === "software_Sbom");
  const roots = bills.flatMap((bill) => (Array.isArray(bill["rootElement"]) ? (bill["rootElement"] as unknown[]) : []));
  const model = elements.get(roots[0]);
  if (roots.length !== 1 || model?.["type"] !== "ai_AIPackage") {
    throw invalid("it has not one software_Sbom whose one root element is an ai_AIPackage");
  }
  const hashes = sha256Of(model);
  if (hashes.length !== 1) throw invalid("its ai_AIPackage has not one hash in SHA-256, the root digest");
  checkRoot(`sha256:${String(hashes[0])}`, version);
  const files = graph.filter(({ type }) => type === "software_File");
  checkFiles(
    files.map((file) => [file["name"], sha256Of(file)[0]]),
    version,
  );
  return `SPDX ${specVersion}`;
}

function sha256Of(element: Fields): readonly unknown[] {
  return listOf(element["verifiedUsing"])
    .filter(({ type, algorithm }) => type === "Hash" && algorithm === "sha256")
    .map(({ hashValue }) => hashValue);
}

/** Text for people: it has to name the root digest, as `holdfast model card` does. */
function checkCard(bytes: Uint8Array, { root }: About): string {
  let text: string;
  try {
    text = decodeUtf8(bytes);
  } catch {
    throw invalid("it is not text in UTF-8");
  }
  if (!text.includes(`sha256:${root}`)) {
    throw registryError("models.document-mismatch", { detail: `it does not name sha256:${root}` });
  }
  return "model card";
}

/** What `holdfast model fingerprint A B --format json` printed: one of the two is this version. */
function checkLineage(document: Fields, { root }: About): string {
  const [one, other] = [asFields(document["one"])["root"], asFields(document["other"])["root"]];
  const kinship = asFields(document["lineage"])["kinship"];
  if (!isSha256(one) || !isSha256(other) || !isKinship(kinship)) {
    throw invalid("it is not what holdfast model fingerprint <model> <other> --format json prints");
  }
  if (one !== root && other !== root) {
    throw registryError("models.document-mismatch", {
      detail: `it is about sha256:${one} and sha256:${other}, the release has sha256:${root}`,
    });
  }
  return `${kinship}, compared with sha256:${one === root ? other : one}`;
}

function checkRoot(named: string, { root }: About): void {
  if (named === `sha256:${root}`) return;
  throw registryError("models.document-mismatch", {
    detail: `it is about ${printable(named)}, the release has sha256:${root}`,
  });
}

function checkFiles(named: readonly (readonly [name: unknown, digest: unknown])[], { files }: About): void {
  const digests = new Map<unknown, unknown>(files.map(({ path, digest }) => [path, digest]));
  for (const [name, digest] of named) {
    if (digest !== undefined && digests.get(name) === digest) continue;
    throw registryError("models.document-mismatch", {
      detail: `the release has no such file: ${printable(String(name))}`,
    });
  }
}

function documentIn(bytes: Uint8Array): Fields {
  try {
    return asFields(parseJson(bytes, { maxBytes: MOST_DOCUMENT_BYTES, maxDepth: 64 }));
  } catch (error) {
    if (isHoldfastError(error)) throw invalid(error.message);
    throw error;
  }
}

function asFields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(asFields) : [];
}

function invalid(detail: string): Error {
  return registryError("models.document-invalid", { detail });
}
