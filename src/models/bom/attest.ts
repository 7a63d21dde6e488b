/**
 * Attestations: what is known of a model, as in-toto Statements v1 on its root digest, so that each stands for exactly the
 * files that were signed and scanned under the same digest.
 *
 * Sources: in-toto attestation framework 1.2, `spec/predicates/cyclonedx.md`; SPDX 3.0.1, "Attestation with SPDX 3 JSON
 * documents" (predicate type); DSSE 1.0.2.
 *
 * @module
 */

import { createPublicKey, type KeyObject } from "node:crypto";

import { encodeStatement, statement, STATEMENT_MEDIA_TYPE, type Envelope, type Statement } from "../../core/index.ts";
import type { ScanReport } from "../scan/report.ts";
import { hintOf, signPayload } from "../sign/key.ts";

export const ATTESTED = ["cyclonedx", "spdx", "scan"] as const;
export type Attested = (typeof ATTESTED)[number];

const PREDICATE_TYPES: Readonly<Record<Attested, string>> = {
  cyclonedx: "https://cyclonedx.org/bom",
  spdx: "https://spdx.dev/Document/v3",
  scan: "https://holdfast.dev/model-scan/v1",
};

/** What a scan attests: the verdict, and of each file that is not clean why. */
export interface ScanPredicate {
  readonly scanner: { readonly name: "holdfast" };
  readonly scannedOn: string;
  readonly verdict: ScanReport["verdict"];
  readonly files: number;
  readonly notClean: readonly Pick<ScanReport["files"][number], "path" | "verdict" | "findings">[];
  readonly skipped: ScanReport["skipped"];
}

/** A statement about the model `name` with the root digest `root`. */
export function attest<Predicate>(
  { name, root }: { readonly name: string; readonly root: string },
  kind: Attested,
  predicate: Predicate,
): Statement<Predicate> {
  return statement([{ name, digest: { sha256: root } }], PREDICATE_TYPES[kind], predicate);
}

/** Signs a statement with a key of ECDSA, in a DSSE envelope. The key id is the hint of OpenSSF Model Signing. */
export function signStatement(value: Statement, key: KeyObject): Envelope {
  const payload = encodeStatement(value);
  return {
    payload: Buffer.from(payload).toString("base64"),
    payloadType: STATEMENT_MEDIA_TYPE,
    signatures: [{ keyid: hintOf(createPublicKey(key)), sig: signPayload(payload, key).toString("base64") }],
  };
}

/** The report of a scan as a predicate. Paths are those of `pathOf`, which makes them relative to the model. */
export function scanPredicate(report: ScanReport, scannedOn: string, pathOf: (path: string) => string): ScanPredicate {
  return {
    scanner: { name: "holdfast" },
    scannedOn,
    verdict: report.verdict,
    files: report.files.length,
    notClean: report.files
      .filter(({ verdict }) => verdict !== "clean" && verdict !== "not-a-model")
      .map(({ path, verdict, findings }) => ({ path: pathOf(path), verdict, findings })),
    skipped: report.skipped.map((skipped) => ({ ...skipped, path: pathOf(skipped.path) })),
  };
}
