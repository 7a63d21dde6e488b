/**
 * The states of a release, as a pure fold over what happened to it:
 *
 *     quarantined --scan: clean--> scanned --signature verified--> signed --approvals--> approved
 *          ^                          |                              |                     |
 *          +------ scan: not clean ---+------------------------------+---------------------+
 *     any --revoked--> revoked, for good
 *
 * What was approved is what was scanned and signed at that time: a scan that is no longer clean takes the approvals with
 * it, and so does a signature by another identity. Nobody approves alone: approvals count by person, and that of whoever
 * asked for the release is never enough.
 *
 * @module
 */

import { hash } from "node:crypto";

import { canonicalJson, type ArtifactVerdict, type ReleaseState } from "../../core/index.ts";
import { printable } from "./digest.ts";
import { registryError } from "./errors.ts";

/** What happened to a release, or to its weights. `id` is that of its evidence. */
export type RegistryEvent = { readonly id: string; readonly at: number; readonly by: string } & (
  | { readonly kind: "imported"; readonly source: string }
  | { readonly kind: "released" }
  | { readonly kind: "scanned"; readonly verdict: ArtifactVerdict; readonly scanner: string }
  | { readonly kind: "signed"; readonly identity: string; readonly method: string }
  | { readonly kind: "approved"; readonly basis: string }
  | { readonly kind: "revoked"; readonly reason: string }
);

export interface Standing {
  readonly state: ReleaseState;
  readonly requestedBy: string;
  /** The last scan, whatever it said. */
  readonly scan?: {
    readonly id: string;
    readonly verdict: ArtifactVerdict;
    readonly scanner: string;
    readonly at: number;
  };
  readonly signature?: { readonly id: string; readonly identity: string; readonly method: string; readonly at: number };
  /**
   * What an approval is about: a digest of the scan and the signature that made it `signed`. An approval from before the
   * evidence changed does not fit any more. Empty while there is nothing to approve.
   */
  readonly basis: string;
  /** Who approved, in order, each once. */
  readonly approvals: readonly { readonly by: string; readonly at: number }[];
  readonly revoked?: { readonly by: string; readonly reason: string; readonly at: number };
}

export interface StateRules {
  /** Persons who have to approve: two or more. */
  readonly approvals: number;
  /** Identities whose signatures count, as events spell them. Default: whatever was verified. */
  readonly signers?: readonly string[] | undefined;
}

export const NEW: Standing = { state: "quarantined", requestedBy: "", basis: "", approvals: [] };

/**
 * One step. Pure.
 *
 * @throws `models.transition-refused` for a step that the state does not allow, `models.approval-repeated`,
 *   `models.decision-stale`
 */
export function step(now: Standing, event: RegistryEvent, rules: StateRules): Standing {
  if (now.state === "revoked") refuse(event.kind === "revoked" ? "it is revoked already" : "it is revoked, for good");
  switch (event.kind) {
    case "imported":
    case "released":
      return { ...now, requestedBy: event.by };
    case "scanned":
      return scanned(now, event);
    case "signed":
      return signed(now, event, rules);
    case "approved":
      return approved(now, event, rules);
    default:
      return { ...now, state: "revoked", revoked: { by: event.by, reason: event.reason, at: event.at } };
  }
}

/**
 * Where a release stands after all that happened. What could not have happened, as in a database that somebody edited,
 * counts for nothing: it never brings a release forward.
 */
export function standing(events: readonly RegistryEvent[], rules: StateRules): Standing {
  let now = NEW;
  for (const event of events) {
    try {
      now = step(now, event, rules);
    } catch {
      // It was refused when it happened, or it never happened.
    }
  }
  return now;
}

function scanned(now: Standing, { id, at, verdict, scanner }: Extract<RegistryEvent, { kind: "scanned" }>): Standing {
  const scan = { id, at, verdict, scanner };
  const { requestedBy } = now;
  if (verdict !== "clean") return { ...NEW, requestedBy, scan };
  if (now.state === "quarantined") return { ...NEW, state: "scanned", requestedBy, scan };
  // What approvals are about stays: the same bytes are as clean as they were.
  return { ...now, scan };
}

function signed(
  now: Standing,
  { id, at, identity, method }: Extract<RegistryEvent, { kind: "signed" }>,
  { signers }: StateRules,
): Standing {
  if (now.state === "quarantined") refuse("a signature counts once a scan has found the model clean");
  // Whoever verifies says whose signature is trusted for that; whose counts is for the configuration to say.
  if (signers !== undefined && !signers.includes(identity)) {
    refuse(`it is signed by ${printable(identity)}, whom models.registry.signers does not name`);
  }
  const signature = { id, at, identity, method };
  const same = now.signature?.identity === identity && now.signature.method === method;
  if (now.state !== "scanned" && same) return { ...now, signature };
  const basis = hash("sha256", canonicalJson({ scan: now.scan, signature }));
  return { ...now, state: "signed", signature, basis, approvals: [] };
}

function approved(
  now: Standing,
  { by, at, basis }: Extract<RegistryEvent, { kind: "approved" }>,
  rules: StateRules,
): Standing {
  if (now.state !== "signed" && now.state !== "approved")
    refuse(`it is ${now.state}: only what is signed can be approved`);
  if (basis !== now.basis) throw registryError("models.decision-stale", { detail: "its scan or signature changed" });
  if (now.approvals.some((one) => one.by === by)) throw registryError("models.approval-repeated", { detail: by });
  const approvals = [...now.approvals, { by, at }];
  const others = approvals.some((one) => one.by !== now.requestedBy);
  const enough = approvals.length >= rules.approvals && others;
  return { ...now, approvals, state: enough ? "approved" : "signed" };
}

function refuse(detail: string): never {
  throw registryError("models.transition-refused", { detail });
}
