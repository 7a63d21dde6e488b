import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { approveText, fileOf, openFixture, type Fixture } from "../../../../test/registry/fixture.ts";
import { ociMissing, startOciRegistry, type OciServer } from "../../../../test/servers/oci.ts";
import { isHoldfastError, Secret } from "../../../core/index.ts";
import { attach, attachDocument } from "../attachment.ts";
import { openBlobs, type BlobStore } from "../blobs.ts";
import { publishParts } from "../releases.ts";
import { findVersion, type Release, type Version } from "../store.ts";
import { ociClient, type OciClient, type UploadMemory } from "./client.ts";
import { ociHttp, type OciHttp } from "./http.ts";
import { MANIFEST_TYPE, MODEL_TYPE, packManifest, unpackManifest } from "./manifest.ts";
import { parseOciReference } from "./reference.ts";
import { fileMemory, pullModel, pushRelease } from "./transport.ts";

const code = (expected: string, detail?: RegExp) => (error: unknown) =>
  isHoldfastError(error, expected) && (detail === undefined || detail.test(error.message));
const quiet = (): void => undefined;
const nowhere: UploadMemory = { get: async () => undefined, set: async () => undefined };

describe("references of OCI registries", () => {
  it("name host, repository, and tag or digest", () => {
    assert.deepEqual(parseOciReference("registry.example.org/models/bot:7"), {
      host: "registry.example.org",
      repository: "models/bot",
      tag: "7",
    });
    const digest = "ab".repeat(32);
    assert.deepEqual(parseOciReference(`localhost:5000/bot@sha256:${digest}`), {
      host: "localhost:5000",
      repository: "bot",
      digest,
    });
    for (const bad of [
      "bot:7",
      "models/bot:7",
      "registry.example.org/bot",
      "Registry.example.org/bot:1",
      "registry.example.org/Bot:1",
      "registry.example.org/../bot:1",
      "user@registry.example.org/bot:1",
      "https://registry.example.org/bot:1",
      "registry.example.org/bot:a/b",
      "",
    ]) {
      assert.throws(() => parseOciReference(bad), code("models.oci-reference"), bad);
    }
    for (const bad of [`sha512:${digest}`, "sha256:abc"]) {
      assert.throws(() => parseOciReference(`registry.example.org/bot@${bad}`), code("models.digest-invalid"), bad);
    }
  });
});

describe("manifests of models", () => {
  const files = [fileOf("weights.safetensors", "w"), fileOf("sub/config.json", "{}")];
  const config = { digest: hash("sha256", "c"), size: 1 };
  const packed = (): Record<string, unknown> =>
    JSON.parse(Buffer.from(packManifest({ config, files, parts: [] })).toString()) as Record<string, unknown>;
  const layers = (value: Record<string, unknown>): Record<string, unknown>[] =>
    value["layers"] as Record<string, unknown>[];

  it("come back as they were packed", () => {
    const parts = [{ part: "prompt", digest: hash("sha256", "p"), size: 1 }] as const;
    assert.deepEqual(unpackManifest(JSON.parse(Buffer.from(packManifest({ config, files, parts })).toString())), {
      config,
      layers: files,
      parts,
    });
    assert.equal(packed()["artifactType"], MODEL_TYPE);
  });

  // What a hostile registry would send.
  const hostile: readonly (readonly [string, string, (value: Record<string, unknown>) => void])[] = [
    [
      "a name that leads out",
      "models.path-unsafe",
      (value) => void (layers(value)[0]!["annotations"] = { "org.cncf.model.filepath": "../../etc/cron.d/x" }),
    ],
    [
      "an absolute name",
      "models.path-unsafe",
      (value) => void (layers(value)[0]!["annotations"] = { "org.cncf.model.filepath": "/etc/passwd" }),
    ],
    [
      "the same name twice",
      "models.path-unsafe",
      (value) => void (layers(value)[0]!["annotations"] = { "org.cncf.model.filepath": "SUB/config.json" }),
    ],
    ["no name", "models.oci-invalid", (value) => void delete layers(value)[0]!["annotations"]],
    [
      "another algorithm",
      "models.digest-invalid",
      (value) => void (layers(value)[0]!["digest"] = `sha512:${"a".repeat(128)}`),
    ],
    [
      "an upper-case digest",
      "models.digest-invalid",
      (value) => void (layers(value)[0]!["digest"] = `sha256:${"A".repeat(64)}`),
    ],
    ["a negative size", "models.oci-invalid", (value) => void (layers(value)[0]!["size"] = -1)],
    ["a size that is no number", "models.oci-invalid", (value) => void (layers(value)[0]!["size"] = "1")],
    [
      "a layer of another packing",
      "models.oci-invalid",
      (value) => void (layers(value)[0]!["mediaType"] = "application/vnd.cncf.model.weight.v1.tar+br"),
    ],
    [
      "a part that is not known",
      "models.oci-invalid",
      (value) =>
        void Object.assign(layers(value)[0]!, {
          mediaType: "application/vnd.holdfast.release.part.v1",
          annotations: { "dev.holdfast.part": "root" },
        }),
    ],
    ["no layers", "models.oci-invalid", (value) => void (value["layers"] = [])],
    [
      "another artifact",
      "models.oci-invalid",
      (value) => void (value["artifactType"] = "application/vnd.docker.container.image.v1+json"),
    ],
    [
      "an index",
      "models.oci-invalid",
      (value) => void (value["mediaType"] = "application/vnd.oci.image.index.v1+json"),
    ],
    [
      "another config",
      "models.oci-invalid",
      (value) => void ((value["config"] as Record<string, unknown>)["mediaType"] = "application/json"),
    ],
  ];
  for (const [what, expected, spoil] of hostile) {
    it(`with ${what} are refused`, () => {
      const value = packed();
      spoil(value);
      assert.throws(() => unpackManifest(value), code(expected));
    });
  }
  it("that are no objects are refused", () => {
    for (const bad of [null, [], "x", 1, { schemaVersion: 2, mediaType: MANIFEST_TYPE, artifactType: MODEL_TYPE }]) {
      assert.throws(() => unpackManifest(bad), code("models.oci-invalid"));
    }
  });
});

describe("push and pull with a real registry", { skip: ociMissing }, () => {
  let server: OciServer;
  let fixture: Fixture;
  let blobs: BlobStore;
  let folder: string;
  const opened: OciHttp[] = [];

  before(async () => {
    server = await startOciRegistry(true);
    fixture = await openFixture();
    folder = await mkdtemp(join(tmpdir(), "holdfast-push-"));
    blobs = await openBlobs(join(folder, "store"));
  });
  after(async () => {
    for (const http of opened) await http.close();
    await fixture?.[Symbol.asyncDispose]();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function client(repository: string, password = server.password): OciClient {
    const http = ociHttp({
      host: server.host,
      plain: true,
      credentials: { username: server.username, password: new Secret(password) },
    });
    opened.push(http);
    return ociClient(http, { repository });
  }

  const partsOf =
    (digest: string) =>
    (from: number, length: number): AsyncIterable<Uint8Array> =>
      blobs.part(digest, from, length);

  async function release(model: string, text: string): Promise<{ release: Release; version: Version }> {
    await blobs.put([Buffer.from(text)]);
    const { weights } = await approveText(fixture.registry, model, text);
    const prompt = (await blobs.put([Buffer.from("be kind")])).digest;
    const made = await publishParts(fixture.registry, { model, weights }, { prompt }, "dave");
    const version = await findVersion(fixture.db, model, weights.root);
    assert.ok(version);
    return { release: made.release, version };
  }
  const at = (repository: string): { host: string; repository: string; tag: string } => ({
    host: server.host,
    repository,
    tag: "1",
  });
  /** The file of a blob within the registry. */
  const served = (digest: string): string =>
    join(server.folder, "docker/registry/v2/blobs/sha256", digest.slice(0, 2), digest, "data");

  it("brings back the same files, parts and signature, by tag and by digest", async () => {
    const what = await release("bot", "weights");
    await attach(fixture.registry, what.version, "signature", await blobs.put([Buffer.from('{"a":"signature"}')]));
    const pushed = await pushRelease(
      fixture.registry,
      blobs,
      client("models/bot"),
      what,
      at("models/bot"),
      nowhere,
      quiet,
    );
    assert.ok(pushed.sent > 0);
    assert.deepEqual(pushed.attached, ["signature"]);
    const other = await openBlobs(join(folder, "other"));
    for (const reference of [
      at("models/bot"),
      { host: server.host, repository: "models/bot", digest: pushed.digest },
    ]) {
      const pulled = await pullModel(other, client("models/bot"), reference, quiet);
      assert.deepEqual(pulled.files, what.version.files);
      assert.equal(pulled.parts.prompt, what.release.prompt);
      assert.equal(
        Buffer.from(await other.read(pulled.attached.get("signature")?.digest ?? "", 100)).toString(),
        '{"a":"signature"}',
      );
      assert.equal(pulled.digest, pushed.digest);
    }
    // What is there is not sent again.
    const again = await pushRelease(
      fixture.registry,
      blobs,
      client("models/bot"),
      what,
      at("models/bot"),
      nowhere,
      quiet,
    );
    assert.deepEqual([again.sent, again.digest], [0, pushed.digest]);
    await assert.rejects(
      pullModel(other, client("models/bot", "wrong"), at("models/bot"), quiet),
      code("models.oci-refused", /401/),
    );
    await assert.rejects(
      pullModel(other, client("models/none"), at("models/none"), quiet),
      code("models.oci-refused", /404/),
    );
  });

  it("refuses a blob, a config and a manifest that were tampered with, and keeps nothing of them", async () => {
    const what = await release("tampered", "the weights");
    const pushed = await pushRelease(fixture.registry, blobs, client("t/bot"), what, at("t/bot"), nowhere, quiet);
    const [file] = what.version.files;
    assert.ok(file);
    const right = await readFile(served(file.digest));
    const other = await openBlobs(join(folder, "careful"));
    const kept = (): Promise<string[]> => readdir(join(folder, "careful", "blobs", "sha256"));
    for (const bad of ["the weighty", "the weights and more", "the w"]) {
      await writeFile(served(file.digest), bad);
      await assert.rejects(pullModel(other, client("t/bot"), at("t/bot"), quiet), code("models.blob-tampered"), bad);
      assert.equal((await kept()).includes(file.digest), false);
    }
    await writeFile(served(file.digest), right);
    const manifest = await readFile(served(pushed.digest), "utf8");
    await writeFile(served(pushed.digest), manifest.replace("weights.safetensors", "weights.pickletensor"));
    // By tag and by digest: the registry would serve both.
    for (const reference of [at("t/bot"), { ...at("t/bot"), digest: pushed.digest }]) {
      await assert.rejects(
        pullModel(other, client("t/bot"), reference, quiet),
        (error) => isHoldfastError(error, "models.blob-tampered") || isHoldfastError(error, "models.oci-refused"),
      );
    }
    await writeFile(served(pushed.digest), manifest);
    assert.equal((await pullModel(other, client("t/bot"), at("t/bot"), quiet)).files.length, 1);
  });

  it("goes on with a push that was interrupted, in another process too, and sends no byte twice but those of one chunk", async () => {
    const size = 40 * 1024 * 1024 + 123;
    const bytes = randomBytes(size);
    const blob = await blobs.put([bytes]);
    const upload = { ...blob, read: partsOf(blob.digest) };
    const memory = fileMemory(join(folder, "pushes"), { host: server.host, repository: "big/bot" });
    const first = client("big/bot");
    let reached = 0;
    await assert.rejects(
      first.pushBlob(upload, memory, (sent) => {
        reached = sent;
        if (sent > 0) throw new Error("interrupted");
      }),
    );
    assert.ok(reached > 0 && reached < size);
    await server.kill();
    await assert.rejects(client("big/bot").pushBlob(upload, memory, quiet), code("models.oci-unreachable"));
    await server.start();
    const starts: number[] = [];
    const sent = await client("big/bot").pushBlob(upload, memory, (from) => void starts.push(from));
    assert.equal(starts[0], reached);
    assert.equal(sent, size - reached);
    assert.equal(await client("big/bot").hasBlob(blob.digest), true);
    assert.equal(hash("sha256", await readFile(served(blob.digest))), blob.digest);
    assert.deepEqual(await readdir(join(folder, "pushes")), []);
    // Where the registry has forgotten it, from the beginning.
    const small = await blobs.put([Buffer.from("small")]);
    await memory.set(
      small.digest,
      `http://${server.host}/v2/big/bot/blobs/uploads/00000000-0000-4000-8000-000000000000?_state=x`,
    );
    assert.equal(await client("big/bot").pushBlob({ ...small, read: partsOf(small.digest) }, memory, quiet), 5);
  });

  it("takes as signature nothing that refers to another model", async () => {
    const what = await release("ref", "ref weights");
    const repository = "r/bot";
    const pushed = await pushRelease(fixture.registry, blobs, client(repository), what, at(repository), nowhere, quiet);
    const planted = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
        config: { mediaType: "application/vnd.oci.empty.v1+json", digest: `sha256:${hash("sha256", "{}")}`, size: 2 },
        layers: [],
      }),
    );
    const own = client(repository);
    const empty = await blobs.put([Buffer.from("{}")]);
    await own.pushBlob({ ...empty, read: partsOf(empty.digest) }, nowhere, quiet);
    await own.pushManifest(undefined, planted, pushed.digest);
    const other = await openBlobs(join(folder, "referrers"));
    assert.equal((await pullModel(other, own, at(repository), quiet)).attached.size, 0);
  });

  it("brings back the bill of materials that is about this model, whatever else refers to it", async () => {
    const what = await release("bill", "bill weights");
    const bomOf = (root: string): Buffer => {
      const component = { properties: [{ name: "holdfast:oms:root", value: `sha256:${root}` }] };
      return Buffer.from(JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.7", metadata: { component } }));
    };
    const own = client("b/bot");
    const push = async (): ReturnType<typeof pushRelease> =>
      await pushRelease(fixture.registry, blobs, own, what, at("b/bot"), nowhere, quiet);
    // Another one's, which somebody pushed beside it.
    await attach(fixture.registry, what.version, "bom", await blobs.put([bomOf("0".repeat(64))]));
    assert.deepEqual((await push()).attached, ["bom"]);
    const other = await openBlobs(join(folder, "bills"));
    assert.equal((await pullModel(other, own, at("b/bot"), quiet)).attached.size, 0);
    const right = await blobs.put([bomOf(what.version.root)]);
    assert.equal(await attachDocument(fixture.registry, blobs, what.version, "bom", right, "carol"), true);
    const card = await blobs.put([Buffer.from(`about sha256:${what.version.root}`)]);
    assert.equal(await attachDocument(fixture.registry, blobs, what.version, "card", card, "carol"), true);
    await push();
    const { attached } = await pullModel(other, own, at("b/bot"), quiet);
    assert.deepEqual(
      [...attached],
      [
        ["bom", right],
        ["card", card],
      ],
    );
  });
});
