/**
 * Media: images and files that travel in a message, or that it points to. What a guard cannot read is at least typed and
 * measured, so that policy can refuse it (`admission/media.ts`).
 *
 * What an image is, its own first bytes say, not what the message states of it: a picture stated as
 * `application/octet-stream` is a picture all the same, and a text stated as `image/png` is none.
 *
 * Sources of the signatures: PNG (ISO/IEC 15948, 5.2), GIF89a, JPEG (ISO/IEC 10918-1, B.1), WebP (RFC 9649, 2.4), BMP,
 * TIFF 6.0, HEIF (ISO/IEC 23008-12: brands of the `ftyp` box), PDF (ISO 32000-1, 7.5.2).
 *
 * @module
 */

/** `unknown`: a part of a kind that is not known, which may be either. */
export type MediaKind = "image" | "file" | "unknown";

/** An image or a file in a message. */
export interface MediaPart {
  /** Where it stands, in the form of `walk.ts`. */
  readonly pointer: string;
  readonly kind: MediaKind;
  /** What the message states, in lower case and without parameters; `undefined` where it states nothing. */
  readonly stated: string | undefined;
  /** What its first bytes say; `undefined` where they say nothing that is known here, or are not here. */
  readonly found: string | undefined;
  /** Decoded size; `undefined` for what stands elsewhere: behind a URL, or under an id of the API. */
  readonly bytes: number | undefined;
}

/** The part for a payload in base64. `kind` is what the field is for, and counts where nothing else tells. */
export function inlineMedia(pointer: string, kind: MediaKind, stated: string | undefined, payload: string): MediaPart {
  const found = signature(payload);
  const type = stated === undefined || stated === "" ? undefined : stated;
  const told = found ?? type;
  const bytes = Math.floor((payload.replace(/[\s=]+$/, "").length * 3) / 4);
  return { pointer, kind: told === undefined ? kind : kindOf(told), stated: type, found, bytes };
}

/** The part for what stands elsewhere. */
export function remoteMedia(pointer: string, kind: MediaKind, stated: string | undefined): MediaPart {
  return { pointer, kind: stated === undefined ? kind : kindOf(stated), stated, found: undefined, bytes: undefined };
}

function kindOf(type: string): MediaKind {
  return type.startsWith("image/") ? "image" : "file";
}

/** Characters of base64 that hold every signature below, with room for line breaks. */
const HEAD_CHARS = 64;

/** The media type that the first bytes of a payload tell. */
function signature(payload: string): string | undefined {
  const bytes = Buffer.from(payload.slice(0, HEAD_CHARS), "base64").toString("latin1");
  for (const [type, start] of STARTS) if (bytes.startsWith(start)) return type;
  if (bytes.startsWith("RIFF") && bytes.startsWith("WEBP", 8)) return "image/webp";
  if (bytes.startsWith("ftyp", 4) && HEIF_BRANDS.has(bytes.slice(8, 12))) return "image/heif";
  return undefined;
}

const STARTS: readonly (readonly [type: string, start: string])[] = [
  ["image/png", "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", "\xff\xd8\xff"],
  ["image/gif", "GIF87a"],
  ["image/gif", "GIF89a"],
  ["image/bmp", "BM"],
  ["image/tiff", "II*\0"],
  ["image/tiff", "MM\0*"],
  ["application/pdf", "%PDF-"],
];

const HEIF_BRANDS: ReadonlySet<string> = new Set(["heic", "heix", "hevc", "mif1", "msf1", "avif", "avis"]);
