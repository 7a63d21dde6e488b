/**
 * The digests by which the registry knows things. There is one algorithm: what names another, or writes SHA-256 in any
 * other way than `sha256:` and 64 lower-case hexadecimal digits, is refused, so that no two texts mean one digest.
 *
 *     root      over the bytes of all files: what is scanned and signed (OMS)
 *     manifest  over the names, digests and sizes of all files: the root does not cover names
 *     release   over name, weights, prompt, policy and tools: what is approved and served
 *
 * @module
 */

import { hash } from "node:crypto";

import { canonicalJson } from "../../core/index.ts";
import { rootOf } from "../sign/manifest.ts";
import { sortByBytes } from "../sign/walk.ts";
import { registryError } from "./errors.ts";

/** A SHA-256 digest in 64 lower-case hexadecimal digits, without a prefix. */
export type Sha256 = string;

/** One file of a version. */
export interface VersionFile {
  /** Relative to the model's root, `/` between its parts. */
  readonly path: string;
  readonly digest: Sha256;
  /** Bytes. */
  readonly size: number;
}

/** What a release may have besides its weights. */
export const PARTS = ["prompt", "policy", "tools"] as const;
export type Part = (typeof PARTS)[number];

/** What a release puts together. Null: the release has no such part. */
export interface ReleaseParts extends Readonly<Record<Part, Sha256 | null>> {
  readonly model: string;
  readonly weights: { readonly root: Sha256; readonly manifest: Sha256 };
}

/** Reads `sha256:<digits>`. @throws `models.digest-invalid` */
export function parseDigest(text: string): Sha256 {
  const digits = /^sha256:([0-9a-f]{64})$/.exec(text)?.[1];
  if (digits === undefined) throw registryError("models.digest-invalid", { detail: printable(text) });
  return digits;
}

export function isSha256(text: unknown): text is Sha256 {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}

/** The digits by which people name a release. */
export function shortDigest(digest: Sha256): string {
  return `sha256:${digest.slice(0, 12)}`;
}

/** Files in the order of their names' bytes, which the digests below are made in. */
export function sorted(files: readonly VersionFile[]): readonly VersionFile[] {
  return sortByBytes(files, ({ path }) => path);
}

/** The digests of a version. `files` may come in any order. */
export function versionDigests(files: readonly VersionFile[]): { root: Sha256; manifest: Sha256 } {
  const inOrder = sorted(files);
  const lines = inOrder.map(({ path, digest, size }) => ({ path, digest, size }));
  return { root: rootOf(inOrder), manifest: hash("sha256", canonicalJson(lines)) };
}

/** The digest of a release: of the canonical JSON (RFC 8785) of its parts. */
export function releaseDigest({ model, weights, prompt, policy, tools }: ReleaseParts): Sha256 {
  const { root, manifest } = weights;
  return hash("sha256", canonicalJson({ model, weights: { root, manifest }, prompt, policy, tools }));
}

/** Foreign text as it may stand in an error: short, and without what a terminal would act on. */
export function printable(text: string): string {
  const shown = text.slice(0, 100).replaceAll(/[^ -~]/g, "?");
  return text.length > 100 ? `${shown}…` : shown;
}
