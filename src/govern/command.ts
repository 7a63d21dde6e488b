/**
 * `holdfast posture`: which controls hold now, and how that is known.
 *
 * @module
 */

import type { CommandRun } from "../core/index.ts";
import { controlText, onlyControl, postureExit, postureText, readPosture, type GovernServices } from "./posture.ts";

/** Shows the posture; with `--check` has the proofs asked first. */
export const runPosture: CommandRun<GovernServices> = async ({ services, args, options, progress }) => {
  const wanted = args["control"];
  if (options["check"] === true) {
    await services.check({
      ...(wanted === undefined ? {} : { control: wanted }),
      progress: (id, done, total) => progress(`observing ${id}`, done, total),
    });
  }
  const { catalog, posture: whole } = await readPosture(services);
  const posture = wanted === undefined ? whole : onlyControl(whole, wanted);
  const [only] = posture.controls;
  return {
    data: { edition: catalog.edition, stages: catalog.stages, ...posture },
    text: (style) =>
      wanted === undefined || only === undefined
        ? postureText(catalog, posture, style)
        : controlText(catalog, only, posture.at, style),
    exit: postureExit(posture),
  };
};
