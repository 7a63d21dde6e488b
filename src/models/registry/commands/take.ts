/**
 * `holdfast model import`, `model release` and `model check`: what brings a model in, and out of quarantine.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";

import { Exit, type CommandResult, type CommandRun } from "../../../core/index.ts";
import type { Trust } from "../../sign/verify.ts";
import { listAliases } from "../alias.ts";
import { attach, attachments } from "../attachment.ts";
import type { BlobStore } from "../blobs.ts";
import { PARTS } from "../digest.ts";
import { registryError } from "../errors.ts";
import { examineFiles, examineSignature } from "../examine.ts";
import { importFiles, importPart, MOST_SIGNATURE_BYTES } from "../import/import.ts";
import { SOURCE_KINDS, type SourceKind } from "../import/source.ts";
import { checkName } from "../reference.ts";
import { publish, publishParts, type Published, type ReleaseExtras } from "../releases.ts";
import { openRegistry, openStore, type RegistryServices } from "../services.ts";
import { readStanding, type Registry } from "../store.ts";
import {
  argument,
  bytesText,
  fileAt,
  nextStep,
  option,
  releaseOf,
  shown,
  stateText,
  versionOf,
  type Input,
} from "./common.ts";
import { scanStored } from "./scan.ts";

/** Takes files in, makes their release, and examines it as far as the options allow. */
export const runImport: CommandRun<RegistryServices> = async (input) => {
  const { services, progress } = input;
  const model = checkName(option(input, "name") ?? missing("--name"));
  const path = fileAt(input, argument(input, "path"));
  const registry = await openRegistry(services);
  const blobs = await openStore(services);
  const extras = await partsOf(input, blobs);
  const imported = await importFiles(blobs, path, {
    kind: kindOf(input),
    revision: option(input, "revision"),
    progress: (name, done, total) => progress(`importing ${name}`, done, total),
  });
  const given = option(input, "signature");
  const signature =
    given === undefined
      ? imported.signature
      : await blobs.putFile(fileAt(input, given), { limit: MOST_SIGNATURE_BYTES });
  const { files, source } = imported;
  const published = await publish(registry, { model, files, source }, extras, who(input));
  if (signature !== undefined) await attach(registry, published.version, "signature", signature);
  const checked = imported.checked === 0 ? "" : `, ${imported.checked} with the digest that their source promised`;
  const notes = [`${files.length} files, ${bytesText(published.version.bytes)}${checked}`, ...thereAlready(published)];
  return await examined(input, registry, blobs, published, notes);
};

/** Another release of weights that are there already. */
export const runRelease: CommandRun<RegistryServices> = async (input) => {
  const registry = await openRegistry(input.services);
  const blobs = await openStore(input.services);
  const of = await releaseOf(registry, argument(input, "release"));
  const extras = await partsOf(input, blobs);
  if (Object.keys(extras).length === 0)
    throw registryError("models.options-invalid", { detail: "name at least one part" });
  const published = await publishParts(registry, of, extras, who(input));
  return await result(registry, published, thereAlready(published), undefined);
};

/** Scans what is stored, and verifies its signature where it is said whose is trusted. */
export const runCheck: CommandRun<RegistryServices> = async (input) => {
  const registry = await openRegistry(input.services);
  const blobs = await openStore(input.services);
  const release = await releaseOf(registry, argument(input, "release"));
  const version = await versionOf(registry, release);
  const given = option(input, "signature");
  if (given !== undefined) {
    const blob = await blobs.putFile(fileAt(input, given), { limit: MOST_SIGNATURE_BYTES });
    await attach(registry, version, "signature", blob);
  }
  return await examined(input, registry, blobs, { version, release, isNew: false }, []);
};

/** Scans what was published, verifies its signature where it is said whose is trusted, and says where it stands. */
export async function examined(
  input: Input,
  registry: Registry,
  blobs: BlobStore,
  published: Published,
  notes: string[],
): Promise<CommandResult> {
  const { version, release } = published;
  const before = await readStanding(registry, release);
  if (before.state === "revoked") return await result(registry, published, notes, undefined);
  input.progress(`scanning ${version.files.length} files`);
  const { verdict, scanner, why } = await examineFiles(registry, blobs, version, scanStored, input.progress);
  notes.push(`scan: ${verdict}${why === undefined ? "" : ` (${why})`}, by ${scanner}`);
  if (verdict !== "clean") return await result(registry, published, notes, verdict);
  const trust = await trustOf(input);
  if (trust !== undefined) {
    const { identity } = await examineSignature(registry, blobs, version, trust);
    notes.push(`signature: verified, by ${identity}`);
  } else if (before.signature === undefined && (await attachments(registry.db, version)).has("signature")) {
    notes.push("signature: there, not verified: say whose is trusted with --public-key, --certificate or --identity");
  }
  return await result(registry, published, notes, verdict);
}

async function result(
  registry: Registry,
  { version, release, isNew }: Published,
  notes: readonly string[],
  verdict: string | undefined,
): Promise<CommandResult> {
  const now = await readStanding(registry, release);
  const aliases = await listAliases(registry.db, release.model);
  const hasArrived = now.state === "approved" && aliases.some((one) => one.release === release.digest);
  return {
    data: {
      release: `${release.model}@sha256:${release.digest}`,
      number: release.number,
      root: `sha256:${version.root}`,
      state: now.state,
      isNew,
      files: version.files.length,
      bytes: version.bytes,
      source: version.source,
      ...(verdict === undefined ? {} : { verdict }),
    },
    text: (style) =>
      [
        `${style.bold(shown(release))} is ${stateText(now.state, style)}`,
        ...notes,
        ...(hasArrived ? [] : [style.dim(nextStep(release, now, registry.rules))]),
      ].join("\n"),
    exit: verdict === undefined || verdict === "clean" ? Exit.clean : Exit.findings,
  };
}

/** What is said where nothing new was made. */
export function thereAlready({ isNew }: Published): string[] {
  return isNew ? [] : ["this very release was there already"];
}

async function partsOf(input: Input, blobs: BlobStore): Promise<ReleaseExtras> {
  const parts: { -readonly [Part in keyof ReleaseExtras]: string } = {};
  for (const part of PARTS) {
    const path = option(input, part);
    if (path !== undefined) parts[part] = await importPart(blobs, fileAt(input, path));
  }
  return parts;
}

function kindOf(input: Input): SourceKind {
  const kind = option(input, "from") ?? "auto";
  return SOURCE_KINDS.find((one) => one === kind) ?? "auto";
}

/** Whose signature is trusted. Undefined where nothing is said of it. */
async function trustOf(input: Input): Promise<Trust | undefined> {
  const publicKey = option(input, "publicKey");
  const certificate = option(input, "certificate");
  const identity = option(input, "identity");
  const issuer = option(input, "issuer");
  const given = [publicKey, certificate, identity].filter((one) => one !== undefined);
  if (given.length > 1) {
    throw registryError("models.options-invalid", { detail: "one of --public-key, --certificate and --identity" });
  }
  if (publicKey !== undefined) return { method: "key", publicKey: await readFile(fileAt(input, publicKey), "utf8") };
  if (certificate !== undefined) {
    return { method: "certificate", trusted: await readFile(fileAt(input, certificate), "utf8") };
  }
  if (identity === undefined) return undefined;
  if (issuer === undefined) throw registryError("models.options-invalid", { detail: "--identity needs --issuer" });
  const root = option(input, "trustedRoot");
  return {
    method: "sigstore",
    identity,
    issuer,
    ...(root === undefined ? {} : { trustedRoot: await readFile(fileAt(input, root), "utf8") }),
  };
}

/** Who asks for a release. They cannot approve it alone. */
export function who(input: Input): string {
  const { env } = input.services.source;
  return option(input, "as") ?? env["HOLDFAST_OPERATOR"] ?? `local:${userInfo().username}`;
}

function missing(name: string): never {
  throw registryError("models.options-invalid", { detail: `${name} is missing` });
}
