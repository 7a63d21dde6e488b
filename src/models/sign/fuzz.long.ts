/**
 * Altered bundles and statements, 50,000 or `HOLDFAST_FUZZ_INPUTS`: each is rejected or verifies the very files that were signed, none crashes, and
 * none takes long.
 */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { cpuTime, randomOf } from "../../../test/models/mutate.ts";
import { isHoldfastError } from "../../core/index.ts";
import { readBundle, writeBundle } from "./bundle.ts";
import { readCertificate } from "./certificate.ts";
import { REJECTIONS } from "./errors.ts";
import { hintOf, makeKeyPair, readPrivateKey, readPublicKey, signPayload } from "./key.ts";
import { hashModel } from "./manifest.ts";
import { readStatement, writeStatement } from "./statement.ts";
import { verifyModel } from "./verify.ts";

const VECTORS = fileURLToPath(new URL("../../../test/vectors/model-signing/python/", import.meta.url));
const ROUNDS = Number(process.env["HOLDFAST_FUZZ_INPUTS"] ?? 50_000);
const VERIFIED_ROUNDS = 4_000;
/** Milliseconds that one input may take, on a machine that is busy with other things. */
const MOST_MS = 2_000;

const TOKENS = [
  "null",
  "{}",
  "[]",
  '""',
  "-1",
  "1e999",
  '"."',
  '"../x"',
  '"a:0:1"',
  "true",
  '"\\ud800"',
  "{",
  "}",
  ",",
];

/** Bytes flipped, cut, repeated, or with a token of JSON put in. */
function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(Math.max(1, out.length));
    const length = random(32);
    switch (random(5)) {
      case 0:
        out[at] = random(256);
        break;
      case 1:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at, at + length), out.subarray(at)]);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), Buffer.from(TOKENS[random(TOKENS.length)] ?? ""), out.subarray(at)]);
        break;
      default:
        out = out.subarray(0, at);
    }
  }
  return out;
}

/** Runs `read` and takes rejections for answers. Anything else that is thrown fails the test. */
function attempt(read: () => unknown, input: Buffer): boolean {
  const started = cpuTime();
  try {
    read();
    return true;
  } catch (error) {
    const isRejection = isHoldfastError(error) && REJECTIONS.some((code) => code === error.code);
    assert.ok(isRejection, `${String(error)} for ${input.toString("latin1").slice(0, 2000)}`);
    return false;
  } finally {
    const took = cpuTime() - started;
    assert.ok(took < MOST_MS, `${took} ms for ${input.toString("latin1").slice(0, 2000)}`);
  }
}

describe("altered signatures", { timeout: 1_800_000 }, () => {
  let home = "";
  before(() => {
    home = mkdtempSync(join(tmpdir(), "fuzz-"));
    for (const name of ["a", "b:1", "ü"]) writeFileSync(join(home, name), `file ${name}`);
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  const bundles = readdirSync(VECTORS)
    .filter((name) => name.startsWith("v"))
    .map((name) => readFileSync(join(VECTORS, name, "model.sig")));

  it("read as bundles: no crash, nothing slow", () => {
    const random = randomOf(1);
    let read = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const input = mutate(bundles[random(bundles.length)] as Buffer, random);
      if (attempt(() => readBundle(input), input)) read++;
    }
    assert.ok(read > ROUNDS / 100, `${read} were read`);
  });

  it("read as statements: no crash, nothing slow", async () => {
    const random = randomOf(2);
    const shards = await hashModel(home, { method: "shards", shardSize: 3 });
    const seeds = [
      ...bundles.map((bundle) => readBundle(bundle).payload),
      Buffer.from(writeStatement(shards)),
      Buffer.from(writeStatement(await hashModel(home))),
    ];
    for (let round = 0; round < ROUNDS; round++) {
      const input = mutate(seeds[random(seeds.length)] as Buffer, random);
      attempt(() => readStatement(input), input);
    }
  });

  it("read as certificates: no crash, nothing slow", () => {
    const random = randomOf(3);
    const seeds = bundles.flatMap((bundle) => {
      const { material } = readBundle(bundle);
      return material.method === "certificate" ? material.certificates : [];
    });
    for (let round = 0; round < ROUNDS; round++) {
      const input = mutate(seeds[random(seeds.length)] as Buffer, random);
      attempt(() => readCertificate(input), input);
    }
  });

  it("never verify an altered model, even where the signer signed an altered statement", async () => {
    const random = randomOf(4);
    const keys = makeKeyPair("P-256");
    const privateKey = readPrivateKey(keys.privateKey.reveal());
    const hint = hintOf(readPublicKey(keys.publicKey));
    const trust = { method: "key", publicKey: keys.publicKey } as const;
    const signed = await hashModel(home);
    const statement = Buffer.from(writeStatement(signed));
    writeFileSync(join(home, "planted"), "payload");
    let rejected = 0;
    for (let round = 0; round < VERIFIED_ROUNDS; round++) {
      const payload = mutate(statement, random);
      const bundle = writeBundle({ method: "key", hint }, payload, signPayload(payload, privateKey));
      const report = await verifyModel(home, bundle, trust);
      if (!report.verified) rejected++;
      // To ignore the planted file a statement would have to name it.
      else assert.ok(payload.includes("planted"), payload.toString("latin1"));
    }
    assert.equal(rejected, VERIFIED_ROUNDS);
  });
});
