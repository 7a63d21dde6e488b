#!/usr/bin/env node
/**
 * `holdfast`. In the published package this is the built command; in a clone it is the sources, with the set-up first,
 * so that `npx holdfast …` works there whatever Node the machine has, and never runs an old build.
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
if (existsSync(sources)) {
  process.argv.splice(2, 0, "node", sources);
  await import("../scripts/setup.mjs");
} else {
  await import("../dist/cli/main.js");
}
