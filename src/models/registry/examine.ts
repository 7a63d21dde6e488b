/**
 * Examination of a version: the scan of its stored files, and the verification of its signature, recorded as the evidence
 * that brings it out of quarantine. What is examined is what is stored and will be served, not where it came from.
 *
 * @module
 */

import type { ArtifactVerdict } from "../../core/index.ts";
import { verifyModel, type Signer, type Trust } from "../sign/verify.ts";
import { attachments } from "./attachment.ts";
import type { BlobStore } from "./blobs.ts";
import { registryError } from "./errors.ts";
import { DOWNLOADERS } from "./import/files.ts";
import { MOST_SIGNATURE_BYTES } from "./import/import.ts";
import { recordScan, recordSignature } from "./releases.ts";
import type { Registry, Version } from "./store.ts";

/** Scans a folder of so many files without loading any. */
export type ScanFolder = (
  path: string,
  files: number,
  progress: (what: string, done: number, total: number) => void,
) => Promise<{ readonly verdict: ArtifactVerdict; readonly scanner: string; readonly why?: string }>;

/** Scans a version and records what the scan said, whatever it said. */
export async function examineFiles(
  registry: Registry,
  blobs: BlobStore,
  version: Version,
  scan: ScanFolder,
  progress: Parameters<ScanFolder>[2] = () => undefined,
): Promise<Awaited<ReturnType<ScanFolder>>> {
  await checkBlobs(blobs, version);
  const report = await blobs.linked(version.files, (folder) => scan(folder, version.files.length, progress));
  await recordScan(registry, version, { verdict: report.verdict, scanner: report.scanner }, "scanner");
  return report;
}

/**
 * Verifies a version's signature against what is trusted, and records who signed.
 *
 * @throws `models.transition-refused` where there is no signature, where it is not valid, or does not cover every file of
 *   the version and no other
 */
export async function examineSignature(
  registry: Registry,
  blobs: BlobStore,
  version: Version,
  trust: Trust,
): Promise<{ readonly identity: string; readonly method: string }> {
  const signature = (await attachments(registry.db, version)).get("signature");
  if (signature === undefined) throw unsigned("it has no signature: import it with a model.sig or --signature");
  const bundle = await blobs.read(signature.digest, MOST_SIGNATURE_BYTES);
  const report = await blobs.linked(version.files, (folder) => verifyModel(folder, bundle, trust));
  const [problem] = report.problems;
  if (!report.verified || report.signer === undefined) {
    const file = problem !== undefined && "file" in problem ? problem.file : undefined;
    const detail = `its signature is rejected: ${problem?.code ?? "unknown"}${file === undefined ? "" : ` (${file})`}`;
    const downloader = DOWNLOADERS.find((folder) => file?.startsWith(`${folder}/`));
    if (downloader === undefined) throw unsigned(detail);
    const hint = `what a downloader keeps is no part of the model: sign it again with --ignore-path ${downloader}`;
    throw registryError("models.transition-refused", { detail, hint });
  }
  if (report.unsigned.length > 0 || report.ignored.length > 0) {
    const [name] = [...report.unsigned, ...report.ignored];
    throw unsigned(`its signature does not cover ${name}`);
  }
  const said = { identity: identityOf(report.signer), method: report.signer.method, signature: signature.digest };
  await recordSignature(registry, version, said, "verifier");
  return said;
}

/** Every blob is there and has its size. The bytes are read by the scan and by the verification. */
async function checkBlobs(blobs: BlobStore, { files }: Version): Promise<void> {
  for (const { path, digest, size } of files) {
    if (!(await blobs.has(digest, size))) throw registryError("models.blob-missing", { detail: path });
  }
}

function identityOf(signer: Signer): string {
  switch (signer.method) {
    case "key":
      return `key ${signer.hint}`;
    case "certificate":
      return `certificate ${signer.fingerprint}`;
    default:
      return `${signer.identity} (${signer.issuer})`;
  }
}

function unsigned(detail: string): Error {
  return registryError("models.transition-refused", { detail });
}
