/** Layers that are archives of tar: what common tools write is taken, and whatever could be read in two ways is refused. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { hash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";

import fc from "fast-check";

import { isHoldfastError } from "../../../core/index.ts";
import { openBlobs, type BlobStore } from "../blobs.ts";
import { listArchive, type PackedArchive } from "./archive.ts";
import type { OciClient } from "./client.ts";
import { MANIFEST_TYPE, MODEL_TYPE } from "./manifest.ts";
import { tarFiles } from "./tar.ts";
import { pullModel } from "./transport.ts";

const code =
  (expected: string, detail = /./) =>
  (error: unknown) =>
    isHoldfastError(error, expected) && detail.test(error.message);

interface Entry {
  readonly name: string;
  readonly bytes?: Buffer;
  readonly type?: string;
  readonly link?: string;
  /** Instead of the bytes' own. */
  readonly size?: number;
}

/** One member: header, content, padding. */
function member({ name, bytes = Buffer.alloc(0), type = "0", link = "", size = bytes.length }: Entry): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write("0000644\0", 100);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write(type, 156, "latin1");
  header.write(link, 157, 100);
  header.write("ustar\u000000", 257);
  return Buffer.concat([signed(header), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A header with its checksum. */
function signed(header: Buffer): Buffer {
  header.write("        ", 148);
  const sum = header.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

const END = Buffer.alloc(1024);
const tar = (...entries: readonly Entry[]): Buffer => Buffer.concat([...entries.map(member), END]);
const pax = (...records: readonly (readonly [string, string])[]): Entry => {
  const lines = records.map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest) + 1;
    while (String(length).length + Buffer.byteLength(rest) !== length) length++;
    return `${length}${rest}`;
  });
  return { name: "PaxHeader", type: "x", bytes: Buffer.from(lines.join("")) };
};
const weights: Entry = { name: "weights.bin", bytes: Buffer.from("weights") };

async function* flow(bytes: Uint8Array, step = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

async function read(bytes: Uint8Array, step?: number): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { path, bytes: content } of tarFiles(flow(bytes, step))) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    found[path] = Buffer.concat(parts).toString();
  }
  return found;
}

describe("an archive of tar", () => {
  it("gives the files in it, however it flows in, and whether they are read or not", async () => {
    const long = `${"d/".repeat(60)}long.bin`;
    const archive = tar(
      { name: "sub/", type: "5" },
      { name: "./sub/a.bin", bytes: Buffer.from("a".repeat(1_500)) },
      { name: "empty" },
      { name: "././@LongLink", type: "L", bytes: Buffer.from(`${long}\0`) },
      { name: "cut", bytes: Buffer.from("long") },
      pax(["path", "ünï/ö.bin"], ["mtime", "1.5"]),
      { name: "uni", bytes: Buffer.from("pax") },
      { name: "global", type: "g", bytes: pax(["comment", "x"]).bytes as Buffer },
      weights,
    );
    const expected = {
      "sub/a.bin": "a".repeat(1_500),
      empty: "",
      [long]: "long",
      "ünï/ö.bin": "pax",
      "weights.bin": "weights",
    };
    for (const step of [1, 511, 512, 513, 100_000]) assert.deepEqual(await read(archive, step), expected);
    const names: string[] = [];
    for await (const { path } of tarFiles(flow(archive))) names.push(path);
    assert.deepEqual(names, Object.keys(expected));
  });

  const PLAIN = member(weights);
  const padded = Buffer.from(PLAIN);
  padded.write("00000000010\0", 124);
  const base256 = Buffer.from(PLAIN);
  base256.fill(0, 124, 136);
  base256[124] = 0x80;
  base256[135] = 7;
  it("takes sizes in base 256", async () => {
    assert.deepEqual(await read(Buffer.concat([signed(base256), END])), { "weights.bin": "weights" });
  });

  const refused: readonly (readonly [string, Buffer, RegExp])[] = [
    ["a symbolic link", tar({ name: "a", type: "2", link: "/etc/passwd" }), /a is a symbolic link/],
    ["a hard link", tar(weights, { name: "a", type: "1", link: "weights.bin" }), /a is a hard link/],
    ["a device", tar({ name: "a", type: "3" }), /a character device/],
    ["a block device", tar({ name: "a", type: "4" }), /a block device/],
    ["a pipe", tar({ name: "a", type: "6" }), /a pipe/],
    ["a sparse file", tar({ name: "a", type: "S" }), /sparse/],
    ["a sparse file of pax", tar(pax(["GNU.sparse.major", "1"]), weights), /sparse/],
    ["what nobody knows", tar({ name: "a", type: "V" }), /of the kind V/],
    ["a folder that leads out", tar({ name: "../x/", type: "5" }), /leads out/],
    ["a folder with bytes", tar({ name: "x/", type: "5", bytes: Buffer.from("y") }), /bytes of its own/],
    ["two long names", tar(pax(["path", "a"]), pax(["path", "b"]), weights), /given twice/],
    ["a name twice in one header", tar(pax(["path", "a"], ["path", "b"]), weights), /gives path twice/],
    ["a name for all files", tar({ ...pax(["path", "a"]), type: "g" }, weights), /all files alike/],
    [
      "a pax header that is none",
      tar({ name: "p", type: "x", bytes: Buffer.from("12 path=a\n") }, weights),
      /cannot be read/,
    ],
    ["a size that is none", tar(pax(["size", "-1"]), weights), /no size/],
    [
      "a name that is not UTF-8",
      Buffer.concat([signed(Buffer.from(PLAIN).fill(0xff, 0, 3)), PLAIN.subarray(512), END]),
      /UTF-8/,
    ],
    ["a wrong checksum", Buffer.concat([padded, END]), /checksum/],
    ["no end", PLAIN, /cut short/],
    ["half a member", PLAIN.subarray(0, 515), /cut short/],
    ["a size beyond the end", tar({ ...weights, size: 4_096 }), /cut short/],
    ["bytes behind the end", Buffer.concat([PLAIN, END, PLAIN]), /behind its end/],
    ["nothing", Buffer.alloc(0), /cut short/],
  ];
  for (const [what, bytes, detail] of refused) {
    it(`with ${what} is refused`, async () => {
      await assert.rejects(read(bytes), code("models.oci-invalid", detail));
    });
  }

  it("never throws anything but what it names, whatever the bytes", async () => {
    const right = tar(
      pax(["path", "x/y"]),
      weights,
      { name: "sub/", type: "5" },
      { name: "b", bytes: randomBytes(600) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(right.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(right.length),
        async (changes, end) => {
          const bytes = Buffer.from(right);
          for (const [at, value] of changes) bytes[at] = value;
          await read(bytes.subarray(0, end)).catch((error: unknown) => {
            assert.ok(isHoldfastError(error), String(error));
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("layers that are archives", () => {
  let folder: string;
  let blobs: BlobStore;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-archive-"));
    blobs = await openBlobs(join(folder, "store"));
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  interface Layer {
    readonly type: string;
    readonly bytes: Buffer;
    readonly path?: string;
    /** What the config says of it; default: the digest of the layer. */
    readonly diffId?: string;
  }
  const sha256 = (bytes: Uint8Array): string => hash("sha256", bytes);

  /** A repository that holds one model, of these layers. */
  function repository(layers: readonly Layer[]): OciClient {
    const config = Buffer.from(
      JSON.stringify({
        modelfs: { type: "layers", diffIds: layers.map(({ bytes, diffId }) => `sha256:${diffId ?? sha256(bytes)}`) },
      }),
    );
    const descriptor = (mediaType: string, bytes: Buffer, path?: string): object => ({
      mediaType,
      digest: `sha256:${sha256(bytes)}`,
      size: bytes.length,
      ...(path === undefined ? {} : { annotations: { "org.cncf.model.filepath": path } }),
    });
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      artifactType: MODEL_TYPE,
      config: descriptor("application/vnd.cncf.model.config.v1+json", config),
      layers: layers.map(({ type, bytes, path }) => descriptor(`application/vnd.cncf.model.${type}`, bytes, path)),
    };
    const all = new Map([config, ...layers.map(({ bytes }) => bytes)].map((bytes) => [sha256(bytes), bytes]));
    const unused = (): never => assert.fail("nothing is pushed");
    return {
      hasBlob: unused,
      pushBlob: unused,
      pushManifest: unused,
      pullManifest: async () => ({ bytes: Buffer.alloc(0), digest: sha256(Buffer.from("m")), value: manifest }),
      pullBlob: async (digest) => flow(all.get(digest) ?? assert.fail()),
      referrers: async () => [],
    };
  }
  const pull = (...layers: readonly Layer[]): ReturnType<typeof pullModel> =>
    pullModel(blobs, repository(layers), { host: "h", repository: "r", tag: "1" }, () => undefined);
  const held = async (): Promise<string[]> => (await readdir(join(folder, "store", "blobs", "sha256"))).toSorted();
  const TAR = tar({ name: "sub/a.bin", bytes: Buffer.from("a") }, weights);

  it("become their files, in every packing of the format, beside files as they are", async () => {
    const raw = { type: "doc.v1.raw", bytes: Buffer.from("read me"), path: "README.md" };
    const zstd = zstdCompressSync(TAR);
    for (const layer of [
      { type: "weight.v1.tar", bytes: TAR },
      { type: "weight.config.v1.tar+gzip", bytes: gzipSync(TAR), diffId: sha256(TAR) },
      { type: "code.v1.tar+gzip", bytes: gzipSync(TAR) },
      { type: "dataset.v1.tar+zstd", bytes: zstd, diffId: sha256(TAR) },
    ]) {
      const { files } = await pull(raw, layer);
      assert.deepEqual(files, [
        { path: "README.md", digest: sha256(raw.bytes), size: 7 },
        { path: "sub/a.bin", digest: sha256(Buffer.from("a")), size: 1 },
        { path: "weights.bin", digest: sha256(Buffer.from("weights")), size: 7 },
      ]);
      assert.equal(Buffer.from(await blobs.read(files[2]?.digest ?? "", 100)).toString(), "weights");
      // The archive itself is not kept.
      assert.equal(await blobs.has(sha256(layer.bytes)), false);
    }
    assert.deepEqual(await readdir(join(folder, "store", "incoming")), []);
  });

  it("that the tar command wrote are taken", async () => {
    const source = join(folder, "model");
    const long = "n".repeat(120);
    await mkdir(join(source, "sub"), { recursive: true });
    await writeFile(join(source, "sub", `${long}.bin`), "long");
    await writeFile(join(source, "ünï.bin"), "unicode");
    for (const format of ["ustar", "gnu", "posix"]) {
      const name = join(folder, `${format}.tar`);
      const made = promisify(execFile)("tar", [`--format=${format}`, "-cf", name, "-C", source, "."]);
      // ustar has no room for such a name.
      if (format === "ustar") await assert.rejects(made);
      else {
        await made;
        const { files } = await pull({ type: "weight.v1.tar", bytes: await readFile(name) });
        assert.deepEqual(files.map(({ path }) => path).toSorted(), [`sub/${long}.bin`, "ünï.bin"]);
      }
    }
    await symlink("/etc/passwd", join(source, "link"));
    await promisify(execFile)("tar", ["-cf", join(folder, "link.tar"), "-C", source, "."]);
    const bytes = await readFile(join(folder, "link.tar"));
    await assert.rejects(pull({ type: "weight.v1.tar", bytes }), code("models.oci-invalid", /link is a symbolic link/));
  });

  const evil = Buffer.from("evil");
  const bad: readonly (readonly [string, string, RegExp, readonly Layer[]])[] = [
    [
      "a name that leads out",
      "models.path-unsafe",
      /\.\./,
      [
        {
          type: "weight.v1.tar",
          bytes: tar({ name: "first", bytes: evil }, { name: "../../etc/cron.d/x", bytes: evil }),
        },
      ],
    ],
    [
      "an absolute name",
      "models.path-unsafe",
      /\/etc/,
      [{ type: "weight.v1.tar", bytes: tar({ name: "/etc/x", bytes: evil }) }],
    ],
    [
      "a name twice",
      "models.path-unsafe",
      /twice/,
      [{ type: "weight.v1.tar", bytes: tar({ name: "a", bytes: evil }, { name: "A" }) }],
    ],
    [
      "a name that another layer has",
      "models.path-unsafe",
      /twice/,
      [
        { type: "weight.v1.raw", bytes: Buffer.from("weights"), path: "weights.bin" },
        { type: "weight.v1.tar", bytes: tar({ ...weights, bytes: evil }) },
      ],
    ],
    [
      "other content than its config says",
      "models.oci-invalid",
      /other files/,
      [{ type: "weight.v1.tar", bytes: tar({ name: "a", bytes: evil }), diffId: "0".repeat(64) }],
    ],
    [
      "a link behind a file",
      "models.oci-invalid",
      /link/,
      [{ type: "weight.v1.tar", bytes: tar({ name: "a", bytes: evil }, { name: "b", type: "2", link: "a" }) }],
    ],
    [
      "compression that is none",
      "models.oci-invalid",
      /compression/,
      [{ type: "weight.v1.tar+gzip", bytes: tar({ name: "a", bytes: evil }) }],
    ],
    [
      "compression that is cut short",
      "models.oci-invalid",
      /compression/,
      [{ type: "weight.v1.tar+gzip", bytes: gzipSync(tar({ name: "a", bytes: evil })).subarray(0, -20) }],
    ],
    [
      "zstd that is none",
      "models.oci-invalid",
      /compression/,
      [{ type: "weight.v1.tar+zstd", bytes: tar({ name: "a", bytes: evil }) }],
    ],
    ["no file", "models.oci-invalid", /no files/, [{ type: "weight.v1.tar", bytes: tar({ name: "x/", type: "5" }) }]],
  ];
  for (const [what, expected, detail, layers] of bad) {
    it(`with ${what} are refused, and nothing of them is kept`, async () => {
      await assert.rejects(pull(...layers), code(expected, detail));
      const kept = await held();
      assert.equal(kept.includes(sha256(evil)), false);
      assert.deepEqual(await readdir(join(folder, "store", "incoming")), []);
    });
  }

  it("that unfold to a hundred times their size are refused before they fill the disk", async () => {
    const archive = { packing: "tar+gzip", digest: "0".repeat(64), size: 1_000 } satisfies PackedArchive;
    const bomb = gzipSync(tar({ name: "zeros", bytes: Buffer.alloc(68_000_000) }));
    await assert.rejects(
      listArchive(archive, () => flow(bomb)),
      code("models.limit-exceeded", /unfolds/),
    );
  });

  it("whose bytes are not those of their digest are refused", async () => {
    const bytes = Buffer.from(TAR);
    const client = repository([{ type: "weight.v1.tar", bytes }]);
    const changed = {
      ...client,
      pullBlob: async (digest: string) =>
        digest === sha256(bytes) ? flow(Buffer.from(TAR).fill(1, 600, 601)) : await client.pullBlob(digest),
    };
    await assert.rejects(
      pullModel(blobs, changed, { host: "h", repository: "r", tag: "1" }, () => undefined),
      code("models.blob-tampered", /an archive/),
    );
  });
});
