/**
 * Literals of Python, read without running anything: the headers of numpy's files are dictionaries in that form.
 *
 * Only what `ast.literal_eval` takes, without sets, bytes and complex numbers.
 *
 * @module
 */

export type Literal = string | number | boolean | null | readonly Literal[] | ReadonlyMap<string, Literal>;

const MAX_DEPTH = 32;

/** The value that `text` is a literal of, or undefined where it is anything else. Keys of dictionaries are texts. */
export function parseLiteral(text: string): Literal | undefined {
  const cursor = { text, at: 0 };
  try {
    const value = readValue(cursor, 0);
    skipSpace(cursor);
    return cursor.at === text.length ? value : undefined;
  } catch (error) {
    if (error instanceof NotLiteral) return undefined;
    throw error;
  }
}

class NotLiteral extends Error {
  override readonly name = "NotLiteral";
}

interface Cursor {
  readonly text: string;
  at: number;
}

function readValue(cursor: Cursor, depth: number): Literal {
  if (depth > MAX_DEPTH) throw new NotLiteral();
  skipSpace(cursor);
  const first = cursor.text[cursor.at];
  if (first === "{") return readDict(cursor, depth);
  if (first === "[") return readList(cursor, "]", depth);
  if (first === "(") return readTuple(cursor, depth);
  if (first === "'" || first === '"') return readText(cursor);
  const word = /[A-Za-z0-9_+-]+/y;
  word.lastIndex = cursor.at;
  const found = word.exec(cursor.text)?.[0] ?? "";
  cursor.at += found.length;
  if (found === "True" || found === "False") return found === "True";
  if (found === "None") return null;
  // Python 2 wrote its long integers with an L.
  if (/^-?\d+L?$/.test(found)) return Number(found.replace("L", ""));
  throw new NotLiteral();
}

function readDict(cursor: Cursor, depth: number): ReadonlyMap<string, Literal> {
  const entries = new Map<string, Literal>();
  cursor.at++;
  while (!take(cursor, "}")) {
    skipSpace(cursor);
    const key = readText(cursor);
    if (!take(cursor, ":")) throw new NotLiteral();
    entries.set(key, readValue(cursor, depth + 1));
    if (!take(cursor, ",") && !peeks(cursor, "}")) throw new NotLiteral();
  }
  return entries;
}

function readList(cursor: Cursor, end: string, depth: number): readonly Literal[] {
  const items: Literal[] = [];
  cursor.at++;
  while (!take(cursor, end)) {
    items.push(readValue(cursor, depth + 1));
    if (!take(cursor, ",") && !peeks(cursor, end)) throw new NotLiteral();
  }
  return items;
}

/** `(1)` is 1: only a comma makes a tuple. */
function readTuple(cursor: Cursor, depth: number): Literal {
  const from = cursor.at;
  const items = readList(cursor, ")", depth);
  const [only] = items;
  return items.length === 1 && only !== undefined && !/,\s*\)$/.test(cursor.text.slice(from, cursor.at)) ? only : items;
}

function readText(cursor: Cursor): string {
  const quote = cursor.text[cursor.at];
  if (quote !== "'" && quote !== '"') throw new NotLiteral();
  const end = cursor.text.indexOf(quote, cursor.at + 1);
  const text = cursor.text.slice(cursor.at + 1, end);
  // No header needs an escape: what has one is not read as something else than numpy would.
  if (end < 0 || text.includes("\\") || text.includes("\n")) throw new NotLiteral();
  cursor.at = end + 1;
  return text;
}

function take(cursor: Cursor, character: string): boolean {
  if (!peeks(cursor, character)) return false;
  cursor.at++;
  return true;
}

function peeks(cursor: Cursor, character: string): boolean {
  skipSpace(cursor);
  return cursor.text[cursor.at] === character;
}

function skipSpace(cursor: Cursor): void {
  while (cursor.at < cursor.text.length && " \t\r\n\f".includes(cursor.text[cursor.at] as string)) cursor.at++;
}
