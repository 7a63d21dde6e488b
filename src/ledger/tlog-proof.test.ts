import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isHoldfastError } from "../core/index.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { leafHash, nodeHash } from "./merkle.ts";
import { noteSigner } from "./note.ts";
import { decodeTlogProof, encodeTlogProof, verifyTlogProof } from "./tlog-proof.ts";

const signer = noteSigner("example.com/log", Buffer.alloc(32, 7));
const entry = Buffer.from("the entry");
const sibling = leafHash(Buffer.from("its sibling"));
const root = nodeHash(sibling, leafHash(entry));
const proof = encodeTlogProof({ index: 1, hashes: [sibling], checkpoint: signCheckpoint(2, root, signer).note });
const { vkey } = signer;

function refuses(code: string): (error: unknown) => boolean {
  return (error) => isHoldfastError(error, code);
}

test("the form is that of the specification", () => {
  assert.match(proof, /^c2sp\.org\/tlog-proof@v1\nindex 1\n[A-Za-z0-9+/]{43}=\n\nexample\.com\/log\n2\n/);
  const extra = Buffer.from("context");
  const decoded = decodeTlogProof(Buffer.from(encodeTlogProof({ index: 0, hashes: [], checkpoint: "x\n", extra })));
  assert.deepEqual(decoded, { index: 0, hashes: [], checkpoint: "x\n", extra });
});

test("a proof binds its entry to the checkpoint", () => {
  const { index, checkpoint } = verifyTlogProof({ proof: Buffer.from(proof), entry, vkey });
  assert.equal(index, 1);
  assert.equal(checkpoint.size, 2);
});

test("another entry, index or key is refused", () => {
  const bytes = Buffer.from(proof);
  assert.throws(
    () => verifyTlogProof({ proof: bytes, entry: Buffer.from("x"), vkey }),
    refuses("ledger.proof-rejected"),
  );
  const moved = Buffer.from(proof.replace("index 1", "index 0"));
  assert.throws(() => verifyTlogProof({ proof: moved, entry, vkey }), refuses("ledger.proof-rejected"));
  const beyond = Buffer.from(proof.replace("index 1", "index 2"));
  assert.throws(() => verifyTlogProof({ proof: beyond, entry, vkey }), refuses("ledger.proof-rejected"));
  const other = noteSigner("example.com/log", Buffer.alloc(32, 8)).vkey;
  assert.throws(() => verifyTlogProof({ proof: bytes, entry, vkey: other }), refuses("ledger.note-unverified"));
  const huge = new Uint8Array(65_536);
  assert.throws(() => verifyTlogProof({ proof: bytes, entry: huge, vkey }), refuses("ledger.entry-too-large"));
});

test("any change of any byte is refused", () => {
  const bytes = Buffer.from(proof);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 0x01;
    assert.throws(
      () => verifyTlogProof({ proof: changed, entry, vkey }),
      (error) => isHoldfastError(error),
      `byte ${at}`,
    );
    assert.throws(
      () => verifyTlogProof({ proof: bytes.subarray(0, at), entry, vkey }),
      (error) => isHoldfastError(error),
    );
  }
});

test("malformed proofs are refused by name", () => {
  const refused = [
    proof.replace("@v1", "@v2"),
    proof.replace("index 1", "index 01"),
    proof.replace("index 1", "index -1"),
    proof.replace("index 1", "index 9007199254740993"),
    proof.replace("index 1\n", ""),
    proof.replace("index 1", "extra !\nindex 1"),
    proof.replace("index 1\n", `index 1\n${"x".repeat(44)}\n`),
    encodeTlogProof({ index: 1, hashes: Array.from({ length: 64 }, () => sibling), checkpoint: "x\n" }),
    "c2sp.org/tlog-proof@v1\nindex 1\n",
  ];
  for (const text of refused)
    assert.throws(() => decodeTlogProof(Buffer.from(text)), refuses("ledger.proof-invalid"), text);
});

test("arbitrary bytes are a proof or refused by name", () => {
  const piece = fc.constantFrom("c2sp.org/tlog-proof@v1", "\n", "index ", "1", "extra ", "AAAA", "\n\n", "x");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.uint8Array({ maxLength: 8 }), (pieces, tail) => {
      try {
        decodeTlogProof(Buffer.concat([Buffer.from(pieces.join("")), tail]));
      } catch (error) {
        assert.ok(isHoldfastError(error, "ledger.proof-invalid") || isHoldfastError(error, "core.utf8-invalid"));
      }
    }),
  );
});
