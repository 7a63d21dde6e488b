/**
 * `holdfast/models`: scan, sign, seal and register models.
 *
 * @module
 */

export { modelsConfig, type ModelsConfig } from "./config.ts";
export { modelsModule } from "./module.ts";
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
