import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { isHoldfastError } from "../../core/index.ts";
import { gatewayConfig, upstreamConfig } from "../config.ts";
import type { Principal } from "../identity/principal.ts";
import { upstreamHeaders } from "./headers.ts";
import { openTargets, targetsFor, type Target } from "./target.ts";

const { circuit, timeouts } = gatewayConfig.parse(undefined);
const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);
const open = (upstreams: object[], env: Record<string, string> = {}): readonly Target[] =>
  openTargets(
    upstreams.map((upstream) => upstreamConfig.parse(upstream)),
    { timeouts, circuit, env },
  );
const who = (app: string, models: readonly string[] = ["*"]): Principal => ({
  keyId: "k",
  app,
  models,
  requestsPerMinute: undefined,
  concurrency: undefined,
});

describe("targets", () => {
  const targets = open([
    { name: "big", protocol: "openai", url: "http://127.0.0.1:1/v1", models: ["gpt-*"], apps: ["shop"] },
    { name: "small", protocol: "openai", url: "http://127.0.0.1:2/v1/", models: ["small"] },
    { name: "claude", protocol: "anthropic", url: "http://127.0.0.1:3", apps: ["team-*"] },
  ]);
  const names = (app: string, protocol: "openai" | "anthropic", model?: string, models?: string[]): string[] =>
    targetsFor(targets, who(app, models), protocol, model).map((target) => target.name);

  it("are chosen by protocol, model and app", () => {
    assert.deepEqual(names("shop", "openai", "gpt-5"), ["big"]);
    assert.deepEqual(names("shop", "openai"), ["big", "small"]);
    assert.deepEqual(names("other", "openai"), ["small"]);
    assert.deepEqual(names("team-a", "anthropic", "claude-x"), ["claude"]);
  });

  it("refuse what the key, the app or no upstream covers", () => {
    assert.throws(() => names("shop", "openai", "nope"), code("gateway.model-unknown"));
    assert.throws(() => names("shop", "anthropic", "claude-x"), code("gateway.model-forbidden"));
    assert.throws(() => names("other", "openai", "gpt-5"), code("gateway.model-forbidden"));
    assert.throws(() => names("shop", "openai", "gpt-5", ["small"]), code("gateway.model-forbidden"));
    assert.throws(() => targetsFor([], who("shop", ["small"]), "openai", "gpt-5"), code("gateway.model-forbidden"));
    assert.deepEqual(targetsFor([], who("shop"), "openai", "gpt-5"), []);
  });

  it("keep the path of the base URL without its slash", () => {
    assert.deepEqual(
      targets.map((target) => target.basePath),
      ["/v1", "/v1", ""],
    );
  });
});

describe("keys of upstreams", () => {
  it("come from the environment or a file, and do not print", () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-upstream-"));
    try {
      const file = join(folder, "key");
      writeFileSync(file, "sk-from-file\n");
      const [one, two] = open(
        [
          { name: "a", protocol: "openai", url: "http://127.0.0.1:1", key: { env: "K" } },
          { name: "b", protocol: "openai", url: "http://127.0.0.1:1", key: { file } },
        ],
        { K: "sk-from-env" },
      );
      assert.equal(one?.key?.reveal(), "sk-from-env");
      assert.equal(two?.key?.reveal(), "sk-from-file");
      assert.equal(inspect([one, two], { depth: 4 }).includes("sk-from"), false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("must be there and fit into a header", () => {
    const one = [{ name: "a", protocol: "openai", url: "http://127.0.0.1:1", key: { env: "K" } }];
    for (const value of [{}, { K: "" }, { K: "sk\r\nx-evil: 1" }, { K: "schlüssel" }]) {
      assert.throws(() => open(one, value), code("gateway.upstream-secret"));
    }
    assert.throws(
      () => open([{ name: "a", protocol: "openai", url: "http://127.0.0.1:1", key: { file: "/nonexistent" } }]),
      code("gateway.upstream-secret"),
    );
  });
});

describe("headers to an upstream", () => {
  const [openai, anthropic] = open(
    [
      { name: "o", protocol: "openai", url: "http://127.0.0.1:1", key: { env: "K" } },
      { name: "a", protocol: "anthropic", url: "http://127.0.0.1:1", key: { env: "K" } },
    ],
    { K: "sk-ours" },
  ) as [Target, Target];
  const client = {
    authorization: "Bearer hf_theirs",
    "x-api-key": "hf_theirs",
    cookie: "session=1",
    "x-forwarded-for": "10.0.0.1",
    "anthropic-beta": "tools-2025-01-01",
  };

  it("are made from an allow-list, with the gateway's own key", () => {
    const made = upstreamHeaders(openai, client, { body: true, stream: false });
    assert.deepEqual(made, {
      accept: "application/json",
      "accept-encoding": "identity",
      "user-agent": "holdfast",
      "content-type": "application/json",
      authorization: "Bearer sk-ours",
    });
    const other = upstreamHeaders(anthropic, client, { body: true, stream: true });
    assert.equal(other["x-api-key"], "sk-ours");
    assert.equal(other["anthropic-version"], "2023-06-01");
    assert.equal(other["anthropic-beta"], "tools-2025-01-01");
    assert.equal(other["accept"], "text/event-stream");
    assert.equal(JSON.stringify([made, other]).includes("hf_theirs"), false);
  });

  it("refuse values that are not what the protocol has", () => {
    for (const bad of [{ "anthropic-version": "x".repeat(99) }, { "anthropic-beta": "a;b" }]) {
      assert.throws(
        () => upstreamHeaders(anthropic, bad, { body: true, stream: false }),
        code("gateway.header-invalid"),
      );
    }
  });
});
