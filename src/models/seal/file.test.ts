import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { appendFileSync, watch } from "node:fs";
import { appendFile, chmod, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { isHoldfastError } from "../../core/index.ts";
import { generateKey, type KeyPair } from "./age/keys.ts";
import { CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES } from "./age/chunk.ts";
import { NONCE_BYTES } from "./age/payload.ts";
import { sealFile, unsealFile } from "./file.ts";
import { openSealed } from "./open.ts";
import { sealStream, unsealStream } from "./stream.ts";

let folder = "";
let keys: KeyPair;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-seal-"));
  keys = await generateKey();
});
after(() => rm(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
let made = 0;
const fresh = (name: string): string => at(`${name}-${made++}`);

async function sealed(content: Uint8Array): Promise<string> {
  const from = fresh("content");
  await writeFile(from, content);
  const to = `${from}.age`;
  await sealFile(from, to, { recipients: [keys.recipient] });
  return to;
}

/** Content whose every chunk differs, cheap to make. */
function content(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes, randomBytes(997));
  for (let chunk = 0; chunk * CHUNK_BYTES < bytes; chunk++) buffer.writeUInt8(chunk % 256, chunk * CHUNK_BYTES);
  return buffer;
}

async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isHoldfastError(error), String(error));
    assert.equal(error.code, code);
    return true;
  });
}

describe("a sealed file", () => {
  it("gives back every size around the borders of chunks, as a file, as a stream and anywhere", async () => {
    const sizes = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7];
    for (const size of sizes) {
      const plain = content(size);
      const file = await sealed(plain);
      const back = fresh("back");
      assert.equal(await unsealFile(file, back, { identities: [keys.identity] }), size);
      assert.ok(plain.equals(await readFile(back)), `${size} bytes as a file`);
      const parts: Uint8Array[] = [];
      for await (const part of unsealStream([await readFile(file)], { identities: [keys.identity] })) parts.push(part);
      assert.ok(plain.equals(Buffer.concat(parts)), `${size} bytes as a stream`);
      await using opened = await openSealed(file, { identities: [keys.identity] });
      assert.equal(opened.size, size);
      assert.ok(plain.equals(await opened.read(0, size + 10)), `${size} bytes by reading`);
    }
  });

  it("has the size that the format says, and a stream of the same content has it too", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(3),
        fc.integer({ min: -2, max: 2 }),
        fc.integer({ min: 1, max: 90_000 }),
        async (chunks, more, piece) => {
          const plain = content(Math.max(0, chunks * CHUNK_BYTES + more));
          const parts: Uint8Array[] = [];
          const pieces = Array.from({ length: Math.ceil(plain.length / piece) }, (_, index) =>
            plain.subarray(index * piece, (index + 1) * piece),
          );
          for await (const part of sealStream(pieces, { recipients: [keys.recipient] })) parts.push(part);
          const head = (parts[0]?.length ?? 0) + NONCE_BYTES;
          const expected = head + plain.length + TAG_BYTES * Math.max(1, Math.ceil(plain.length / CHUNK_BYTES));
          assert.equal(Buffer.concat(parts).length, expected);
          const back: Uint8Array[] = [];
          for await (const part of unsealStream(parts, { identities: [keys.identity] })) back.push(part);
          assert.ok(plain.equals(Buffer.concat(back)));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("is read anywhere as its content is", async () => {
    const plain = content(5 * CHUNK_BYTES + 100);
    await using opened = await openSealed(await sealed(plain), { identities: [keys.identity] });
    await fc.assert(
      fc.asyncProperty(fc.nat(plain.length + 10), fc.nat(3 * CHUNK_BYTES), async (offset, length) => {
        assert.ok(plain.subarray(offset, offset + length).equals(await opened.read(offset, length)));
      }),
      { numRuns: 100 },
    );
    await assert.rejects(opened.read(-1, 1), RangeError);
    await assert.rejects(opened.read(0, -1), RangeError);
  });

  it("is done by threads as it is done here", async () => {
    const plain = content(9 * 1024 * 1024 + 3);
    const from = fresh("large");
    await writeFile(from, plain);
    const seen: number[] = [];
    await sealFile(from, `${from}.age`, {
      recipients: [keys.recipient],
      threads: 3,
      progress: (done) => seen.push(done),
    });
    assert.equal(seen.at(-1), plain.length);
    await unsealFile(`${from}.age`, `${from}.back`, { identities: [keys.identity], threads: 2 });
    assert.ok(plain.equals(await readFile(`${from}.back`)));
    // A bad chunk in the middle is found by a thread, and its name reaches the caller.
    const file = await open(`${from}.age`, "r+");
    await file.write(Buffer.from([1, 2, 3]), 0, 3, 5 * 1024 * 1024);
    await file.close();
    const failed = unsealFile(`${from}.age`, `${from}.bad`, { identities: [keys.identity] });
    await rejects(failed, "seal.payload-invalid");
    await assert.rejects(stat(`${from}.bad`), { code: "ENOENT" });
  });

  it("opens with any of its keys, and with no other", async () => {
    const [second, stranger, strong] = [
      await generateKey(),
      await generateKey(),
      await generateKey({ postQuantum: true }),
    ];
    const from = fresh("content");
    await writeFile(from, "shared");
    await sealFile(from, `${from}.two`, { recipients: [keys.recipient, second.recipient] });
    await sealFile(from, `${from}.strong`, { recipients: [strong.recipient] });
    for (const identities of [[keys.identity], [second.identity], [stranger.identity, second.identity]]) {
      await unsealFile(`${from}.two`, fresh("back"), { identities });
    }
    await unsealFile(`${from}.strong`, fresh("back"), { identities: [keys.identity, strong.identity] });
    await rejects(unsealFile(`${from}.two`, fresh("back"), { identities: [stranger.identity] }), "seal.no-match");
    await rejects(unsealFile(`${from}.strong`, fresh("back"), { identities: [keys.identity] }), "seal.no-match");
    await rejects(unsealFile(`${from}.two`, fresh("back"), { identities: [] }), "seal.key-missing");
    const mixed = sealFile(from, fresh("no"), { recipients: [keys.recipient, strong.recipient] });
    await rejects(mixed, "seal.quantum-mixed");
    await rejects(sealFile(from, fresh("no"), { recipients: [] }), "seal.recipient-missing");
    await rejects(sealFile(from, fresh("no"), { recipients: ["age1nobody"] }), "seal.recipient-invalid");
  });
});

describe("an altered file", () => {
  const CHUNKS = 4;
  const SIZE = (CHUNKS - 1) * CHUNK_BYTES + 500;

  /** Every way of reading must fail, and no output may be left. */
  async function failsEveryWay(bytes: Uint8Array, what: string): Promise<void> {
    const file = fresh("altered");
    await writeFile(file, bytes);
    await rejects(unsealFile(file, `${file}.out`, { identities: [keys.identity] }), "seal.payload-invalid");
    await assert.rejects(stat(`${file}.out`), { code: "ENOENT" }, what);
    await rejects(
      (async () => {
        for await (const _ of unsealStream([bytes], { identities: [keys.identity] }));
      })(),
      "seal.payload-invalid",
    );
  }

  it("is caught at every border of chunks: flipped, cut off, extended, out of order, repeated, missing", async () => {
    const whole = await readFile(await sealed(content(SIZE)));
    const head = whole.length - SIZE - CHUNKS * TAG_BYTES;
    const border = (chunk: number): number => Math.min(head + chunk * SEALED_CHUNK_BYTES, whole.length);
    const chunk = (index: number): Uint8Array => whole.subarray(border(index), border(index + 1));
    const start = whole.subarray(0, head);

    for (let index = 0; index <= CHUNKS; index++) {
      for (const position of [border(index) - TAG_BYTES, border(index) - 1, border(index)]) {
        if (position < head || position >= whole.length) continue;
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(flipped.readUInt8(position) ^ 1, position);
        await failsEveryWay(flipped, `flipped at ${position}`);
      }
      for (const end of [border(index) - 1, border(index), border(index) + 1, border(index) + TAG_BYTES]) {
        if (end < head || end >= whole.length) continue;
        await failsEveryWay(whole.subarray(0, end), `cut off at ${end}`);
      }
    }
    for (const more of [1, TAG_BYTES, SEALED_CHUNK_BYTES]) {
      await failsEveryWay(Buffer.concat([whole, Buffer.alloc(more)]), `extended by ${more}`);
    }
    await failsEveryWay(Buffer.concat([whole, chunk(CHUNKS - 1)]), "the last chunk twice");
    for (let index = 0; index < CHUNKS; index++) {
      const others = Array.from({ length: CHUNKS }, (_, at) => at);
      const moved = others.toSpliced(index, 1).toSpliced((index + 1) % (CHUNKS - 1), 0, index);
      if (moved.join() !== others.join())
        await failsEveryWay(Buffer.concat([start, ...moved.map(chunk)]), `order ${moved.join()}`);
      await failsEveryWay(Buffer.concat([start, ...others.toSpliced(index, 1).map(chunk)]), `without ${index}`);
      await failsEveryWay(Buffer.concat([start, ...others.toSpliced(index, 0, index).map(chunk)]), `${index} twice`);
    }
  });

  it("releases what is before the bad chunk to a stream, and nothing of it or behind it", async () => {
    const plain = content(SIZE);
    const bytes = await readFile(await sealed(plain));
    // In the last chunk but one: number 2.
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1000) ^ 1, bytes.length - 1000);
    const released: Uint8Array[] = [];
    await assert.rejects(async () => {
      for await (const part of unsealStream([bytes], { identities: [keys.identity] })) released.push(part);
    });
    assert.ok(plain.subarray(0, 2 * CHUNK_BYTES).equals(Buffer.concat(released)));
  });

  it("does not open where its end is not its end, and a read fails where it was altered and nowhere else", async () => {
    const file = await sealed(content(SIZE));
    const { size } = await stat(file);
    const handle = await open(file, "r+");
    await handle.write(Buffer.from("altered"), 0, 7, size - 1000);
    await handle.close();
    {
      await using opened = await openSealed(file, { identities: [keys.identity] });
      assert.equal((await opened.read(0, 10)).length, 10);
      assert.equal((await opened.read(SIZE - 10, 10)).length, 10);
      await rejects(opened.read(2 * CHUNK_BYTES, 1), "seal.payload-invalid");
    }
    await truncate(file, size - 1);
    await rejects(openSealed(file, { identities: [keys.identity] }), "seal.payload-invalid");
    await truncate(file, size);
    await appendFile(file, "x");
    await rejects(openSealed(file, { identities: [keys.identity] }), "seal.payload-invalid");
  });

  it("is caught in the header too", async () => {
    const whole = await readFile(await sealed(content(10)));
    const end = whole.indexOf("\n---") + 4;
    for (let position = 0; position < end + 46; position++) {
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(position) ^ 1, position);
      await assert.rejects(
        async () => {
          for await (const _ of unsealStream([flipped], { identities: [keys.identity] }));
        },
        (error) => isHoldfastError(error),
        `byte ${position}`,
      );
    }
  });
});

describe("an output", () => {
  it("is not there when anything fails, and nothing is left beside it", async () => {
    const own = await mkdtemp(join(folder, "own-"));
    const from = join(own, "from");
    await writeFile(from, content(20 * 1024 * 1024));
    const abort = new AbortController();
    // Ended once something of the output is there, which is long before a thread has started.
    const watcher = watch(own, () => abort.abort());
    const options = { recipients: [keys.recipient], signal: abort.signal };
    await assert.rejects(sealFile(from, join(own, "out"), options), { name: "AbortError" });
    watcher.close();
    await rejects(sealFile(own, join(own, "out"), { recipients: [keys.recipient] }), "seal.source-kind");
    await rejects(unsealFile(from, join(own, "out"), { identities: [keys.identity] }), "seal.header-invalid");
    assert.deepEqual(await readdir(own), ["from"]);
  });

  it("never takes the place of what is there", async () => {
    const file = await sealed(Buffer.from("content"));
    const there = fresh("there");
    await writeFile(there, "mine");
    await rejects(unsealFile(file, there, { identities: [keys.identity] }), "storage.output-exists");
    await rejects(sealFile(file, there, { recipients: [keys.recipient] }), "storage.output-exists");
    assert.equal(await readFile(there, "utf8"), "mine");
  });

  it("is for its owner alone once it is unsealed", { skip: process.platform === "win32" }, async () => {
    const file = await sealed(Buffer.from("content"));
    await chmod(file, 0o644);
    const back = fresh("back");
    await unsealFile(file, back, { identities: [keys.identity] });
    assert.equal((await stat(back)).mode & 0o777, 0o600);
  });

  it("is refused where the content changed while it was read", async () => {
    const from = fresh("changing");
    await writeFile(from, content(30 * 1024 * 1024));
    const progress = (): void => appendFileSync(from, "more");
    const options = { recipients: [keys.recipient], threads: 1, progress };
    await rejects(sealFile(from, `${from}.age`, options), "seal.source-changed");
  });
});
