/**
 * The guards of the gateway: the `gateway.guards` section of `holdfast.yaml`, and the detectors that it names.
 *
 * What is on by default stops what nobody sends or wants on purpose and a form tells for certain: hidden characters, keys,
 * canaries and system prompts in answers, images that phone home. Injection is noted and passes, since the trained model
 * is wrong too often to block unasked (`weights/guard/MODEL_CARD.md`), as is personal data, of which ordinary traffic is
 * full. Moderation is off: it costs a pass of the model for every text.
 *
 * @module
 */

import { z } from "zod";

import { SEVERITIES } from "../core/index.ts";
import {
  createCustomDetector,
  createExfiltrationDetector,
  createInjectionDetector,
  createLeakDetector,
  createModerationDetector,
  createPiiDetector,
  MODERATION_CATEGORIES,
  secretsDetector,
  sharedClassifier,
  unicodeDetector,
  warmPiiDetector,
  type Detector,
  type GuardSettings,
} from "../guard/index.ts";

const action = z.enum(["off", "allow", "flag", "mask", "tokenise", "block"]);
type Action = z.infer<typeof action>;

const probability = z.number().min(0).max(1);

/** What every guard has: what a finding does, and what happens when it cannot check. */
function settings(request: Action, response: Action) {
  return {
    request: action.default(request).describe("what a finding in a request does"),
    response: action.default(response).describe("what a finding in an answer does"),
    onError: z.enum(["block", "allow"]).default("block").describe("what a detector that fails does; allow fails open"),
    timeoutMs: z.int().min(1).max(600_000).default(30_000).describe("for one message, or one look at a stream"),
  };
}

const ruleFields = {
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "lower-case letters, digits and hyphens")
    .describe("reported as custom.<id>"),
  message: z.string().min(1).describe("why it matters, one sentence"),
  severity: z.enum(SEVERITIES).optional(),
};
const customRule = z.union([
  z.strictObject({
    ...ruleFields,
    words: z.array(z.string().min(1)).min(1).describe("words and phrases"),
    exact: z.boolean().optional().describe("tell upper and lower case apart"),
    part: z.boolean().optional().describe("also as part of a longer word"),
  }),
  z.strictObject({
    ...ruleFields,
    pattern: z.string().min(1).describe("a regular expression in RE2's syntax"),
    ignoreCase: z.boolean().optional(),
    longest: z.int().min(1).optional().describe("most characters of a match, where the pattern sets no limit"),
  }),
]);

export const guardsConfig = z
  .strictObject({
    unicode: z.strictObject(settings("block", "mask")).prefault({}).describe("invisible and bidirectional characters"),
    secrets: z.strictObject(settings("block", "mask")).prefault({}).describe("API keys, tokens and private keys"),
    injection: z
      .strictObject({
        ...settings("flag", "off"),
        thresholds: z
          .strictObject({
            injection: probability.optional().describe("of an attack on the model's instructions"),
            indirect: probability.optional().describe("of an instruction in text of a tool or document"),
          })
          .optional()
          .describe("from which probability on something is found; left out: those of the trained model"),
      })
      .prefault({})
      .describe("prompt injection and jailbreaks; in text of tools and documents any instruction to the model"),
    pii: z
      .strictObject({
        ...settings("flag", "flag"),
        entities: z
          .array(z.string().min(1))
          .optional()
          .describe("what to look for, by the second word of the rules' ids; left out: what identifies a person"),
        countries: z
          .array(z.string().regex(/^[A-Z]{2}$/, "two capitals, ISO 3166-1"))
          .optional()
          .describe("countries whose numbers are looked for; left out: all that are known"),
      })
      .prefault({})
      .describe("personal data: people, numbers of people, ways to reach them"),
    moderation: z
      .strictObject({
        ...settings("off", "off"),
        categories: z
          .array(z.enum(MODERATION_CATEGORIES))
          .min(1)
          .default([...MODERATION_CATEGORIES])
          .describe("what is looked for"),
        thresholds: z
          .partialRecord(z.enum(MODERATION_CATEGORIES), probability)
          .default({})
          .describe("from which probability on a category is found; left out: those of the trained model"),
      })
      .prefault({})
      .describe("hate, harassment, violence, self-harm, sexual and illicit content"),
    leak: z
      .strictObject({
        ...settings("off", "block"),
        canaries: z
          .array(z.strictObject({ id: z.string(), marker: z.string(), digest: z.string() }))
          .default([])
          .describe("records of canaries that must not come back, as `holdfast guard canary` prints them"),
        index: z.string().min(1).optional().describe("an index of training text, made by `holdfast guard index`"),
      })
      .prefault({})
      .describe("the system prompt, canaries and training text in answers"),
    exfiltration: z
      .strictObject({
        ...settings("flag", "mask"),
        allowHosts: z
          .array(z.string().min(1))
          .optional()
          .describe(
            "hosts that answers may link to: example.com, *.example.com; left out: links that carry no data pass",
          ),
      })
      .prefault({})
      .describe("images, links and terminal sequences in answers that send data somewhere"),
    custom: z
      .strictObject({
        ...settings("block", "block"),
        rules: z
          .array(customRule)
          .default([])
          .describe("words and patterns of your own; empty: the guard is not there"),
      })
      .prefault({})
      .describe("words and patterns of your own"),
  })
  .prefault({});

export type GuardsConfig = z.output<typeof guardsConfig>;

/**
 * The detectors of the configuration, with what their findings do.
 *
 * @throws the errors of the detectors for options that make no sense, as `guard.pii-entity-unknown`
 */
export function guardsOf(config: GuardsConfig): { detectors: readonly Detector[]; settings: GuardSettings } {
  const { custom, ...rest } = config;
  const { injection, pii, moderation, leak, exfiltration } = rest;
  const detectors: Detector[] = [
    unicodeDetector,
    secretsDetector,
    createInjectionDetector({ thresholds: given(injection.thresholds ?? {}) }),
    createPiiDetector(given({ entities: pii.entities, countries: pii.countries })),
    createModerationDetector({ categories: moderation.categories, thresholds: given(moderation.thresholds) }),
    createLeakDetector(given({ canaries: leak.canaries, index: leak.index })),
    createExfiltrationDetector(given({ allowHosts: exfiltration.allowHosts })),
  ];
  if (custom.rules.length === 0) return { detectors, settings: rest };
  detectors.push(createCustomDetector({ rules: custom.rules.map(given), views: true }));
  return { detectors, settings: config };
}

/**
 * Loads what the guards need before the first request, so that what is missing is told at the start and not by refusals.
 *
 * @throws `guard.model-missing`, `guard.model-untrusted`, `guard.model-invalid`, `guard.model-runtime-missing`
 */
export async function warmGuards({ injection, moderation, pii }: GuardsConfig): Promise<void> {
  if (isUsed(pii)) warmPiiDetector();
  if (isUsed(injection) || isUsed(moderation)) await sharedClassifier().classify("hello");
}

function isUsed({ request, response }: { readonly request: Action; readonly response: Action }): boolean {
  return request !== "off" || response !== "off";
}

/** `options` without what is undefined: a detector takes its own default for what is left out. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
