import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { predictOperations } from "../predict/operations.ts";
import { operations as wired } from "../wire/index.ts";
import { joinPolicies, router, routes } from "./table.ts";

const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);

const operations = [...wired, ...predictOperations];

describe("the route table", () => {
  it("gives every operation its whole policy", () => {
    assert.deepEqual(
      routes().map((route) => route.operation.id),
      operations.map((operation) => operation.id),
    );
  });

  it("does not start when any part of any policy is missing", () => {
    const whole = Object.fromEntries(routes().map((route) => [route.operation.id, route.policy]));
    assert.doesNotThrow(() => joinPolicies(operations, whole));
    for (const id of Object.keys(whole)) {
      const without = { ...whole };
      delete without[id];
      assert.throws(() => joinPolicies(operations, without), code("gateway.route-without-policy"));
      for (const column of ["authentication", "actions", "limits", "guards", "receipt"] as const) {
        const { [column]: _left, ...rest } = whole[id] as (typeof whole)[string];
        assert.throws(
          () => joinPolicies(operations, { ...whole, [id]: rest }),
          code("gateway.route-without-policy"),
          `${id} without ${column}`,
        );
      }
    }
  });

  it("does not start with a route that asks a model and is bound by no budget", () => {
    const whole = Object.fromEntries(routes().map((route) => [route.operation.id, route.policy]));
    const chat = whole["openai.chat"] as (typeof whole)[string];
    const limits = chat.limits.filter((name) => name !== "budgets");
    const without = { ...whole, "openai.chat": { ...chat, limits } };
    assert.throws(() => joinPolicies(operations, without), code("gateway.route-without-policy"));
  });

  it("finds what is in it and nothing else", () => {
    const find = router(routes());
    assert.equal(find("POST", "/v1/chat/completions").operation.id, "openai.chat");
    for (const path of [
      "/",
      "/v1",
      "/v1/chat/completions/",
      "/V1/chat/completions",
      "/v1/../v1/models",
      "/v1//models",
      "*",
    ]) {
      assert.throws(() => find("POST", path), code("gateway.route-unknown"), path);
    }
    for (const version of ["v1beta", "v1"]) {
      const found = find("POST", `/${version}/models/a-model.2:generateContent`);
      assert.deepEqual([found.operation.id, found.model], ["gemini.generate", "a-model.2"]);
    }
    for (const name of ["", ".", "..", "a..b", "a/b", "a%2fb", "a b", "a:b", ".a", "a.", "ä", "m".repeat(600)]) {
      const path = `/v1beta/models/${name}:generateContent`;
      assert.throws(() => find("POST", path), code("gateway.route-unknown"), path);
    }
    for (const path of ["/v1beta/models/m:predict", "/v2/models/m:generateContent"]) {
      assert.throws(() => find("POST", path), code("gateway.route-unknown"), path);
    }
    assert.throws(() => find("GET", "/v1/chat/completions"), code("gateway.method-not-allowed"));
    assert.throws(() => find("DELETE", "/v1/models"), code("gateway.method-not-allowed"));
  });
});
