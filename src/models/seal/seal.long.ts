/**
 * What takes long: a gigabyte in bounded memory, kill -9 at any moment, and hundreds of thousands of altered headers.
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import * as cctv from "cctv-age";
import { measureWork, startWork, type Work } from "../../../test/seal/child.ts";
import { isHoldfastError, mulberry32 } from "../../core/index.ts";
import { decodeArmor } from "./age/armor.ts";
import { MAX_HEADER_BYTES, MAX_STANZAS, parseHeader } from "./age/header.ts";
import { generateKey, type KeyPair } from "./age/keys.ts";
import { sealFile } from "./file.ts";
import { openSealed } from "./open.ts";
import { decodeManifest } from "./set/manifest.ts";

const MEMORY = 200e6;

let folder = "";
let home = "";
let keys: KeyPair;
const at = (name: string): string => join(folder, name);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-seal-long-"));
  home = await mkdtemp(join(tmpdir(), "holdfast-seal-home-"));
  keys = await generateKey();
});
after(async () => {
  for (const each of [folder, home]) await rm(each, { recursive: true, force: true });
});

describe("a gigabyte", () => {
  it("is sealed and unsealed in less than 200 MB of memory", async () => {
    const size = 1024 ** 3 + 5;
    const file = await open(at("large"), "w");
    const part = randomBytes(8 * 1024 * 1024);
    for (let done = 0; done < size; done += part.length)
      await file.write(part.subarray(0, Math.min(part.length, size - done)));
    await file.close();
    const sealed = await measureWork({ act: "seal", from: at("large"), to: at("large.age"), keys, home });
    assert.ok(sealed.peak < MEMORY, `sealing took ${sealed.peak} bytes`);
    const unsealed = await measureWork({ act: "unseal", from: at("large.age"), to: at("large.back"), keys, home });
    assert.ok(unsealed.peak < MEMORY, `unsealing took ${unsealed.peak} bytes`);
    assert.equal((await stat(at("large.back"))).size, size);
    await using content = await openSealed(at("large.age"), { identities: [keys.identity] });
    for (const offset of [0, 8 * 1024 * 1024 - 100, size - 1000]) {
      const start = offset % part.length;
      const expected = Buffer.concat([part, part]).subarray(start, start + Math.min(1000, size - offset));
      assert.ok(expected.equals(await content.read(offset, 1000)));
    }
    for (const name of ["large", "large.age", "large.back"]) await rm(at(name));
  });
});

describe("kill -9", () => {
  it("at any moment leaves the whole output, or none", async () => {
    const content = randomBytes(60 * 1024 * 1024);
    await mkdir(at("many"));
    await writeFile(at("one"), content);
    for (let index = 0; index < 6; index++) {
      await writeFile(at(`many/${index}`), content.subarray(index * 1024 * 1024, (index + 8) * 1024 * 1024));
    }
    let killed = 0;
    for (const from of [at("one"), at("many")]) {
      // How long it takes here and now, so that the kills fall into the work.
      const to = at("out");
      const work: Work = { act: "seal", from, to, keys, home };
      const { seconds } = await measureWork(work);
      await checkWhole(to);
      for (let round = 0; round < 12; round++) {
        await rm(to, { recursive: true, force: true });
        const child = startWork(work);
        const ended = new Promise((resolve) => {
          child.on("close", resolve);
        });
        await Promise.race([ended, setTimeout(seconds * 1000 * (0.3 + 0.06 * round))]);
        if (child.kill("SIGKILL")) killed++;
        await ended;
        if (await exists(to)) await checkWhole(to);
      }
      await rm(to, { recursive: true, force: true });
    }
    assert.ok(killed > 5, `only ${killed} were killed`);
    // What is left behind says what it is.
    const left = (await readdir(folder)).filter((name) => !["one", "many"].includes(name));
    assert.ok(
      left.every((name) => /^\.out\.partial-[0-9a-f]{12}$/.test(name)),
      left.join(),
    );
  });
});

describe("a malformed header", () => {
  it("is read or refused, and nothing else, 200,000 times", async () => {
    const random = mulberry32(20_261_128);
    const seeds = Object.values(cctv as Readonly<Record<string, unknown>>)
      .filter((value) => value instanceof Uint8Array)
      .map((bytes) => bytes.subarray(Buffer.from(bytes).indexOf("\n\n") + 2))
      .filter((bytes) => bytes.length < 20_000);
    await writeFile(at("content"), "x");
    await sealFile(at("content"), at("content.age"), { recipients: [keys.recipient, keys.recipient] });
    assert.ok(seeds.length > 100);
    let read = 0;
    let worst = 0;
    for (let round = 0; round < 200_000; round++) {
      const bytes = mutate(seeds[Math.floor(random() * seeds.length)] as Uint8Array, random);
      const start = performance.now();
      for (const act of [parseHeader, decodeArmor]) {
        try {
          const got = act(bytes);
          if (act === parseHeader && got !== undefined) read++;
        } catch (error) {
          if (!isHoldfastError(error)) throw error;
        }
      }
      worst = Math.max(worst, performance.now() - start);
    }
    assert.ok(read > 1000, `${read} were read`);
    assert.ok(worst < 2000, `one took ${worst} ms`);
  });

  it("is refused at its limits, and not before", () => {
    const stanza = "-> a\n\n";
    const head = "age-encryption.org/v1\n";
    const mac = `--- ${"A".repeat(43)}\n`;
    assert.equal(parseHeader(Buffer.from(`${head}${stanza.repeat(MAX_STANZAS)}${mac}`))?.stanzas.length, MAX_STANZAS);
    const more = Buffer.from(`${head}${stanza.repeat(MAX_STANZAS + 1)}${mac}`);
    assert.throws(() => parseHeader(more), { code: "seal.header-limit" });
    const filler = (bytes: number): Uint8Array =>
      Buffer.from(`${head}-> ${"a".repeat(bytes - head.length - 5 - mac.length)}\n\n${mac}`);
    assert.equal(parseHeader(filler(MAX_HEADER_BYTES))?.bytes.length, MAX_HEADER_BYTES);
    assert.throws(() => parseHeader(filler(MAX_HEADER_BYTES + 1)), { code: "seal.header-limit" });
    assert.throws(() => parseHeader(Buffer.alloc(MAX_HEADER_BYTES, `${head}-> a`)), { code: /^seal\.header-/ });
  });

  it("of a manifest is too, 50,000 times", () => {
    const random = mulberry32(7);
    const hex = "0".repeat(64);
    const file = { path: "weights/a.bin", size: 10, sha256: hex, head: hex };
    const id = "0b6c2f0e-5d5c-4c39-9a52-3a6b2f1c9d10";
    const seed = Buffer.from(
      JSON.stringify({ version: 1, id, createdAt: "2026-01-01T00:00:00.000Z", files: [file], mac: hex }),
    );
    assert.ok(decodeManifest(seed));
    for (let round = 0; round < 50_000; round++) {
      try {
        for (const { path } of decodeManifest(mutate(seed, random)).files) assert.ok(!path.split("/").includes(".."));
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
      }
    }
  });
});

async function checkWhole(from: string): Promise<void> {
  const to = at("check");
  await measureWork({ act: "unseal", from, to, keys, home });
  await rm(to, { recursive: true });
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** One to four changes: bytes set, cut out, doubled, or lines exchanged. */
function mutate(seed: Uint8Array, random: () => number): Uint8Array {
  let bytes = Buffer.from(seed);
  const place = (): number => Math.floor(random() * (Math.min(bytes.length, 600) + 1));
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
    const [from, to] = [place(), place()].toSorted((one, other) => one - other) as [number, number];
    const kind = Math.floor(random() * 5);
    if (kind === 0 && from < bytes.length) bytes.writeUInt8(Math.floor(random() * 256), from);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    else if (kind === 3) bytes = bytes.subarray(0, to);
    else
      bytes = Buffer.concat([
        bytes.subarray(0, from),
        Buffer.from(SPLICES[Math.floor(random() * SPLICES.length)] ?? ""),
        bytes.subarray(from),
      ]);
  }
  return bytes;
}

const SPLICES = ["\n", "\r\n", "-> ", "--- ", " ", "=", "-> scrypt AA 99\n", "A".repeat(64), "\u0000", '"', "../", "}"];
