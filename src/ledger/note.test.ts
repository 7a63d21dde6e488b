import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isHoldfastError } from "../core/index.ts";
import { encodeBase64 } from "./base64.ts";
import {
  formatPrivateKey,
  isKeyName,
  noteSigner,
  openNote,
  parseNote,
  parsePrivateKey,
  parseVkey,
  signNote,
} from "./note.ts";

// c2sp.org/signed-note, "Example".
const SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

const seed = Buffer.alloc(32, 7);
const signer = noteSigner("example.com/log", seed);
const note = signNote("one\n\ntwo\n", signer);

function refuses(code: string): (error: unknown) => boolean {
  return (error) => isHoldfastError(error, code);
}

test("the specification's example verifies", () => {
  assert.equal(openNote(Buffer.from(SPEC_NOTE), [parseVkey(SPEC_VKEY)]).text, "This is an example message.\n");
  assert.equal(parseVkey(SPEC_VKEY).vkey, SPEC_VKEY);
});

test("a signed note opens with its key, text and all", () => {
  const { text, signatures } = openNote(Buffer.from(note), [parseVkey(signer.vkey)]);
  assert.equal(text, "one\n\ntwo\n");
  assert.deepEqual(
    signatures.map(({ name, id }) => [name, id]),
    [[signer.name, signer.id]],
  );
  // Ed25519 is deterministic (RFC 8032): one text and key, one note.
  assert.equal(signNote("one\n\ntwo\n", noteSigner("example.com/log", seed)), note);
});

test("any change of any byte is refused", () => {
  const bytes = Buffer.from(note);
  const key = parseVkey(signer.vkey);
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [0x01, 0x20, 0x80, 0xff]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ flip;
      assert.throws(
        () => openNote(changed, [key]),
        (error) => isHoldfastError(error),
        `byte ${at} ^ ${flip}`,
      );
    }
    assert.throws(
      () => openNote(bytes.subarray(0, at), [key]),
      (error) => isHoldfastError(error),
    );
  }
});

test("signatures of unknown keys are ignored, a bad one of a known key refuses the note", () => {
  const other = noteSigner("example.com/witness", Buffer.alloc(32, 8));
  const line = (text: string): string => text.slice(text.lastIndexOf("\n\n") + 2);
  const both = note + line(signNote("one\n\ntwo\n", other));
  assert.equal(openNote(Buffer.from(both), [signer]).text, "one\n\ntwo\n");
  assert.equal(openNote(Buffer.from(both), [other, signer]).signatures.length, 2);
  const bad = note + line(signNote("another text\n", other));
  assert.equal(openNote(Buffer.from(bad), [signer]).text, "one\n\ntwo\n");
  assert.throws(() => openNote(Buffer.from(bad), [signer, other]), refuses("ledger.note-unverified"));
  assert.throws(() => openNote(Buffer.from(both), []), refuses("ledger.note-unverified"));
  // The same name with another key is another key.
  const namesake = noteSigner("example.com/log", Buffer.alloc(32, 9));
  assert.throws(() => openNote(Buffer.from(note), [namesake]), refuses("ledger.note-unverified"));
  assert.throws(() => openNote(Buffer.from(note + line(note)), [signer]), refuses("ledger.note-invalid"));
});

test("sixty-four signatures are read, one more is not", () => {
  const unknown = `— example.com/other ${encodeBase64(Buffer.alloc(68, 1))}\n`;
  assert.equal(openNote(Buffer.from(note + unknown.repeat(63)), [signer]).signatures.length, 64);
  assert.throws(() => openNote(Buffer.from(note + unknown.repeat(64)), [signer]), refuses("ledger.note-invalid"));
});

test("what the format forbids is refused", () => {
  const signature = note.slice(note.lastIndexOf("\n\n") + 2);
  const refused: Record<string, string | Buffer> = {
    "a tab": `a\tb\n\n${signature}`,
    "a null": `a\0b\n\n${signature}`,
    "a carriage return": `a\r\n\n${signature}`,
    "no blank line": `a\n${signature}`,
    "no signatures": "a\n\n",
    "no final newline": `a\n\n${signature.slice(0, -1)}`,
    "a hyphen for the dash": `a\n\n${signature.replace("—", "-")}`,
    "two spaces": `a\n\n${signature.replace("— ", "—  ")}`,
    "a plus in the name": `a\n\n${signature.replace("example", "exa+mple")}`,
    "no key ID": "a\n\n— example.com/log AAA=\n",
    "base64 with stray bits": "a\n\n— example.com/log AAAAAAB=\n",
    "invalid UTF-8": Buffer.concat([Buffer.from([0xff, 0x0a, 0x0a]), Buffer.from(signature)]),
    "too long": Buffer.alloc(512 * 1024 + 1, 0x0a),
  };
  for (const [what, bytes] of Object.entries(refused)) {
    assert.throws(() => parseNote(Buffer.from(bytes)), refuses("ledger.note-invalid"), what);
  }
  for (const text of ["no newline", "a\tb\n", "\ud800\n"]) {
    assert.throws(() => signNote(text, signer), refuses("ledger.note-invalid"));
  }
});

test("arbitrary bytes are a note or refused by name", () => {
  const piece = fc.constantFrom("\n", "\n\n", "— ", "example.com/log", " ", "AAAAAAAA", "=", "é", "\t", "x");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.uint8Array({ maxLength: 20 }), (pieces, tail) => {
      for (const bytes of [Buffer.from(pieces.join("")), Buffer.concat([Buffer.from(pieces.join("")), tail])]) {
        try {
          parseNote(bytes);
        } catch (error) {
          assert.ok(isHoldfastError(error, "ledger.note-invalid"), String(error));
        }
      }
    }),
  );
});

test("verifier keys that are not exactly that are refused", () => {
  const [name, , key] = SPEC_VKEY.split("+") as [string, string, string];
  const refused = [
    "",
    "no key",
    SPEC_VKEY + "\n",
    SPEC_VKEY.slice(0, -1),
    SPEC_VKEY.replace("530d903a", "530d903b"),
    SPEC_VKEY.replace("530d903a", "530D903A"),
    SPEC_VKEY.replace("example.com", "example.org"),
    `${name}+530d903a+${encodeBase64(Buffer.concat([Buffer.from([2]), Buffer.from(key, "base64").subarray(1)]))}`,
    `+530d903a+${key}`,
    `a b+530d903a+${key}`,
  ];
  for (const text of refused) assert.throws(() => parseVkey(text), refuses("ledger.vkey-invalid"), text);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.throws(() => parseVkey(text), refuses("ledger.vkey-invalid"));
      assert.throws(() => parsePrivateKey(text), refuses("ledger.key-invalid"));
    }),
  );
});

test("a private key survives its text, which Go's note package defined", () => {
  const text = formatPrivateKey(signer, seed);
  assert.match(text, /^PRIVATE\+KEY\+example\.com\/log\+[0-9a-f]{8}\+/);
  assert.equal(parsePrivateKey(text).vkey, signer.vkey);
  assert.throws(() => parsePrivateKey(text.replace("log", "lag")), refuses("ledger.key-invalid"));
});

test("key names", () => {
  for (const name of ["a", "example.com/log", "ünïcode/日本"]) assert.ok(isKeyName(name), name);
  for (const name of ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2003b", "a\u0085b", "\ud800", "x".repeat(513)]) {
    assert.ok(!isKeyName(name), JSON.stringify(name));
  }
});
