/**
 * The test vectors of the age format (C2SP CCTV, npm `cctv-age`), each as a stream in pieces of several sizes, and as a
 * file: the result must be the expected one, and not a byte more may be released than the vector says.
 */

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { inflateSync } from "node:zlib";
import * as cctv from "cctv-age";
import { isHoldfastError, Secret } from "../../core/index.ts";
import type { Identity } from "./age/keys.ts";
import { passphraseIdentity } from "./age/passphrase.ts";
import { openSealed } from "./open.ts";
import { unsealStream } from "./stream.ts";

interface Vector {
  readonly name: string;
  readonly expect: string;
  readonly payload: string | undefined;
  readonly identities: readonly Identity[];
  readonly file: Uint8Array;
}

/** What each kind of failure is called here. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  "header failure": ["seal.header-invalid", "seal.work-factor"],
  "HMAC failure": ["seal.header-mac"],
  "armor failure": ["seal.armor-invalid"],
  "payload failure": ["seal.payload-invalid"],
  "no match": ["seal.no-match"],
};

/** Vectors whose armor is not even begun: as a file without armor they have no valid header either. */
const NOT_BEGUN = ["armor_garbage_leading", "armor_empty", "armor_header_crlf", "armor_whitespace_begin"];

const vectors = readVectors();
let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-seal-vectors-"));
});
after(() => rm(folder, { recursive: true, force: true }));

describe("the vectors of the age format", () => {
  it("are all here", () => {
    assert.equal(vectors.length, 143);
    const kinds = new Set(vectors.map(({ expect }) => expect));
    assert.deepEqual([...kinds].toSorted(), [...Object.keys(CODES), "success"].toSorted());
  });

  for (const vector of vectors) {
    it(vector.name, async () => {
      await asStream(vector, Number.MAX_SAFE_INTEGER);
      if (vector.file.length < 300_000) await asStream(vector, 1000);
      await asFile(vector);
    });
  }
});

async function asStream(vector: Vector, pieces: number): Promise<void> {
  const released: Uint8Array[] = [];
  const outcome = await outcomeOf(async () => {
    const stream = unsealStream(cut(vector.file, pieces), { identities: vector.identities });
    for await (const bytes of stream) released.push(bytes);
  });
  check(vector, outcome);
  const { expect, payload } = vector;
  if (expect === "success" || expect === "payload failure") assert.equal(sha256(Buffer.concat(released)), payload);
  else assert.equal(released.length, 0);
}

async function asFile(vector: Vector): Promise<void> {
  const path = join(folder, vector.name);
  await writeFile(path, vector.file);
  let released = Buffer.alloc(0);
  const outcome = await outcomeOf(async () => {
    await using sealed = await openSealed(path, { identities: vector.identities });
    const parts: Uint8Array[] = [];
    for await (const bytes of sealed.stream()) parts.push(bytes);
    assert.equal(Buffer.concat(parts).length, sealed.size);
    released = Buffer.concat(parts);
  });
  check(vector, outcome);
  if (vector.expect === "success") assert.equal(sha256(released), vector.payload);
  else assert.equal(released.length, 0);
}

function check({ name, expect }: Vector, outcome: string): void {
  if (expect === "success") assert.equal(outcome, "success");
  else {
    const codes = [
      ...(CODES[expect] ?? []),
      ...(NOT_BEGUN.includes(name) ? ["seal.header-invalid", "seal.armor-invalid"] : []),
    ];
    assert.ok(codes.includes(outcome), `${expect}, but it was ${outcome}`);
  }
}

async function outcomeOf(act: () => Promise<void>): Promise<string> {
  try {
    await act();
    return "success";
  } catch (error) {
    if (isHoldfastError(error)) return error.code;
    throw error;
  }
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function sha256(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

function readVectors(): readonly Vector[] {
  const named = Object.entries(cctv as Readonly<Record<string, unknown>>);
  return named
    .filter((entry): entry is [string, Uint8Array] => entry[1] instanceof Uint8Array)
    .map(([name, bytes]) => {
      const end = Buffer.from(bytes).indexOf("\n\n");
      const fields = Buffer.from(bytes.subarray(0, end))
        .toString("utf8")
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)] as const);
      const all = (key: string): string[] => fields.filter(([name]) => name === key).map(([, value]) => value);
      const body = bytes.subarray(end + 2);
      return {
        name,
        expect: all("expect")[0] ?? "",
        payload: all("payload")[0],
        identities: [
          ...all("identity").map((text) => new Secret(text)),
          ...all("passphrase").map((text) => passphraseIdentity(new Secret(text))),
        ],
        file: all("compressed")[0] === "zlib" ? inflateSync(body) : body,
      };
    });
}
