/** Sealing and unsealing through pipes, with the command itself. */

import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { generateKey } from "../age/keys.ts";
import { sealStream } from "../stream.ts";

const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));
const CHUNK = 64 * 1024;
// Several chunks, more than a pipe holds.
const content = randomBytes(5 * CHUNK + 100);

let folder = "";
let recipient = "";
let sealed = Buffer.alloc(0);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-pipes-"));
  const keys = await generateKey();
  ({ recipient } = keys);
  await writeFile(at("key"), `${keys.identity.reveal()}\n`, { mode: 0o600 });
  const parts: Uint8Array[] = [];
  for await (const part of sealStream([content], { recipients: [recipient] })) parts.push(part);
  sealed = Buffer.concat(parts);
  await writeFile(at("sealed.age"), sealed);
});
after(() => rm(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

function holdfast(args: readonly string[], input: Uint8Array): { code: number | null; out: Buffer; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args, "--data", at("data")], { input });
  return { code: status, out: stdout, said: stderr.toString() };
}

function start(args: readonly string[]): { child: ChildProcess; said: () => string; ended: Promise<unknown> } {
  const child = spawn(process.execPath, [MAIN, ...args, "--data", at("data")], { stdio: "pipe" });
  let said = "";
  child.stderr.on("data", (text: Buffer) => {
    said += text.toString();
  });
  child.stdin.on("error", () => undefined);
  return { child, said: () => said, ended: once(child, "close").then(([code]) => code as unknown) };
}

describe("a pipe", () => {
  it("is sealed and unsealed, and nothing else is written to it", () => {
    const made = holdfast(["seal", "-", "--to", recipient], content);
    assert.deepEqual([made.code, made.said], [0, ""]);
    // Whatever the format of results, this is none.
    const opened = holdfast(["unseal", "-", "--with", at("key"), "--format", "json"], made.out);
    assert.deepEqual([opened.code, opened.said], [0, ""]);
    assert.ok(opened.out.equals(content));
  });

  it("that is cut off gives what was authentic, and ends with an error", () => {
    const { code, out, said } = holdfast(
      ["unseal", "-", "--with", at("key")],
      sealed.subarray(0, sealed.length - 100 - 16),
    );
    assert.equal(code, 2);
    assert.match(said, /^holdfast: error: the sealed content was altered, cut off or extended/);
    assert.ok(out.equals(content.subarray(0, 5 * CHUNK)));
  });

  it("that is altered releases nothing of the chunk, nor leaves a file", async () => {
    const altered = Buffer.from(sealed);
    const place = altered.length - 1000;
    altered.writeUInt8(altered.readUInt8(place) ^ 1, place);
    const piped = holdfast(["unseal", "-", "--with", at("key")], altered);
    assert.equal(piped.code, 2);
    assert.ok(piped.out.equals(content.subarray(0, 4 * CHUNK)));
    assert.equal(holdfast(["unseal", "-", "--with", at("key"), "--output", at("out")], altered).code, 2);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes("out")),
      [],
    );
  });

  it("takes a file in and out", async () => {
    assert.equal(holdfast(["seal", "-", "--to", recipient, "--output", at("in.age")], content).code, 0);
    const { code, out } = holdfast(["unseal", at("in.age"), "--with", at("key"), "--output", "-"], Buffer.alloc(0));
    assert.equal(code, 0);
    assert.ok(out.equals(content));
    assert.ok((await readFile(at("in.age"))).length > content.length);
  });

  it("whose reader goes away ends with an error", async () => {
    const { child, said, ended } = start(["unseal", at("sealed.age"), "--with", at("key"), "--output", "-"]);
    child.stdout?.once("data", () => child.stdout?.destroy());
    assert.equal(await ended, 2);
    assert.match(said(), /^holdfast: error: standard output was closed before all of it was written/);
  });

  it("that is interrupted leaves no file", async () => {
    const { child, said, ended } = start(["seal", "-", "--to", recipient, "--output", at("stopped.age")]);
    child.stdin?.write(content);
    const made = async (): Promise<boolean> => (await readdir(folder)).some((name) => name.startsWith(".stopped"));
    for (let waited = 0; !(await made()); waited += 20) {
      assert.ok(waited < 60_000, "nothing was begun");
      await setTimeout(20);
    }
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    assert.match(said(), /^holdfast: error: interrupted/);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes("stopped")),
      [],
    );
  });
});
