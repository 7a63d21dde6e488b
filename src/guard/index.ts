/**
 * `holdfast/guard`: reads text and judges it.
 *
 * @module
 */

export type { DetectContext, Detector, Direction, Hit, Origin, Scan, TextSpan } from "./detector.ts";
export { secretsDetector } from "./detectors/secrets/secrets.ts";
export { unicodeDetector } from "./detectors/unicode/unicode.ts";
export { createGuard, type ChangedText, type ExchangeContext, type Guard, type Inspection } from "./guard.ts";
export { guardModule } from "./module.ts";
export type { DetectorSettings, GuardAction, GuardSettings } from "./policy.ts";
export type { GuardStream, StreamStep } from "./stream.ts";
export { createVault, type Restorer, type Vault } from "./vault.ts";
