import assert from "node:assert/strict";
import { test } from "node:test";

import { changedPaths } from "./changes.ts";

test("changes are named by their paths, and never by their values", () => {
  const now = { gateway: { limits: { a: 1, b: 2 }, upstreams: [{ url: "x" }] }, storage: { url: "sqlite" } };
  assert.deepEqual(changedPaths(now, structuredClone(now)), []);
  assert.deepEqual(
    changedPaths(now, {
      gateway: { limits: { a: 1, b: 3 }, upstreams: [{ url: "y" }], tls: { minVersion: "TLSv1.3" } },
      storage: { url: "postgres://user:secret@host/db" },
    }),
    ["gateway.limits.b", "gateway.upstreams", "gateway.tls", "storage.url"],
  );
  assert.deepEqual(changedPaths({ a: [] }, { a: {} }), ["a"]);
  assert.deepEqual(changedPaths({ a: null }, { a: { b: 1 } }), ["a"]);
});
