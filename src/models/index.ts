/**
 * `holdfast/models`: scan, sign, seal and register models.
 *
 * @module
 */

export { modelsModule } from "./module.ts";
