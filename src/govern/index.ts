/**
 * Govern: the catalogue of controls and the posture. See README.md.
 *
 * @module
 */

export { catalogJsonSchema } from "./catalog.ts";
export type { BoundProof } from "./observe.ts";
export { observeAndRecord, readPosture, type CheckOptions, type GovernServices } from "./posture.ts";
export { markObservation } from "./store.ts";
