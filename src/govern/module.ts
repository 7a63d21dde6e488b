/**
 * What govern plugs into the product.
 *
 * @module
 */

import type { Module } from "../core/index.ts";
import { GovernErrors } from "./errors.ts";
import { governMigrations } from "./migrations.ts";
import type { GovernServices } from "./posture.ts";

/** How often the server looks for proofs that are due. */
const LOOK_EVERY_MS = 5 * 60 * 1000;
/** A proof is due again after this share of its freshness, so that one observation that fails leaves time for another. */
const DUE_SHARE = 0.4;

export const governModule: Module<GovernServices> = {
  name: "govern",
  summary: "the catalogue of controls and the posture",
  errors: GovernErrors,
  migrations: governMigrations,
  commands: [
    {
      path: "posture",
      summary: "show which controls hold now, and how that is known",
      description:
        "Folds the newest observation of every proof over the catalogue of controls. A control without a proof, or whose " +
        "proof could not be checked, has no evidence; one that was not observed lately enough is stale.\n\n" +
        "Exit codes: 0 every control that has a proof holds, 1 at least one fails, 2 none fails but at least one is " +
        "stale or could not be checked, 3 no proof speaks for the control that was asked for.",
      arguments: [{ name: "control", summary: "show only this control, with all that is known about it" }],
      options: [{ flags: "--check", summary: "ask the proofs now, and record what they observe" }],
      examples: [
        { what: "the newest answers", line: "holdfast posture" },
        { what: "ask now; fails in CI when a control fails", line: "holdfast posture --check" },
        { what: "one control in full", line: "holdfast posture G9" },
      ],
      load: async () => (await import("./command.ts")).runPosture,
    },
  ],
  jobs: [
    {
      name: "observe",
      every: LOOK_EVERY_MS,
      load: async () => {
        const { observeDue } = await import("./due.ts");
        let first = true;
        return async (services) => {
          // What was observed of an earlier run of the server says nothing about this one.
          await observeDue(services, first ? 0 : DUE_SHARE);
          first = false;
        };
      },
    },
  ],
};
