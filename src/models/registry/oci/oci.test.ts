import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type LookupFunction } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";

import { approveText, fileOf, openFixture, type Fixture } from "../../../../test/registry/fixture.ts";
import { ociMissing, startOciRegistry, type OciServer } from "../../../../test/servers/oci.ts";
import { isHoldfastError, Secret } from "../../../core/index.ts";
import { attach, attachDocument } from "../attachment.ts";
import { openBlobs, type BlobStore } from "../blobs.ts";
import { publishParts } from "../releases.ts";
import { findVersion, type Release, type Version } from "../store.ts";
import { ociClient, type OciClient, type UploadMemory } from "./client.ts";
import { addressJudge, ociHttp, type OciHttp } from "./http.ts";
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

describe("how a registry is shown who asks", () => {
  /** A server for one test. */
  async function serve(t: TestContext, listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    t.after(() => server.closeAllConnections());
    t.after(() => server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const credentials = { username: "me", password: new Secret("pw") };
  const basic = `Basic ${Buffer.from("me:pw").toString("base64")}`;
  const ask = async (http: OciHttp, url = "/v2/bot/blobs/x"): Promise<number> => {
    const answer = await http.send({ method: "GET", url, scope: "repository:bot:pull", accept: [200] });
    await answer.discard();
    return answer.status;
  };

  it("by a token that its token server hands out, asked for once", async (t) => {
    const seen: string[] = [];
    const host = await serve(t, (request: IncomingMessage, response) => {
      const { authorization = "" } = request.headers;
      seen.push(`${request.url} ${authorization}`);
      if (request.url?.startsWith("/token") === true) {
        response.end(JSON.stringify(authorization === basic ? { token: "t0k" } : {}));
      } else if (authorization === "Bearer t0k") response.end("ok");
      else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${host}/token",service="reg"` }).end();
    });
    const http = ociHttp({ host, plain: true, credentials });
    t.after(() => http.close());
    assert.deepEqual([await ask(http), await ask(http)], [200, 200]);
    assert.deepEqual(
      seen.map((line) => line.split(" ")[0]),
      ["/v2/bot/blobs/x", "/token?service=reg&scope=repository%3Abot%3Apull", "/v2/bot/blobs/x", "/v2/bot/blobs/x"],
    );
  });

  it("and the password goes nowhere else", async (t) => {
    const stolen: (string | undefined)[] = [];
    const thief = await serve(t, (request, response) => {
      stolen.push(request.headers.authorization);
      response.end(JSON.stringify({ token: "x" }));
    });
    const host = await serve(t, (request, response) => {
      if (request.url === "/v2/moved") response.writeHead(307, { location: `http://${thief}/x` }).end();
      else if (request.headers.authorization === undefined && request.url !== "/v2/elsewhere") {
        response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      } else if (request.url === "/v2/elsewhere") {
        response.writeHead(401, { "www-authenticate": 'Bearer realm="http://token.example.org/t"' }).end();
      } else response.end("ok");
    });
    const http = ociHttp({ host, plain: true, credentials });
    t.after(() => http.close());
    assert.equal(await ask(http), 200);
    assert.equal(await ask(http, "/v2/moved"), 200);
    assert.deepEqual(stolen, [undefined]);
    const other = ociHttp({ host, plain: true, credentials });
    t.after(() => other.close());
    await assert.rejects(ask(other, "/v2/elsewhere"), code("models.oci-refused", /no TLS/));
  });

  it("and where it leads is judged before it is connected to: 0 connections", async (t) => {
    let connections = 0;
    const listener = createTcpServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "::");
    await once(listener, "listening");
    t.after(() => listener.close());
    const { port } = listener.address() as AddressInfo;
    // A name for each address; the registry is at one of this machine.
    const names = new Map<string, readonly string[]>();
    const lookup: LookupFunction = (name, _options, callback) => {
      const found = names.get(name) ?? ["127.0.0.1"];
      callback(
        null,
        found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    };
    const forbidden = [
      "0.0.0.0",
      "::",
      "::ffff:127.0.0.1",
      "::127.0.0.1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::1",
      "2001:0:7f00:1::1",
      "169.254.169.254",
      "fd00:ec2::254",
      "100.100.100.200",
      "fe80::1",
      "224.0.0.1",
      "255.255.255.255",
    ];
    const hosts = forbidden.map((address, index) => {
      names.set(`n${index}.example.test`, [address]);
      return [`n${index}.example.test`, address.includes(":") ? `[${address}]` : address];
    });
    names.set("two.example.test", ["127.0.0.1", "0.0.0.0"]);
    let leads = "";
    const host = await serve(t, (request, response) => {
      if (request.url?.startsWith("/v2/token") === true) {
        response.writeHead(401, { "www-authenticate": `Bearer realm="${leads}"` }).end();
      } else response.writeHead(Number(/\d{3}/.exec(request.url ?? "")?.[0]), { location: leads }).end();
    });
    const name = `registry.example.test:${host.split(":")[1] ?? ""}`;
    for (const to of [...hosts.flat(), "two.example.test", "here.example.test"]) {
      // The last is at the listener, where the registry's own network is: the others would come there as well.
      const isHere = to === "here.example.test";
      for (const status of [301, 302, 303, 307, 308]) {
        leads = `http://${to}:${port}/`;
        const http = ociHttp({ host: name, plain: true, credentials, lookup });
        t.after(() => http.close());
        const expected = isHere ? code("models.oci-unreachable") : code("models.oci-refused", /where no registry is/);
        await assert.rejects(ask(http, `/v2/${status}`), expected, `${status} ${to}`);
      }
      if (isHere) continue;
      leads = `https://${to}:${port}/token`;
      const http = ociHttp({ host: name, plain: true, credentials, lookup });
      t.after(() => http.close());
      await assert.rejects(ask(http, "/v2/token"), code("models.oci-refused", /where no registry is/), to);
    }
    assert.equal(connections, 5);
    const there = ociHttp({ host: "169.254.169.254", plain: true, lookup });
    t.after(() => there.close());
    await assert.rejects(ask(there), code("models.oci-refused", /where no registry is/));
  });

  it("and from the internet nothing leads inwards", () => {
    const inside = addressJudge("registry.internal");
    assert.equal(inside("registry.internal", ["10.0.0.7"]), undefined);
    assert.equal(inside("storage.internal", ["10.0.0.8"]), undefined);
    assert.equal(inside("cdn.example", ["203.0.112.1"]), undefined);
    const outside = addressJudge("registry.example");
    assert.equal(outside("registry.example", ["203.0.112.1"]), undefined);
    assert.equal(outside("cdn.example", ["203.0.112.2", "2606:4700::1"]), undefined);
    for (const addresses of [
      ["127.0.0.1"],
      ["10.0.0.8"],
      ["::1"],
      ["fd00::2"],
      ["100.64.0.1"],
      ["203.0.112.2", "10.0.0.8"],
    ]) {
      assert.match(outside("cdn.example", addresses)?.message ?? "", /where no registry is/);
      // Nor is the registry itself inside later, which was not (rebinding).
      assert.match(outside("registry.example", addresses)?.message ?? "", /where no registry is/);
    }
  });

  it("and what redirects without end, without TLS or refuses is named", async (t) => {
    const host = await serve(t, (request, response) => {
      if (request.url === "/v2/loop") response.writeHead(302, { location: "/v2/loop" }).end();
      else
        response
          .writeHead(404, { "content-type": "application/json" })
          .end('{"errors":[{"code":"NAME_UNKNOWN\\u001b[2J"}]}');
    });
    const http = ociHttp({ host, plain: true });
    t.after(() => http.close());
    await assert.rejects(ask(http, "/v2/loop"), code("models.oci-refused", /redirects/));
    await assert.rejects(ask(http), code("models.oci-refused", /404, NAME_UNKNOWN\?\[2J/));
    const secure = ociHttp({ host, plain: false });
    t.after(() => secure.close());
    await assert.rejects(ask(secure), code("models.oci-unreachable"));
    await assert.rejects(ask(secure, `http://${host}/v2/x`), code("models.oci-refused", /without TLS/));
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
