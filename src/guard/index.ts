/**
 * `holdfast/guard`: reads text and judges it.
 *
 * @module
 */

export {
  STREAM_STEP,
  type DetectContext,
  type Detector,
  type Direction,
  type Hit,
  type Origin,
  type Scan,
  type TextSpan,
} from "./detector.ts";
export { createCustomDetector, type CustomOptions } from "./detectors/custom/custom.ts";
export { createJudgeDetector, type Judge, type Judgement, type JudgeOptions } from "./detectors/custom/judge.ts";
export { llmJudge, type LlmJudgeOptions, type LlmPrompt } from "./detectors/custom/llm.ts";
export type { CustomRule, PatternRule, WordRule } from "./detectors/custom/rule.ts";
export { webhookJudge, type WebhookOptions } from "./detectors/custom/webhook.ts";
export {
  createExfiltrationDetector,
  exfiltrationDetector,
  type ExfiltrationOptions,
} from "./detectors/exfiltration/exfiltration.ts";
export { createInjectionDetector, injectionDetector, type InjectionOptions } from "./detectors/injection/injection.ts";
export { createCanary, plantCanary, type Canary, type CanaryKey, type CanaryRecord } from "./detectors/leak/canary.ts";
export { createLeakDetector, type LeakOptions } from "./detectors/leak/leak.ts";
export {
  createModerationDetector,
  MODERATION_CATEGORIES,
  moderationDetector,
  type ModerationCategory,
  type ModerationOptions,
} from "./detectors/moderation/moderation.ts";
export type { CustomRecogniser } from "./detectors/pii/custom.ts";
export { PII_COUNTRIES, PII_ENTITIES, type PiiEntity } from "./detectors/pii/entities.ts";
export { createPiiDetector, piiDetector, warmPiiDetector, type PiiOptions } from "./detectors/pii/pii.ts";
export { secretsDetector } from "./detectors/secrets/secrets.ts";
export { unicodeDetector } from "./detectors/unicode/unicode.ts";
export { createGuard, type ChangedText, type ExchangeContext, type Guard, type Inspection } from "./guard.ts";
export { openClassifier, sharedClassifier, type Classifier, type ClassifierOptions } from "./model/classifier.ts";
export type { Head, HeadScores } from "./model/heads.ts";
export { guardModule } from "./module.ts";
export { deriveViews, type DecodeLimits, type Derived, type DerivedView } from "./normalise/index.ts";
export type { DetectorSettings, GuardAction, GuardSettings } from "./policy.ts";
export { datamark, delimit, encode, undatamark, undelimit, unencode } from "./spotlight/spotlight.ts";
export type { GuardStream, StreamStep } from "./stream.ts";
export { guardMiddleware, type GuardMiddleware } from "./use/ai-sdk.ts";
export { isGuardBlocked, type GuardBlockedError } from "./use/blocked.ts";
export type { ServerGuardOptions, Unread } from "./use/body.ts";
export { guardAnthropic, guardOpenAI } from "./use/clients.ts";
export type { UseOptions } from "./use/exchange.ts";
export { guardExpress } from "./use/express.ts";
export { guardFetch, type GuardFetchOptions } from "./use/fetch.ts";
export { guardHono } from "./use/hono.ts";
export { createVault, type Restorer, type Vault } from "./vault.ts";
export type { Adapter } from "./eval/adapter.ts";
