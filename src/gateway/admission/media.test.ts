import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { gatewayConfig, type GatewayConfig } from "../config.ts";
import { operations } from "../wire/index.ts";
import { checkMedia } from "./media.ts";

const PNG = Buffer.from("\x89PNG\r\n\x1a\n0000IHDR", "latin1").toString("base64");
const JPEG = Buffer.from("\xff\xd8\xff\xe00000", "latin1").toString("base64");
const PDF = Buffer.from("%PDF-1.7 and so on").toString("base64");
const TEXT = Buffer.from("what a text says").toString("base64");

const policy = (media: object = {}): GatewayConfig["media"] => gatewayConfig.parse({ media }).media;
const data = (type: string, payload: string): string => `data:${type};base64,${payload}`;

/** One part in a request of each protocol: how a client sends a picture or a file. */
const chatPart = (part: unknown): readonly [string, unknown] => [
  "openai.chat",
  { model: "m", messages: [{ role: "user", content: [part] }] },
];
const chatImage = (url: string): readonly [string, unknown] => chatPart({ type: "image_url", image_url: { url } });
const anthropicPart = (block: unknown): readonly [string, unknown] => [
  "anthropic.messages",
  { model: "m", messages: [{ role: "user", content: [block] }] },
];
const responsesPart = (part: unknown): readonly [string, unknown] => [
  "openai.responses",
  { model: "m", input: [{ role: "user", content: [part] }] },
];
const geminiPart = (part: unknown): readonly [string, unknown] => [
  "gemini.generate",
  { contents: [{ parts: [part] }] },
];
const anthropicSource = (type: string, media_type: string, payload: string): readonly [string, unknown] =>
  anthropicPart({ type, source: { type: "base64", media_type, data: payload } });

function check([id, body]: readonly [string, unknown], media: object = {}): string {
  const operation = operations.find((one) => one.id === id);
  try {
    checkMedia(operation?.parseRequest(body, "m").media ?? [], policy(media));
  } catch (error) {
    assert.ok(isHoldfastError(error));
    return error.code;
  }
  return "passed";
}

const images: readonly (readonly [string, unknown])[] = [
  chatImage(data("image/png", PNG)),
  chatImage("https://example.org/a.png"),
  chatPart({ type: "image_url", image_url: data("image/png", PNG) }),
  // What an image is, its bytes say.
  chatPart({ type: "file", file: { file_data: data("application/octet-stream", PNG), filename: "a.bin" } }),
  chatPart({ type: "file", file: { file_data: PNG, filename: "a.bin" } }),
  chatPart({ type: "novel", anything: { deep: [data("image/png", PNG)] } }),
  anthropicSource("image", "image/jpeg", JPEG),
  anthropicSource("document", "image/jpeg", JPEG),
  anthropicPart({ type: "image", source: { type: "url", url: "https://example.org/a.png" } }),
  anthropicPart({ type: "image", source: { type: "file", file_id: "file_1" } }),
  responsesPart({ type: "input_image", image_url: data("image/png", PNG) }),
  responsesPart({ type: "input_image", file_id: "file_1" }),
  geminiPart({ inlineData: { mimeType: "image/png", data: PNG } }),
  geminiPart({ file_data: { mime_type: "image/png", file_uri: "files/1" } }),
];

const files: readonly (readonly [string, unknown])[] = [
  chatPart({ type: "file", file: { file_data: data("application/pdf", PDF), filename: "a.pdf" } }),
  chatPart({ type: "file", file: { file_data: data("text/plain", TEXT), filename: "a.txt" } }),
  chatPart({ type: "file", file: { file_data: "data:text/plain,what%20it%20says", filename: "a.txt" } }),
  chatPart({ type: "file", file: { file_id: "file-1" } }),
  chatPart({ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }),
  chatImage(data("application/pdf", PDF)),
  anthropicSource("document", "application/pdf", PDF),
  anthropicPart({ type: "document", source: { type: "url", url: "https://example.org/a.pdf" } }),
  anthropicPart({ type: "container_upload", file_id: "file_1" }),
  responsesPart({ type: "input_file", file_data: data("application/pdf", PDF), filename: "a.pdf" }),
  responsesPart({ type: "input_file", file_url: "https://example.org/a.pdf" }),
  responsesPart({ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }),
  geminiPart({ inline_data: { mime_type: "audio/wav", data: "AAAA" } }),
  geminiPart({ fileData: { fileUri: "files/1" } }),
];

describe("images and files in requests", () => {
  it("pass by default, and are refused by kind", () => {
    for (const image of images.filter((_, index) => index !== 3 && index !== 7)) assert.equal(check(image), "passed");
    for (const file of files) assert.equal(check(file), "passed", JSON.stringify(file));
    for (const image of images) {
      assert.equal(check(image, { images: "refuse" }), "gateway.media-refused", JSON.stringify(image));
    }
    for (const file of files) {
      assert.equal(check(file, { images: "refuse" }), "passed", JSON.stringify(file));
      assert.equal(check(file, { files: "refuse" }), "gateway.media-refused", JSON.stringify(file));
    }
    for (const image of images.slice(0, 3)) assert.equal(check(image, { files: "refuse" }), "passed");
  });

  it("may be what nobody knows: a part of a new kind passes only where both may", () => {
    for (const part of [
      chatPart({ type: "video_url", video_url: { url: "https://example.org/a.mp4" } }),
      anthropicPart({ type: "novel", source: { type: "url", url: "https://example.org/a.png" } }),
      anthropicPart({ type: "image", source: { type: "novel", at: "https://example.org/a.png" } }),
      responsesPart({ type: "input_video", url: "u" }),
      geminiPart({ novelPart: { uri: "u" } }),
    ] as const) {
      assert.equal(check(part), "passed");
      assert.equal(check(part, { images: "refuse" }), "gateway.media-refused", JSON.stringify(part));
      assert.equal(check(part, { files: "refuse" }), "gateway.media-refused", JSON.stringify(part));
    }
    assert.equal(check(geminiPart({ text: "hi" }), { images: "refuse", files: "refuse" }), "passed");
  });

  it("are measured, decoded: one byte over the limit is too large", () => {
    for (const size of [30, 31, 32, 33]) {
      const bytes = Buffer.concat([Buffer.from(PNG, "base64"), Buffer.alloc(100)]).subarray(0, size);
      for (const encoded of [
        bytes.toString("base64"),
        bytes.toString("base64url"),
        `${bytes.toString("base64")}\r\n`,
      ]) {
        const image = chatImage(data("image/png", encoded));
        assert.equal(check(image, { maxBytes: size }), "passed");
        assert.equal(check(image, { maxBytes: size - 1 }), "gateway.media-too-large");
      }
    }
    const written = chatPart({ type: "file", file: { file_data: `data:text/plain,${"x".repeat(50)}` } });
    assert.equal(check(written, { maxBytes: 40 }), "gateway.media-too-large");
  });

  it("must be of the type that they state, where either is an image", () => {
    for (const body of [
      chatImage(data("image/png", TEXT)),
      chatImage(data("image/png", JPEG)),
      chatImage(data("application/pdf", PNG)),
      chatPart({ type: "file", file: { file_data: data("application/octet-stream", PNG), filename: "a.bin" } }),
      anthropicSource("image", "image/png", JPEG),
      anthropicSource("image", "image/webp", TEXT),
    ]) {
      assert.equal(check(body), "gateway.media-mismatch", JSON.stringify(body));
    }
    for (const body of [
      chatImage(data("image/jpg", JPEG)),
      chatImage(data("IMAGE/PNG; charset=binary", PNG)),
      chatImage(data("image/svg+xml", Buffer.from("<svg/>").toString("base64"))),
    ]) {
      assert.equal(check(body), "passed", JSON.stringify(body));
    }
  });

  it("are told apart by the first bytes of each form", () => {
    const forms: readonly (readonly [string, string])[] = [
      ["image/gif", "GIF89a0000"],
      ["image/gif", "GIF87a0000"],
      ["image/webp", "RIFF0000WEBPVP8 "],
      ["image/heic", "\0\0\0\x18ftypheic0000"],
      ["image/avif", "\0\0\0\x18ftypavif0000"],
      ["image/bmp", "BM00000000"],
      ["image/tiff", "II*\x0000000"],
      ["image/tiff", "MM\0*0000"],
    ];
    for (const [type, start] of forms) {
      const payload = Buffer.from(start, "latin1").toString("base64");
      assert.equal(check(chatImage(data(type, payload))), "passed", type);
      const unstated = chatPart({ type: "file", file: { file_data: payload } });
      assert.equal(check(unstated, { images: "refuse" }), "gateway.media-refused", type);
    }
    const video = Buffer.from("\0\0\0\x18ftypmp420000", "latin1").toString("base64");
    assert.equal(check(chatPart({ type: "file", file: { file_data: video } }), { images: "refuse" }), "passed");
  });

  it("name what stands elsewhere as not scanned", () => {
    const [id, body] = chatImage("https://example.org/a.png");
    const parsed = operations.find((one) => one.id === id)?.parseRequest(body);
    assert.deepEqual(
      parsed?.unscanned.map(({ pointer, kind, size }) => [pointer, kind, size]),
      [["/messages/0/content/0/image_url/url", "reference", 25]],
    );
    assert.ok(parsed?.spans.some(({ text }) => text === "https://example.org/a.png"));
  });
});
