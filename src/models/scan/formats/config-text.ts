/**
 * Configurations in plain text, and lists of Python packages: secrets in the first, and in the second packages that come
 * from elsewhere than a registry.
 *
 * @module
 */

import type { Format } from "../format.ts";
import { judgeRequirements, REQUIREMENT_RULES } from "./requirements.ts";
import { judgeSecrets, SECRET_RULES } from "./secrets.ts";
import { readText, TEXT_RULES } from "./text.ts";

export const configText: Format = {
  id: "config-text",
  rules: [...REQUIREMENT_RULES, ...SECRET_RULES, TEXT_RULES.tooLarge],
  sniff: (_source, name) =>
    isRequirements(name) || /(?:^|\.)env(?:\.[\w-]+)?$|\.(?:toml|ini|cfg|conf|properties)$/i.test(name),
  scan: (source, context) => {
    const text = readText(source, context);
    if (text === undefined) return;
    judgeSecrets(text, context);
    if (isRequirements(context.name)) judgeRequirements(text, context);
  },
};

function isRequirements(name: string): boolean {
  return /^(?:[\w-]{0,60}[-_])?requirements?(?:[-_.][\w-]{0,60})?\.(?:txt|in)$/i.test(name);
}
