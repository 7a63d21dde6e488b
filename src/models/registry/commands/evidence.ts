/**
 * `holdfast model attach` and `model evidence`: documents about a release go in, and come out again with its signature and
 * the decisions about it.
 *
 * @module
 */

import { Exit, textTable, type CommandRun } from "../../../core/index.ts";
import { attachDocument, ATTACHMENTS, attachments, readDocument } from "../attachment.ts";
import { shortDigest } from "../digest.ts";
import { bomKind, checkDocument, type DocumentKind } from "../documents.ts";
import { registryError } from "../errors.ts";
import type { StoredBlob } from "../measure.ts";
import { openRegistry, openStore, type RegistryServices } from "../services.ts";
import { readDecisions } from "../store.ts";
import { argument, bytesText, fileAt, option, releaseOf, shown, timeText, versionOf, type Input } from "./common.ts";
import { who } from "./take.ts";

/** Attaches documents, once each is about these very weights. All of them, or none. */
export const runAttach: CommandRun<RegistryServices> = async (input) => {
  const registry = await openRegistry(input.services);
  const blobs = await openStore(input.services);
  const release = await releaseOf(registry, argument(input, "release"));
  const version = await versionOf(registry, release);
  const documents = await documentsOf(input);
  // What is refused leaves nothing in the store.
  for (const { kind, bytes } of documents) checkDocument(kind, bytes, version);
  const attached: (StoredBlob & { readonly kind: DocumentKind; readonly isNew: boolean })[] = [];
  for (const { kind, bytes } of documents) {
    const blob = await blobs.put([bytes]);
    const isNew = await attachDocument(registry, blobs, version, kind, blob, who(input));
    attached.push({ kind, ...blob, isNew });
  }
  return {
    data: { release: `${release.model}@sha256:${release.digest}`, root: `sha256:${version.root}`, attached },
    text: (style) =>
      attached
        .map(({ kind, digest, size, isNew }) => {
          const what = ATTACHMENTS[kind].title;
          return isNew
            ? `${style.green("attached")} to ${shown(release)}: ${what}, sha256:${digest}, ${bytesText(size)}`
            : `${shown(release)} has this already: ${what}, sha256:${digest}`;
        })
        .join("\n"),
    exit: attached.some(({ isNew }) => isNew) ? Exit.clean : Exit.nothing,
  };
};

/** Lists what vouches for a release, and writes it into a folder. */
export const runEvidence: CommandRun<RegistryServices> = async (input) => {
  const registry = await openRegistry(input.services);
  const blobs = await openStore(input.services);
  const release = await releaseOf(registry, argument(input, "release"));
  const kept = await attachments(registry.db, { model: release.model, root: release.weights.root });
  const decisions = await readDecisions(registry.db, registry.operators, release);
  const files = [...kept].map(([kind, blob]) => ({ ...blob, kind, path: ATTACHMENTS[kind].file }));
  const texts = decisions.map(({ what, by, at, envelope }, index) => ({
    what: `${what} by ${by}`,
    at: timeText(at),
    path: `decisions/${index + 1}-${what}-${by}.dsse.json`,
    bytes: Buffer.from(envelope),
  }));
  const out = option(input, "out");
  const folder = out === undefined ? undefined : fileAt(input, out);
  const isNone = files.length + texts.length === 0;
  if (folder !== undefined && !isNone) await blobs.checkout(files, folder, texts);
  return {
    data: {
      release: `${release.model}@sha256:${release.digest}`,
      root: `sha256:${release.weights.root}`,
      attached: files.map(({ kind, path, digest, size }) => ({ kind, file: path, digest: `sha256:${digest}`, size })),
      decisions: texts.map(({ what, at, path }) => ({ what, at, file: path })),
      ...(folder === undefined || isNone ? {} : { folder }),
    },
    text: (style) => {
      if (isNone) return `nothing is attached to ${shown(release)}, and nobody has decided on it`;
      const rows = [
        ...files.map((file) => [
          ATTACHMENTS[file.kind].title,
          file.path,
          shortDigest(file.digest),
          bytesText(file.size),
        ]),
        ...texts.map(({ what, path, bytes }) => [what, path, "", bytesText(bytes.length)]),
      ];
      const table = textTable(["WHAT", "FILE", "DIGEST", "SIZE"], rows, style);
      return folder === undefined ? table : `${table}\n${style.green("written")} to ${folder}, every digest checked`;
    },
    exit: isNone ? Exit.nothing : Exit.clean,
  };
};

async function documentsOf(input: Input): Promise<readonly { kind: DocumentKind; bytes: Uint8Array }[]> {
  const documents: { kind: DocumentKind; bytes: Uint8Array }[] = [];
  for (const name of ["bom", "card", "lineage"] as const) {
    const path = option(input, name);
    if (path === undefined) continue;
    const bytes = await readDocument(fileAt(input, path));
    documents.push({ kind: name === "bom" ? bomKind(bytes) : name, bytes });
  }
  if (documents.length > 0) return documents;
  throw registryError("models.options-invalid", { detail: "one of --bom, --card and --lineage" });
}
