import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";

import { isHoldfastError, type Style } from "../../core/index.ts";
import { run, type CheckReport } from "./check.ts";
import { run as makeIndex } from "./index-corpus.ts";
import { MAX_FILE_BYTES, readSources, type Source } from "./files.ts";

const PLAIN: Style = { bold: String, dim: String, red: String, green: String, yellow: String };
const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");
/** Only rules: the other detectors need their model. */
const RULES = { detector: ["unicode", "secrets"] };

/** Not part of Node: where there is none, the test is skipped. */
const MAKE_PIPE = "mkfifo";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-check-"));
});
after(() => rm(folder, { recursive: true }));

async function file(name: string, bytes: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

async function check(
  paths: readonly string[],
  options: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<{ exit: number | undefined; text: string; data: CheckReport; sarif: string }> {
  const result = await run({
    services: undefined,
    args: {},
    options: { ...RULES, ...options },
    progress: () => {},
    rest: paths,
  });
  return {
    exit: result.exit,
    text: result.text(PLAIN),
    data: result.data as CheckReport,
    sarif: JSON.stringify(result.formats?.sarif?.()),
  };
}

async function all<T>(from: AsyncIterable<T>): Promise<readonly T[]> {
  const entries: T[] = [];
  for await (const entry of from) entries.push(entry);
  return entries;
}

test("a clean text exits 0 and says who looked", async () => {
  const path = await file("clean.txt", "hello\n");
  const { exit, text } = await check([path]);
  assert.equal(exit, 0);
  assert.equal(text, `${path}: nothing found by unicode, secrets`);
});

test("findings come by file, line and column, without the text", async () => {
  const path = await file("found.txt", `one\n  ig\u200Bnore\n\nkey=${AWS}\n`);
  const { exit, text, data, sarif } = await check([path]);
  assert.equal(exit, 1);
  for (const output of [text, JSON.stringify(data), sarif]) assert.ok(!output.includes(AWS));
  const [first, second, ...rest] = text.split("\n\n");
  assert.deepEqual(first?.split("\n"), [
    path,
    "  2:5  medium    unicode.split-word         an invisible character inside a word, which hides the word from filters",
    "  4:5  critical  secrets.aws-access-key-id  an AWS access key id",
  ]);
  assert.match(second ?? "", /^what to do\n {2}unicode\.split-word +\S.*\n {2}secrets\.aws-access-key-id +\S/);
  assert.deepEqual(rest, [`2 findings in ${path} by unicode, secrets: 1 critical, 1 medium`]);
});

test("--fail-on lets milder findings pass, and they are still shown", async () => {
  const path = await file("mild.txt", "ig\u200Bnore");
  assert.equal((await check([path], { failOn: "high" })).exit, 0);
  assert.match((await check([path], { failOn: "high" })).text, /unicode\.split-word/);
  assert.equal((await check([path], { failOn: "medium" })).exit, 1);
});

test("--detector chooses, and an unknown name or value is refused", async () => {
  const path = await file("both.txt", `ig\u200Bnore key=${AWS}`);
  const { data } = await check([path], { detector: ["secrets"] });
  assert.deepEqual(
    data.texts[0]?.findings.map(({ rule }) => rule),
    ["secrets.aws-access-key-id"],
  );
  for (const options of [{ detector: ["secret"] }, { origin: "moon" }, { failOn: "worst" }]) {
    await assert.rejects(check([path], options), (error) => isHoldfastError(error, "guard.option-invalid"));
  }
});

test("a folder is read to its leaves, but for what is named as skipped", async () => {
  await file("tree/a.txt", `key=${AWS}`);
  await file("tree/b/c/deep.md", `key=${AWS}`);
  await file("tree/b/picture.png", Uint8Array.of(0x89, 0x50, 0, 1, 2));
  await file("tree/node_modules/x/index.js", `key=${AWS}`);
  await file("tree/.git/config", `key=${AWS}`);
  await file("tree/.hidden", "ordinary");
  await symlink(join(folder, "tree/a.txt"), join(folder, "tree/link"));
  const tree = join(folder, "tree");
  const { exit, data, text } = await check([tree]);
  assert.equal(exit, 1);
  assert.deepEqual(
    data.texts.map(({ path, findings }) => [path.slice(tree.length + 1), findings.length]),
    [
      [".hidden", 0],
      ["a.txt", 1],
      ["b/c/deep.md", 1],
    ],
  );
  assert.deepEqual(
    data.skipped.map(({ path, why, incomplete }) => [path.slice(tree.length + 1), why, incomplete]),
    [
      [".git", "a folder .git", false],
      ["link", "a symbolic link", false],
      ["node_modules", "a folder node_modules", false],
      ["b/picture.png", "a binary file", false],
    ],
  );
  assert.ok(text.endsWith("2 findings in 2 of 3 texts by unicode, secrets: 2 critical"), text);
});

test("what was named and cannot be read leaves the check incomplete", async () => {
  const binary = await file("named.png", Uint8Array.of(0x89, 0, 1));
  const { exit, text } = await check([binary, await file("fine.txt", `key=${AWS}`)]);
  assert.equal(exit, 2);
  assert.ok(text.includes(`${binary}: not read: a binary file`), text);
  await assert.rejects(check([join(folder, "none")]), (error) => isHoldfastError(error, "guard.input-unreadable"));
});

test("a file that may not be read leaves the check incomplete", { skip: process.getuid?.() === 0 }, async () => {
  await chmod(await file("closed/secret.txt", "x"), 0);
  const { exit, data } = await check([join(folder, "closed")]);
  assert.equal(exit, 2);
  assert.equal(data.skipped[0]?.why, "unreadable (EACCES)");
});

test("a file over the limit is named with the limit, one at the limit is read", async () => {
  const path = await file("large/big.txt", "");
  await truncate(path, MAX_FILE_BYTES + 1);
  const { exit, data } = await check([join(folder, "large")]);
  assert.equal(exit, 2);
  assert.equal(data.skipped[0]?.why, `larger than the limit maxFileBytes (${MAX_FILE_BYTES})`);
  await truncate(path, MAX_FILE_BYTES);
  const [source] = await all(readSources([path]));
  // Read to its end: of zeros, it is binary.
  assert.equal(source !== undefined && "why" in source && source.why, "a binary file");
  const stdin = Readable.from([Buffer.alloc(MAX_FILE_BYTES, "a"), Buffer.from("a")]);
  const [streamed] = await all(readSources([], stdin));
  assert.equal(streamed !== undefined && "why" in streamed && streamed.why, data.skipped[0]?.why);
});

test("texts are read in the encoding that they are in", async () => {
  const read = async (bytes: Uint8Array): Promise<Source | undefined> =>
    (await all(readSources([await file("encoded.txt", bytes)])))[0];
  const text = async (bytes: Uint8Array): Promise<unknown> => {
    const source = await read(bytes);
    return source !== undefined && "text" in source ? source.text : source?.why;
  };
  assert.equal(await text(Buffer.from("\uFEFFgrüß 😀")), "grüß 😀");
  assert.equal(await text(Buffer.from("\uFEFFgrüß 😀", "utf16le")), "grüß 😀");
  assert.equal(await text(Buffer.from("\uFEFFgrüß 😀", "utf16le").swap16()), "grüß 😀");
  assert.equal(await text(Buffer.from("grüß", "latin1")), "grüß");
  assert.equal(await text(Uint8Array.of(0x41, 0, 0x42)), "a binary file");
  assert.equal(await text(new Uint8Array()), "");
});

test("standard input is read where no path is given, and pipes where they are", async (t) => {
  const [source] = await all(readSources([], Readable.from([Buffer.from("ab"), Buffer.from("c")])));
  assert.deepEqual(source, { path: "stdin", text: "abc" });
  const pipe = join(folder, "pipe");
  try {
    execFileSync(MAKE_PIPE, [pipe]);
  } catch {
    t.skip("no mkfifo");
    return;
  }
  const [piped] = await Promise.all([all(readSources([pipe])), writeFile(pipe, "through")]);
  assert.deepEqual(piped, [{ path: pipe, text: "through" }]);
});

test("an empty folder is nothing to do", async () => {
  await mkdir(join(folder, "empty"));
  const { exit, text } = await check([join(folder, "empty")]);
  assert.equal(exit, 3);
  assert.equal(text, "no text to check");
});

test("training text is found by an index, and not looked for without one", async () => {
  const passage =
    "The lighthouse keeper of Marrow Point wrote down every ship that passed, its flag, its heading and the weather, for " +
    "forty years, and burned the books on the night that he retired to his sister's farm inland.";
  const index = join(folder, "tale.hfi");
  const corpus = await file("corpus/tale.txt", `${passage}\n`);
  await makeIndex({ services: undefined, args: {}, options: { out: index }, progress: () => {}, rest: [corpus] });
  const answer = await file("answer.txt", `Once upon a time: ${passage}\n`);
  const found = await check([answer], { detector: ["leak"], index });
  assert.deepEqual([found.exit, found.data.texts[0]?.findings[0]?.rule], [1, "leak.training-text"]);
  assert.equal((await check([answer], { index })).exit, 0, "only when it is asked for");
  await assert.rejects(check([answer], { detector: ["leak"] }), (error) =>
    isHoldfastError(error, "guard.option-invalid"),
  );
  await assert.rejects(check([answer], { detector: ["leak"], index: answer }), (error) =>
    isHoldfastError(error, "guard.index-invalid"),
  );
});
