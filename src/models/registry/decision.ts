/**
 * Decisions of operators: each is an in-toto Statement in a DSSE envelope, signed with the operator's own Ed25519 key, and
 * verified with the public key of the configuration whenever it is read. A database alone can therefore approve nothing.
 *
 * A decision names all that it is about (the release, the evidence it was made on, the alias and its sequence), so that it
 * cannot be used for anything else, nor twice.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";

import {
  decodeEnvelope,
  decodeStatement,
  encodeStatement,
  isHoldfastError,
  openEnvelope,
  PredicateType,
  signEnvelope,
  statement,
  STATEMENT_MEDIA_TYPE,
  uuidv7,
  type Clock,
  type Envelope,
} from "../../core/index.ts";
import type { RegistryConfig } from "./config.ts";
import { isSha256, printable, type Sha256 } from "./digest.ts";
import { registryError } from "./errors.ts";

/** What is decided. */
export type Action =
  | { readonly do: "approve"; readonly model: string; readonly release: Sha256; readonly basis: Sha256 }
  | { readonly do: "revoke"; readonly model: string; readonly release: Sha256; readonly reason: string }
  | {
      readonly do: "alias" | "rollback";
      readonly model: string;
      readonly alias: string;
      readonly release: Sha256;
      /** The number of this move of the alias. */
      readonly sequence: number;
    }
  | { readonly do: "grant" | "ungrant"; readonly model: string; readonly app: string; readonly user: string };

interface Decision<A extends Action = Action> {
  /** UUIDv7. A decision counts once. */
  readonly id: string;
  readonly by: string;
  /** RFC 3339, in UTC. */
  readonly at: string;
  readonly action: A;
}

/** A decision with its signature, as it is kept and as it stands in the ledger. */
export interface SignedDecision<A extends Action = Action> {
  readonly decision: Decision<A>;
  readonly envelope: Envelope;
}

/** An operator with the private key at hand. */
export interface Decider {
  readonly name: string;
  readonly key: KeyObject;
}

/** Signs a decision. */
export async function decide<A extends Action>(
  { name, key }: Decider,
  action: A,
  clock: Clock,
): Promise<SignedDecision<A>> {
  const decision: Decision<A> = { id: uuidv7(), by: name, at: new Date(clock.now()).toISOString(), action };
  const subject = "release" in action ? action.release : undefined;
  const bytes = encodeStatement(
    statement(
      [{ name: `model:${action.model}`, ...(subject === undefined ? {} : { digest: { sha256: subject } }) }],
      PredicateType.registry,
      decision,
    ),
  );
  const signer = { keyid: name, sign: (data: Uint8Array) => new Uint8Array(sign(null, data, key)) };
  return { decision, envelope: await signEnvelope(STATEMENT_MEDIA_TYPE, bytes, signer) };
}

/** The operators of a configuration. */
export interface Operators {
  readonly names: readonly string[];
  /**
   * The decision in an envelope, once the operator that it names has signed it.
   *
   * @param recordedAt when it was recorded, in milliseconds since the epoch: an operator's decisions count until `until`
   * @throws `models.operator-unknown`, `models.operator-signature`
   */
  open(envelope: Envelope, recordedAt: number): Promise<Decision>;
}

/** Reads the operators' public keys. @throws `models.operator-key-invalid` */
export function openOperators(config: RegistryConfig["operators"]): Operators {
  const known = new Map(
    Object.entries(config).map(([name, { key, until }]) => [
      name,
      { key: publicKey(name, key), until: until === undefined ? Infinity : Date.parse(until) },
    ]),
  );
  const raw = [...known.values()].map(({ key }) => key.export({ format: "jwk" }).x);
  if (new Set(raw).size !== raw.length) {
    throw registryError("models.operator-key-invalid", { detail: "two operators share one key" });
  }
  return {
    names: [...known.keys()],
    async open(envelope, recordedAt) {
      const claimed = decisionIn(Buffer.from(envelope.payload, "base64"));
      const operator = known.get(claimed?.by ?? "");
      if (claimed === undefined) throw registryError("models.operator-signature", { detail: "it is no decision" });
      if (operator === undefined || recordedAt >= operator.until || Date.parse(claimed.at) >= operator.until) {
        throw registryError("models.operator-unknown", { detail: printable(claimed.by) });
      }
      const verifier = {
        keyid: claimed.by,
        verify: (data: Uint8Array, signature: Uint8Array) => verify(null, data, operator.key, signature),
      };
      try {
        const decision = decisionIn(await openEnvelope(envelope, STATEMENT_MEDIA_TYPE, [verifier]));
        // The bytes that were verified are the ones that count.
        if (decision?.by === claimed.by) return decision;
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
      }
      throw registryError("models.operator-signature", { detail: printable(claimed.by) });
    },
  };
}

/** What a kept envelope decided, once its operator's signature was verified; undefined for all others. */
export async function signedAction(
  operators: Operators,
  envelope: string,
  recordedAt: number,
): Promise<Action | undefined> {
  try {
    return (await operators.open(decodeEnvelope(Buffer.from(envelope)), recordedAt)).action;
  } catch (error) {
    // Of somebody who is no operator any more, or of nobody.
    if (isHoldfastError(error)) return undefined;
    throw error;
  }
}

/** Reads an operator's private key. @throws `models.operator-key-invalid` */
export function readDecider(name: string, file: string): Decider {
  let key: KeyObject;
  try {
    if (process.platform !== "win32" && (lstatSync(file).mode & 0o077) !== 0) {
      throw registryError("models.operator-key-invalid", { detail: `${file} can be read by others (chmod 600)` });
    }
    key = createPrivateKey(readFileSync(file));
  } catch (cause) {
    if (isHoldfastError(cause)) throw cause;
    throw registryError("models.operator-key-invalid", { detail: file });
  }
  if (key.asymmetricKeyType !== "ed25519")
    throw registryError("models.operator-key-invalid", { detail: `${file} is not Ed25519` });
  return { name, key };
}

/** The text of a public key as the configuration takes it: base64 of its 32 bytes. */
export function publicKeyText(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: "jwk" });
  return Buffer.from(x as string, "base64url").toString("base64");
}

function publicKey(name: string, text: string): KeyObject {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== 32 || bytes.toString("base64") !== text) {
    throw registryError("models.operator-key-invalid", { detail: `${name}: not base64 of 32 bytes` });
  }
  return createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") } });
}

/** The decision that a statement carries, or undefined for any other bytes. */
function decisionIn(bytes: Uint8Array): Decision | undefined {
  try {
    const { predicateType, predicate } = decodeStatement(bytes);
    if (predicateType !== PredicateType.registry || typeof predicate !== "object" || predicate === null)
      return undefined;
    const { id, by, at, action } = predicate as Record<string, unknown>;
    if (typeof id !== "string" || typeof by !== "string" || typeof at !== "string") return undefined;
    if (!Number.isFinite(Date.parse(at)) || !isAction(action)) return undefined;
    return { id, by, at, action };
  } catch (error) {
    if (isHoldfastError(error)) return undefined;
    throw error;
  }
}

function isAction(value: unknown): value is Action {
  if (typeof value !== "object" || value === null) return false;
  const { do: what, model, release, basis, reason, alias, sequence, app, user } = value as Record<string, unknown>;
  if (typeof model !== "string") return false;
  switch (what) {
    case "approve":
      return isSha256(release) && isSha256(basis);
    case "revoke":
      return isSha256(release) && typeof reason === "string";
    case "alias":
    case "rollback":
      return isSha256(release) && typeof alias === "string" && Number.isSafeInteger(sequence);
    case "grant":
    case "ungrant":
      return typeof app === "string" && typeof user === "string";
    default:
      return false;
  }
}
