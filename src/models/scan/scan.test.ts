/** The command over real files and folders: verdicts, exit codes, forms of output, resuming, and threads that are ended. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { Ajv } from "ajv";

import { BENIGN, PAYLOAD } from "../../../test/models/pickle.ts";
import { zipOf } from "../../../test/models/zip.ts";
import { isHoldfastError, parseJson, type Style } from "../../core/index.ts";
import { run } from "./command-scan.ts";
import { createScanPool } from "./pool.ts";
import type { ScanReport } from "./report.ts";

const PLAIN: Style = { bold: String, dim: String, red: String, green: String, yellow: String };

let home = "";
before(async () => {
  home = await mkdtemp(join(tmpdir(), "holdfast-scan-"));
});
after(() => rm(home, { recursive: true, force: true }));

async function file(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(home, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

interface Scanned {
  readonly exit: number | undefined;
  readonly text: string;
  readonly data: ScanReport;
  readonly sarif: unknown;
  readonly progress: readonly string[];
}

async function scan(paths: readonly string[], options: Readonly<Record<string, string>> = {}): Promise<Scanned> {
  const progress: string[] = [];
  const result = await run({
    services: undefined,
    args: {},
    // One thread is started sooner than several.
    options: { threads: "1", ...options },
    progress: (what) => progress.push(what),
    rest: paths,
  });
  return {
    exit: result.exit,
    text: result.text(PLAIN),
    data: result.data as ScanReport,
    sarif: result.formats?.sarif?.(),
    progress,
  };
}

describe("holdfast model scan", () => {
  it("says clean of a clean file, and of what it was read as", async () => {
    const path = await file("clean.pkl", BENIGN);
    const { exit, text } = await scan([path]);
    assert.deepEqual([exit, text], [0, `${path}: clean (pickle)`]);
  });

  it("says where something was found, why it matters and what to do", async () => {
    const path = await file("bad.pt", zipOf([{ name: "m/data.pkl", data: PAYLOAD }]));
    const { exit, text, data } = await scan([path]);
    assert.equal(exit, 1);
    assert.match(
      text,
      /bad\.pt: malicious\n {2}pickle\.global-dangerous {2}m\/data\.pkl, byte 2: os\.system: runs commands — /,
    );
    assert.match(text, /\n\nwhat to do\n {2}do not load it: delete it/);
    const [found] = data.files[0]?.findings ?? [];
    assert.deepEqual([found?.rule, found?.members, found?.offset], ["pickle.global-dangerous", ["m/data.pkl"], 2]);
    assert.ok(found?.references.includes("AML.T0011.000"));
  });

  it("ends with the code of what it found", async () => {
    const clean = await file("codes/clean.pkl", BENIGN);
    const other = await file("codes/readme.txt", "hello");
    const odd = await file("codes/odd.pkl", Buffer.from("\u0080\u0002cmymodel\nNet\n.", "latin1"));
    const cut = await file("codes/cut.gz", gzipSync(BENIGN).subarray(0, 14));
    const codes = async (...paths: readonly string[]) => (await scan(paths)).exit;
    assert.deepEqual(
      [await codes(clean), await codes(odd), await codes(cut), await codes(other), await codes(clean, other)],
      [0, 1, 2, 3, 0],
    );
    assert.equal((await scan([odd], { failOn: "critical" })).exit, 0);
    assert.equal((await scan([odd, cut], { failOn: "critical" })).exit, 2);
    assert.equal((await scan([odd, cut])).exit, 1);
  });

  it("reads folders to their leaves, each file once, and tells what it did not read", async () => {
    await file("tree/a/deep.pkl", PAYLOAD);
    await file("tree/b.pkl", BENIGN);
    await file("tree/.git/objects/x", PAYLOAD);
    await symlink("../b.pkl", join(home, "tree/a/link.pkl"));
    await symlink("..", join(home, "tree/a/loop"));
    const tree = join(home, "tree");
    const { data, text, progress } = await scan([tree]);
    assert.deepEqual(
      data.files.map(({ path, verdict }) => [path.slice(tree.length + 1), verdict]),
      [
        ["a/deep.pkl", "malicious"],
        ["a/link.pkl", "clean"],
      ],
    );
    assert.deepEqual(
      data.skipped.map(({ why }) => why),
      ["a folder .git"],
    );
    assert.match(text, /2 files scanned: 1 malicious, 1 clean$/);
    assert.equal(progress.length, 2);
  });

  it("never calls complete what it could not read", async (t) => {
    await file("broken/a.pkl", BENIGN);
    await symlink("nowhere", join(home, "broken/gone"));
    assert.equal((await scan([join(home, "broken")])).exit, 2);
    const server = createServer().listen(join(home, "socket"));
    t.after(() => server.close());
    assert.equal((await scan([join(home, "socket")])).exit, 2);
  });

  it("refuses paths and options that cannot be", async () => {
    const path = await file("clean.pkl", BENIGN);
    const refused = (paths: readonly string[], options: Readonly<Record<string, string>>, code: string) =>
      assert.rejects(scan(paths, options), (error) => isHoldfastError(error, code));
    await refused([join(home, "nowhere")], {}, "models.scan-missing");
    await refused([path], { failOn: "worst" }, "models.scan-option");
    for (const name of ["threads", "timeout", "memory"]) {
      for (const value of ["0", "-1", "1e9", "x"]) await refused([path], { [name]: value }, "models.scan-option");
    }
  });

  it("prints SARIF that the schema takes", async () => {
    await file("sarif/bad.pkl", PAYLOAD);
    await file("sarif/inner.zip", zipOf([{ name: "x", data: PAYLOAD }]));
    await symlink("nowhere", join(home, "sarif/gone"));
    const { sarif } = await scan([join(home, "sarif")]);
    const folder = new URL("../../../test/vectors/sarif/", import.meta.url);
    const schema = parseJson(readFileSync(new URL("sarif-2.1.0-rtm.5.json", folder))) as Record<string, unknown>;
    // The schema is draft-04, and reads the same under later ones without these two names.
    delete schema["$schema"];
    delete schema["id"];
    const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(schema);
    assert.ok(validate(sarif), JSON.stringify(validate.errors));
    const text = JSON.stringify(sarif);
    assert.ok(text.includes('"byteOffset":2') && text.includes('"executionSuccessful":false'));
  });
});

describe("--resume", () => {
  it("scans only what is new or changed", async () => {
    const resume = join(home, "resume.jsonl");
    const [one, two] = [await file("again/one.pkl", BENIGN), await file("again/two.pkl", PAYLOAD)];
    const folder = join(home, "again");
    assert.equal((await scan([folder], { resume })).data.resumed, 0);
    const second = await scan([folder], { resume });
    assert.deepEqual([second.data.resumed, second.exit], [2, 1]);
    assert.match(second.text, /2 files scanned, 2 of them by an earlier scan/);
    await writeFile(one, PAYLOAD);
    const third = await scan([folder], { resume });
    assert.deepEqual(
      [third.data.resumed, third.data.files.map(({ verdict }) => verdict)],
      [1, ["malicious", "malicious"]],
    );
    await utimes(two, 1, 1);
    assert.equal((await scan([folder], { resume })).data.resumed, 1);
  });

  it("goes on behind a line that was cut off, and forgets what other rules found", async () => {
    const resume = join(home, "cut.jsonl");
    const path = await file("cut/one.pkl", BENIGN);
    await scan([path], { resume });
    await appendFile(resume, '{"state":"1:2","scan');
    assert.equal((await scan([path], { resume })).data.resumed, 1);
    const other = (await readFile(resume, "utf8")).replace(/"rules":"[0-9a-f]+"/, '"rules":"0"');
    await writeFile(resume, other);
    assert.equal((await scan([path], { resume })).data.resumed, 0);
    assert.equal((await scan([path], { resume })).data.resumed, 1);
  });

  it("refuses a file that is none of its own", async () => {
    const path = await file("cut/one.pkl", BENIGN);
    await assert.rejects(scan([path], { resume: path }), (error) => isHoldfastError(error, "models.scan-resume"));
    assert.deepEqual(await readFile(path), Buffer.from(BENIGN));
  });
});

describe("threads", () => {
  it("are ended when their time is up, and the next file has another one", async () => {
    // Some seconds of steps: a dictionary that is put on the stack and taken off again.
    const long = await file(
      "long.pkl",
      Buffer.concat([Buffer.from("\u0080\u0002", "latin1"), Buffer.alloc(60_000_000, "}0"), Buffer.from("N.")]),
    );
    const clean = await file("clean.pkl", BENIGN);
    const pool = createScanPool({ threads: 1, timeoutMs: 1 });
    try {
      const given = await pool.scan(long, 0);
      assert.deepEqual(
        [given.verdict, given.findings.map(({ rule }) => rule.id)],
        ["inconclusive", ["scan.limit-time"]],
      );
    } finally {
      await pool.close();
    }
    const other = createScanPool({ threads: 1 });
    try {
      assert.deepEqual(
        (await Promise.all([other.scan(clean, 0), other.scan(clean, 0)])).map(({ verdict }) => verdict),
        ["clean", "clean"],
      );
      assert.equal((await other.scan(join(home, "nowhere"), 0)).verdict, "inconclusive");
    } finally {
      await other.close();
    }
  });

  it("are ended when they take too much memory", async () => {
    const path = await file("memory.gz", gzipSync(Buffer.alloc(400_000_000)));
    const pool = createScanPool({ threads: 1, memoryMb: 1 });
    try {
      const { verdict, findings } = await pool.scan(path, 0);
      assert.deepEqual([verdict, findings[0]?.rule.id], ["inconclusive", "scan.limit-memory"]);
    } finally {
      await pool.close();
    }
  });
});
