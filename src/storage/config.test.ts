import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countersConfig, storageConfig } from "./config.ts";
import { openCounters } from "./counters/counters.ts";
import { openDb } from "./db.ts";
import { StorageErrors } from "./errors.ts";
import { storageModule } from "./module.ts";

describe("the configuration", () => {
  it("works without a word", () => {
    assert.deepEqual(storageConfig.parse(undefined), { url: "sqlite" });
    assert.deepEqual(countersConfig.parse({}), { url: "memory" });
  });

  it("takes the URLs that can be opened, and no other", () => {
    for (const url of ["sqlite", "sqlite:state/my.db", "postgres://u@h:5432/d", "postgresql:///d?host=/run"]) {
      assert.equal(storageConfig.parse({ url }).url, url);
    }
    for (const url of ["memory", "redis://h:6379", "rediss://u:p@h/1"])
      assert.equal(countersConfig.parse({ url }).url, url);
    for (const url of ["", "sqlite:", "SQLITE", "mysql://h/d", "postgres:", "postgres://", "file:x", " sqlite"]) {
      assert.equal(storageConfig.safeParse({ url }).success, false, url);
    }
    for (const url of ["", "Memory", "redis:", "redis://", "http://h", "memory "]) {
      assert.equal(countersConfig.safeParse({ url }).success, false, url);
    }
    assert.equal(storageConfig.safeParse({ url: "sqlite", path: "x" }).success, false);
  });

  it("is checked again where it is used, without repeating the URL", async () => {
    const secret = (error: { code: string; message: string; hint: string; cause?: unknown }): true => {
      assert.equal(error.code, "storage.url-invalid");
      assert.doesNotMatch(`${error.message}${error.hint}${String(error.cause)}`, /hunter2/);
      return true;
    };
    for (const url of [
      "",
      "sqlite:",
      "sqlite:\0",
      "mysql://u:hunter2@h/d",
      "postgres://u:hunter2@h:port/d",
      "postgres://u:hunter2@ /",
    ]) {
      await assert.rejects(openDb({ url, home: "/nonexistent" }), secret, url);
    }
    for (const url of ["", "http://h", "redis://u:hunter2@h:port", "redis://u:hunter2@h/database"]) {
      await assert.rejects(openCounters({ url }), secret, url);
    }
  });
});

describe("the module", () => {
  it("has a name, steps in order, and errors that say what happened and what to do", () => {
    assert.equal(storageModule.name, "storage");
    const ids = storageModule.migrations?.map(({ id }) => id) ?? [];
    assert.deepEqual(ids, ids.toSorted());
    for (const [code, { what, hint }] of Object.entries(StorageErrors)) {
      assert.match(code, /^storage\.[a-z]+(?:-[a-z]+)*$/);
      for (const words of [what, hint]) assert.match(words, /^(?:[a-z]|PostgreSQL).*[^.]$/, code);
    }
  });
});
