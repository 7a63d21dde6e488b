import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { argumentPolicy, isUrlOf } from "./arguments.ts";
import type { ArgumentRule } from "./config.ts";

const policy = (...rules: readonly Partial<ArgumentRule>[]): ReturnType<typeof argumentPolicy> =>
  argumentPolicy({
    name: "s",
    arguments: rules.map((rule) => ({ tools: ["fetch*"], at: "/url", required: false, ...rule })) as ArgumentRule[],
  });

describe("rules about arguments", () => {
  it("let only plain URLs of allowed hosts pass", () => {
    const hosts = ["example.com", "*.docs.example", "[::1]"];
    for (const url of [
      "https://example.com",
      "http://example.com:8080/a?b#c",
      "HTTPS://EXAMPLE.com/",
      "https://a.b.docs.example/x",
      "http://[::1]:80/",
    ]) {
      assert.ok(isUrlOf(url, hosts), url);
    }
    for (const url of [
      "https://example.com.evil.test/",
      "https://evil.test/?https://example.com",
      "https://example.com@evil.test/",
      "https://user:pw@example.com/",
      "https://example.com\\@evil.test/",
      "https:\\\\example.com/",
      "https:///example.com/",
      "https://ex%61mple.com/",
      "https://ｅxample.com/",
      "https://docs.example/",
      "https://xdocs.example/",
      " https://example.com/",
      "https://example.com/\n",
      "https://exam\tple.com/",
      "ftp://example.com/",
      "file:///etc/passwd",
      "javascript:alert(1)//https://example.com",
      "//example.com/",
      "example.com",
      "http://0x7f.1/",
      "http://2130706433/",
      "",
    ]) {
      assert.ok(!isUrlOf(url, [...hosts, "127.0.0.1"]), url);
    }
  });

  it("bind the tools that they name, and no others", () => {
    const check = policy({ hosts: ["example.com"] });
    assert.ok(check("fetch_url", { url: "https://evil.test/" }));
    assert.equal(check("fetch_url", { url: "https://example.com/" }), undefined);
    assert.equal(check("other", { url: "https://evil.test/" }), undefined);
  });

  it("reach into objects and lists, and say where", () => {
    const check = policy({ at: "/to/*/mail", pattern: "[a-z]+@example\\.com" });
    assert.equal(check("fetch", { to: [{ mail: "ann@example.com" }] }), undefined);
    assert.deepEqual(check("fetch", { to: [{ mail: "ann@example.com" }, { mail: "x@evil.test" }] }), {
      at: "/to/*/mail",
      why: "does not match the pattern that is allowed",
    });
    // The whole of it: what is allowed somewhere within is no way around.
    assert.ok(check("fetch", { to: [{ mail: "ann@example.com,x@evil.test" }] }));
    assert.ok(check("fetch", { to: { any: { mail: "x@evil.test" } } }));
    assert.equal(policy({ at: "/a~1b", maxChars: 1 })("fetch", { "a/b": "x" }), undefined);
    assert.ok(policy({ at: "/a~1b", maxChars: 1 })("fetch", { "a/b": "xx" }));
  });

  it("refuse what is no text where they are about texts", () => {
    for (const rule of [{ hosts: ["example.com"] }, { pattern: ".*" }, { maxChars: 5 }]) {
      for (const url of [["https://example.com/"], { href: "x" }, 1, null, true]) {
        assert.ok(policy(rule)("fetch", { url }), JSON.stringify([rule, url]));
      }
    }
  });

  it("demand, list and bound", () => {
    assert.deepEqual(policy({ required: true })("fetch", {}), { at: "/url", why: "is required" });
    assert.equal(policy({ hosts: ["example.com"] })("fetch", {}), undefined);
    assert.ok(policy({ values: ["a", 1] })("fetch", { url: "1" }));
    assert.equal(policy({ values: ["a", 1] })("fetch", { url: 1 }), undefined);
    assert.equal(policy({ maxChars: 3 })("fetch", { url: "abc" }), undefined);
    assert.match(policy({ maxChars: 3 })("fetch", { url: "abcd" })?.why ?? "", /3/);
  });

  it("do not start with a pattern that is not linear", () => {
    assert.throws(() => policy({ pattern: "(?=x)" }), /gateway\.mcp\.servers.*s, \/url/);
  });
});
