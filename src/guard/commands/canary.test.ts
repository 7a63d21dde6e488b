import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { isHoldfastError, type CommandResult, type Style } from "../../core/index.ts";
import type { CanaryRecord } from "../detectors/leak/canary.ts";
import { createLeakDetector } from "../detectors/leak/leak.ts";
import { run } from "./canary.ts";

const PLAIN: Style = { bold: String, dim: String, red: String, green: String, yellow: String };
const CONTEXT = { direction: "response", origin: "assistant", pointer: "" } as const;

interface Issued {
  readonly token: string;
  readonly record: CanaryRecord;
  readonly planted: string;
}

function issue(options: Readonly<Record<string, string>>): Promise<CommandResult> {
  return run({ services: undefined, args: {}, rest: [], options, progress: () => {} });
}

test("a canary is issued, shown planted, and found by its record", async () => {
  const result = await issue({});
  const { token, record, planted } = result.data as Issued;
  const text = result.text(PLAIN);
  assert.ok(planted.includes(token) && text.includes(token) && text.includes(JSON.stringify(record)));
  assert.ok(!JSON.stringify(record).includes(token.replaceAll("-", "").toLowerCase().slice(4)));
  const found = await createLeakDetector({ canaries: [record] }).detect(planted, CONTEXT);
  assert.equal(found.length, 2);
  assert.notEqual(((await issue({})).data as Issued).token, token);
});

test("with a key file the key finds it, and is not printed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-canary-"));
  try {
    const key = "correct horse battery staple";
    await writeFile(join(folder, "key"), `${key}\n`);
    const result = await issue({ keyFile: join(folder, "key") });
    assert.ok(!JSON.stringify(result.data).includes(key) && !result.text(PLAIN).includes(key));
    const detector = createLeakDetector({ canaryKey: Buffer.from(key) });
    assert.equal((await detector.detect((result.data as Issued).token, CONTEXT)).length, 1);
    await writeFile(join(folder, "short"), "0123456789abcde");
    await assert.rejects(issue({ keyFile: join(folder, "short") }), (error) =>
      isHoldfastError(error, "guard.canary-key"),
    );
    await assert.rejects(issue({ keyFile: join(folder, "none") }), (error) =>
      isHoldfastError(error, "guard.input-unreadable"),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
