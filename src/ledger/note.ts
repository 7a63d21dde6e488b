/**
 * Signed notes with Ed25519 (c2sp.org/signed-note): text, a blank line, signature lines.
 *
 * The reader is strict where the specification leaves room (canonical base64, no duplicate of a known key's
 * signature), so that no byte of a note can change without the note being refused, except in signatures of keys that
 * it does not know: those it must ignore.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { ledgerError } from "./errors.ts";

/** Signature type identifier byte of Ed25519 (signed-note, "Signature types"). */
const ED25519 = 0x01;
/** Private keys in the form of golang.org/x/mod/sumdb/note, so that its tools read them. */
const PRIVATE_PREFIX = "PRIVATE+KEY+";
/** The specification demands at least 16. */
const MAX_SIGNATURES = 64;
/** Sixty-four post-quantum signatures of 5 kB and a long text fit. */
const MAX_NOTE_BYTES = 512 * 1024;
/** PKCS #8 and SubjectPublicKeyInfo (RFC 8410) around the 32 raw bytes. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

export interface NoteVerifier {
  readonly name: string;
  /** 32-bit key ID. */
  readonly id: number;
  readonly publicKey: KeyObject;
  readonly vkey: string;
}

export interface NoteSigner extends NoteVerifier {
  readonly privateKey: KeyObject;
}

export interface Note {
  /** With its final newline. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly id: number; readonly signature: Uint8Array }[];
}

/** Non-empty, no Unicode space, no plus sign (signed-note, "Format"), no control character, well-formed Unicode. */
export function isKeyName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  return name.isWellFormed() && name.length <= 512 && /^[^\s+\u0000-\u001f\u0085]+$/u.test(name);
}

/** Reads a verifier key. @throws `ledger.vkey-invalid` */
export function parseVkey(text: string): NoteVerifier {
  const [, name = "", encoded = ""] = /^([^+]+)\+[0-9a-f]{8}\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  const bytes = decodeBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length !== 33 || bytes[0] !== ED25519) {
    throw ledgerError("ledger.vkey-invalid");
  }
  const verifier = noteVerifier(name, bytes.subarray(1));
  if (verifier.vkey !== text) throw ledgerError("ledger.vkey-invalid", { detail: "its key ID does not fit its key" });
  return verifier;
}

/** Reads a private key in the form of golang.org/x/mod/sumdb/note. @throws `ledger.key-invalid` */
export function parsePrivateKey(text: string): NoteSigner {
  const [, name = "", id = "", encoded = ""] =
    /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  const bytes = decodeBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length !== 33 || bytes[0] !== ED25519) {
    throw ledgerError("ledger.key-invalid");
  }
  const signer = noteSigner(name, bytes.subarray(1));
  if (hexId(signer.id) !== id) throw ledgerError("ledger.key-invalid", { detail: "its key ID does not fit its key" });
  return signer;
}

/** A signer from the 32 bytes of an Ed25519 private key (RFC 8032 section 5.1.5). */
export function noteSigner(name: string, seed: Uint8Array): NoteSigner {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { ...noteVerifier(name, spki.subarray(SPKI_PREFIX.length)), privateKey };
}

/** The text of a private key, for its file. Secret. */
export function formatPrivateKey(signer: NoteSigner, seed: Uint8Array): string {
  return `${PRIVATE_PREFIX}${signer.name}+${hexId(signer.id)}+${encodeBase64(Buffer.concat([Buffer.from([ED25519]), seed]))}`;
}

/** Signs `text`, which ends in a newline and holds no other control characters. */
export function signNote(text: string, signer: NoteSigner): string {
  if (!isNoteText(text)) throw ledgerError("ledger.note-invalid", { detail: "the text cannot be signed" });
  const id = Buffer.alloc(4);
  id.writeUInt32BE(signer.id);
  const signature = sign(null, Buffer.from(text), signer.privateKey);
  return `${text}\n— ${signer.name} ${encodeBase64(Buffer.concat([id, signature]))}\n`;
}

/** Splits a note without verifying it: nothing in it may be trusted yet. @throws `ledger.note-invalid` */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > MAX_NOTE_BYTES) throw invalid(`more than ${MAX_NOTE_BYTES} bytes`);
  if (!isUtf8(bytes)) throw invalid("not UTF-8");
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const split = whole.lastIndexOf("\n\n");
  if (split === -1 || !whole.endsWith("\n")) throw invalid("no blank line before signatures");
  const text = whole.slice(0, split + 1);
  if (!isNoteText(text)) throw invalid("a control character");
  const lines = whole.slice(split + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw invalid(`more than ${MAX_SIGNATURES} signatures`);
  return { text, signatures: lines.map(parseSignature) };
}

/**
 * The note, once a known key has signed it. As the specification demands: signatures of unknown keys are ignored, one
 * bad signature of a known key refuses the whole note.
 *
 * @throws `ledger.note-invalid`, `ledger.note-unverified`
 */
export function openNote(bytes: Uint8Array, known: readonly NoteVerifier[]): Note {
  const note = parseNote(bytes);
  const text = Buffer.from(note.text);
  const verified = new Set<NoteVerifier>();
  for (const { name, id, signature } of note.signatures) {
    const verifier = known.find((key) => key.name === name && key.id === id);
    if (verifier === undefined) continue;
    if (verified.has(verifier)) throw invalid(`two signatures of ${name}`);
    if (signature.length !== 64 || !verify(null, text, verifier.publicKey, signature)) {
      throw ledgerError("ledger.note-unverified", { detail: `bad signature of ${name}` });
    }
    verified.add(verifier);
  }
  if (verified.size === 0) throw ledgerError("ledger.note-unverified", { detail: "no signature of a known key" });
  return note;
}

function noteVerifier(name: string, publicKey: Uint8Array): NoteVerifier {
  const typed = Buffer.concat([Buffer.from([ED25519]), publicKey]);
  const id = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), typed]), "buffer").readUInt32BE(0);
  return {
    name,
    id,
    publicKey: createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" }),
    vkey: `${name}+${hexId(id)}+${encodeBase64(typed)}`,
  };
}

function parseSignature(line: string): Note["signatures"][number] {
  const [, name = "", encoded = ""] = /^\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)$/u.exec(line) ?? [];
  const bytes = decodeBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length < 5) throw invalid("a malformed signature line");
  const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { name, id, signature: bytes.subarray(4) };
}

function isNoteText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  return text.endsWith("\n") && text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/u.test(text);
}

function hexId(id: number): string {
  return id.toString(16).padStart(8, "0");
}

function invalid(detail: string): Error {
  return ledgerError("ledger.note-invalid", { detail });
}
