/**
 * The posture, read from the newest observations and written for people.
 *
 * The text says the status in a word and a mark, never in colour alone, and puts the counts first: a share of controls
 * that hold means nothing without the number of those that nobody has checked.
 *
 * @module
 */

import {
  Exit,
  foldPosture,
  type Clock,
  type ControlPosture,
  type ExitCode,
  type Posture,
  type PostureStatus,
  type Style,
} from "../core/index.ts";
import type { Db } from "../storage/index.ts";
import { loadCatalog, type Catalog, type CatalogControl } from "./catalog.ts";
import { governError } from "./errors.ts";
import { observe, type BoundProof } from "./observe.ts";
import { newestObservations, recordObservations } from "./store.ts";

/** What govern needs from the product. */
export interface GovernServices {
  readonly clock: Clock;
  readonly db: () => Promise<Db>;
  /** Every proof of the product. */
  readonly proofs: () => readonly BoundProof[];
  /** Has proofs observed and recorded in the process that can: {@link observeAndRecord} there. */
  readonly check: (options: CheckOptions) => Promise<void>;
}

export interface CheckOptions {
  /** Only the proofs that speak for this control. Default: all. */
  readonly control?: string;
  readonly progress?: (id: string, done: number, total: number) => void;
}

/** Asks proofs in this process, and records their answers. @throws `govern.control-unknown`, before it asks any */
export async function observeAndRecord(
  services: Pick<GovernServices, "clock" | "db" | "proofs">,
  { control, progress }: CheckOptions,
): Promise<void> {
  const proofs = control === undefined ? services.proofs() : await proofsOf(services.proofs(), control);
  const { clock } = services;
  const observations = await observe(proofs, progress === undefined ? { clock } : { clock, progress });
  await recordObservations(await services.db(), observations);
}

async function proofsOf(proofs: readonly BoundProof[], control: string): Promise<readonly BoundProof[]> {
  const { controls } = await loadCatalog();
  const id = control.toUpperCase();
  if (!controls.some((entry) => entry.id === id)) throw governError("govern.control-unknown", { detail: control });
  return proofs.filter((proof) => proof.control === id);
}

/** The posture of the whole catalogue now, from what was observed before. Observes nothing itself. */
export async function readPosture(
  services: Pick<GovernServices, "clock" | "db" | "proofs">,
): Promise<{ catalog: Catalog; posture: Posture }> {
  const catalog = await loadCatalog();
  const proofs = services.proofs();
  const at = services.clock.now();
  const newest = await newestObservations(
    await services.db(),
    proofs.map((proof) => proof.id),
    at,
  );
  return { catalog, posture: foldPosture(catalog.controls, proofs, newest, at) };
}

/** The part of a posture that is about one control. @throws `govern.control-unknown` */
export function onlyControl(posture: Posture, id: string): Posture {
  const controls = posture.controls.filter(({ control }) => control.id.toUpperCase() === id.toUpperCase());
  if (controls.length === 0) throw governError("govern.control-unknown", { detail: id });
  const counts = { holds: 0, fails: 0, stale: 0, "no evidence": 0 };
  for (const { status } of controls) counts[status] += 1;
  return { at: posture.at, controls, counts };
}

/**
 * What a command that shows this posture exits with. Controls that no proof speaks for yet do not count: that they are
 * not proven is in the text, and is known before.
 *
 *     clean 0       every control with a proof holds
 *     findings 1    at least one fails
 *     incomplete 2  none fails, but at least one is stale or could not be checked
 *     nothing 3     no proof speaks for any of them
 */
export function postureExit(posture: Posture): ExitCode {
  const proven = posture.controls.filter((control) => control.proofs.length > 0);
  if (proven.length === 0) return Exit.nothing;
  if (proven.some((control) => control.status === "fails")) return Exit.findings;
  return proven.every((control) => control.status === "holds") ? Exit.clean : Exit.incomplete;
}

/** The whole posture: counts, then one line for each control, by stage. */
export function postureText(catalog: Catalog, posture: Posture, style: Style): string {
  const { counts, controls } = posture;
  const lines = [
    `${style.bold("posture")} at ${isoTime(posture.at)}: ${controls.length} controls, ${counts.holds} hold, ` +
      `${counts.fails} fail, ${counts.stale} stale, ${counts["no evidence"]} without evidence`,
  ];
  for (const stage of catalog.stages) {
    lines.push("", style.bold(stage.title));
    for (const control of controls.filter((entry) => entry.control.stage === stage.id)) {
      lines.push(controlLine(control, posture.at, style));
    }
  }
  lines.push("", style.dim("see one: holdfast posture G9      observe now: holdfast posture --check"));
  return lines.join("\n");
}

/** One control with all that is known about it. */
export function controlText(catalog: Catalog, entry: ControlPosture, at: number, style: Style): string {
  const control = catalog.controls.find(({ id }) => id === entry.control.id) as CatalogControl;
  const lines = [
    `${style.bold(control.id)}  ${style.bold(control.title)}`,
    `    status      ${statusText(entry.status, style)}`,
    `    question    ${control.question}`,
    `    test        ${control.test}`,
    `    evidence    ${control.proof}`,
    `    asked by    ${[...control.sources, ...control.references].join(", ")}`,
  ];
  if (entry.proofs.length === 0) lines.push("", "no part of this version has a proof for it");
  for (const { id, question, status, latest } of entry.proofs) {
    lines.push("", `proof ${style.bold(id)}: ${statusText(status, style)}`, `    asks        ${question}`);
    if (latest === undefined) {
      lines.push("    never observed: run holdfast posture --check");
      continue;
    }
    const where = latest.ledgerIndex === undefined ? "not in the ledger yet" : `ledger index ${latest.ledgerIndex}`;
    lines.push(
      `    observed    ${latest.observed}`,
      `    expected    ${latest.expected}`,
      `    scope       ${latest.scope}`,
      `    when        ${isoTime(latest.observedAt)} (${age(at - latest.observedAt)} ago), ${where}`,
    );
  }
  return lines.join("\n");
}

const MARKS = { holds: "✓", fails: "✗", stale: "~", "no evidence": "·" } as const satisfies Record<
  PostureStatus,
  string
>;

function statusText(status: PostureStatus, style: Style): string {
  const paint = { holds: style.green, fails: style.red, stale: style.yellow, "no evidence": style.dim }[status];
  return paint(`${MARKS[status]} ${status}`);
}

function controlLine(entry: ControlPosture, at: number, style: Style): string {
  const mark = statusText(entry.status, style) + " ".repeat("no evidence".length - entry.status.length);
  const observed = entry.proofs.flatMap(({ latest }) => (latest === undefined ? [] : [latest.observedAt]));
  // The control is as old as its oldest observation.
  const when = observed.length === 0 ? "" : style.dim(`  ${age(at - Math.min(...observed))} ago`);
  return `  ${mark}  ${entry.control.id.padEnd(3)}  ${entry.control.title}${when}`;
}

function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
