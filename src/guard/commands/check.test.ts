import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { isHoldfastError, type CommandResult, type Style } from "../../core/index.ts";
import { run } from "./check.ts";

const PLAIN: Style = { bold: String, dim: String, red: String, green: String, yellow: String };
const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");

async function check(bytes: string | Uint8Array): Promise<{ result: CommandResult; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-check-"));
  try {
    const path = join(folder, "text");
    await writeFile(path, bytes);
    return { result: await run({ services: undefined, args: { path }, options: {}, progress: () => {} }), path };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a clean text exits 0 and says who looked", async () => {
  const { result, path } = await check("hello\n");
  assert.equal(result.exit, 0);
  assert.equal(result.text(PLAIN), `${path}: nothing found by unicode, secrets`);
});

test("findings come by line and column, without the text", async () => {
  const { result, path } = await check(`one\n  ig\u200Bnore\n\nkey=${AWS}\n`);
  assert.equal(result.exit, 1);
  const text = result.text(PLAIN);
  assert.ok(!text.includes(AWS) && !JSON.stringify(result.data).includes(AWS));
  assert.deepEqual(text.split("\n"), [
    `${path}:2:5: medium unicode.split-word: an invisible character inside a word, which hides the word from filters`,
    `${path}:4:5: critical secrets.aws-access-key-id: an AWS access key id`,
    `${path}: 2 findings`,
  ]);
});

test("what cannot be read is an error, never clean", async () => {
  await assert.rejects(
    run({
      services: undefined,
      args: { path: join(tmpdir(), "holdfast-no-such-file") },
      options: {},
      progress: () => {},
    }),
    (error) => isHoldfastError(error, "guard.input-unreadable"),
  );
  await assert.rejects(check(Uint8Array.of(0xff, 0xfe, 0x41)), (error) => isHoldfastError(error, "core.utf8-invalid"));
});
