/**
 * The proof of control M6. It looks at every sealed file of every set that is configured, and at when the set was last read
 * in full; that no set is configured is no proof of anything.
 *
 * @module
 */

import { basename } from "node:path";

import { isHoldfastError, type Observation } from "../../core/index.ts";
import type { Db } from "../../storage/index.ts";
import { newestAudit, problemText, setFolders } from "./at-rest.ts";
import type { SealProofServices } from "./module.ts";
import { auditSet, type SetAudit } from "./set/audit.ts";
import { isThere } from "./set/unseal.ts";

const DAY_MS = 86_400_000;
/** The job reads a set in full every six days, and may take a while. */
const FULL_WITHIN_MS = 8 * DAY_MS;
const LISTED = 5;

const SEEN = {
  expected:
    "in every set of models.seal.sets age files alone, as the manifest names them, read in full within 8 days, and the original not beside it",
  scope:
    "the sets that models.seal.sets names: size, header and nonce of each file now, all other bytes when they were last read in full; " +
    "not other folders, not who has the keys",
} as const;

/** What is known of one set. */
interface SetState {
  /** Certain: it is not sealed as it should be. */
  readonly wrong: string;
  /** Not known: nobody read it in full lately. */
  readonly unread: string;
  readonly files: number;
  /** When it was last read in full, in milliseconds since the epoch. */
  readonly readAt: number;
}

/** M6: sealed at rest. */
export async function observeSealed(services: SealProofServices): Promise<Observation> {
  const folders = setFolders(services);
  if (folders.length === 0) return { outcome: "unknown", observed: "models.seal.sets names no set", ...SEEN };
  const db = await services.db();
  const now = services.clock.now();
  const states: SetState[] = [];
  for (const folder of folders) states.push(await stateOf(db, folder, now));
  const wrong = states.flatMap((state) => (state.wrong === "" ? [] : [state.wrong]));
  if (wrong.length > 0) return { outcome: "fails", observed: listed(wrong), ...SEEN };
  const unread = states.flatMap((state) => (state.unread === "" ? [] : [state.unread]));
  if (unread.length > 0) return { outcome: "unknown", observed: listed(unread), ...SEEN };
  const files = states.reduce((sum, state) => sum + state.files, 0);
  const oldest = new Date(Math.min(...states.map(({ readAt }) => readAt))).toISOString().slice(0, 10);
  return {
    outcome: "holds",
    observed: `sets: ${states.length}, sealed files: ${files}, all as they were sealed; the oldest full reading is of ${oldest}`,
    ...SEEN,
  };
}

async function stateOf(db: Db, folder: string, now: number): Promise<SetState> {
  const name = basename(folder);
  const certain = (what: string): SetState => ({ wrong: `${name}: ${what}`, unread: "", files: 0, readAt: 0 });
  let audit: SetAudit;
  try {
    audit = await auditSet(folder, { depth: "heads" });
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return certain(error.code === "seal.set-missing" ? "there is no sealed set" : error.message);
  }
  if (!audit.ok) return certain(problemText(audit));
  const original = folder.endsWith(".sealed") ? folder.slice(0, -".sealed".length) : undefined;
  if (original !== undefined && (await isThere(original))) return certain("the original is still beside it");
  const full = await newestAudit(db, folder);
  if (full?.manifest !== audit.manifestDigest || now - full.at > FULL_WITHIN_MS) {
    const unread = `${name} was not read in full within 8 days: holdfast up does it by itself`;
    return { wrong: "", unread, files: audit.files, readAt: 0 };
  }
  if (full.problem !== "") return certain(`${full.problem} (read in full ${new Date(full.at).toISOString()})`);
  return { wrong: "", unread: "", files: audit.files, readAt: full.at };
}

/** A few of many, and how many more. */
function listed(texts: readonly string[]): string {
  const more = texts.length > LISTED ? [`and ${texts.length - LISTED} more`] : [];
  return [...texts.slice(0, LISTED), ...more].join("; ");
}
