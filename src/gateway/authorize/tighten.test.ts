/** A client can be stricter than policy, and nothing else. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { guardsConfig } from "../guards.ts";
import { blocking, tightening } from "./tighten.ts";

const refused = (error: unknown) => isHoldfastError(error, "gateway.header-invalid");

describe("the headers of a client", () => {
  it("ask for blocking, or for nothing", () => {
    assert.deepEqual(tightening({ host: "x", "x-holdfast": "off" }), { block: false });
    assert.deepEqual(tightening({ "x-holdfast-guards": "block" }), { block: true });
  });

  it("that ask for anything else are refused", () => {
    for (const value of ["off", "allow", "flag", "mask", "", "Block", "block, off", "off, block", "block "]) {
      assert.throws(() => tightening({ "x-holdfast-guards": value }), refused, value);
    }
    for (const name of ["guard", "principal", "app", "policy", "guards-request", "on-error", ""]) {
      assert.throws(() => tightening({ [`x-holdfast-${name}`]: "block" }), refused, name);
    }
  });
});

describe("guards that block", () => {
  it("are on where they were, block what they find, and let nothing pass unchecked", () => {
    const loose = Object.fromEntries(
      (["allow", "flag", "mask", "tokenise", "block", "off"] as const).map((action, at) => [
        ["unicode", "secrets", "injection", "pii", "leak", "exfiltration"][at] as string,
        { request: action, response: action, onError: "allow" },
      ]),
    );
    const config = guardsConfig.parse({ ...loose, pii: { ...loose["pii"], entities: ["email"] } });
    const strict = blocking(config);
    for (const [name, section] of Object.entries(strict)) {
      const was = config[name as keyof typeof config];
      assert.equal(section.onError, "block", name);
      for (const direction of ["request", "response"] as const) {
        assert.equal(section[direction], was[direction] === "off" ? "off" : "block", `${name} ${direction}`);
      }
    }
    assert.deepEqual(strict.pii.entities, ["email"]);
    assert.equal(strict.pii.timeoutMs, config.pii.timeoutMs);
  });
});
