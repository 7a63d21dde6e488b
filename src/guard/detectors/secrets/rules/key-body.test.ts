import assert from "node:assert/strict";
import { test } from "node:test";

import { keyBody } from "./key-body.ts";

const LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
const END = "-----END RSA KIND OF KEY-----";

/** How much of `text` belongs to the key. */
function taken(text: string): string {
  const belongs = keyBody();
  let end = 0;
  while (end < text.length && belongs(text.charCodeAt(end))) end += 1;
  return text.slice(0, end);
}

const BODIES: Readonly<Record<string, string>> = {
  lines: `\n${LINE}\n${LINE}\nAbC=\n${END}`,
  "carriage returns": `\r\n${LINE}\r\nAbC=\r\n${END}`,
  indented: `\n    ${LINE}\n    ${LINE}\n    ${END}`,
  "in a string": `\\n${LINE}\\n${LINE}\\n${END}`,
  "escaped twice": `\\\\n${LINE}\\\\n${END}`,
  "joined strings": `\\n" +\n  "${LINE}\\n" +\n  "${LINE}\\n" +\n  "${END}`,
  "on one line": ` ${LINE} ${LINE} ${END}`,
  quoted: `\n> ${LINE}\n> ${LINE}\n> ${END}`,
  "with headers": `\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n${LINE}\n${END}`,
  armor: `\nVersion: GnuPG v2.0.19 (GNU/Linux)\nComment: any thing, at all.\n\n${LINE}\n=njUN\n${END}`,
};

for (const [name, body] of Object.entries(BODIES)) {
  test(`reads to the end line: ${name}`, () => {
    assert.equal(taken(body), body);
    assert.equal(taken(`${body} and prose`), body);
  });
}

test("without an end line, stops where text is no key any more", () => {
  assert.equal(taken(`\n${LINE}\n${LINE}\nThis was it. More prose follows here.`), `\n${LINE}\n${LINE}\nThis was it`);
  assert.equal(taken(" is what the first line looks like."), " is what the");
  assert.equal(taken("? No."), "");
  assert.equal(taken(": the first line."), "");
});

test("a header line that does not end is no header", () => {
  const text = `\nComment: ${"word ".repeat(100)}`;
  assert.ok(taken(text).length < 300);
});
