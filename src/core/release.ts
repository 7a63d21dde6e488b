/**
 * Admission: may this model be served, and to this app? The gateway asks, the registry of `models` answers; they meet
 * through these words.
 *
 * @module
 */

/** Where a release of a model stands. Only `approved` is served. */
export type ReleaseState = "quarantined" | "scanned" | "signed" | "approved" | "revoked";

/** A model as the gateway knows it. At least one of the two is there. */
export interface AdmissionSubject {
  /** The release that the configuration names: `name@alias` or `name@sha256:<digest>`. */
  readonly reference?: string | undefined;
  /** SHA-256 of the file that is served, in lower-case hexadecimal: it must be one of the release's own. */
  readonly file?: string | undefined;
}

/** Who asks: an app, and the user it acts for where one is known. */
export interface AdmissionCaller {
  readonly app: string;
  readonly user?: string | undefined;
}

/** Why a model is not admitted. `unchecked`: the registry could not be read lately enough, which is never a yes. */
export type AdmissionRefusal = "unnamed" | "unknown" | Exclude<ReleaseState, "approved"> | "not-granted" | "unchecked";

export interface AdmissionAnswer {
  readonly admitted: boolean;
  /** The release that was found, if one was. */
  readonly release?: { readonly model: string; readonly digest: string };
  /** Absent where it is admitted. */
  readonly why?: AdmissionRefusal;
}

/** The port. `judge` is synchronous and cheap: it is asked before each request, and again while an answer flows. */
export interface ReleaseAdmission {
  /** Reads the registry, and follows it from then on. Resolves when it can judge. May be called again. */
  open(): Promise<void>;
  judge(subject: AdmissionSubject, caller: AdmissionCaller): AdmissionAnswer;
}
