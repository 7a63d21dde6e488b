/**
 * `holdfast/core`: the words of Holdfast. Pure: no `node:` import, no input or output.
 *
 * @module
 */

export {
  addressKind,
  hostOf,
  isPlainHost,
  isServerUrl,
  isServiceUrl,
  networkOf,
  refusedKind,
  type AddressKind,
  type Network,
  type Reach,
} from "./address.ts";
export { canonicalJson, type Json } from "./canonical.ts";
export { codePointAt, isHighSurrogate, isLowSurrogate } from "./code-point.ts";
export { fakeClock, systemClock, type Clock, type FakeClock } from "./clock.ts";
export {
  decodeEnvelope,
  openEnvelope,
  preAuthEncoding,
  signEnvelope,
  type Envelope,
  type Signer,
  type Verifier,
} from "./dsse.ts";
export {
  CoreErrors,
  coreError,
  defineErrors,
  Exit,
  HoldfastError,
  isHoldfastError,
  problemDetails,
  type ErrorEntry,
  type ErrorOptions,
  type ErrorTable,
  type ExitCode,
  type ProblemDetails,
} from "./errors.ts";
export {
  decodeStatement,
  encodeStatement,
  PredicateType,
  statement,
  STATEMENT_MEDIA_TYPE,
  STATEMENT_TYPE,
  type Statement,
} from "./evidence.ts";
export { closeGate, closeGateNow, createGate, inside, type Gate } from "./gate.ts";
export { isAtLeast, SEVERITIES, type Finding, type Location, type Severity } from "./finding.ts";
export { uuidv7, uuidv7Generator } from "./id.ts";
export { decodeUtf8, DEFAULT_JSON_LIMITS, parseJson, type JsonLimits } from "./json.ts";
export type {
  Command,
  CommandInput,
  CommandOption,
  CommandResult,
  CommandRun,
  Job,
  Migration,
  Module,
  RouteHandler,
  RouteAccess,
  Routes,
  Style,
} from "./module.ts";
export { listOption, textOption, type CommandOptions } from "./options.ts";
export {
  foldPosture,
  type Control,
  type ControlPosture,
  type Observation,
  type Posture,
  type PostureStatus,
  type Proof,
  type RecordedObservation,
} from "./posture.ts";
export type {
  AdmissionAnswer,
  AdmissionCaller,
  AdmissionRefusal,
  AdmissionSubject,
  ReleaseAdmission,
  ReleaseState,
} from "./release.ts";
export { isRole, mayAct, ROLES, type Role } from "./role.ts";
export { mulberry32 } from "./random.ts";
export { artifactUri, SARIF_SCHEMA, sarifLevel, sarifRule } from "./sarif.ts";
export { Secret } from "./secret.ts";
export { textTable } from "./table.ts";
export type { DigestSet, ResourceDescriptor, Subject } from "./subject.ts";
export {
  ACTIONS,
  ARTIFACT_VERDICTS,
  hardest,
  type Action,
  type ArtifactVerdict,
  type DetectorRun,
  type Verdict,
} from "./verdict.ts";
