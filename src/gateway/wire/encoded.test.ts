import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { SECRET, guardThat, named, run } from "../../../test/upstreams/streams.ts";
import { contentOf, decodeBase64, decodePercent, parseDataUrl } from "./encoded.ts";
import { operations, setAtPointer, type Operation, type ParsedRequest } from "./index.ts";

const chat = operations.find(({ id }) => id === "openai.chat") as Operation;
const messages = operations.find(({ id }) => id === "anthropic.messages") as Operation;

/** Longer than what is read as text in spite of being base64. */
const TEXT = `${"A file of many words. ".repeat(300)}Grüße, ${SECRET}!`;

function base64(text: string | Uint8Array): string {
  return Buffer.from(text).toString("base64");
}

function file(file_data: string): unknown {
  return { model: "m", messages: [{ role: "user", content: [{ type: "file", file: { filename: "f", file_data } }] }] };
}

function document(media_type: unknown, data: string, type = "document"): unknown {
  const source = { type: "base64", media_type, data };
  return { model: "m", max_tokens: 1, messages: [{ role: "user", content: [{ type, source }] }] };
}

const FILE = "/messages/0/content/0/file/file_data";
const SOURCE = "/messages/0/content/0/source/data";

function textAt(pointer: string, { spans }: Pick<ParsedRequest, "spans">): string | undefined {
  return spans.find((span) => span.pointer === pointer)?.text;
}

function listed({ unscanned }: Pick<ParsedRequest, "unscanned">): unknown[] {
  return unscanned.map(({ pointer, kind, size }) => [pointer, kind, size]);
}

describe("a text in base64", () => {
  const types = [
    "text/plain",
    "TEXT/Markdown; charset=utf-8",
    "application/json",
    "application/xml",
    "application/ld+json",
    "image/svg+xml",
    "application/yaml",
    "",
  ];
  for (const type of types) {
    it(`is read decoded in a file of type '${type}'`, () => {
      const parsed = chat.parseRequest(file(`data:${type};base64,${base64(TEXT)}`));
      assert.equal(textAt(`${FILE}/#decoded`, parsed), TEXT);
      assert.equal(textAt(`${FILE}/#head`, parsed), `data:${type};base64,`);
      assert.deepEqual(listed(parsed), []);
      assert.ok(parsed.inputChars >= TEXT.length);
    });
  }

  it("is read decoded in a document of the other protocol, where its type says so, as text of a document", () => {
    for (const type of types.slice(0, -1)) {
      const parsed = messages.parseRequest(document(type, base64(TEXT)));
      assert.equal(textAt(`${SOURCE}/#decoded`, parsed), TEXT);
      assert.equal(parsed.spans.find(({ text }) => text === TEXT)?.origin, "document");
      assert.deepEqual(listed(parsed), []);
    }
  });

  it("is read in an answer and in a stream too", async () => {
    const source = { type: "base64", media_type: "text/plain", data: base64(TEXT) };
    const block = { type: "web_fetch_tool_result", tool_use_id: "i", content: { content: { source } } };
    const { spans } = messages.parseResponse({ content: [block] });
    assert.ok(spans.some(({ pointer, text }) => pointer.endsWith("/source/data/#decoded") && text === TEXT));
    const start = named({ type: "content_block_start", index: 0, content_block: block } as { type: string });
    for (const action of ["block", "mask"] as const) {
      assert.equal((await run("anthropic.messages", guardThat(action), [Buffer.from(start)])).blocked, true);
    }
  });

  it("is read however its URL is written", () => {
    const encoded = base64(TEXT);
    for (const url of [
      `DATA:text/plain;BASE64,${encoded}`,
      ` data:text/plain;charset=utf-8; base64 ,${encoded}`,
      `data:text/plain;base64,${encoded.replaceAll("Q", "%51")}`,
      `data:text/plain;base64,${encoded.replaceAll("/", "_").replaceAll("+", "-")}`,
      `data:text/plain;base64,${encoded.replaceAll(/(.{76})/g, "$1\r\n ")}`,
      `data:text/plain;base64,${encoded.replaceAll("Q", "!Q")}`,
    ]) {
      assert.equal(textAt(`${FILE}/#decoded`, chat.parseRequest(file(url))), TEXT, url.slice(0, 40));
    }
  });

  it("is read where nothing is said of it, and listed as well: it may be more than text", () => {
    for (const url of [
      `data:application/octet-stream;base64,${base64(TEXT)}`,
      `data:application/pdf;base64,${base64(TEXT)}`,
      base64(TEXT),
    ]) {
      const parsed = chat.parseRequest(file(url));
      assert.equal(textAt(`${FILE}/#decoded`, parsed), TEXT);
      assert.deepEqual(listed(parsed), [[FILE, "base64", base64(TEXT).length]]);
    }
  });

  it("is listed where it is not UTF-8, and where it goes on behind its end", () => {
    const wide = base64(Buffer.from(`\uFEFF${TEXT}`, "utf16le"));
    const parsed = chat.parseRequest(file(`data:text/plain;charset=utf-16;base64,${wide}`));
    assert.deepEqual(listed(parsed), [[FILE, "base64", wide.length]]);
    assert.equal(textAt(`${FILE}/#decoded`, parsed), undefined);
    const two = `${base64("four")}${base64(TEXT)}`;
    const joined = messages.parseRequest(document("text/plain", two));
    assert.deepEqual(listed(joined), [[SOURCE, "base64", two.length]]);
    assert.equal(textAt(`${SOURCE}/#decoded`, joined), "four");
  });

  it("is found in unknown fields, beside the text that the field holds", () => {
    const url = `data:text/plain;base64,${base64(TEXT)}`;
    const parsed = chat.parseRequest({ model: "m", messages: [], novel: { deep: [url] } });
    assert.equal(textAt("/#2/#0/0/#decoded", parsed), TEXT);
    assert.equal(textAt("/#2/#0/0", parsed), url);
    assert.deepEqual(listed(parsed), []);
    const picture = `data:image/png;base64,${"iVBORw0KGgo=".repeat(9)}`;
    assert.deepEqual(listed(chat.parseRequest({ model: "m", messages: [], novel: picture })), [["/#2", "base64", 108]]);
  });

  it("blocks where it would be masked", () => {
    for (const [operation, body, pointer] of [
      [chat, file(`data:text/plain;base64,${base64(TEXT)}`), FILE],
      [chat, file(`data:text/plain,%43${SECRET}`), FILE],
      [messages, document("text/plain", base64(TEXT)), SOURCE],
      // Base64 that is JSON as well: a number.
      [messages, document("text/plain", "1234"), SOURCE],
    ] as const) {
      operation.parseRequest(body);
      const before = JSON.stringify(body);
      assert.throws(
        () => {
          setAtPointer(body, `${pointer}/#decoded`, "x");
        },
        (error) => isHoldfastError(error, "gateway.blocked"),
      );
      assert.equal(JSON.stringify(body), before);
    }
  });
});

describe("other base64", () => {
  it("stays unread: pictures, sound, and silence, which is valid UTF-8", () => {
    const silence = Buffer.alloc(6_000);
    for (const type of ["image/png", "audio/wav", "video/mp4", "application/x-raw"]) {
      const parsed = chat.parseRequest(file(`data:${type};base64,${base64(silence)}`));
      assert.deepEqual(listed(parsed), [[FILE, "base64", 8_000]]);
      assert.equal(textAt(`${FILE}/#decoded`, parsed), undefined);
    }
    const picture = messages.parseRequest(document("image/png", base64(TEXT), "image"));
    assert.equal(textAt(`${SOURCE}/#decoded`, picture), undefined);
    assert.equal(picture.unscanned.length, 1);
    const unnamed = messages.parseRequest(document(undefined, base64(TEXT)));
    assert.equal(textAt(`${SOURCE}/#decoded`, unnamed), undefined);
    assert.deepEqual(listed(unnamed), [[SOURCE, "base64", base64(TEXT).length]]);
  });

  it("is not looked for in a file that is a text or an address", () => {
    for (const url of ["hello there.", "https://example.org/a%20b", "data:no comma"]) {
      const parsed = chat.parseRequest(file(url));
      assert.equal(textAt(FILE, parsed), url);
      assert.equal(textAt(`${FILE}/#decoded`, parsed), undefined);
    }
  });
});

describe("a data: URL", () => {
  it("without base64 is read with its percent signs undone", () => {
    const parsed = chat.parseRequest(file("data:text/plain,%43ANARY%20Gr%C3%BC%C3%9Fe%zz"));
    assert.equal(textAt(`${FILE}/#decoded`, parsed), "data:text/plain,CANARY Grüße%zz");
    assert.deepEqual(listed(parsed), []);
  });

  it("is taken apart whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), fc.boolean(), (head, payload, marked) => {
        const value = `data:${head}${marked ? ";base64" : ""},${payload}`;
        const url = parseDataUrl(value);
        assert.ok(url !== undefined && value[url.start - 1] === ",");
        if (marked && !head.includes(",")) assert.equal(url.base64, true);
        assert.ok(["text", "perhaps", "other"].includes(contentOf(url.mediaType)));
        decodeBase64(payload, "text");
        decodePercent(payload);
      }),
    );
    assert.equal(parseDataUrl("data;text"), undefined);
    assert.equal(parseDataUrl("metadata:a,b"), undefined);
  });

  it("gives back every text that was put in", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (raw) => {
        const text = raw.toWellFormed();
        assert.deepEqual(decodeBase64(base64(text), "text"), { text, whole: true });
        assert.equal(decodePercent(encodeURIComponent(text)), text);
      }),
    );
  });
});

describe("a long list of numbers in an unknown field", () => {
  const prompt = Array.from({ length: 16 }, (_, at) => at);
  const listedOf = (novel: unknown): unknown[] => listed(chat.parseRequest({ model: "m", messages: [], novel }));

  it("is listed, for it may be text as token ids", () => {
    assert.deepEqual(listedOf(prompt), [["/#2", "token-ids", 16]]);
    assert.deepEqual(listedOf({ prompt_token_ids: [prompt, prompt] }), [["/#2/#0", "token-ids", 32]]);
    assert.deepEqual(listedOf(prompt.map((id) => [id])), [["/#2", "token-ids", 16]]);
    assert.deepEqual(listedOf([prompt, "words", prompt]), [
      ["/#2/0", "token-ids", 16],
      ["/#2/2", "token-ids", 16],
    ]);
  });

  it("is not when it is short, and hides no text", () => {
    assert.deepEqual(listedOf(prompt.slice(1)), []);
    const parsed = chat.parseRequest({ model: "m", messages: [], novel: [...prompt, SECRET] });
    assert.equal(textAt("/#2/16", parsed), SECRET);
    assert.deepEqual(parsed.unscanned, []);
  });
});
