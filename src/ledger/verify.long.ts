/** Every byte of every file, one bit changed: what `verify.test.ts` samples. */

import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openLedger } from "./ledger.ts";
import { verifyLedger } from "./verify.ts";

for (const { name, counts, closed, stride } of [
  { name: "a small ledger with partial tiles of three checkpoints", counts: [2, 1, 2], closed: true, stride: 1 },
  { name: "a ledger of two levels", counts: [250, 50, 3], closed: true, stride: 5 },
  { name: "a ledger whose writer crashed", counts: [3, 4], closed: false, stride: 1 },
]) {
  test(`any change of any byte: ${name}`, async () => {
    const home = await mkdtemp(join(tmpdir(), "holdfast-verify-long-"));
    try {
      const live = { folder: join(home, "live"), keyFile: join(home, "ledger.key"), checkpointEveryMs: 60_000 };
      const folder = join(home, "copy");
      const ledger = await openLedger(live);
      let index = 0;
      for (const [at, count] of counts.entries()) {
        await Promise.all(Array.from({ length: count }, () => ledger.append(Buffer.from(`entry ${index++}`))));
        if (closed || at < counts.length - 1) await ledger.checkpoint();
      }
      if (closed) await ledger.close();
      await cp(live.folder, folder, { recursive: true, filter: (path) => !path.endsWith("lock") });
      await ledger.close();

      const found = await readdir(folder, { recursive: true, withFileTypes: true });
      for (const file of found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))) {
        const bytes = await readFile(file);
        for (let at = bytes.length % stride; at < bytes.length; at += stride) {
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] as number) ^ (1 << (at % 8));
          await writeFile(file, changed);
          const report = await verifyLedger({ folder, vkey: ledger.vkey });
          assert.equal(report.ok, false, `${file}, byte ${at}`);
        }
        await writeFile(file, bytes);
      }
      assert.ok((await verifyLedger({ folder, vkey: ledger.vkey })).ok);
    } finally {
      await rm(home, { recursive: true });
    }
  });
}
