/** The proof of control M6 over real sealed sets, and the audits that it rests on. */

import assert from "node:assert/strict";
import { appendFile, cp, mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";

import { fakeClock } from "../../core/index.ts";
import { migrate, openDb, sql, storageModule, type Db } from "../../storage/index.ts";
import { generateKey } from "./age/keys.ts";
import { auditSets } from "./at-rest.ts";
import { sealMigrations } from "./migrations.ts";
import type { SealProofServices } from "./module.ts";
import { observeSealed } from "./proofs.ts";
import { decodeManifest, encodeManifest } from "./set/manifest.ts";
import { sealFolder } from "./set/seal.ts";

const DAY_MS = 86_400_000;
const clock = fakeClock(Date.UTC(2026, 10, 28));

let cwd = "";
let db: Db;
before(async () => {
  cwd = await mkdtemp(join(tmpdir(), "holdfast-at-rest-"));
  db = await openDb({ url: "sqlite", home: cwd });
  await migrate(db, [storageModule, { name: "models", migrations: sealMigrations }]);
  await mkdir(join(cwd, "model/weights"), { recursive: true });
  await writeFile(join(cwd, "model/config.json"), "{}");
  await writeFile(join(cwd, "model/weights/a.bin"), Buffer.alloc(200_000, 7));
  const { recipient } = await generateKey();
  await sealFolder(join(cwd, "model"), join(cwd, "whole"), { recipients: [recipient] });
});
after(async () => {
  await db.close();
  await rm(cwd, { recursive: true, force: true });
});
afterEach(() => rm(join(cwd, "set"), { recursive: true, force: true }));

function services(...sets: readonly string[]): SealProofServices {
  return { clock, db: async () => db, config: { models: { seal: { sets: [...sets] } } }, source: { cwd } };
}

/** A copy of the sealed set at `set`, which a test may spoil. */
async function copy(): Promise<SealProofServices> {
  await cp(join(cwd, "whole"), join(cwd, "set"), { recursive: true });
  return services("set");
}

async function outcome(of: SealProofServices): Promise<readonly [string, string]> {
  const { outcome: what, observed } = await observeSealed(of);
  return [what, observed];
}

describe("sealed at rest", () => {
  it("is not known where no set is configured", async () => {
    assert.deepEqual(await outcome(services()), ["unknown", "models.seal.sets names no set"]);
  });

  it("holds once every set was read in full, until that is too long ago", async () => {
    const of = services("whole", join(cwd, "whole"));
    const [before, why] = await outcome(of);
    assert.deepEqual(
      [before, why],
      ["unknown", "whole was not read in full within 8 days: holdfast up does it by itself"],
    );
    await auditSets(of);
    const [after, seen] = await outcome(of);
    assert.equal(after, "holds");
    assert.equal(seen, "sets: 1, sealed files: 2, all as they were sealed; the oldest full reading is of 2026-11-28");
    clock.advance(5 * DAY_MS);
    await auditSets(of);
    clock.advance(3 * DAY_MS + 1);
    assert.equal((await outcome(of))[0], "unknown", "a full reading within six days is not repeated");
    await auditSets(of);
    assert.equal((await outcome(of))[0], "holds");
  });

  it("fails at once for what sizes, headers and names show", async () => {
    const damages: readonly (readonly [RegExp, () => Promise<void>])[] = [
      [/^set: files\/config\.json\.age is missing$/, () => rm(join(cwd, "set/files/config.json.age"))],
      [
        /^set: files\/weights\/a\.bin is not in the manifest$/,
        () => writeFile(join(cwd, "set/files/weights/a.bin"), "x"),
      ],
      [/^set: weights\.bin is not in the manifest$/, () => writeFile(join(cwd, "set/weights.bin"), "x")],
      [
        /^set: files\/weights\/a\.bin\.age is of another size$/,
        () => appendFile(join(cwd, "set/files/weights/a.bin.age"), "x"),
      ],
      [/^set: key\.age is not an age file$/, () => writeFile(join(cwd, "set/key.age"), "AGE-SECRET-KEY-1\n")],
      [/^set: there is no sealed set$/, () => rm(join(cwd, "set/manifest.json"))],
      [/^set: .*manifest/, () => writeFile(join(cwd, "set/manifest.json"), "{}")],
      [
        /^set: files\/config\.json\.age is not an age file$/,
        async () => {
          const { length } = await readFile(join(cwd, "set/files/config.json.age"));
          await writeFile(join(cwd, "set/files/config.json.age"), Buffer.alloc(length, "{}"));
        },
      ],
    ];
    for (const [expected, damage] of damages) {
      const of = await copy();
      await auditSets(of);
      assert.equal((await outcome(of))[0], "holds");
      await damage();
      const [what, observed] = await outcome(of);
      assert.deepEqual([what, expected.test(observed)], ["fails", true], observed);
      await rm(join(cwd, "set"), { recursive: true });
      await db.execute(sql`delete from seal_audits`);
    }
  });

  it("fails for a plain file that its manifest calls sealed", async () => {
    const of = await copy();
    const path = join(cwd, "set/manifest.json");
    const manifest = decodeManifest(await readFile(path));
    await writeFile(join(cwd, "set/files/config.json.age"), "{}");
    const files = manifest.files.map((file) => (file.path === "config.json" ? { ...file, size: 2 } : file));
    await writeFile(path, encodeManifest({ ...manifest, files }));
    assert.deepEqual(await outcome(of), ["fails", "set: files/config.json.age is not an age file"]);
  });

  it("fails for a flipped byte once the set is read in full, and holds again once it is mended", async () => {
    const of = await copy();
    const path = join(cwd, "set/files/weights/a.bin.age");
    const bytes = await readFile(path);
    await flip(path, bytes.length - 5);
    assert.equal((await outcome(of))[0], "unknown");
    await auditSets(of);
    const [what, observed] = await outcome(of);
    assert.equal(what, "fails");
    assert.match(observed, /^set: files\/weights\/a\.bin\.age is altered \(read in full 2026-/);
    await writeFile(path, bytes);
    await auditSets(of);
    assert.equal((await outcome(of))[0], "holds");
  });

  it("says nothing of another manifest than the one that was read", async () => {
    const of = await copy();
    await auditSets(of);
    assert.equal((await outcome(of))[0], "holds");
    const path = join(cwd, "set/manifest.json");
    await writeFile(
      path,
      encodeManifest({ ...decodeManifest(await readFile(path)), createdAt: "2027-01-01T00:00:00Z" }),
    );
    assert.equal((await outcome(of))[0], "unknown");
    await auditSets(of);
    assert.equal((await outcome(of))[0], "holds");
  });

  it("fails while the original lies beside the set", async () => {
    await copy();
    await rename(join(cwd, "set"), join(cwd, "model.sealed"));
    const of = services("model.sealed");
    await auditSets(of);
    assert.deepEqual(await outcome(of), ["fails", "model.sealed: the original is still beside it"]);
    await rename(join(cwd, "model"), join(cwd, "gone"));
    assert.equal((await outcome(of))[0], "holds");
  });

  it("reads the other sets where one is not there", async () => {
    await auditSets(services("nowhere", "whole"));
    assert.equal((await outcome(services("whole")))[0], "holds");
    assert.deepEqual(await outcome(services("whole", "nowhere")), ["fails", "nowhere: there is no sealed set"]);
  });
});

async function flip(path: string, at: number): Promise<void> {
  await using file = await open(path, "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, at);
}
