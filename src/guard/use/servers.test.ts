import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, test } from "node:test";

import express from "express";
import { Hono } from "hono";

import type { Detector } from "../detector.ts";
import { secretsDetector } from "../detectors/secrets/secrets.ts";
import { createGuard, type Guard } from "../guard.ts";
import type { GuardAction } from "../policy.ts";
import type { ServerGuardOptions } from "./body.ts";
import { guardExpress } from "./express.ts";
import { guardHono } from "./hono.ts";

const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");
const MASKED = "[masked:secrets.aws-access-key-id]";

function guardWith(request: GuardAction, response: GuardAction): Guard {
  return createGuard({
    detectors: [secretsDetector],
    settings: { secrets: { request, response, onError: "block" } },
  });
}

let server: Server | undefined;
afterEach(
  () =>
    new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
      server = undefined;
    }),
);

async function listen(app: express.Express): Promise<string> {
  const listening = createServer(app);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

type Send = (path: string, init?: RequestInit) => Promise<Response>;

/** The same application twice: it says what it got, or what it was told to. */
const SERVERS: readonly (readonly [string, (guard: Guard, options?: ServerGuardOptions) => Promise<Send>])[] = [
  [
    "hono",
    async (guard, options) => {
      const app = new Hono();
      app.use(guardHono(guard, options));
      app.post("/echo", async (context) => context.json({ got: (await context.req.json()) as unknown }));
      app.post("/text", async (context) => context.text(await context.req.text()));
      app.post("/form", async (context) => context.json(await context.req.parseBody()));
      app.get("/secret", (context) => context.json({ secret: AWS }, 201, { "x-kept": "1", "content-length": "999" }));
      app.get("/bytes", (context) => context.body(Uint8Array.of(1, 2, 3)));
      app.get("/empty", (context) => context.body(null, 204));
      return async (path, init) => app.request(path, init);
    },
  ],
  [
    "express",
    async (guard, options) => {
      const app = express();
      app.use(express.json(), express.text(), express.urlencoded(), guardExpress(guard, options));
      app.post("/echo", (request, response) => void response.json({ got: request.body as unknown }));
      app.post("/text", (request, response) => void response.type("text/plain").send(request.body));
      app.post("/form", (request, response) => void response.json(request.body));
      app.get("/secret", (_, response) => void response.status(201).set("x-kept", "1").json({ secret: AWS }));
      app.get("/bytes", (_, response) => void response.send(Buffer.of(1, 2, 3)));
      app.get("/empty", (_, response) => void response.status(204).end());
      const url = await listen(app);
      return (path, init) => fetch(url + path, init);
    },
  ],
];

const json = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json; charset=utf-8" },
  body: JSON.stringify(body),
});

for (const [name, start] of SERVERS) {
  test(`${name}: the handler sees the masked body, names and nested fields too`, async () => {
    const send = await start(guardWith("mask", "off"));
    const body = { role: AWS, list: [{ text: `a ${AWS} b` }], [`x ${AWS}`]: 1, kept: [true, null, 1.5, "ok"] };
    const answer = await send("/echo", json(body));
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), {
      got: { role: MASKED, list: [{ text: `a ${MASKED} b` }], [`x ${MASKED}`]: 1, kept: [true, null, 1.5, "ok"] },
    });
  });

  test(`${name}: what is blocked is answered with problem details, without the text`, async () => {
    const send = await start(guardWith("block", "off"));
    const answer = await send("/echo", json({ text: `a ${AWS}` }));
    assert.equal(answer.status, 403);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
    const text = await answer.text();
    assert.ok(text.includes('"code":"guard.blocked"') && text.includes("secrets.aws-access-key-id"));
    assert.ok(!text.includes(AWS));
    assert.equal((await send("/echo", json({ text: "a" }))).status, 200);
  });

  test(`${name}: text and forms are read as well`, async () => {
    const send = await start(guardWith("mask", "off"));
    const text = { method: "POST", headers: { "content-type": "text/plain" }, body: `key ${AWS}` };
    assert.equal(await (await send("/text", text)).text(), `key ${MASKED}`);
    const form = {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `a=1&b=key+${AWS}`,
    };
    assert.deepEqual(await (await send("/form", form)).json(), { a: "1", b: `key ${MASKED}` });
  });

  test(`${name}: a body that is not read is refused, or passes where the caller says so`, async () => {
    const upload = { method: "POST", headers: { "content-type": "application/octet-stream" }, body: "abc" };
    const strict = await start(guardWith("mask", "off"));
    const answer = await strict("/text", upload);
    assert.equal(answer.status, 415);
    assert.match(await answer.text(), /guard\.body-unread/);
    assert.equal((await strict("/empty")).status, 204);
  });

  test(`${name}: a body that is not read passes where the caller says so`, async () => {
    const upload = { method: "POST", headers: { "content-type": "application/octet-stream" }, body: "abc" };
    const lenient = await start(guardWith("mask", "off"), { unread: "pass" });
    assert.notEqual((await lenient("/text", upload)).status, 415);
  });

  test(`${name}: answers are judged where asked for, with status and headers kept`, async () => {
    const send = await start(guardWith("off", "mask"), { responses: true });
    const answer = await send("/secret");
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get("x-kept"), "1");
    assert.deepEqual(await answer.json(), { secret: MASKED });
    assert.equal((await send("/bytes")).status, 415);
    assert.equal((await send("/empty")).status, 204);
  });

  test(`${name}: answers are left alone where not asked for`, async () => {
    const send = await start(guardWith("off", "mask"));
    assert.deepEqual(await (await send("/secret")).json(), { secret: AWS });
  });

  test(`${name}: an answer that is blocked leaves nothing of it`, async () => {
    const send = await start(guardWith("off", "block"), { responses: true });
    const answer = await send("/secret");
    assert.equal(answer.status, 403);
    assert.ok(!(await answer.text()).includes(AWS));
  });

  test(`${name}: a detector that fails blocks`, async () => {
    const broken: Detector = {
      id: "broken",
      version: "1",
      directions: ["request"],
      longestMatch: 1,
      cost: "cheap",
      detect: () => {
        throw new Error("down");
      },
    };
    const guard = createGuard({
      detectors: [broken],
      settings: { broken: { request: "flag", response: "off", onError: "block" } },
    });
    const send = await start(guard);
    const answer = await send("/echo", json({ text: "a" }));
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /broken failed/);
  });
}

test("hono: malformed and oversized bodies are refused before a handler runs", async () => {
  const app = new Hono();
  app.use(guardHono(guardWith("mask", "off"), { maxBytes: 20 }));
  app.post("/", () => assert.fail("no handler may run"));
  const post = (body: string): Promise<Response> | Response =>
    app.request("/", { method: "POST", headers: { "content-type": "application/json" }, body });
  assert.equal((await post("{")).status, 400);
  assert.equal((await post('{"a":1,"a":2}')).status, 400);
  assert.equal((await post(`{"a":"${"a".repeat(20)}"}`)).status, 413);
});
