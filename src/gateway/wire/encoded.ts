/**
 * Text that travels encoded in a field: the file in a `data:` URL, the document in base64. A model gets it decoded, so
 * a guard has to.
 *
 * What decides is the media type that the message states, as it decides what the model's API does with it. Where that
 * says neither text nor picture or sound, what decodes to text is read all the same.
 *
 * Sources: RFC 2397 (`data:` URLs) and the Fetch standard's reading of them, RFC 4648 (base64), RFC 6838 section 4.2.8
 * (the suffixes `+json` and `+xml`). Decoding is lenient, since so are the decoders of others.
 *
 * @module
 */

import { isUtf8 } from "node:buffer";

export interface DataUrl {
  /** Where the payload begins. */
  readonly start: number;
  /** In lower case, without parameters. */
  readonly mediaType: string;
  readonly base64: boolean;
}

/** The parts of a `data:` URL; `undefined` for another text. */
export function parseDataUrl(value: string): DataUrl | undefined {
  if (!/^\s*data:/i.test(value)) return undefined;
  const comma = value.indexOf(",");
  if (comma === -1) return undefined;
  const head = value.slice(value.indexOf(":") + 1, comma);
  // RFC 2397: without a media type, it is text.
  return { start: comma + 1, mediaType: essence(head) || "text/plain", base64: /;\s*base64\s*$/i.test(head) };
}

/** How a payload is to be taken: as text; as what is text if it decodes to text; as something else. */
export type Content = "text" | "perhaps" | "other";

/** @param mediaType as the message states it; `undefined`: a file of which nothing is said */
export function contentOf(mediaType: string | undefined): Content {
  if (mediaType === undefined) return "perhaps";
  const type = essence(mediaType);
  if (/^text\/|[/+](?:json|xml)$/.test(type) || TEXT_TYPES.has(type)) return "text";
  return /^(?:image|audio|video|font|model)\//.test(type) ? "other" : "perhaps";
}

/** Types of text under `application/` beside those that their names tell (IANA media types, and what is in use). */
const TEXT_TYPES: ReadonlySet<string> = new Set(
  "javascript ecmascript x-javascript typescript x-typescript yaml x-yaml toml sql graphql rtf x-sh x-httpd-php x-ndjson ndjson jsonl x-jsonlines json-seq x-www-form-urlencoded x-tex x-latex"
    .split(" ")
    .map((name) => `application/${name}`),
);

/**
 * The text that a base64 payload holds, `whole` if that is all of it; `undefined` where it is not UTF-8. A payload that
 * only may be text is none if it has a NUL in it: binary formats do, silence above all.
 */
export function decodeBase64(payload: string, content: Content): { text: string; whole: boolean } | undefined {
  const base64 = payload.includes("%") ? decodePercent(payload) : payload;
  const bytes = Buffer.from(base64, "base64");
  if (!isUtf8(bytes) || (content !== "text" && bytes.includes(0))) return undefined;
  // What comes after the padding is decoded by some and by others not, us among them.
  return { text: bytes.toString("utf8"), whole: !/=[^=\s]/.test(base64) };
}

/** `text` with every percent-encoded byte decoded (RFC 3986 section 2.1), as UTF-8. */
export function decodePercent(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8"));
}

/** Type and subtype, in lower case. */
export function essence(mediaType: string): string {
  const semicolon = mediaType.indexOf(";");
  return (semicolon === -1 ? mediaType : mediaType.slice(0, semicolon)).trim().toLowerCase();
}
