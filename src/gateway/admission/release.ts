/**
 * Admission of models: only what the registry approved is served, and only to whom it is granted. Asked before an upstream
 * or a model of the gateway's own is, and again while an answer flows, so that a revocation also ends what it was too late
 * to begin with.
 *
 * @module
 */

import { type AdmissionAnswer, type AdmissionSubject, type Clock, type ReleaseAdmission } from "../../core/index.ts";
import type { GatewayConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import type { Principal } from "../identity/principal.ts";
import type { Log } from "../serving.ts";
import type { Candidate } from "../upstream/routing.ts";

/** What was said of a model, and how to ask again. */
export interface Judged {
  readonly answer: AdmissionAnswer;
  readonly again: () => AdmissionAnswer;
}

export interface Admitting {
  /**
   * The candidates that may be asked, each with what was said of it; all of them where only a warning is wanted.
   *
   * @throws `gateway.release-refused`, `gateway.release-unchecked` where there were some and none is left; `refused` is
   *   then told what was said of the first
   */
  candidates(all: readonly Candidate[], principal: Principal, refused: (judged: Judged) => void): readonly Candidate[];
  /** The same for a model that the gateway serves from a file. */
  file(
    model: { readonly name: string; readonly reference: string | undefined; readonly sha256: string },
    principal: Principal,
    refused: (judged: Judged) => void,
  ): Judged | undefined;
  /** Asked again while it is served. @throws `gateway.release-refused`, `gateway.release-unchecked` */
  still(judged: Judged | undefined): void;
}

export interface AdmittingOptions {
  readonly config: Pick<GatewayConfig, "admission" | "releases">;
  /** Undefined where the product has no registry: then nothing is admitted. */
  readonly releases: ReleaseAdmission | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** The same warning is logged again after this time, in milliseconds. */
const WARN_AGAIN_MS = 60_000;

/** Makes the check. Resolves once it can judge. @throws what the registry throws when it cannot be read */
export async function openAdmitting({ config, releases, clock, log }: AdmittingOptions): Promise<Admitting> {
  const { admission: mode } = config;
  if (mode !== "off") await releases?.open();
  const warned = new Map<string, number>();

  const judge = (what: string, subject: AdmissionSubject, { app, user }: Principal): Judged => {
    const again = (): AdmissionAnswer =>
      releases?.judge(subject, { app, user }) ?? { admitted: false, why: "unchecked" };
    const answer = again();
    if (!answer.admitted && mode === "warn") warn(what, answer);
    return { answer, again };
  };

  const warn = (model: string, { why, release }: AdmissionAnswer): void => {
    const key = `${model} ${why}`;
    const now = clock.monotonic();
    if (now - (warned.get(key) ?? -Infinity) < WARN_AGAIN_MS) return;
    // Names are of the configuration: there are only so many.
    warned.set(key, now);
    log.warn("a model is served that admission would refuse", { model, why, release: release?.digest });
  };

  return {
    candidates(all, principal, refused) {
      if (mode === "off" || all.length === 0) return all;
      const judged = all.map((candidate): Candidate & { readonly judged: Judged } => {
        const key = `${candidate.target.name}/${candidate.model}`;
        const reference = Object.hasOwn(config.releases, key) ? config.releases[key] : undefined;
        return { ...candidate, judged: judge(key, { reference }, principal) };
      });
      const admitted = mode === "warn" ? judged : judged.filter((one) => one.judged.answer.admitted);
      const [first] = judged;
      if (admitted.length === 0 && first !== undefined) {
        refused(first.judged);
        throw refusal(first.judged.answer);
      }
      return admitted;
    },
    file({ name, reference, sha256 }, principal, refused) {
      if (mode === "off") return undefined;
      const judged = judge(name, { reference, file: sha256 }, principal);
      if (mode === "enforce" && !judged.answer.admitted) {
        refused(judged);
        throw refusal(judged.answer);
      }
      return judged;
    },
    still(judged) {
      if (mode !== "enforce" || judged === undefined) return;
      const answer = judged.again();
      if (!answer.admitted) throw refusal(answer);
    },
  };
}

function refusal({ why }: AdmissionAnswer): Error {
  return why === "unchecked"
    ? gatewayError("gateway.release-unchecked", { retryAfter: 1 })
    : gatewayError("gateway.release-refused", { detail: WORDS[why ?? "unknown"] });
}

const WORDS = {
  unnamed: "the configuration names no release for it",
  unknown: "the registry has no such release",
  quarantined: "its release is in quarantine",
  scanned: "its release is not signed",
  signed: "its release is not approved",
  revoked: "its release is revoked",
  "not-granted": "it is not granted to this app",
} as const;
