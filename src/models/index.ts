/**
 * `holdfast/models`: scan, sign, seal and register models.
 *
 * @module
 */

export { attest, scanPredicate, signStatement, type Attested, type ScanPredicate } from "./bom/attest.ts";
export { cardFields, modelCard, type CardField } from "./bom/card.ts";
export { readDataset, type Dataset } from "./bom/croissant.ts";
export { cycloneDxBom } from "./bom/cyclonedx.ts";
export type { BomOptions } from "./bom/document.ts";
export { fingerprintOf, type Fingerprint, type TensorPrint } from "./bom/fingerprint.ts";
export { inspectModel, type InspectOptions, type Inspection } from "./bom/inspect.ts";
export { compareFingerprints, type Kinship, type Lineage } from "./bom/lineage.ts";
export { spdxDocument } from "./bom/spdx.ts";
export { modelsConfig, type ModelsConfig } from "./config.ts";
export { modelsModule } from "./module.ts";
export {
  scanFiles,
  type ReportedFinding,
  type ScanFilesOptions,
  type ScannedFile,
  type ScanReport,
} from "./scan/report.ts";
export {
  generateKey,
  recipientOf,
  type Identity as SealIdentity,
  type KeyPair,
  type Recipient as SealRecipient,
} from "./seal/age/keys.ts";
export {
  passphraseIdentity,
  passphraseRecipient,
  type PassphraseLimits,
  type PassphraseOptions,
} from "./seal/age/passphrase.ts";
export { sealFile, unsealFile, type SealedFile, type SealFileOptions, type UnsealFileOptions } from "./seal/file.ts";
export { openSealed, type ByteSource, type SealedContent } from "./seal/open.ts";
export type { PassageOptions } from "./seal/passage.ts";
export { awsKmsKey, type AwsKmsKeyOptions } from "./seal/providers/kms.ts";
export { providerIdentity, providerRecipient, type KeyProvider } from "./seal/providers/provider.ts";
export type { AwsCredentials } from "./seal/providers/sigv4.ts";
export { vaultKey, type VaultKeyOptions } from "./seal/providers/vault.ts";
export { auditSet, type SetAudit, type SetProblem } from "./seal/set/audit.ts";
export type { ManifestFile, SetManifest } from "./seal/set/manifest.ts";
export { rotateFile, type RotatedFile, type RotateFileOptions } from "./seal/rotate.ts";
export { rotateSet, shredSet, type RotateSetOptions, type ShreddedSet } from "./seal/set/rotate.ts";
export { sealFolder, type SealedSet, type SealFolderOptions } from "./seal/set/seal.ts";
export { unsealFolder, type UnsealFolderOptions } from "./seal/set/unseal.ts";
export { sealStream, unsealStream } from "./seal/stream.ts";
export { openAdmission } from "./registry/admission.ts";
export type { RegistryConfig } from "./registry/config.ts";
export {
  DEFAULT_SHARD_SIZE,
  hashModel,
  type Manifest,
  type ManifestOptions,
  type Resource,
  type Serialization,
} from "./sign/manifest.ts";
export { makeKeyPair, type CurveName } from "./sign/key.ts";
export {
  signModel,
  type SignedModel,
  type SigningMethod,
  type SigstoreServices,
  type SignOptions,
} from "./sign/sign.ts";
export { verifyModel, type Signer, type Trust, type VerifyOptions, type VerifyReport } from "./sign/verify.ts";
export type { Problem } from "./sign/compare.ts";
