import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { isHoldfastError } from "../core/index.ts";
import { openCommitter, verifyCommitment } from "./commitment.ts";

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "holdfast-commitment-"));
});
after(() => rm(scratch, { recursive: true, force: true }));

const text = (value: string): Uint8Array => Buffer.from(value);

test("a commitment opens with its salt, field and content, and with nothing else", async () => {
  const committer = await openCommitter(join(scratch, "keys", "commitment.key"));
  const commitment = committer.commit("request-1", "prompt", text("hello"));
  const opening = { salt: committer.salt("request-1"), field: "prompt", content: text("hello"), commitment };
  assert.ok(verifyCommitment(opening));
  assert.ok(!verifyCommitment({ ...opening, content: text("Hello") }));
  assert.ok(!verifyCommitment({ ...opening, field: "answer" }));
  assert.ok(!verifyCommitment({ ...opening, salt: committer.salt("request-2") }));
  assert.ok(!verifyCommitment({ ...opening, commitment: committer.commit("request-2", "prompt", text("hello")) }));
  for (const malformed of ["", "x".repeat(64), opening.commitment.toUpperCase(), `${opening.commitment}00`]) {
    assert.ok(!verifyCommitment({ ...opening, commitment: malformed }));
    assert.ok(!verifyCommitment({ ...opening, salt: malformed }));
  }
});

test("field and content cannot be shifted into each other", async () => {
  const committer = await openCommitter(join(scratch, "shift.key"));
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (field, content, otherField, otherContent) => {
      const same = field === otherField && content === otherContent;
      const one = committer.commit("id", field, text(content));
      assert.equal(one === committer.commit("id", otherField, text(otherContent)), same);
    }),
  );
  assert.notEqual(committer.commit("id", "ab", text("c")), committer.commit("id", "a", text("bc")));
});

test("content in pieces is committed to as the whole is, however long", async () => {
  const committer = await openCommitter(join(scratch, "pieces.key"));
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20_000 }), { maxLength: 5 }), (pieces) => {
      const begun = committer.begin("id", "answer");
      for (const piece of pieces) begun.update(piece);
      assert.equal(begun.digest(), committer.commit("id", "answer", Buffer.concat(pieces)));
    }),
  );
});

test("the construction is the one that is written down", async () => {
  const keyFile = join(scratch, "known.key");
  const key = Buffer.alloc(32, 3);
  await writeFile(keyFile, key, { mode: 0o600 });
  const committer = await openCommitter(keyFile);
  const salt = createHash("sha512-256").update("holdfast.dev/salt/v1\0").update(key).update("id").digest();
  assert.equal(committer.salt("id"), salt.toString("hex"));
  const expected = createHash("sha256")
    .update("holdfast.dev/commitment/v1\0")
    .update(salt)
    .update("\0\0\0\x05fieldcontent")
    .digest("hex");
  assert.equal(committer.commit("id", "field", text("content")), expected);
});

test(
  "the key is made once, for its owner alone, and refused when exposed or cut",
  { skip: process.platform === "win32" },
  async () => {
    const keyFile = join(scratch, "mode.key");
    const first = await openCommitter(keyFile);
    assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
    assert.equal((await openCommitter(keyFile)).salt("id"), first.salt("id"));
    await chmod(keyFile, 0o644);
    await assert.rejects(openCommitter(keyFile), (error) => isHoldfastError(error, "ledger.key-exposed"));
    await chmod(keyFile, 0o600);
    await writeFile(keyFile, "short");
    await assert.rejects(openCommitter(keyFile), (error) => isHoldfastError(error, "ledger.key-invalid"));
  },
);
