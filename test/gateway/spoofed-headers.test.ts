/**
 * Headers in which proxies, other gateways and attackers say who asks, from where and of whom. Here they say nothing: every
 * request with one of them ends exactly as the same request without it.
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { systemClock } from "../../src/core/index.ts";
import { createKey, type Receipt } from "../../src/gateway/index.ts";
import { raw, startHarness, type Harness } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-policies-"));
const POLICIES = `
permit (principal in App::"shop", action, resource == Model::"fake-model");
permit (principal in App::"office", action, resource) when { context.address.isInRange(ip("10.0.0.0/8")) };
forbid (principal, action, resource) when { context.groups.contains("blocked") };
`;

let harness: Harness;
const keys: Record<string, string> = {};

before(async () => {
  writeFileSync(join(folder, "a.cedar"), POLICIES);
  harness = await startHarness({
    config: {
      guards: { injection: { request: "off" } },
      authorization: { policies: folder },
      limits: { requestsPerMinute: 1_000_000 },
    },
  });
  for (const app of ["shop", "office"]) keys[app] = (await createKey(harness.db, { app }, systemClock)).key.reveal();
  keys["slow"] = (await createKey(harness.db, { app: "shop", requestsPerMinute: 2 }, systemClock)).key.reveal();
});

after(async () => {
  await harness.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Header lines, by what whoever sends them hopes for. `KEY` stands for a key of another app. */
const SPOOFS: readonly string[] = [
  // Who asks
  "x-forwarded-user: admin",
  "x-remote-user: admin",
  "remote-user: admin",
  "x-auth-request-user: admin",
  "x-auth-request-email: admin@example.com",
  "x-auth-request-groups: admins",
  "x-forwarded-groups: admins",
  "x-groups: blocked",
  "x-user-id: 1",
  "x-authenticated-userid: office",
  "x-consumer-username: office",
  "x-app: office",
  "x-app-id: office",
  "x-tenant-id: office",
  "x-organization-id: office",
  "openai-organization: office",
  "openai-project: office",
  "x-internal: true",
  "x-internal-request: 1",
  "x-envoy-internal: true",
  "x-admin: true",
  "x-role: admin",
  "x-key-id: KEY",
  "proxy-authorization: Bearer KEY",
  "x-authorization: Bearer KEY",
  "authentication: Bearer KEY",
  "api-key: KEY",
  "apikey: KEY",
  "x-access-token: KEY",
  "cookie: authorization=KEY; api_key=KEY",
  // With which certificate
  "x-forwarded-client-cert: By=spiffe://a;Hash=00;URI=spiffe://a/office",
  "x-ssl-client-verify: SUCCESS",
  "x-ssl-client-s-dn: CN=office",
  "ssl-client-cert: x",
  "x-client-cert: x",
  "client-cert: :AA==:",
  // From where
  "forwarded: for=10.0.0.1;host=internal;proto=https",
  'forwarded: for="[::1]"',
  "x-forwarded-for: 10.0.0.1",
  "x-forwarded-for: 127.0.0.1, 10.0.0.1",
  "x-real-ip: 10.0.0.1",
  "x-client-ip: 10.0.0.1",
  "x-cluster-client-ip: 10.0.0.1",
  "true-client-ip: 10.0.0.1",
  "cf-connecting-ip: 10.0.0.1",
  "fastly-client-ip: 10.0.0.1",
  "x-originating-ip: 10.0.0.1",
  "x-remote-addr: 10.0.0.1",
  "x-envoy-external-address: 10.0.0.1",
  "via: 1.1 internal",
  // Where to
  "x-forwarded-host: internal.example",
  "x-forwarded-server: internal.example",
  "x-forwarded-proto: https",
  "x-forwarded-port: 8788",
  "x-forwarded-prefix: /admin",
  "x-forwarded-uri: /healthz",
  "x-original-host: internal.example",
  "x-host: internal.example",
  "x-original-url: /healthz",
  "x-rewrite-url: /healthz",
  "x-http-method-override: GET",
  "x-method-override: GET",
  "x-upstream-url: http://127.0.0.1:1/",
  "x-target-url: http://127.0.0.1:1/",
  "x-provider: other",
  "x-custom-host: http://127.0.0.1:1/",
  "x-base-url: http://127.0.0.1:1/",
  "helicone-target-url: http://127.0.0.1:1/",
  "destination: http://127.0.0.1:1/",
  // What of it
  "x-guardrails: off",
  "x-no-guards: 1",
  "x-skip-auth: 1",
  "x-debug: 1",
  "x-cache: force",
  "x-model: other-model",
  "x-max-tokens: 1000000",
  "expect-ct: off",
  "te: trailers",
  "upgrade-insecure-requests: 1",
  "content-location: /healthz",
];

/** Values of Host, whose only use is to be there (RFC 9112 section 3.2). */
const HOSTS: readonly string[] = [
  "x",
  "localhost",
  "127.0.0.1:8788",
  "localhost:4000/#@x",
  "admin@internal.example",
  "internal.example:99999",
  "[::1]:8788",
  "../../healthz",
  "a b",
  "",
  "\u00e4",
];

const BODY = JSON.stringify({ model: "fake-model", messages: [{ role: "user", content: "hi" }] });

interface Seen {
  readonly id: string;
  readonly status: number;
  /** The error's code; undefined where there is none. */
  readonly error: string | undefined;
  /** What came to the upstream: its headers by name, and the body. */
  readonly upstream: readonly unknown[];
}

async function seen(
  who: string | undefined,
  options: { line?: string; host?: string; target?: string } = {},
): Promise<Seen> {
  const { host = "x", line, target = "/v1/chat/completions" } = options;
  const before = harness.upstream.requests.length;
  const lines = [
    `POST ${target} HTTP/1.1`,
    `host: ${host}`,
    ...(who === undefined ? [] : [`authorization: Bearer ${keys[who] ?? who}`]),
    "content-type: application/json",
    `content-length: ${BODY.length}`,
    "connection: close",
    ...(line === undefined ? [] : [line.replace("KEY", keys["office"] ?? "")]),
  ];
  const answer = await raw(harness.port, (socket) => socket.write(`${lines.join("\r\n")}\r\n\r\n${BODY}`, "latin1"));
  return {
    id: /^x-request-id: (\S+)/im.exec(answer)?.[1] ?? "",
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0),
    error: /"(gateway\.[a-z-]+)"/.exec(answer)?.[1],
    upstream: harness.upstream.requests.slice(before).map(({ body, headers, method, path }) => ({
      method,
      path,
      body,
      headers,
    })),
  };
}

/** Holds what became of spoofed requests against what becomes of a plain one, in the answer and in the receipt. */
async function assertSame(plain: Seen, spoofed: ReadonlyMap<string, Seen>, recorded: boolean): Promise<void> {
  const receipts = new Map((await harness.receipts()).map((receipt) => [receipt.id, comparable(receipt)]));
  for (const [what, { id, ...rest }] of spoofed) {
    const { id: plainId, ...expected } = plain;
    assert.deepEqual(rest, expected, what);
    assert.notEqual(id, "", what);
    // Without a valid key only so many a minute get one.
    if (!recorded) continue;
    assert.ok(receipts.has(id), what);
    assert.deepEqual(receipts.get(id), receipts.get(plainId), what);
  }
}

function comparable(receipt: Receipt): unknown {
  const { id: _id, receivedAt: _at, timing: _timing, request, response, unrecordedBefore: _before, ...rest } = receipt;
  return { ...rest, request: request?.bytes, response: response?.bytes };
}

describe("a header that says who, whence or whither", () => {
  // Nobody, a valid key, a key that only other addresses may use, and one that was never made.
  for (const who of [undefined, "shop", "office", "hf_nobody"]) {
    it(`changes nothing for ${who ?? "nobody"}`, async () => {
      const plain = await seen(who);
      assert.equal(plain.status, { shop: 200, office: 403 }[who ?? ""] ?? 401);
      const spoofed = new Map<string, Seen>();
      for (const line of SPOOFS) spoofed.set(line, await seen(who, { line }));
      await assertSame(plain, spoofed, plain.status !== 401);
    });
  }

  it("that is a credential besides the first is refused, and decides nothing", async () => {
    for (const line of ["x-api-key: KEY", "x-goog-api-key: KEY", "authorization: Bearer KEY"]) {
      const { status, error, upstream } = await seen("shop", { line });
      assert.deepEqual([status, error, upstream], [400, "gateway.header-duplicate", []], line);
    }
  });

  it("that is of the gateway's own is refused by name", async () => {
    for (const name of [
      "principal",
      "app",
      "key",
      "user",
      "groups",
      "internal",
      "upstream",
      "authorized",
      "request-id",
    ]) {
      for (const who of [undefined, "shop", "office"]) {
        const { status, error, upstream } = await seen(who, { line: `x-holdfast-${name}: office` });
        assert.deepEqual([status, error, upstream], [400, "gateway.header-invalid", []], name);
      }
    }
  });

  it("does not get anyone around a limit", async () => {
    const statuses = [];
    for (const from of ["1", "2", "3", "4"])
      statuses.push((await seen("slow", { line: `x-forwarded-for: 10.0.0.${from}` })).status);
    assert.deepEqual(statuses, [200, 200, 429, 429]);
  });
});

describe("the host", () => {
  for (const who of [undefined, "shop", "office"]) {
    it(`changes nothing for ${who ?? "nobody"}, whatever it says`, async () => {
      const plain = await seen(who);
      const spoofed = new Map<string, Seen>();
      for (const host of HOSTS) spoofed.set(host, await seen(who, { host }));
      await assertSame(plain, spoofed, plain.status !== 401);
    });
  }

  it("in the request's target, or a path that leads elsewhere, is no route", async () => {
    for (const target of [
      "http://internal.example/v1/chat/completions",
      "http://internal.example/healthz",
      "//internal.example/v1/chat/completions",
      "/v1/chat/completions/",
      "/v1/../v1/chat/completions",
      "/v1/%63hat/completions",
      "/v1/chat/completions;x",
      "/V1/chat/completions",
      "/v1/chat/completions#x",
      "/v1/chat/completions/../../healthz",
      "/healthz/../v1/chat/completions",
      "*",
    ]) {
      for (const who of [undefined, "shop"]) {
        const { status, upstream } = await seen(who, { target });
        assert.deepEqual([status >= 400 && status < 500, upstream], [true, []], `${target}: ${status}`);
      }
    }
  });
});
