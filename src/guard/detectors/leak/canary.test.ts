import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { isHoldfastError, Secret } from "../../../core/index.ts";
import { canaryBook, createCanary, plantCanary } from "./canary.ts";
import { CANARY_REACH } from "./canary-scan.ts";
import { createLeakDetector } from "./leak.ts";

const CONTEXT = { direction: "response", origin: "assistant", pointer: "/y" } as const;
const KEY = Buffer.alloc(32, 7);

function places(text: string, detector = byKey): readonly string[] {
  const found = detector.detect(text, CONTEXT);
  assert.ok(Array.isArray(found));
  return found.map(({ location }) => text.slice(location.start, location.end));
}

const byKey = createLeakDetector({ canaryKey: KEY });
const { token } = createCanary({ key: KEY });

test("a canary looks like a reference number and is never the same", () => {
  for (const canary of [createCanary(), createCanary({ key: KEY })]) {
    assert.match(canary.token, /^[A-HJKMNP-TV-Z]\d[A-HJKMNP-TV-Z]\d(?:-[0-9A-HJKMNP-TV-Z]{4}){6}$/);
    assert.equal(canary.id, canary.record.id);
    assert.ok(canary.record.digest.startsWith(canary.id));
  }
  const tokens = new Set(Array.from({ length: 200 }, () => createCanary({ key: KEY }).token));
  assert.equal(tokens.size, 200);
  assert.equal(new Set(Array.from(tokens, (one) => one.slice(0, 4))).size, 1, "one key, one marker");
});

test("a key recognises every canary that it made, and no other", () => {
  for (let round = 0; round < 50; round++) {
    const canary = createCanary({ key: KEY });
    assert.deepEqual(places(`see ${canary.token}.`), [canary.token]);
  }
  const other = createLeakDetector({ canaryKey: new Secret("another key of many characters") });
  assert.deepEqual(places(`see ${token}.`, other), []);
  // One character of another kind, and the HMAC no longer fits.
  for (let at = 5; at < token.length; at++) {
    if (token.charAt(at) === "-") continue;
    const changed = `${token.slice(0, at)}${token.charAt(at) === "Z" ? "Y" : "Z"}${token.slice(at + 1)}`;
    assert.deepEqual(places(changed), []);
  }
});

test("a list recognises its canaries, by token or by record", () => {
  const [first, second, third] = [createCanary(), createCanary(), createCanary()];
  const detector = createLeakDetector({ canaries: [first.record, second.token] });
  const text = `${first.token} ${second.token} ${third.token}`;
  assert.deepEqual(places(text, detector), [first.token, second.token]);
  const found = detector.detect(text, CONTEXT) as readonly { message: string }[];
  assert.ok(found[0]?.message.includes(first.id) && found[1]?.message.includes(second.id));
});

test("in any case, with other characters between", () => {
  const bare = token.replaceAll("-", "");
  for (const disguise of [
    token.toLowerCase(),
    bare,
    bare.toLowerCase().split("").join(" "),
    bare.split("").join("\u200B"),
    bare.split("").join(", "),
    bare.split("").join("**\n"),
    bare.split("").join("-".repeat(8)),
  ]) {
    assert.deepEqual(places(`the words (${disguise}) there`), [disguise]);
  }
  assert.deepEqual(places(bare.split("").join("-".repeat(9))), []);
  assert.deepEqual(places(`${bare.slice(0, 12)}u${bare.slice(12)}`), []);
  assert.deepEqual(places(token.slice(0, -1)), []);
  // What stands right before does not hide it.
  assert.deepEqual(places(`A1B2C3${token}4D5E6`), [token]);
  assert.deepEqual(places(`${token.slice(0, 5)}${token}`), [token]);
});

test("planted before and behind, or where it is wanted", () => {
  const canary = createCanary();
  assert.equal(plantCanary("Be brief.", canary).split(canary.token).length, 3);
  assert.ok(plantCanary("Be brief.", canary, "start").endsWith("\n\nBe brief."));
  assert.ok(plantCanary("Be brief.", canary, "end").startsWith("Be brief.\n\n"));
});

test("keys and lists that are none are refused", () => {
  for (const key of [Buffer.alloc(15), new Secret("fifteen chars..")]) {
    assert.throws(
      () => createCanary({ key }),
      (error) => isHoldfastError(error, "guard.canary-key"),
    );
  }
  const { record } = createCanary();
  for (const entry of [
    "",
    token.slice(0, -1),
    `${token}0`,
    token.replace(/.$/, "u"),
    token.replace(/^../, "00"),
    { ...record, marker: "0000" },
    { ...record, digest: "x" },
    { ...record, id: "x" },
  ]) {
    assert.throws(
      () => canaryBook([entry], undefined),
      (error) => isHoldfastError(error, "guard.canary-invalid"),
    );
  }
});

test("past the limit of findings, the rest of the text belongs to the last", () => {
  const text = `${token} `.repeat(300);
  const found = places(text);
  assert.equal(found.length, 257);
  assert.ok(text.endsWith(found.at(-1) ?? "none"));
});

test("cut anywhere, the canaries are those of the whole, and nothing of one has left", () => {
  const parts = fc.oneof(
    fc.constantFrom(token, token.toLowerCase(), token.slice(0, 9), token.slice(0, 4), token.slice(7), "-", " ", "u"),
    fc.constant(token.split("").join("\u200B ")),
    fc.string({ maxLength: 6 }),
    fc.string({ unit: fc.constantFrom(...Array.from(token.slice(0, 4)), "-"), maxLength: 12 }),
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 6 }), (units, cuts) => {
      const whole = units.join("");
      const scan = byKey.open?.(CONTEXT);
      assert.ok(scan !== undefined);
      let from = 0;
      let settled = 0;
      for (const cut of [...cuts.map((one) => Math.min(one, whole.length)).toSorted((a, b) => a - b), whole.length]) {
        const known = scan.hits.length;
        const next = scan.push(whole.slice(from, cut)) as number;
        assert.ok(next >= settled && next <= cut && cut - next <= CANARY_REACH);
        for (const { finding } of scan.hits.slice(known)) assert.ok(finding.location.start >= settled);
        [from, settled] = [cut, next];
      }
      void scan.end();
      assert.deepEqual(
        scan.hits.map(({ finding }) => finding),
        byKey.detect(whole, CONTEXT),
      );
    }),
    { numRuns: 300 },
  );
});
