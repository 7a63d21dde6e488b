/**
 * What only looks like a secret: values that stand for one, names and paths, digests with their label.
 *
 * @module
 */

/**
 * Words that people write where a secret would stand. Random base-62 text of 40 characters has one by chance in 10^5.
 */
const PLACEHOLDER_WORD =
  /example|placeholder|change[_-]?me|your[_-]|yourapi|yourkey|yoursecret|yourtoken|redacted|dummy|sample|insert|replace|xxxxx|\*\*\*|\.\.\.|<|>|\$\{|\$\(|\{\{|%\(|undefined|not[_-]?real|lorem|ipsum/i;
/** The same character six times in a row, unless it is base64 of zeros: chance in a hexadecimal key of 64 is under 1 in 10,000. */
const REPEATED = /([^A])\1{5}/;
/** Runs of neighbours, which fill an example and stand in a secret only by chance. */
const SEQUENCE = /abcdefghij(?:k?l?m?n?o?p?)|0?123456789(?:0?)|9876543210/gi;

/**
 * Whether a value only stands for a secret. The keys of AWS's documentation, which end in EXAMPLE, are among them: they
 * open nothing, and half the tutorials quote them.
 */
export function isPlaceholder(secret: string): boolean {
  if (PLACEHOLDER_WORD.test(secret) || REPEATED.test(secret)) return true;
  const sequences = secret.match(SEQUENCE);
  return sequences !== null && sequences.join("").length * 3 >= secret.length;
}

/** Whether a value is no word or name: it has digits among its letters, or capitals where no name has them. */
export function isMixed(value: string): boolean {
  return /[0-9]/.test(value) || countChanges(value, (unit) => (unit >= "a" ? 1 : 0)) >= 0.35 * value.length;
}

/**
 * Capitals, small letters and digits mixed throughout, as randomness mixes them and names, paths and versions do not:
 * of two neighbours in random base 62, 62 % are of different kinds, in base 36 40 %, in words few. Digits stand in
 * several places, not only as a year at the end.
 */
export function looksRandom(value: string): boolean {
  const plain = value.replace(/[^A-Za-z0-9]/g, "");
  const digits = plain.replace(/[^0-9]/g, "").length;
  if (digits < 3 || digits === plain.length || /^[/.]|[./-]{2}/.test(value)) return false;
  if (/^[0-9a-f]+$/i.test(plain)) return plain.length >= 32;
  const changes = countChanges(plain, (unit) => (unit <= "9" ? 0 : unit <= "Z" ? 1 : 2));
  return changes >= 0.3 * (plain.length - 1) && countChanges(plain, (unit) => (unit <= "9" ? 0 : 1)) >= 3;
}

function countChanges(text: string, kindOf: (unit: string) => number): number {
  const kinds = Array.from(text, kindOf);
  return kinds.filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length;
}

/** Words and defaults of images, with a number at most, that stand where a password would; they keep nothing safe. */
const DEFAULT_PASSWORD =
  /^(?:(?:my|your|new|old)?[_-]?(?:pass|password|passwd|pwd|secret|user|username|token|changeme|postgres|root|admin|guest|test|demo|mysql|redis|mongo|welcome|qwerty|letmein)[0-9]{0,4}!?|null|none|nil|true|false|x{2,}|\*+)$/i;

/** Whether a value is a word that stands for a password, or the one that every image has. */
export function isDefaultPassword(value: string): boolean {
  return DEFAULT_PASSWORD.test(value);
}

/** Whether a value names a variable of a shell, a template or a build, and so is filled in elsewhere. */
export function isVariable(value: string): boolean {
  const inner = value.replace(/^["']|["']$/g, "");
  return /^(?:\$\w+|[$%#@]?\{.*|\$\(.*|\$\{\{.*|<.*>|\[.*|%\w+%|@\w+@|:.*|ENC\[.*|!.{0,8}vault.*)$/i.test(inner);
}

/** Last words of a name that is no secret's: `tokenId`, `secret_name`, `passwordHash`. */
const OTHER_NAME =
  /(?:id|ids|name|names|type|url|uri|path|file|dir|hash|digest|version|count|length|size|limit|max|min|expiry|expires?|ttl|arn|ref|label|class|field|input|prompt|policy|format|regex|pattern|env|var|header|alias|email|user|username|kind|usage|scope|provider|manager|service|endpoint|address|host|group|code|title|text|description|message|placeholder)$/i;
/** Words before a name that make it another thing: `csrf_token`, `publicToken`, `next_page_token`. */
const OTHER_BEFORE =
  /(?:public|pub|csrf|xsrf|page|next|continuation|sync|cancel|cancellation|sort|partition|primary|foreign|cache|idempotency|eos|bos|pad|mask|stop)[_.-]?$/i;

/** Whether a name, with what stands before its keyword, is of something that is no secret. `name` goes to the value. */
export function namesNoSecret(before: string, name: string): boolean {
  const bare = name.replace(/[^\w.-]+$/, "").replace(/["'\])\\`]+.*$/, "");
  return OTHER_NAME.test(bare) || OTHER_BEFORE.test(before);
}

/** Whether a value is of a kind that stands in every source: a digest with its label, a UUID, a path, a name of a module or a file. */
export function isOrdinaryValue(value: string): boolean {
  return (
    /^(?:sha(?:1|256|384|512)|md5)[-:]/i.test(value) ||
    /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value) ||
    (/^(?:[a-z]+:)?\/?\/?[\w.-]+\/[\w./-]+$/i.test(value) && /[a-z]{5}/.test(value) && value.split("/").length > 2) ||
    /^(?:\w+\.)+[a-z]{2,}$/i.test(value) ||
    /\.(?:js|ts|json|ya?ml|py|go|java|html?|css|png|jpe?g|svg|txt|md|xml|sh|conf|pem|crt|key)$/i.test(value)
  );
}

/**
 * Whether a value that stands behind «password» is one: letters with digits or marks among them, and neither code nor a
 * path, a variable or a name.
 */
export function looksLikePassword(value: string): boolean {
  if (isVariable(value) || isDefaultPassword(value) || isOrdinaryValue(value)) return false;
  if (!/[A-Za-z]/.test(value) || !/[0-9]/.test(value)) return false;
  // Code, an address, a path, a format: `config.get("x1")`, `os.environ[…]`, `./secrets/db1`, `%s1`, `--flag=1`.
  if (
    /[()[\]{}<>]|:\/\/|^[./~-]|\/[a-z]|\$[a-z{(]|=$|\w\.\w+\.\w|^[A-Z][A-Z0-9]*_[A-Z0-9_]+$|^[a-z]+(?:[_-][a-z0-9]+)+$/.test(
      value,
    )
  )
    return false;
  if (/^[a-z]+(?:[A-Z][a-z]+)+[0-9]{0,2}$|^[A-Za-z]+[0-9]{1,2}$|^[A-Za-z_]+=/.test(value))
    return /[A-Z].*[0-9]{3}/.test(value);
  return true;
}
