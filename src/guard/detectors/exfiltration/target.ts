/**
 * Judges one address by where it leads and what it carries.
 *
 * @module
 */

import { carriesData, hasPlaceholder } from "./carries.ts";
import { isDisguised, type HostTest } from "./hosts.ts";
import type { ExfiltrationRule } from "./rules.ts";

/** How an address is used: `load` without a click, `click` by one, `run`: what it names is executed or shown as a page. */
export type Use = "load" | "click" | "run";

/** The rule that an address breaks, if any. */
export type Judge = (raw: string, use: Use) => ExfiltrationRule | undefined;

export interface TargetOptions {
  readonly isAllowed: HostTest;
  /** Whether links are reported that carry nothing. */
  readonly plainLinks: boolean;
  /** Whether a place to fill in counts: in text that a model is going to read. */
  readonly placeholders: boolean;
  /** UTF-16 units of a `data:` image that may pass. */
  readonly dataImageLimit: number;
}

/** Base of relative addresses: what still has its host afterwards had none of its own. */
const INSIDE = "https://inside.invalid/";
const HAS_AUTHORITY = /^(?:https?:|ftps?:|wss?:|file:)?[/\\]{2,}[^/\\\s]/i;
const SCRIPT = /^(?:[^a-z0-9]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4})*(?:java|vb|live)script:/i;
const DATA_IMAGE = /^data:image\/(?:png|jpe?g|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)[;,]/i;

/** Units of a `mailto:` query up to which it is a subject, and no message. */
const MESSAGE = 80;

/** Makes the judge of addresses for one text. */
export function createJudge(options: TargetOptions): Judge {
  const { isAllowed, plainLinks, placeholders, dataImageLimit } = options;

  const outside = (raw: string, url: URL, use: Use): ExfiltrationRule | undefined => {
    if (isAllowed(url)) return undefined;
    if (use === "run") return "active-content";
    if (placeholders && hasPlaceholder(raw)) return use === "load" ? "image-data" : "template";
    const data = carriesData(url);
    if (use === "load") return data || url.search.length > 1 ? "image-data" : "image";
    if (data) return "link-data";
    return isDisguised(raw, url) ? "disguised-host" : plainLinks ? "link" : undefined;
  };

  return (written, use) => {
    const raw = written.replace(/^(?:\\*["'`]|[\0-\x20\x7F-\xA0])+/, "");
    // Browsers drop tabs and line breaks inside an address, and control characters before it (WHATWG URL, section 4.4).
    const compact = raw.slice(0, 128).replaceAll(/[\0-\x20\x7F-\x9F]/g, "");
    if (SCRIPT.test(compact)) return "script-url";
    if (/^data:[^,]{0,100},/i.test(compact)) {
      if (!DATA_IMAGE.test(compact)) return "data-url";
      return raw.length <= dataImageLimit ? undefined : "data-image";
    }
    const url = URL.parse(raw, INSIDE);
    if (url === null) {
      if (!HAS_AUTHORITY.test(compact)) return undefined;
      // Nobody can be sure what a reader makes of a host that is none.
      if (placeholders && hasPlaceholder(raw)) return use === "load" ? "image-data" : "template";
      return use === "load" ? "image" : use === "run" ? "active-content" : undefined;
    }
    switch (url.protocol) {
      case "http:":
      case "https:":
      case "ftp:":
      case "ws:":
      case "wss:":
        return url.hostname === "inside.invalid" ? undefined : outside(raw, url, use);
      case "file:":
        return url.hostname === "" && use === "click" ? undefined : "file-url";
      case "mailto:":
      case "sms:":
        // Whom it goes to is no data; what it would say is.
        return url.search.length > MESSAGE ? "link-data" : undefined;
      default:
        return undefined;
    }
  };
}
