/**
 * The detectors by the names that people give them on the command line. Each is loaded when it is asked for: a command
 * that looks for secrets does not wait for a model.
 *
 * @module
 */

import type { Detector } from "../detector.ts";
import { evalError } from "../eval/errors.ts";

/** Where the model is. Both matter only to detectors that have one. */
export interface DetectorOptions {
  /** The folder with the weights. Without it: the weights that are installed. */
  readonly weights: string | undefined;
  /** Weights whose manifest carries no signature are loaded too. */
  readonly unsigned: boolean;
}

type Loader = (options: DetectorOptions) => Promise<Detector>;

const LOADERS = {
  unicode: async () => (await import("../detectors/unicode/unicode.ts")).unicodeDetector,
  secrets: async () => (await import("../detectors/secrets/secrets.ts")).secretsDetector,
} as const satisfies Readonly<Record<string, Loader>>;

/** The names, in the order in which a text is read. */
export const DETECTOR_NAMES: readonly string[] = Object.keys(LOADERS);

/** The detectors of these names. @throws `guard.option-invalid` for a name that is none */
export function loadDetectors(names: readonly string[], options: DetectorOptions): Promise<readonly Detector[]> {
  const loaders = names.map((name): Loader => {
    if (!Object.hasOwn(LOADERS, name)) {
      throw evalError("guard.option-invalid", {
        detail: `--detector ${name}`,
        hint: `detectors are ${DETECTOR_NAMES.join(", ")}`,
      });
    }
    return LOADERS[name as keyof typeof LOADERS];
  });
  return Promise.all(loaders.map((load) => load(options)));
}
