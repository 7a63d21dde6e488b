import assert from "node:assert/strict";
import { test } from "node:test";

import { formatListen, isLoopback, parseListen, reachable } from "./listen.ts";

test("addresses are read, and written again as they were", () => {
  for (const [text, host, port] of [
    ["127.0.0.1:8787", "127.0.0.1", 8787],
    ["localhost:0", "localhost", 0],
    ["[::1]:65535", "::1", 65_535],
    ["0.0.0.0:80", "0.0.0.0", 80],
  ] as const) {
    assert.deepEqual(parseListen(text), { host, port });
    assert.equal(formatListen({ host, port }), text);
  }
});

test("anything else is not an address", () => {
  for (const text of [
    "",
    ":80",
    "host",
    "host:",
    "host:65536",
    "host:-1",
    "::1:80",
    "a b:80",
    "http://a:80",
    "a/b:80",
  ]) {
    assert.equal(parseListen(text), undefined, text);
  }
});

test("a socket bound to every address is reached over the loopback, any other where it is", () => {
  assert.deepEqual(reachable({ host: "0.0.0.0", port: 1 }), { host: "127.0.0.1", port: 1 });
  assert.deepEqual(reachable({ host: "::", port: 1 }), { host: "::1", port: 1 });
  assert.deepEqual(reachable({ host: "10.0.0.7", port: 1 }), { host: "10.0.0.7", port: 1 });
});

test("only this machine's own addresses are loopback", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) assert.equal(isLoopback(host), true, host);
  for (const host of ["0.0.0.0", "::", "128.0.0.1", "127.0.0.1.example.org", "localhost.example.org", "10.0.0.1"]) {
    assert.equal(isLoopback(host), false, host);
  }
});
