/**
 * `holdfast/models`: scan, sign, seal and register models.
 *
 * @module
 */

export { modelsModule } from "./module.ts";
export {
  DEFAULT_SHARD_SIZE,
  hashModel,
  type Manifest,
  type ManifestOptions,
  type Resource,
  type Serialization,
} from "./sign/manifest.ts";
