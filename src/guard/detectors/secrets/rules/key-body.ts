/**
 * The body of a private key, from behind its BEGIN line up to its END line, character by character: no length bound is
 * needed, and nothing of the key waits in a buffer.
 *
 * Lines of base64, indented, quoted, as `\n` inside a string, on one line with spaces; header lines (`Proc-Type: …`,
 * `Version: …`). A BEGIN line in prose is followed by words instead: three short ones in a row end the body, and so does
 * any character that neither base64 nor a header has. Those three words are masked with it.
 *
 * @module
 */

/** Shorter runs than this are words, or a key's last line. */
const LONG = 20;
/** A last line, and the checksum of an armor. */
const SHORT_WORDS = 2;
const MOST_HEADERS = 12;
const MOST_HEADER_UNITS = 256;

/** Reads on behind a BEGIN line: returns a function that says of each next code unit whether it belongs to the key. */
export function keyBody(): (code: number) => boolean {
  let word = 0;
  let short = 0;
  let dashes = 0;
  let escaped = false;
  let headers = 0;
  /** Units of the header line that is being read; 0: none is. */
  let header = 0;
  let footer: "none" | "open" | "closing" | "done" = "none";

  const endOfWord = (): boolean => {
    if (word > 0) short = word < LONG ? short + 1 : 0;
    word = 0;
    return short <= SHORT_WORDS;
  };

  return (code) => {
    if (footer !== "none") return readFooter(code);
    if (escaped) {
      escaped = false;
      if (code === LETTER_N) header = 0;
      return endOfWord();
    }
    if (header > 0) return readHeader(code);
    dashes = code === DASH ? dashes + 1 : 0;
    if (dashes === 4) {
      footer = "open";
      word = 0;
      return true;
    }
    if (isKeyUnit(code)) {
      word += 1;
      return true;
    }
    if (code === BACKSLASH) {
      escaped = true;
      return true;
    }
    if (code === COLON && word > 0 && headers < MOST_HEADERS) {
      headers += 1;
      header = 1;
      word = 0;
      return true;
    }
    return isSeparator(code) && endOfWord();
  };

  function readHeader(code: number): boolean {
    if (code === LINE_FEED || code === CARRIAGE_RETURN) header = 0;
    else if (code === BACKSLASH) escaped = true;
    else header += 1;
    return header <= MOST_HEADER_UNITS;
  }

  /** `-----END … KEY-----`: dashes, words in capitals, dashes. */
  function readFooter(code: number): boolean {
    if (code === DASH) {
      if (footer === "open" && word === 0) return true;
      if (footer === "open") {
        footer = "closing";
        dashes = 0;
      }
      dashes += 1;
      return dashes <= 5;
    }
    if (footer === "closing") return false;
    word += 1;
    return word <= 64 && (code === SPACE || (code >= 0x30 && code <= 0x5a));
  }
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DASH = 0x2d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LETTER_N = 0x6e;

/** Base64, and the hyphen of header names. */
function isKeyUnit(code: number): boolean {
  return code < 128 && /[\w+/=-]/.test(String.fromCharCode(code));
}

/** What stands between lines: white space, and the quotes, commas and marks of source code and configuration. */
function isSeparator(code: number): boolean {
  return code < 128 && /[\s"'`,;|>#*[\]()]/.test(String.fromCharCode(code));
}
