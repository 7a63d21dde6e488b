import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { gunzipSync } from "node:zlib";
import { ledgerHandler } from "./http.ts";
import { openLedger } from "./ledger.ts";

let scratch: string;
let handle: (request: Request) => Promise<Response>;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "holdfast-http-"));
  const folder = join(scratch, "ledger");
  const ledger = await openLedger({ folder, keyFile: join(scratch, "ledger.key") });
  await Promise.all(Array.from({ length: 300 }, (_, at) => ledger.append(Buffer.from(`entry ${at}`))));
  await ledger.close();
  await writeFile(join(scratch, "secret"), "secret");
  await mkdir(join(folder, "tile/0/002"));
  handle = ledgerHandler(folder);
});
after(() => rm(scratch, { recursive: true, force: true }));

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return handle(new Request(`http://localhost${path}`, init));
}

test("the checkpoint is text that is not cached", async () => {
  const response = await get("/checkpoint");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(response.headers.get("cache-control"), "no-cache");
  assert.match(await response.text(), /^ledger-[0-9a-f]{16}\.invalid\n300\n/);
});

test("tiles are bytes that are cached for long", async () => {
  for (const [path, length] of [
    ["/tile/0/000", 8192],
    ["/tile/0/001.p/44", 44 * 32],
    ["/tile/1/000.p/1", 32],
  ] as const) {
    const response = await get(path);
    assert.equal(response.headers.get("content-type"), "application/octet-stream");
    assert.match(response.headers.get("cache-control") ?? "", /max-age=31536000, immutable/);
    assert.equal((await response.arrayBuffer()).byteLength, length, path);
  }
});

test("entry bundles are compressed for those who can read that", async () => {
  const plain = Buffer.from(await (await get("/tile/entries/000")).arrayBuffer());
  const response = await get("/tile/entries/000", { headers: { "accept-encoding": "br;q=0.9, gzip" } });
  assert.equal(response.headers.get("content-encoding"), "gzip");
  assert.equal(response.headers.get("vary"), "accept-encoding");
  assert.deepEqual(gunzipSync(Buffer.from(await response.arrayBuffer())), plain);
  const refused = await get("/tile/entries/000", { headers: { "accept-encoding": "gzip;q=0, identity" } });
  assert.equal(refused.headers.get("content-encoding"), null);
  assert.deepEqual(Buffer.from(await refused.arrayBuffer()), plain);
});

test("HEAD has the headers alone, other methods are refused", async () => {
  const head = await get("/tile/0/000", { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), "8192");
  assert.equal((await head.arrayBuffer()).byteLength, 0);
  const post = await get("/checkpoint", { method: "POST" });
  assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
});

test("nothing else can be read, in any spelling", async () => {
  for (const path of [
    "/",
    "/.state/journal",
    "/.state/lock",
    "/tile",
    "/tile/0",
    "/tile/0/000.p",
    "/tile/0/000.p/44",
    "/tile/0/005",
    "/tile/0/../../../secret",
    "/tile/0/..%2f..%2f..%2fsecret",
    "/tile/0/%2e%2e/%2e%2e/%2e%2e/secret",
    "/tile/entries/..\\..\\..\\secret",
    "//secret",
    "/../secret",
    "/checkpoint/",
    "/checkpoint%00",
    "/Checkpoint",
    "/tile/0/000%00",
  ]) {
    const response = await get(path);
    assert.equal(response.status, 404, path);
    assert.equal(await response.text(), "not found\n");
  }
  await fc.assert(
    fc.asyncProperty(fc.webPath(), async (path) => {
      assert.equal((await get(path === "" ? "/" : path)).status, 404);
    }),
    { numRuns: 50 },
  );
});

test("a folder where a file should be is an error, not a listing", async () => {
  await assert.rejects(get("/tile/0/002"));
});
