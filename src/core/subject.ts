/**
 * Subject: what is examined. A name and a digest, in the form of an in-toto ResourceDescriptor
 * (in-toto attestation v1, `spec/v1/resource_descriptor.md`).
 *
 * @module
 */

/** Algorithm to lower-case hexadecimal digest, for example `{ sha256: "9f86…" }`. */
export type DigestSet = Readonly<Record<string, string>>;

/** At least one of `name`, `uri` and `digest` is there; in a Statement's `subject` the digest always is. */
export interface ResourceDescriptor {
  readonly name?: string;
  readonly uri?: string;
  readonly digest?: DigestSet;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, unknown>>;
}

/** A prompt, a model, a data set, a vendor, a deployment: named, and bound by a digest. */
export interface Subject extends ResourceDescriptor {
  readonly name: string;
  readonly digest: DigestSet;
}
