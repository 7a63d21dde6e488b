/**
 * Images and files in requests: passed or refused by policy, each of a type and within a size. No guard reads a picture,
 * so whether one may go to a model at all is for the operator to say (`gateway.media`).
 *
 * @module
 */

import type { GatewayConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import type { MediaPart } from "../wire/index.ts";

/**
 * Checks every image and file of a request. What lies behind a URL or an id has no size here; it is refused or passed by
 * its kind.
 *
 * @throws `gateway.media-refused`, `gateway.media-mismatch`, `gateway.media-too-large`
 */
export function checkMedia(media: readonly MediaPart[], policy: GatewayConfig["media"]): void {
  for (const part of media) {
    const { pointer, kind, bytes } = part;
    const refused = KINDS[kind].some((one) => policy[one] === "refuse");
    if (refused) throw gatewayError("gateway.media-refused", { detail: `${pointer} (${KINDS[kind].join(" or ")})` });
    if (bytes !== undefined && bytes > policy.maxBytes) {
      const detail = `${pointer}: ${bytes} bytes, limit ${policy.maxBytes} (media.maxBytes)`;
      throw gatewayError("gateway.media-too-large", { detail });
    }
    if (isMislabelled(part)) throw gatewayError("gateway.media-mismatch", { detail: pointer });
  }
}

/** The policies that decide about each kind. What nobody knows must pass both. */
const KINDS = { image: ["images"], file: ["files"], unknown: ["images", "files"] } as const satisfies Readonly<
  Record<MediaPart["kind"], readonly ("images" | "files")[]>
>;

/** An image whose bytes are something else, and something else whose bytes are an image. SVG is text, and read as such. */
function isMislabelled({ stated, found, bytes }: MediaPart): boolean {
  if (stated === undefined || bytes === undefined || stated === "image/svg+xml") return false;
  const statesImage = stated.startsWith("image/");
  if (found === undefined) return statesImage && bytes > 0;
  return statesImage !== found.startsWith("image/") || (statesImage && formOf(stated) !== formOf(found));
}

/** One name for the types that are one form. */
function formOf(type: string): string {
  return SAME_FORM.get(type) ?? type;
}

const SAME_FORM: ReadonlyMap<string, string> = new Map([
  ["image/jpg", "image/jpeg"],
  ["image/pjpeg", "image/jpeg"],
  ["image/heic", "image/heif"],
  ["image/avif", "image/heif"],
  ["image/x-ms-bmp", "image/bmp"],
]);
