/**
 * Whose weights are trusted: the Ed25519 public keys that a manifest of weights must be signed with. Pinned here, so
 * that whoever can write the weights cannot also say who may sign them.
 *
 * @module
 */

/** SPKI, DER, base64: what `training/guard/sign.ts` prints. Several while one key is replaced by the next. */
export const TRUSTED_KEYS: readonly string[] = ["MCowBQYDK2VwAyEACRyI/4c/4ACTDeBh8euXgmUH5Zl6VhUrkQqQoJORX7o="];
