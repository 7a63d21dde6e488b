/**
 * The server: the parts wired together. See README.md.
 *
 * What is heavy stands behind a `load`, so that the command starts fast.
 *
 * @module
 */

import type { expectation } from "./config/expectation.ts";
import type { configJsonSchema } from "./config/schema.ts";
import { createLightServices, type LightServices } from "./light.ts";
import type { Services, ServicesOptions } from "./services.ts";

export type { JsonSchema } from "./config/expectation.ts";
export { CONFIG_VARIABLES } from "./config/variables.ts";
export { createLogger, LOG_LEVELS, printable, type LogLevel } from "./log.ts";
export { modules } from "./modules.ts";
export type { Services } from "./services.ts";
export { VERSION } from "./version.ts";

/** Makes the services of a run: for a light command those that it may ask for. */
export async function openServices(
  command: { readonly light?: true },
  options: ServicesOptions,
): Promise<Services | LightServices> {
  if (command.light === true) return createLightServices(options);
  return (await import("./services.ts")).createServices(options);
}

/** What the reference of the configuration is made from. */
interface ConfigReference {
  readonly configJsonSchema: typeof configJsonSchema;
  readonly expectation: typeof expectation;
}

/** Loads the definition of the configuration. */
export async function loadConfigReference(): Promise<ConfigReference> {
  const [schema, words] = await Promise.all([import("./config/schema.ts"), import("./config/expectation.ts")]);
  return { configJsonSchema: schema.configJsonSchema, expectation: words.expectation };
}
