/** Ids of what upstreams keep: whoever got one may name it, and nobody else learns that it exists. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { fakeClock, isHoldfastError, type FakeClock } from "../../core/index.ts";
import { migrate, openDb, sql, storageModule, type Db } from "../../storage/index.ts";
import type { Principal } from "../identity/principal.ts";
import { gatewayMigrations } from "../migrations.ts";
import type { Candidate } from "../upstream/routing.ts";
import { authorizationConfig } from "./config.ts";
import { forgetReferences, openReferences, referencesIn, REMEMBER_MS } from "./references.ts";

let home: string;
let db: Db;
let clock: FakeClock;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "holdfast-references-"));
  db = await openDb({ url: "sqlite", home });
  await migrate(db, [storageModule, { name: "gateway", migrations: gatewayMigrations }]);
  clock = fakeClock(Date.UTC(2026, 10, 27));
});

after(async () => {
  await db.close();
  await rm(home, { recursive: true });
});

const who = (app: string, keyId = "k", user?: string): Principal => ({
  keyId,
  app,
  models: ["*"],
  requestsPerMinute: undefined,
  concurrency: undefined,
  ...(user === undefined ? {} : { user }),
});
const at = (...names: readonly string[]): readonly Candidate[] =>
  names.map((name) => ({ target: { name } as Candidate["target"], model: "m" }));
const HOSTS = ["files.example"];
const request = (...ids: readonly string[]) => ({
  spans: [
    { pointer: "/input", text: "resp_in_a_text", origin: "user" as const },
    ...ids.map((text, index) => ({ pointer: `/ids/${index}`, text, origin: "metadata" as const })),
  ],
  unscanned: [
    { pointer: "/image", why: "", size: 1, kind: "base64" as const },
    ...ids.map((_, index) => ({ pointer: `/ids/${index}`, why: "", size: 1, kind: "reference" as const })),
  ],
});

async function outcome(
  principal: Principal,
  ids: readonly string[],
  candidates = at("a", "b"),
  shared: unknown = [],
): Promise<string> {
  const references = openReferences(db, clock, authorizationConfig.parse({ shared }), HOSTS);
  try {
    return (await references.allow(principal, request(...ids), candidates)).map(({ target }) => target.name).join(" ");
  } catch (error) {
    assert.ok(isHoldfastError(error), String(error));
    return error.code;
  }
}
const remember = (principal: Principal, upstream: string, ...ids: readonly string[]): Promise<void> =>
  openReferences(db, clock, authorizationConfig.parse({}), HOSTS).remember(principal, upstream, ids);
const UNKNOWN = "gateway.reference-unknown";

describe("an id", () => {
  it("is for the app that got it, at the upstream that made it", async () => {
    await remember(who("shop"), "a", "resp_1", "msg_1");
    assert.equal(await outcome(who("shop"), ["resp_1", "msg_1"]), "a");
    assert.equal(await outcome(who("shop", "another key"), ["resp_1"]), "a");
    assert.equal(await outcome(who("shop"), ["resp_1"], at("b")), UNKNOWN);
    assert.equal(await outcome(who("shop"), []), "a b");
  });

  it("is unknown to everyone else, as is one that nobody ever got", async () => {
    await remember(who("shop"), "a", "resp_2");
    for (const principal of [who("other"), who("shop2"), who("shop", "k", "corp/alice"), who("app:shop")]) {
      assert.equal(await outcome(principal, ["resp_2"]), UNKNOWN, JSON.stringify(principal));
    }
    for (const id of ["resp_3", "RESP_2", "resp_2 ", "resp_2\u0000", "\ud800", "x".repeat(100_000)]) {
      assert.equal(await outcome(who("shop"), [id]), UNKNOWN, JSON.stringify(id).slice(0, 40));
    }
    // One that is unknown among others is enough.
    assert.equal(await outcome(who("shop"), ["resp_2", "resp_3"]), UNKNOWN);
  });

  it("of a user is not another user's, in the same app", async () => {
    await remember(who("portal", "user:corp:1", "corp/alice"), "a", "resp_4");
    assert.equal(await outcome(who("portal", "user:corp:1", "corp/alice"), ["resp_4"]), "a");
    assert.equal(await outcome(who("portal", "user:corp:2", "corp/bob"), ["resp_4"]), UNKNOWN);
    assert.equal(await outcome(who("portal"), ["resp_4"]), UNKNOWN);
  });

  it("stays with the first who got it, whatever an upstream says later", async () => {
    await remember(who("shop"), "a", "resp_5");
    await remember(who("thief"), "a", "resp_5");
    assert.equal(await outcome(who("thief"), ["resp_5"]), UNKNOWN);
    assert.equal(await outcome(who("shop"), ["resp_5"]), "a");
    // Two upstreams may have the same id for two things.
    await remember(who("thief"), "b", "resp_5");
    assert.equal(await outcome(who("thief"), ["resp_5"]), "b");
    assert.equal(await outcome(who("shop"), ["resp_5"]), "a");
  });

  it("of two upstreams in one request can be asked of neither", async () => {
    await remember(who("shop"), "a", "resp_6");
    await remember(who("shop"), "b", "resp_7");
    assert.equal(await outcome(who("shop"), ["resp_6", "resp_7"]), UNKNOWN);
  });

  it("is forgotten when upstreams forget it", async () => {
    await remember(who("shop"), "a", "resp_8");
    clock.advance(REMEMBER_MS - 1);
    assert.equal(await outcome(who("shop"), ["resp_8"]), "a");
    clock.advance(1);
    assert.equal(await outcome(who("shop"), ["resp_8"]), UNKNOWN);
    assert.ok((await forgetReferences(db, clock)) > 0);
    assert.deepEqual(await db.query(sql`select * from upstream_references`), []);
  });

  it("is kept as a digest", async () => {
    await remember(who("shop"), "a", "resp_secret", "", "y".repeat(513));
    const rows = await db.query<{ id_digest: string }>(sql`select * from upstream_references`);
    assert.equal(rows.length, 1);
    assert.equal(JSON.stringify(rows).includes("resp_secret"), false);
  });

  it("comes in bounded numbers", async () => {
    const many = Array.from({ length: 257 }, (_, index) => `id_${index}`);
    assert.equal(await outcome(who("shop"), many), "gateway.too-many-references");
    assert.equal(await outcome(who("shop"), many.slice(1)), UNKNOWN);
  });
});

describe("what the configuration shares", () => {
  const shared = [
    { id: "vs_1", apps: ["shop"] },
    { id: "file-*", apps: ["team-*"] },
  ];

  it("is for the apps that it names", async () => {
    assert.equal(await outcome(who("shop"), ["vs_1"], at("a", "b"), shared), "a b");
    assert.equal(await outcome(who("other"), ["vs_1"], at("a"), shared), UNKNOWN);
    assert.equal(await outcome(who("shop"), ["vs_12"], at("a"), shared), UNKNOWN);
    assert.equal(await outcome(who("team-x"), ["file-9"], at("a"), shared), "a");
    assert.equal(await outcome(who("shop"), ["file-9"], at("a"), shared), UNKNOWN);
  });
});

describe("an address", () => {
  it("on the web is no id; one at an upstream is", () => {
    assert.deepEqual(referencesIn(request("https://pictures.example/cat.png", "HTTP://pictures.example/"), HOSTS), []);
    for (const id of [
      "https://files.example/v1/files/f1",
      "https://FILES.example:443/x",
      "https://files.example./v1/files/f1",
      "https://generativelanguage.googleapis.com./v1beta/files/f1",
      "https://generativelanguage.googleapis.com/v1beta/files/f1",
      "https://user@storage.googleapis.com/b/o",
      "gs://bucket/object",
      "ftp://pictures.example/",
      "//pictures.example/cat.png",
      "https://",
      "file-1",
    ]) {
      assert.deepEqual(referencesIn(request(id), HOSTS), [id]);
    }
    assert.deepEqual(referencesIn(request("https://googleapis.com.example/x"), HOSTS), []);
    assert.deepEqual(referencesIn(request("https://files.example/v1/files/f1"), ["files.example."]).length, 1);
  });
});
