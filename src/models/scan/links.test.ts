/** Scans of folders with links: those that lead out are told whatever they lead to, and those of honest folders are not. */

import assert from "node:assert/strict";
import { link, mkdir, mkdtemp, realpath, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";

import { onnxExternal, onnxGraph, onnxModel, onnxNode, onnxTensor } from "../../../test/models/onnx.ts";
import { BENIGN, PAYLOAD } from "../../../test/models/pickle.ts";
import { isWithin } from "./links.ts";
import { scanFiles, type ScanReport } from "./report.ts";
import { openResume } from "./resume.ts";
import { scanSarif } from "./sarif.ts";
import { walk } from "./walk.ts";

let top = "";
let home = "";
let made = 0;
before(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), "holdfast-links-")));
});
after(() => rm(top, { recursive: true, force: true }));
beforeEach(async () => {
  home = join(top, String(made++));
  await mkdir(join(home, "model"), { recursive: true });
});

async function file(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(home, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

async function leads(name: string, target: string): Promise<string> {
  const path = join(home, name);
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
  return path;
}

async function scan(...paths: readonly string[]): Promise<ScanReport> {
  return await scanFiles(paths.length === 0 ? [join(home, "model")] : paths, { threads: 1 });
}

/** Of each file of the report that rules found something in: its name, verdict and their ids. */
function told({ files }: ScanReport): unknown {
  return files
    .filter(({ findings }) => findings.length > 0)
    .map(({ path, verdict, findings }) => [path.slice(home.length + 1), verdict, ...findings.map(({ rule }) => rule)]);
}

/** The same of the walk alone, which starts no thread. */
async function walked(...paths: readonly string[]): Promise<{ readonly files: number; readonly told: unknown }> {
  const { files, links } = await walk(paths.length === 0 ? [join(home, "model")] : paths);
  const all = [...files, ...links].filter(({ findings }) => findings.length > 0);
  return {
    files: files.length,
    told: all.map(({ path, findings }) => [path.slice(home.length + 1), ...findings.map(({ rule }) => rule.id)]),
  };
}

const OUTSIDE = "folder.link-outside";

describe("a symbolic link in a scanned folder", () => {
  it("is suspicious where it leads to a file outside, by whatever way, and that file is read", async () => {
    await file("clean.pkl", BENIGN);
    await file("model/a.pkl", BENIGN);
    await leads("model/sub/by-parents", "../../clean.pkl");
    const absolute = await scan();
    assert.deepEqual(told(absolute), [["model/sub/by-parents", "suspicious", OUTSIDE]]);
    assert.equal(absolute.verdict, "suspicious");
    assert.equal(
      absolute.files.find(({ path }) => path.endsWith("by-parents"))?.findings[0]?.detail,
      join(home, "clean.pkl"),
    );
    await unlink(join(home, "model/sub/by-parents"));
    await leads("model/absolute", join(home, "clean.pkl"));
    assert.deepEqual((await walked()).told, [["model/absolute", OUTSIDE]]);
    await unlink(join(home, "model/absolute"));
    // Through a link that itself stays inside, and a folder whose name only begins like this one's.
    await file("model-other/clean.pkl", BENIGN);
    await leads("model/z", "../model-other/clean.pkl");
    await leads("model/y", "z");
    assert.deepEqual((await walked()).told, [
      ["model/y", OUTSIDE],
      ["model/z", OUTSIDE],
    ]);
  });

  it("does not make what is worse look better", async () => {
    await file("bad.pkl", PAYLOAD);
    await leads("model/bad", "../bad.pkl");
    const report = await scan();
    assert.equal(report.verdict, "malicious");
    assert.equal(report.files[0]?.verdict, "malicious");
    assert.equal(report.files[0]?.findings.at(-1)?.rule, OUTSIDE);
  });

  it("is told and not followed where it leads to a folder outside", async () => {
    await file("other/bad.pkl", PAYLOAD);
    await file("model/a.pkl", BENIGN);
    await leads("model/data", "../other");
    await leads("model/root", "/");
    const report = await scan();
    assert.deepEqual(told(report), [
      ["model/data", "suspicious", OUTSIDE],
      ["model/root", "suspicious", OUTSIDE],
    ]);
    assert.equal(report.files.length, 3);
    assert.deepEqual(
      report.skipped.map(({ why, incomplete }) => [why, incomplete]),
      [
        ["a link to a folder outside", true],
        ["a link to a folder outside", true],
      ],
    );
  });

  it("is told where what it leads to is not there, or no file: on another machine it may be", async () => {
    await leads("model/key", "/home/nobody-here/.ssh/id_ed25519");
    await leads("model/up", "../../not-there");
    await leads("model/null", "/dev/null");
    const report = await scan();
    assert.deepEqual(told(report), [
      ["model/key", "suspicious", OUTSIDE],
      ["model/null", "suspicious", OUTSIDE],
      ["model/up", "suspicious", OUTSIDE],
    ]);
    assert.equal(report.skipped.length, 3);
  });

  it("is told where another path led to the same file before", async () => {
    await file("other/clean.pkl", BENIGN);
    await leads("model/again", "../other/clean.pkl");
    assert.deepEqual((await walked(join(home, "other"), join(home, "model"))).told, [["model/again", OUTSIDE]]);
  });

  it("is told again by a scan that goes on", async () => {
    await file("clean.pkl", BENIGN);
    await leads("model/link", "../clean.pkl");
    const resume = join(home, "resume.jsonl");
    for (const resumed of [0, 1]) {
      const report = await scanFiles([join(home, "model")], { threads: 1, resume: await openResume(resume) });
      assert.deepEqual([report.resumed, told(report)], [resumed, [["model/link", "suspicious", OUTSIDE]]]);
    }
    // Not of the file: under its own path it is as clean as it was.
    assert.equal((await scan(join(home, "clean.pkl"))).verdict, "clean");
  });

  it("stands in SARIF with its rule", async () => {
    await leads("model/key", "/not/there");
    const sarif = JSON.stringify(scanSarif(await scan(), home));
    assert.ok(sarif.includes('"ruleId":"folder.link-outside"') && sarif.includes("CVE-2026-27489"), sarif);
  });

  it("is no finding within the folder, or where it is the path that was named", async () => {
    await file("model/a.pkl", BENIGN);
    await leads("model/sub/b.pkl", "../a.pkl");
    await leads("model/sub/c.pkl", join(home, "model/a.pkl"));
    await leads("model/loop", ".");
    await leads("named", "model");
    await leads("one.pkl", "model/a.pkl");
    for (const path of ["model", "named", "one.pkl"]) {
      assert.deepEqual(await walked(join(home, path)), { files: 1, told: [] }, path);
    }
  });

  it("is no finding in a snapshot of a hub's cache, and one where it only looks so", async () => {
    const cache = "hub/models--acme--bot";
    const blob = `${cache}/blobs/${"a".repeat(64)}`;
    await file(blob, BENIGN);
    await file(`${cache}/blobs/${"b".repeat(40)}`, "{}");
    await leads(`${cache}/snapshots/1/weights/model.pkl`, `../../../blobs/${"a".repeat(64)}`);
    await leads(`${cache}/snapshots/1/config.json`, `../../blobs/${"b".repeat(40)}`);
    const report = await scan(join(home, cache, "snapshots/1"));
    assert.deepEqual([report.verdict, report.files.length, told(report)], ["clean", 2, []]);
    for (const other of [`${cache}/blobs/key`, `${cache}/${"a".repeat(64)}`, `hub/blobs/${"a".repeat(64)}`]) {
      await file(other, BENIGN);
      await leads(`${cache}/snapshots/1/other`, join(home, other));
      const { told: seen } = await walked(join(home, cache, "snapshots/1"));
      assert.deepEqual(seen, [[`${cache}/snapshots/1/other`, OUTSIDE]]);
      await unlink(join(home, cache, "snapshots/1/other"));
    }
  });
});

describe("a hard link", () => {
  const model = onnxModel(
    onnxGraph([onnxNode("Relu")], [onnxTensor([2], ...onnxExternal([["location", "weights/data"]]))]),
  );

  it("to elsewhere is noted where an ONNX model reads its data from files beside it", async () => {
    const secret = await file("secret", "12345678");
    await file("model/m.onnx", model);
    await mkdir(join(home, "model/weights"));
    await link(secret, join(home, "model/weights/data"));
    const report = await scan();
    assert.deepEqual(told(report), [
      ["model/m.onnx", "clean", "onnx.external-data"],
      ["model/weights/data", "not-a-model", "folder.hard-link"],
    ]);
    assert.equal(report.verdict, "clean");
  });

  it("is not noted where all its names are in the folder, or no model reads it", async () => {
    const data = await file("model/weights/data", "12345678");
    await file("model/m.onnx", model);
    await link(data, join(home, "model/weights/again"));
    const names = async (): Promise<unknown> => (await walk([join(home, "model")])).files.map((one) => one.otherNames);
    assert.deepEqual(await names(), [0, 0]);
    await mkdir(join(home, "other"));
    await link(data, join(home, "other/data"));
    assert.deepEqual(await names(), [0, 1]);
    assert.deepEqual(told(await scan(join(home, "other"))), []);
  });
});

it("tells paths within a folder from others", () => {
  const cases = [
    ["/a", "/a", true],
    ["/a/b", "/a", true],
    ["/a/..b", "/a", true],
    ["/ab", "/a", false],
    ["/", "/a", false],
    ["/a", "/", true],
  ] as const;
  for (const [path, folder, expected] of cases) assert.equal(isWithin(path, folder), expected, `${path} in ${folder}`);
});
