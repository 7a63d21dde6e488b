import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isHoldfastError } from "../core/index.ts";
import { diskFiles } from "./files.ts";
import { openLedger, type LedgerOptions } from "./ledger.ts";
import { openLedgerReader } from "./reader.ts";
import { verifyLedger } from "./verify.ts";

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "holdfast-ledger-"));
});
after(() => rm(scratch, { recursive: true, force: true }));

let made = 0;
function options(more: Partial<LedgerOptions> = {}): LedgerOptions {
  const home = join(scratch, String(made++));
  return {
    folder: join(home, "ledger"),
    keyFile: join(home, "keys", "ledger.key"),
    checkpointEveryMs: 60_000,
    ...more,
  };
}

function refuses(code: string): (error: unknown) => boolean {
  return (error) => isHoldfastError(error, code);
}

const text = (value: string): Uint8Array => Buffer.from(value);

describe("appending", () => {
  test("takes a great many tiny entries at once", async () => {
    const ledger = await openLedger(options());
    const entry = text("x");
    const indexes = await Promise.all(Array.from({ length: 150_000 }, () => ledger.append(entry)));
    assert.equal(indexes.at(-1), 149_999);
    await ledger.close();
  });

  test("gives every entry the next index, whatever the order of waiting", async () => {
    const ledger = await openLedger(options());
    const indexes = await Promise.all(Array.from({ length: 1000 }, (_, at) => ledger.append(text(`entry ${at}`))));
    assert.deepEqual(
      indexes,
      Array.from({ length: 1000 }, (_, at) => at),
    );
    assert.equal(ledger.size, 1000);
    assert.equal(await ledger.append(text("one more")), 1000);
    assert.equal((await ledger.checkpoint()).size, 1001);
    await ledger.close();
    const reader = openLedgerReader(ledger.folder);
    assert.deepEqual(Buffer.from(await reader.entry(577)), text("entry 577"));
  });

  test("copies the entry: the caller may change its bytes at once", async () => {
    const ledger = await openLedger(options());
    const bytes = Buffer.from("before");
    const appended = ledger.append(bytes);
    bytes.write("after!");
    await appended;
    await ledger.close();
    assert.deepEqual(Buffer.from(await openLedgerReader(ledger.folder).entry(0)), text("before"));
  });

  test("takes entries from nothing to 65,535 bytes, and names the limit beyond", async () => {
    const ledger = await openLedger(options());
    await ledger.append(new Uint8Array());
    await ledger.append(new Uint8Array(65_535).fill(7));
    await assert.rejects(ledger.append(new Uint8Array(65_536)), refuses("ledger.entry-too-large"));
    await ledger.close();
    assert.ok((await verifyLedger({ folder: ledger.folder, vkey: ledger.vkey })).ok);
    assert.equal((await openLedgerReader(ledger.folder).entry(1)).length, 65_535);
  });

  test("refuses by name what would fill the memory", async () => {
    const ledger = await openLedger(options());
    const results = await Promise.allSettled(Array.from({ length: 1100 }, () => ledger.append(new Uint8Array(65_535))));
    const refused = results.filter(({ status }) => status === "rejected");
    assert.ok(refused.length > 0 && refused.length < 200, `${refused.length}`);
    assert.ok(
      refused.every((result) => isHoldfastError((result as PromiseRejectedResult).reason, "ledger.overloaded")),
    );
    assert.equal(await ledger.append(text("afterwards")), 1100 - refused.length);
    await ledger.close();
    assert.ok((await verifyLedger({ folder: ledger.folder, vkey: ledger.vkey })).ok);
  });

  test("waits for durability: the entry is in the journal when its index is given out", async () => {
    const ledger = await openLedger(options());
    await ledger.append(text("to be found in the journal"));
    const journal = await readFile(join(ledger.folder, ".state", "journal"));
    assert.ok(journal.includes("to be found in the journal"));
    await ledger.close();
  });

  test("shares one durable write among all that wait", async () => {
    let writes = 0;
    const files = {
      ...diskFiles,
      append: (...args: Parameters<typeof diskFiles.append>) => (writes++, diskFiles.append(...args)),
    };
    const ledger = await openLedger(options({ files }));
    const before = writes;
    await Promise.all(Array.from({ length: 500 }, (_, at) => ledger.append(text(`entry ${at}`))));
    assert.ok(writes - before <= 2, `${writes - before} writes`);
    await ledger.close();
  });
});

describe("checkpoints", () => {
  test("cover all durable entries, by the clock or when asked", async () => {
    const ledger = await openLedger(options({ checkpointEveryMs: 5 }));
    const reader = openLedgerReader(ledger.folder);
    assert.equal((await reader.checkpoint())?.size, 0);
    await ledger.append(text("a"));
    while ((await reader.checkpoint())?.size !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const asked = await ledger.checkpoint();
    assert.deepEqual(asked, await ledger.checkpoint());
    assert.equal(asked.origin, ledger.origin);
    await ledger.close();
  });

  test("come without the clock when much is durable", async () => {
    const ledger = await openLedger(options());
    await Promise.all(Array.from({ length: 5000 }, (_, at) => ledger.append(text(`entry ${at}`))));
    const reader = openLedgerReader(ledger.folder);
    while (((await reader.checkpoint())?.size ?? 0) < 4096) await new Promise((resolve) => setTimeout(resolve, 5));
    await ledger.close();
    assert.equal((await reader.checkpoint())?.size, 5000);
  });

  test("leave no partial tiles beside a full one", async () => {
    const ledger = await openLedger(options());
    for (const count of [100, 100, 100]) {
      await Promise.all(Array.from({ length: count }, (_, at) => ledger.append(text(`entry ${at}`))));
      await ledger.checkpoint();
    }
    await ledger.close();
    const tiles = (await readdir(join(ledger.folder, "tile"), { recursive: true })).map((path) =>
      path.replaceAll("\\", "/"),
    );
    assert.deepEqual(tiles.filter((path) => /\d\d\d(?:\.p\/\d+)?$/.test(path)).toSorted(), [
      "0/000",
      "0/001.p/44",
      "1/000.p/1",
      "entries/000",
      "entries/001.p/44",
    ]);
  });

  test("keep the journal small", async () => {
    const ledger = await openLedger(options());
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 80 }, () => ledger.append(new Uint8Array(60_000))));
      await ledger.checkpoint();
    }
    await ledger.append(text("rotates"));
    assert.ok((await stat(join(ledger.folder, ".state", "journal"))).size < 5_500_000);
    await ledger.close();
    assert.ok((await stat(join(ledger.folder, ".state", "journal"))).size < 500);
    assert.ok((await verifyLedger({ folder: ledger.folder, vkey: ledger.vkey })).ok);
  });
});

describe("closing", () => {
  test("finishes what was appended, may be done twice, and ends appending", async () => {
    const ledger = await openLedger(options());
    const appended = Promise.all(Array.from({ length: 300 }, (_, at) => ledger.append(text(`entry ${at}`))));
    await Promise.all([ledger.close(), ledger.close()]);
    assert.equal((await appended).length, 300);
    await assert.rejects(ledger.append(text("x")), refuses("ledger.closed"));
    await assert.rejects(ledger.checkpoint(), refuses("ledger.closed"));
    assert.equal((await openLedgerReader(ledger.folder).checkpoint())?.size, 300);
  });

  test("and opening again continues where it ended", async () => {
    const opts = options();
    const first = await openLedger(opts);
    await Promise.all(Array.from({ length: 257 }, (_, at) => first.append(text(`entry ${at}`))));
    const before = await first.checkpoint();
    await first.close();
    const second = await openLedger(opts);
    assert.equal(second.vkey, first.vkey);
    assert.equal(second.size, 257);
    assert.deepEqual(Buffer.from((await second.checkpoint()).root), Buffer.from(before.root));
    assert.equal(await second.append(text("next")), 257);
    await second.close();
    assert.ok((await verifyLedger({ folder: opts.folder, vkey: first.vkey })).ok);
  });
});

describe("one writer", () => {
  test("the second gets a clear error at once, also after the first has been verified and read", async () => {
    const opts = options();
    const ledger = await openLedger(opts);
    await ledger.append(text("a"));
    await assert.rejects(openLedger(opts), refuses("ledger.locked"));
    await verifyLedger({ folder: opts.folder, vkey: ledger.vkey });
    await openLedgerReader(opts.folder).checkpoint();
    await assert.rejects(openLedger(opts), refuses("ledger.locked"));
    await ledger.close();
    await (await openLedger(opts)).close();
  });

  test("also from another process, and the lock dies with it", async () => {
    const opts = options();
    await (await openLedger(opts)).close();
    const script = `
      import { openLedger } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
      await openLedger(${JSON.stringify(opts)});
      console.log("open");
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await assert.rejects(openLedger(opts), refuses("ledger.locked"));
    child.kill("SIGKILL");
    await once(child, "exit");
    await (await openLedger(opts)).close();
  });
});

describe("keys", () => {
  test("are made on first use for their owner alone, with the vkey beside them", async () => {
    const opts = options({ origin: "example.com/log" });
    const ledger = await openLedger(opts);
    await ledger.close();
    assert.equal(ledger.origin, "example.com/log");
    if (process.platform !== "win32") assert.equal((await stat(opts.keyFile)).mode & 0o777, 0o600);
    assert.equal(await readFile(opts.keyFile.replace(".key", ".vkey"), "utf8"), `${ledger.vkey}\n`);
  });

  test("of two ledgers have different names", async () => {
    const [one, two] = [await openLedger(options()), await openLedger(options())];
    assert.notEqual(one.origin, two.origin);
    await Promise.all([one.close(), two.close()]);
  });

  test("that have signed a ledger begin no second one", async () => {
    const opts = options();
    const ledger = await openLedger(opts);
    await ledger.append(text("history"));
    await ledger.close();
    await rm(opts.folder, { recursive: true });
    await assert.rejects(openLedger(opts), refuses("ledger.missing"));
    await assert.rejects(openLedger({ ...opts, folder: `${opts.folder}-2` }), refuses("ledger.missing"));
  });

  test("that are missing, another's, or not for this origin are refused by name", async () => {
    const opts = options();
    await (await openLedger(opts)).close();
    const other = options();
    await (await openLedger(other)).close();
    await assert.rejects(openLedger({ ...opts, keyFile: other.keyFile }), refuses("ledger.key-mismatch"));
    await assert.rejects(openLedger({ ...opts, keyFile: `${opts.keyFile}.gone` }), refuses("ledger.key-missing"));
    await assert.rejects(openLedger({ ...opts, origin: "example.com/other" }), refuses("ledger.key-mismatch"));
    await assert.rejects(openLedger(options({ origin: "two words" })), refuses("ledger.origin-invalid"));
    await (await openLedger(opts)).close();
  });

  test(
    "that others can read, or that are no keys, are refused by name",
    { skip: process.platform === "win32" },
    async () => {
      const opts = options();
      await (await openLedger(opts)).close();
      const { chmod } = await import("node:fs/promises");
      await chmod(opts.keyFile, 0o640);
      await assert.rejects(openLedger(opts), refuses("ledger.key-exposed"));
      await chmod(opts.keyFile, 0o600);
      await writeFile(opts.keyFile, "not a key");
      await assert.rejects(openLedger(opts), refuses("ledger.key-invalid"));
    },
  );
});
