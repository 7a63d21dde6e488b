/**
 * What the registry's commands share: their operators, their references, and how they show states and sizes.
 *
 * @module
 */

import { resolve } from "node:path";

import type { CommandInput, ReleaseState, Style } from "../../../core/index.ts";
import { readDecider, type Decider } from "../decision.ts";
import { shortDigest } from "../digest.ts";
import { registryError } from "../errors.ts";
import { parseReference } from "../reference.ts";
import type { RegistryServices } from "../services.ts";
import type { Standing, StateRules } from "../state.ts";
import { findVersion, resolveRelease, type Registry, type Release, type Version } from "../store.ts";

export type Input = CommandInput<RegistryServices>;

/** An option's text, or undefined. */
export function option(input: Input, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** @throws `models.options-invalid` */
export function argument(input: Input, name: string): string {
  const value = input.args[name];
  if (value === undefined || value === "")
    throw registryError("models.options-invalid", { detail: `${name} is missing` });
  return value;
}

/** A file that an argument or option names, from the working folder. */
export function fileAt({ services }: Input, path: string): string {
  return resolve(services.source.cwd, path);
}

/**
 * The operator who decides: `--as` and `--key`, or the variables HOLDFAST_OPERATOR and HOLDFAST_OPERATOR_KEY.
 *
 * @throws `models.options-invalid`, `models.operator-key-invalid`
 */
export function deciderOf(input: Input): Decider {
  const { env } = input.services.source;
  const name = option(input, "as") ?? env["HOLDFAST_OPERATOR"];
  const file = option(input, "key") ?? env["HOLDFAST_OPERATOR_KEY"];
  if (name === undefined || file === undefined) {
    throw registryError("models.options-invalid", {
      detail: "a decision is signed by an operator",
      hint: "name the operator and the private key: --as alice --key alice.key, or HOLDFAST_OPERATOR and HOLDFAST_OPERATOR_KEY",
    });
  }
  return readDecider(name, fileAt(input, file));
}

/** The release that an argument names. @throws the errors of `resolveRelease` */
export async function releaseOf({ db }: Registry, text: string): Promise<Release> {
  return await resolveRelease(db, parseReference(text));
}

/** The version whose weights a release has. @throws `models.release-unknown` */
export async function versionOf({ db }: Registry, release: Release): Promise<Version> {
  const version = await findVersion(db, release.model, release.weights.root);
  if (version === undefined) throw registryError("models.release-unknown", { detail: shown(release) });
  return version;
}

/** `name@sha256:3f9a0c77d2e8`: what people copy into the next command. */
export function shown({ model, digest }: Pick<Release, "model" | "digest">): string {
  return `${model}@${shortDigest(digest)}`;
}

export function stateText(state: ReleaseState, style: Style): string {
  if (state === "approved") return style.green(state);
  return state === "revoked" ? style.red(state) : style.yellow(state);
}

/** What has to happen next, in words and as a command. */
export function nextStep(release: Release, now: Standing, { approvals }: StateRules): string {
  const reference = shown(release);
  switch (now.state) {
    case "quarantined":
      return now.scan === undefined
        ? `next: scan what is stored: holdfast model check ${reference}`
        : `it stays in quarantine: the scan said ${now.scan.verdict}`;
    case "scanned":
      return `next: verify who signed it: holdfast model check ${reference} --public-key <file>`;
    case "signed":
      return `next: ${approvals - now.approvals.length} more of ${approvals} operators approve it: holdfast model approve ${reference}`;
    case "approved":
      return `next: point an alias to it: holdfast model alias ${reference} prod`;
    default:
      return "it is revoked, for good";
  }
}

export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
