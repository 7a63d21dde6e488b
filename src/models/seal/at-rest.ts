/**
 * The audits of the sets that are configured: every byte of a set is read once in six days, or sooner where its manifest
 * changed or something was wrong with it, and what was found stays for the proof of control M6, which itself reads sizes
 * and headers alone. A set of terabytes takes hours to read; a proof has two minutes.
 *
 * @module
 */

import { resolve } from "node:path";

import { isHoldfastError } from "../../core/index.ts";
import { sql, type Db } from "../../storage/index.ts";
import type { SealProofServices } from "./module.ts";
import { auditSet, type SetAudit } from "./set/audit.ts";
import { readManifest } from "./set/unseal.ts";

/** The newest audit of all bytes of a set. */
export interface FullAudit {
  /** SHA-256 of the manifest that it was about, in hex. */
  readonly manifest: string;
  /** Milliseconds since the epoch: when the reading began. */
  readonly at: number;
  /** Empty where all was as it was sealed. */
  readonly problem: string;
}

const DAY_MS = 86_400_000;
const FULL_EVERY_MS = 6 * DAY_MS;
const LISTED = 5;

/** Reads all sets that are due. The job of the server. */
export async function auditSets(services: SealProofServices): Promise<void> {
  const db = await services.db();
  let failed: unknown;
  for (const folder of setFolders(services)) {
    try {
      await auditIfDue(db, folder, services.clock.now());
    } catch (error) {
      // One that is not there, or has no manifest, is told by the proof; what the system says, once the others are done.
      if (!isHoldfastError(error)) failed ??= error;
    }
  }
  if (failed !== undefined) throw failed;
}

/** The configured sets as absolute paths, each once. */
export function setFolders({ config, source }: Pick<SealProofServices, "config" | "source">): readonly string[] {
  return [...new Set(config.models.seal.sets.map((path) => resolve(source.cwd, path)))];
}

export async function newestAudit(db: Db, folder: string): Promise<FullAudit | undefined> {
  const [row] = await db.query<FullAudit>(
    sql`select manifest, audited_at as "at", problem from seal_audits where folder = ${folder}`,
  );
  return row;
}

/** What is wrong with a set, in a few words; empty where nothing is. */
export function problemText({ problems }: Pick<SetAudit, "problems">): string {
  const listed = problems.slice(0, LISTED).map(({ path, what }) => `${path} is ${what}`);
  return [...listed, ...(problems.length > LISTED ? [`and ${problems.length - LISTED} more`] : [])].join(", ");
}

async function auditIfDue(db: Db, folder: string, now: number): Promise<void> {
  const before = await newestAudit(db, folder);
  const { manifestDigest: current } = await readManifest(folder);
  if (before?.problem === "" && before.manifest === current && now - before.at < FULL_EVERY_MS) return;
  const audit = await auditSet(folder);
  const [manifest, problem] = [audit.manifestDigest, problemText(audit)];
  await db.execute(sql`insert into seal_audits (folder, manifest, audited_at, problem)
    values (${folder}, ${manifest}, ${now}, ${problem})
    on conflict (folder) do update set manifest = ${manifest}, audited_at = ${now}, problem = ${problem}`);
}
