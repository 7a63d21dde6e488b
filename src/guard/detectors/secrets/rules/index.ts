/**
 * All rules of the secrets detector, in the order in which overlapping findings are named.
 *
 * @module
 */

import type { SecretRule } from "../rule.ts";
import { CLOUD_RULES } from "./cloud.ts";
import { CODE_RULES } from "./code.ts";
import { AI_RULES, MESSAGE_RULES, PAYMENT_RULES } from "./service.ts";
import { STRUCTURE_RULES } from "./structure.ts";

export const SECRET_RULES: readonly SecretRule[] = [
  ...STRUCTURE_RULES.filter(({ generic }) => generic !== true),
  ...AI_RULES,
  ...CLOUD_RULES,
  ...CODE_RULES,
  ...MESSAGE_RULES,
  ...PAYMENT_RULES,
  ...STRUCTURE_RULES.filter(({ generic }) => generic === true),
];
