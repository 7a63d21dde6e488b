/**
 * A model somewhere on this machine, as an importer of one layout sees it: its files, where each lies, and what its own
 * layout says that the bytes must be. Nothing is read of the files themselves yet: they are hashed once, as they are taken
 * into the store.
 *
 * @module
 */

/** What the layout promises of a file's bytes. */
export type Promised =
  | { readonly algorithm: "sha256"; readonly digest: string }
  /** SHA-1 over `blob <size>\0` and the bytes: the id of a blob in git. */
  | { readonly algorithm: "git-sha1"; readonly digest: string };

export interface SourceFile {
  /** Relative to the model's root, `/` between its parts. */
  readonly path: string;
  /** Where it lies: a file, not a link. */
  readonly place: string;
  /** Bytes. */
  readonly size: number;
  readonly promised?: Promised;
}

export interface Source {
  readonly files: readonly SourceFile[];
  /** What is recorded of the origin: `kind`, and what pins it. */
  readonly origin: Readonly<Record<string, string>>;
}

/** The signature beside a model's files (OMS v1.0 section 4): no layout knows of it. */
export const SIGNATURE_FILE = "model.sig";

export const SOURCE_KINDS = ["auto", "files", "huggingface", "mlflow"] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];
