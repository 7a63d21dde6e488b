import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isHoldfastError } from "../core/index.ts";
import { ensureFolder, folderWriter, replaceFile } from "./durable.ts";
import { diskFiles } from "./files.ts";

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "holdfast-files-"));
});
after(() => rm(scratch, { recursive: true, force: true }));

test("what is not there reads as undefined or empty, other failures as errors", async () => {
  const nothing = join(scratch, "nothing");
  assert.equal(await diskFiles.read(nothing), undefined);
  assert.equal(await diskFiles.mode(nothing), undefined);
  assert.deepEqual(await diskFiles.list(nothing), []);
  await diskFiles.remove(nothing);
  await assert.rejects(diskFiles.read(scratch));
  await assert.rejects(diskFiles.makeFolder(join(nothing, "below")));
  await assert.rejects(diskFiles.syncFolder(nothing), { code: "ENOENT" });
});

test("a log file grows at its end, and keeps growing after it is renamed", async () => {
  const handle = await diskFiles.createLog(join(scratch, "log"), 0o600);
  await diskFiles.append(handle, Buffer.from("one "));
  await diskFiles.rename(join(scratch, "log"), join(scratch, "renamed"));
  await diskFiles.append(handle, Buffer.alloc(3_000_000, 0x78));
  await diskFiles.close(handle);
  const bytes = await readFile(join(scratch, "renamed"));
  assert.deepEqual([bytes.length, bytes.subarray(0, 5).toString()], [3_000_004, "one x"]);
});

test("a file is replaced whole, with its mode, and nothing is left beside it", async () => {
  const folder = join(scratch, "a", "b");
  await ensureFolder(diskFiles, folder);
  await ensureFolder(diskFiles, folder);
  await replaceFile(diskFiles, join(folder, "key"), Buffer.from("first"), 0o600);
  await replaceFile(diskFiles, join(folder, "key"), Buffer.from("second"), 0o600);
  assert.deepEqual(await readdir(folder), ["key"]);
  assert.equal(await readFile(join(folder, "key"), "utf8"), "second");
  if (process.platform !== "win32") assert.equal(await diskFiles.mode(join(folder, "key")), 0o600);
});

test("each folder that was written to is made durable once, when all is settled", async () => {
  const folder = join(scratch, "writer");
  await ensureFolder(diskFiles, join(folder, ".state", "staging"));
  const synced: string[] = [];
  const files = {
    ...diskFiles,
    syncFolder: (path: string) => {
      synced.push(path);
      return diskFiles.syncFolder(path);
    },
  };
  const writer = folderWriter(files, folder);
  await writer.put("tile/0/000", Buffer.from("a"));
  await writer.put("tile/0/001", Buffer.from("b"));
  assert.deepEqual(synced, []);
  await writer.settle();
  assert.deepEqual(new Set(synced), new Set([folder, join(folder, "tile"), join(folder, "tile/0")]));
  await writer.settle();
  assert.equal(synced.length, 3);
  await writer.remove("tile/0");
  await writer.put("tile/0/002", Buffer.from("c"));
  assert.deepEqual(await readdir(join(folder, "tile/0")), ["002"]);
});

test("a lock is held once, and free when released", async () => {
  const path = join(scratch, "lock");
  const release = await diskFiles.lock(path);
  await assert.rejects(diskFiles.lock(path), (error) => isHoldfastError(error, "ledger.locked"));
  release();
  (await diskFiles.lock(path))();
  assert.deepEqual(
    (await readdir(scratch)).filter((name) => name.startsWith("lock")),
    ["lock"],
  );
});
