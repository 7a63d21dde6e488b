import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { adminToken, carriesToken } from "./token.ts";

test("the token is made once, for this user alone, and never printed", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-token-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "admin.token");
  const token = adminToken(file);
  assert.match(token.reveal(), /^hfadmin_[\w-]{43}$/);
  assert.equal(String(token), "[secret]");
  assert.equal(readFileSync(file, "utf8"), `${token.reveal()}\n`);
  if (process.platform !== "win32") assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(adminToken(file).reveal(), token.reveal());

  writeFileSync(file, "");
  assert.throws(() => adminToken(file), { code: "server.data-unusable", hint: /delete the file/ });
  assert.throws(() => adminToken(join(folder, "no", "such")), { code: "server.data-unusable" });
});

test("only a bearer header with the whole token carries it", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-token-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const token = adminToken(join(folder, "t"));
  const text = token.reveal();
  for (const header of [`Bearer ${text}`, `bearer ${text}`, `BEARER  ${text}`]) {
    assert.equal(carriesToken(header, token), true, header.slice(0, 8));
  }
  const wrong = [
    undefined,
    "",
    "Bearer",
    "Bearer ",
    text,
    `Basic ${text}`,
    `Bearer ${text.slice(0, -1)}`,
    `Bearer ${text}x`,
  ];
  for (const header of [...wrong, `Bearer ${text} ${text}`, `xBearer ${text}`, `Bearer ${"a".repeat(100_000)}`]) {
    assert.equal(carriesToken(header, token), false, String(header).slice(0, 12));
  }
});
