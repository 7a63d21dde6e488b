/**
 * Both ways with the age command (Debian's package `age`): what it seals we open, what we seal it opens. It takes a
 * passphrase from a terminal alone, which `script` (util-linux) makes.
 */

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { Secret } from "../../core/index.ts";
import { generateKey } from "./age/keys.ts";
import { passphraseIdentity, passphraseRecipient } from "./age/passphrase.ts";
import { sealFile, unsealFile } from "./file.ts";
import { readIdentities, readRecipients } from "./key-source.ts";
import { sealFolder } from "./set/seal.ts";

const run = promisify(execFile);
const PASSPHRASE = "correct horse battery staple";

function missing(...programs: readonly string[]): string | false {
  for (const [program, how] of programs.map((name) => [name, name === "script" ? "util-linux" : "age"])) {
    try {
      execFileSync(program as string, ["--version"], { stdio: "ignore" });
    } catch {
      return `skipped: ${program} is not installed (apt-get install ${how})`;
    }
  }
  return false;
}

describe("the age command", { skip: missing("age", "age-keygen") }, () => {
  let folder = "";
  const at = (name: string): string => join(folder, name);
  // Two chunks and a bit, whose last one is short.
  const content = randomBytes(2 * 64 * 1024 + 10);
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-age-"));
    await writeFile(at("content"), content);
    await run("age-keygen", ["-o", at("key")]);
    await chmod(at("key"), 0o600);
    await writeFile(at("recipient"), (await run("age-keygen", ["-y", at("key")])).stdout);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("opens what we seal to its key, and we open what it seals, armored or not", async () => {
    const recipients = await readRecipients(at("recipient"), {});
    const identities = await readIdentities(at("key"), {});
    await sealFile(at("content"), at("ours.age"), { recipients: [...recipients, (await generateKey()).recipient] });
    await run("age", ["-d", "-i", at("key"), "-o", at("ours"), at("ours.age")]);
    assert.ok(content.equals(await readFile(at("ours"))));

    for (const [name, ...options] of [["theirs"], ["armored", "-a"]]) {
      const file = at(name as string);
      await run("age", ["-R", at("recipient"), ...options, "-o", `${file}.age`, at("content")]);
      await unsealFile(`${file}.age`, file, { identities });
      assert.ok(content.equals(await readFile(file)), name);
    }
  });

  it("opens a sealed folder in two steps", async () => {
    await mkdir(at("model"));
    await writeFile(at("model/weights"), content);
    await sealFolder(at("model"), at("set"), { recipients: await readRecipients(at("recipient"), {}) });
    await run("age", ["-d", "-i", at("key"), "-o", at("data.key"), at("set/key.age")]);
    await run("age", ["-d", "-i", at("data.key"), "-o", at("weights"), at("set/files/weights.age")]);
    assert.ok(content.equals(await readFile(at("weights"))));
  });

  it("takes our passphrases, and we take its", { skip: missing("script") }, async () => {
    const secret = new Secret(PASSPHRASE);
    await sealFile(at("content"), at("pass-ours.age"), {
      recipients: [passphraseRecipient(secret, { workFactor: 12 })],
    });
    await onTerminal(`age -d -o ${at("pass-ours")} ${at("pass-ours.age")}`);
    assert.ok(content.equals(await readFile(at("pass-ours"))));

    await onTerminal(`age -p -o ${at("pass-theirs.age")} ${at("content")}`);
    await unsealFile(at("pass-theirs.age"), at("pass-theirs"), { identities: [passphraseIdentity(secret)] });
    assert.ok(content.equals(await readFile(at("pass-theirs"))));
  });
});

/** Runs a command on a terminal, and types the passphrase whenever it asks for it. */
async function onTerminal(command: string): Promise<void> {
  const child = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdout.on("data", (text: Buffer) => {
    if (/passphrase[^\n]*: $/i.test(text.toString())) child.stdin.write(`${PASSPHRASE}\n`);
  });
  const code = await new Promise((resolve) => {
    child.on("exit", resolve);
  });
  child.stdin.destroy();
  assert.equal(code, 0, command);
}
