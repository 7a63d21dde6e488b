/**
 * Whether an address carries data: text that was put into it, rather than the name of a page.
 *
 * Looked at are the values of the query, the fragment, the path's segments and the host's labels. Data is what decodes
 * (base64, hexadecimal) to readable text, what is long and random, what reads as a sentence, an e-mail address, or a
 * number as long as a card's. Names of pages (`how-to-boil-an-egg`), commit and document ids, versions and short
 * parameters are not. Text that is short and plain (`?q=smith`) cannot be told from an ordinary parameter.
 *
 * @module
 */

import { entropy } from "../secrets/checks.ts";

/** Units of a whole address from which on it is data whatever it says. */
const LONG_ADDRESS = 1000;
/** Units of one value that is random, to be data. A path's ids are longer than a query's: document ids have 44. */
const LONG_VALUE = 24;
const LONG_SEGMENT = 64;
const LONG_LABEL = 24;
/** Words in a row that are a sentence and no name. */
const SENTENCE = 8;

export function carriesData(url: URL): boolean {
  if (url.href.length > LONG_ADDRESS) return true;
  // The last two labels are what was registered; `co.uk` and the like only make this look at one label more.
  const labels = url.hostname.split(".").slice(0, -2);
  if (labels.some((label) => isEncoded(label) || isRandom(label, LONG_LABEL)) || labels.length > 6) return true;
  if (url.pathname.split("/").some((segment) => isValue(decode(segment), LONG_SEGMENT))) return true;
  for (const value of url.searchParams.values()) if (isValue(value, LONG_VALUE)) return true;
  // A query without names is read as one name.
  for (const name of url.searchParams.keys()) if (isValue(name, LONG_VALUE)) return true;
  // A text fragment (`#:~:text=`) quotes the page that it points at.
  return url.hash.length > 1 && !url.hash.startsWith("#:~:") && isValue(decode(url.hash.slice(1)), LONG_VALUE);
}

/** A place to fill in, as instructions to a model have: `[DATA]`, `{summary}`, `<email>`, `%7Bsecret%7D`, `${x}`. */
const PLACEHOLDER = /\[[^\][]{1,200}\]|\{[^{}]{1,200}\}|<[^<>]{1,200}>|%7B.{1,200}?%7D|%5B.{1,200}?%5D/i;

/** Whether the part of an address behind its host has a place to fill in, or its host does before other labels. */
export function hasPlaceholder(raw: string): boolean {
  const match = /^(?:[a-z]{2,5}:)?[/\\]{2}([^/\\?#]*)(.*)$/is.exec(raw);
  if (match === null) return false;
  const [, host = "", rest = ""] = match;
  return PLACEHOLDER.test(rest) || (PLACEHOLDER.test(host) && /[\]}>]\.[a-z0-9-]+\.[a-z]/i.test(host));
}

const UUID = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi;

function isValue(written: string, long: number): boolean {
  const value = written.replaceAll(UUID, "");
  if (value.length < 12) return false;
  if (/[^\s@/]{1,64}@[^\s@/]{1,64}\.[a-z]{2}/i.test(value)) return true;
  if (/(?<!\w)\d{4}[ -]?\d{4}[ -]?\d{4}(?:[ -]?\d{1,7})?(?!\w)/.test(value)) return true;
  if (value.split(/[\s+,;]+/).length >= SENTENCE) return true;
  return isEncoded(value) || isRandom(value, long);
}

/** Base64 or hexadecimal of readable text. Random bytes are readable by chance once in 20,000 at ten bytes. */
function isEncoded(value: string): boolean {
  if (/^(?:[0-9a-f]{2}){10,}$/i.test(value)) return isReadable(Buffer.from(value, "hex"));
  return /^[\w+/-]{14,}={0,2}$/.test(value) && isReadable(Buffer.from(value, "base64"));
}

function isReadable(bytes: Buffer): boolean {
  return bytes.length >= 10 && /^[\t\n\r\x20-\x7E]+$/.test(bytes.toString("latin1"));
}

function isRandom(value: string, long: number): boolean {
  if (value.length < long || !/^[\w+/=.~-]+$/.test(value)) return false;
  const part = value.split(/[-_.~]/).reduce((longest, next) => (next.length > longest.length ? next : longest), "");
  // Identifiers and digests are what pages are called by: UUIDs, and hexadecimal of any length.
  if (/^[0-9a-f]+$/i.test(part)) return value.length > 160;
  return part.length >= 16 && /\d/.test(part) && /[a-z]/i.test(part) && entropy(value) >= 3.8;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
