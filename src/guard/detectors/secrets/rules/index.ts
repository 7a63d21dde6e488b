/**
 * All rules of the secrets detector, in the order in which overlapping findings are named.
 *
 * @module
 */

import type { SecretRule } from "../rule.ts";
import { AI_RULES } from "./ai.ts";
import { BUSINESS_RULES } from "./business.ts";
import { CLOUD_RULES } from "./cloud.ts";
import { CODE_RULES } from "./code.ts";
import { GENERIC_RULES } from "./generic.ts";
import { MESSAGE_RULES } from "./message.ts";
import { OBSERVE_RULES } from "./observe.ts";
import { PLACE_RULES } from "./place.ts";
import { STRUCTURE_RULES } from "./structure.ts";

export const SECRET_RULES: readonly SecretRule[] = [
  ...STRUCTURE_RULES,
  ...AI_RULES,
  ...CLOUD_RULES,
  ...CODE_RULES,
  ...OBSERVE_RULES,
  ...MESSAGE_RULES,
  ...BUSINESS_RULES,
  ...PLACE_RULES,
  ...GENERIC_RULES,
];
