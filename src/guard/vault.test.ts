import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { createVault, type Vault } from "./vault.ts";

const EMAIL = "ada@example.org";

test("a value becomes a placeholder, and comes back", () => {
  const vault = createVault();
  const made = vault.placeholder("pii.email-address", EMAIL);
  assert.match(made, /^\[EMAIL_ADDRESS_1_[b-v]{7}\]$/);
  assert.equal(vault.restore(`to: ${made}.`), `to: ${EMAIL}.`);
  assert.equal(vault.size, 1);
});

test("the same value has one placeholder, another value or kind another", () => {
  const vault = createVault();
  const made = vault.placeholder("pii.email", EMAIL);
  assert.equal(vault.placeholder("pii.email", EMAIL), made);
  assert.notEqual(vault.placeholder("pii.email", "bob@example.org"), made);
  assert.notEqual(vault.placeholder("pii.name", EMAIL), made);
});

test("a placeholder survives what a model does to it", () => {
  const vault = createVault();
  const made = vault.placeholder("pii.email-address", EMAIL);
  const inner = made.slice(1, -1);
  const rewritten = [
    made.toLowerCase(),
    inner,
    inner.toLowerCase(),
    made.replaceAll("_", " "),
    made.replaceAll("_", "-"),
    made.replaceAll("_", "\\_"),
    `\\[${inner.replaceAll("_", "\\_")}\\]`,
    inner.slice(inner.indexOf("1")),
  ];
  for (const form of rewritten) assert.equal(vault.restore(`**${form}**`), `**${EMAIL}**`, form);
});

test("nobody else's placeholder comes back", () => {
  const vault = createVault();
  const made = vault.placeholder("pii.email", EMAIL);
  const others = [
    "[EMAIL_1_bcdfghj]",
    made.replace("_1_", "_2_"),
    made.replace("_1_", "_0_"),
    made.replace("1_", ""),
    createVault().placeholder("pii.email", "x@example.org"),
  ];
  for (const other of others) assert.equal(vault.restore(other), other);
});

/** Pieces of text that almost are placeholders. */
function pieces(vault: Vault): fc.Arbitrary<string> {
  const made = ["pii.email", "pii.us-ssn", "secrets.x"].map((rule) => vault.placeholder(rule, `<${rule}>`));
  const part = fc
    .tuple(fc.constantFrom(...made), fc.nat(40), fc.nat(40))
    .map(([text, from, to]) => text.slice(from % 4 === 0 ? from / 4 : 0, to % 3 === 0 ? to / 3 : undefined));
  return fc
    .array(
      fc.oneof(part, fc.constantFrom("[", "]", "\\", "_", "-", " ", "1", "EMAIL", "us ssn", "x", "X_", "İ", "ß")),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join(""));
}

test("text in pieces is restored as in one, wherever it is cut", () => {
  const vault = createVault();
  fc.assert(
    fc.property(pieces(vault), fc.array(fc.nat(60), { maxLength: 5 }), (text, cuts) => {
      const whole = vault.restore(text);
      const places = [...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length];
      const restorer = vault.restorer();
      let out = "";
      let from = 0;
      for (const to of places) {
        out += restorer.push(text.slice(from, to));
        from = to;
      }
      assert.equal(out + restorer.end(), whole);
    }),
    { numRuns: 2000 },
  );
  const text = `see ${vault.placeholder("pii.email", "<pii.email>")} and [EMAIL_9] or \\[x`;
  for (let cut = 0; cut <= text.length; cut++) {
    const restorer = vault.restorer();
    assert.equal(
      restorer.push(text.slice(0, cut)) + restorer.push(text.slice(cut)) + restorer.end(),
      vault.restore(text),
    );
  }
});

test("ordinary text is not held back", () => {
  const vault = createVault();
  vault.placeholder("pii.email", EMAIL);
  assert.equal(vault.restorer().push("An answer, with words."), "An answer, with words.");
  assert.equal(createVault().restorer().push("[EMAIL_"), "[EMAIL_");
});
