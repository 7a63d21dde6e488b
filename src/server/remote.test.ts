import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { adminToken } from "./admin/token.ts";
import { keyFile, makeHome } from "./home.ts";
import { askServerToCheck, forgetAdminAddress, noteAdminAddress } from "./remote.ts";

function folder(context: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), "holdfast-remote-"));
  context.after(() => rmSync(home, { recursive: true, force: true }));
  makeHome(home);
  return home;
}

/** A server that answers everything with one status, and remembers what it was asked. */
async function answering(context: TestContext, status: number): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
      response.writeHead(status, status === 302 ? { location: "http://127.0.0.1:1/" } : {}).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

test("the running server is asked, with the token of the data folder, also when it listens everywhere", async (context) => {
  const home = folder(context);
  const { port, asked } = await answering(context, 200);
  const takeBack = noteAdminAddress(home, { host: "0.0.0.0", port });
  await askServerToCheck(home, undefined);
  await askServerToCheck(home, "G9");
  const token = adminToken(keyFile(home, "admin.token")).reveal();
  assert.deepEqual(asked, [
    `POST /api/posture/check Bearer ${token} {}`,
    `POST /api/posture/check Bearer ${token} {"control":"G9"}`,
  ]);
  if (process.platform !== "win32") assert.equal(statSync(join(home, "up.json")).mode & 0o777, 0o600);
  takeBack();
  assert.equal(existsSync(join(home, "up.json")), false);
  forgetAdminAddress(home);
});

test("a server that is not there, refuses or sends elsewhere is unreachable, and the token goes nowhere else", async (context) => {
  const home = folder(context);
  await assert.rejects(askServerToCheck(home, undefined), { code: "server.unreachable" }, "no note");
  for (const status of [302, 401, 500]) {
    const { port, asked } = await answering(context, status);
    noteAdminAddress(home, { host: "127.0.0.1", port });
    await assert.rejects(askServerToCheck(home, undefined), { code: "server.unreachable" }, String(status));
    assert.equal(asked.length, 1);
  }
  noteAdminAddress(home, { host: "127.0.0.1", port: 1 });
  await assert.rejects(askServerToCheck(home, undefined), { code: "server.unreachable" }, "refused");
});
