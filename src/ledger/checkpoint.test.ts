import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isHoldfastError } from "../core/index.ts";
import { encodeBase64 } from "./base64.ts";
import { openCheckpoint, parseCheckpoint, signCheckpoint } from "./checkpoint.ts";
import { EMPTY_ROOT } from "./merkle.ts";
import { noteSigner, signNote } from "./note.ts";

const signer = noteSigner("example.com/log", Buffer.alloc(32, 7));
const root = encodeBase64(EMPTY_ROOT);

test("a checkpoint reads back as it was signed", () => {
  const signed = signCheckpoint(20_852_163, EMPTY_ROOT, signer);
  assert.ok(signed.note.startsWith(`example.com/log\n20852163\n${root}\n\n— example.com/log `));
  assert.deepEqual(openCheckpoint(Buffer.from(signed.note), signer), { ...signed, root: Buffer.from(signed.root) });
});

test("extension lines are kept", () => {
  const note = signNote(`example.com/log\n0\n${root}\nmore\nand more\n`, signer);
  assert.deepEqual(openCheckpoint(Buffer.from(note), signer).extensions, ["more", "and more"]);
});

test("a checkpoint of another origin, though signed by the key, is refused", () => {
  const note = signNote(`example.com/other\n0\n${root}\n`, signer);
  assert.throws(
    () => openCheckpoint(Buffer.from(note), signer),
    (error) => isHoldfastError(error, "ledger.checkpoint-invalid"),
  );
});

test("malformed texts are refused", () => {
  const refused = [
    "\n0\n" + root + "\n",
    `o\n00\n${root}\n`,
    `o\n-1\n${root}\n`,
    `o\n1.0\n${root}\n`,
    `o\n9007199254740992\n${root}\n`,
    `o\n99999999999999999999\n${root}\n`,
    `o\n1\n${root.slice(0, -4)}\n`,
    `o\n1\n${root.slice(0, -1)}\n`,
    "o\n1\n",
    `o\n1\n${root}\n\nafter an empty line\n`,
  ];
  for (const text of refused) {
    assert.throws(
      () => parseCheckpoint(Buffer.from(signNote(text, signer))),
      (error) => isHoldfastError(error, "ledger.checkpoint-invalid"),
      JSON.stringify(text),
    );
  }
});

test("arbitrary texts are a checkpoint or refused by name", () => {
  const piece = fc.constantFrom("o", "\n", "\n", "0", "17", root, "x", "=");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const bytes = Buffer.from(signNote(`${pieces.join("")}\n`, signer));
      try {
        assert.ok(parseCheckpoint(bytes).size >= 0);
      } catch (error) {
        assert.ok(isHoldfastError(error, "ledger.checkpoint-invalid"), String(error));
      }
    }),
  );
});
