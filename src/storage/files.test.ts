import assert from "node:assert/strict";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import fs, { mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { isHoldfastError } from "../core/index.ts";
import { makeFile, makeFolder, refuseExisting, replaceFile, replaceFileWith, writeDurably } from "./files.ts";

let folder = "";
const at = (name: string): string => join(folder, name);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-files-"));
});
afterEach(async () => {
  mock.restoreAll();
  await rm(folder, { recursive: true, force: true });
});

const exists = (error: unknown): boolean => isHoldfastError(error, "storage.output-exists");
const put = (path: string, text: string): Promise<void> => makeFile(path, 0o640, (file) => file.writeFile(text));
const left = (): Promise<string[]> => readdir(folder);

describe("a file that is made", () => {
  it("is there whole, with its mode, and nothing beside it", async () => {
    assert.equal(await makeFile(at("a"), 0o600, async (file) => (await file.write("text")).bytesWritten), 4);
    assert.equal(await readFile(at("a"), "utf8"), "text");
    if (process.platform !== "win32") assert.equal((await stat(at("a"))).mode & 0o777, 0o600);
    assert.deepEqual(await left(), ["a"]);
  });

  it("is never put over anything, not over a link that leads nowhere either", async () => {
    await writeFile(at("a"), "old");
    await symlink(at("nowhere"), at("link"));
    for (const name of ["a", "link"]) {
      await assert.rejects(put(at(name), "new"), exists);
      await assert.rejects(refuseExisting(at(name)), exists);
      await assert.rejects(
        makeFolder(at(name), 0o755, async () => undefined),
        exists,
      );
    }
    assert.equal(await readFile(at("a"), "utf8"), "old");
    assert.deepEqual((await left()).toSorted(), ["a", "link"]);
  });

  it("comes from one of those that make it at once, and the others fail", async () => {
    const texts = Array.from({ length: 8 }, (_, index) => `text ${index}`);
    const ended = await Promise.allSettled(texts.map((text) => put(at("a"), text)));
    const won = ended.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
    assert.equal(won.length, 1);
    assert.ok(ended.every((end) => end.status === "fulfilled" || exists(end.reason)));
    assert.equal(await readFile(at("a"), "utf8"), texts[won[0] as number]);
    assert.deepEqual(await left(), ["a"]);
  });

  it("needs no links of its file system, and is put over nothing there either", async () => {
    mock.method(fs, "link", () => Promise.reject(Object.assign(new Error("no links"), { code: "EPERM" })));
    await put(at("a"), "text");
    assert.equal(await readFile(at("a"), "utf8"), "text");
    await assert.rejects(
      makeFile(at("b"), 0o600, () => writeFile(at("b"), "of somebody else")),
      exists,
    );
    assert.equal(await readFile(at("b"), "utf8"), "of somebody else");
    assert.deepEqual((await left()).toSorted(), ["a", "b"]);
  });

  it("is not there when it cannot be written, and leaves nothing", async () => {
    await assert.rejects(
      makeFile(at("a"), 0o600, () => Promise.reject(new Error("broken"))),
      /broken/,
    );
    await assert.rejects(put(at("absent/a"), "x"), { code: "ENOENT" });
    assert.deepEqual(await left(), []);
  });
});

describe("a file that is replaced", () => {
  it("is the old one until it is the new one", async () => {
    await replaceFile(at("a"), 0o600, "old");
    await assert.rejects(
      replaceFileWith(at("a"), 0o600, async (file) => {
        await file.write("ne");
        throw new Error("broken");
      }),
      /broken/,
    );
    assert.equal(await readFile(at("a"), "utf8"), "old");
    await replaceFileWith(at("a"), 0o600, async (file) => {
      await file.write("new");
      assert.equal(readFileSync(at("a"), "utf8"), "old");
    });
    assert.equal(await readFile(at("a"), "utf8"), "new");
    assert.deepEqual(await left(), ["a"]);
  });
});

describe("a folder that is made", () => {
  it("is there with all that is in it, or not at all", async () => {
    await makeFolder(at("set"), 0o755, async (staged) => {
      assert.ok(!existsSync(at("set")));
      await writeDurably(join(staged, "a"), 0o600, "a");
      await assert.rejects(writeDurably(join(staged, "a"), 0o600, "b"), { code: "EEXIST" });
    });
    assert.deepEqual(await readdir(at("set")), ["a"]);
    await assert.rejects(
      makeFolder(at("other"), 0o755, async (staged) => {
        await writeDurably(join(staged, "a"), 0o600, "a");
        throw new Error("broken");
      }),
      /broken/,
    );
    assert.deepEqual(await left(), ["set"]);
  });
});

describe("flushing", { skip: process.platform !== "linux" && "skipped: asks /proc which file is flushed" }, () => {
  /** What is flushed, in turn, and whether `path` was there by then. */
  async function watch(path: string, fail?: RegExp): Promise<(readonly [string, boolean])[]> {
    const flushed: (readonly [string, boolean])[] = [];
    const handle = await open(folder);
    const files = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const sync = Reflect.get<FileHandle, "sync">(files, "sync");
    mock.method(files, "sync", async function (this: FileHandle) {
      const what = readlinkSync(`/proc/self/fd/${this.fd}`).replace(/-[0-9a-f]{12}$/, "");
      flushed.push([what, existsSync(path)]);
      if (fail?.test(what) === true) throw Object.assign(new Error("no space"), { code: "EIO" });
      await sync.call(this);
    });
    return flushed;
  }

  it("comes before the name, and that of the folder after it", async () => {
    const path = at("a");
    const flushed = await watch(path);
    await put(path, "text");
    const expected = [
      [at(".a.partial"), false],
      [folder, true],
    ];
    assert.deepEqual(flushed.splice(0), expected);
    await rm(path);
    await replaceFile(path, 0o600, "text");
    assert.deepEqual(flushed.splice(0), expected);
    await rm(path);
    await makeFolder(path, 0o755, async () => undefined);
    assert.deepEqual(flushed.splice(0), expected);
  });

  it("that fails leaves what was there before", async () => {
    await writeFile(at("a"), "old");
    await watch(at("a"), /partial/);
    await assert.rejects(replaceFile(at("a"), 0o600, "new"), { code: "EIO" });
    await assert.rejects(put(at("b"), "new"), { code: "EIO" });
    await assert.rejects(
      makeFolder(at("c"), 0o755, async () => undefined),
      { code: "EIO" },
    );
    assert.equal(await readFile(at("a"), "utf8"), "old");
    assert.deepEqual(await left(), ["a"]);
  });
});
