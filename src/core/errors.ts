/**
 * One error class for the whole product. Every part declares its codes in a table (`errors.ts` of its folder), so
 * that `switch (error.code)` narrows, every code is documented (`docs/reference/errors.md` is made from the tables
 * and a test compares them), and the command, the admin API and the gateway each print the same words in their own
 * format.
 *
 * @module
 */

/** What the process exits with. Codes 64 and 130 follow sysexits(3) and the shell's convention for SIGINT. */
export const Exit = {
  /** Done, and nothing at or over the threshold was found. */
  clean: 0,
  /** Done, and something was found. */
  findings: 1,
  /** Could not be completed. Never reads as clean. */
  incomplete: 2,
  /** There was nothing to do. */
  nothing: 3,
  /** Wrong usage or configuration. */
  usage: 64,
  /** Interrupted by the user. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof Exit)[keyof typeof Exit];

/** One row of a part's error table: what a person reads when the code occurs. */
export interface ErrorEntry {
  /** What happened: lower case, one sentence, no full stop. */
  readonly what: string;
  /** What to do about it: lower case, imperative. */
  readonly hint: string;
  /** Exit code of the command when this error ends it. Default: {@link Exit.incomplete}. */
  readonly exit?: ExitCode;
  /** HTTP status where the error answers a request. Default: 500. */
  readonly status?: number;
}

/** Codes are written `part.what-happened`, for example `ledger.locked`. */
export type ErrorTable = Readonly<Record<string, ErrorEntry>>;

export interface ErrorOptions {
  /** What this occurrence adds to the table's sentence: a path, a number, a name. Never a secret. */
  readonly detail?: string;
  /** Replaces the table's hint where this occurrence knows better. */
  readonly hint?: string;
  /** Seconds after which trying again makes sense: the header `retry-after` where the error answers a request. */
  readonly retryAfter?: number;
  /** Replaces the table's HTTP status where this occurrence knows better. */
  readonly status?: number;
  readonly cause?: unknown;
}

/**
 * The only error class that Holdfast throws on purpose.
 *
 * `message` is what happened, `hint` is what to do, `code` never changes between releases.
 */
export class HoldfastError<Code extends string = string> extends Error {
  override readonly name = "HoldfastError";
  readonly code: Code;
  readonly hint: string;
  readonly detail: string | undefined;
  readonly exit: ExitCode;
  readonly status: number;
  readonly retryAfter: number | undefined;

  constructor(code: Code, entry: ErrorEntry, options: ErrorOptions = {}) {
    super(
      options.detail === undefined ? entry.what : `${entry.what}: ${options.detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.hint = options.hint ?? entry.hint;
    this.detail = options.detail;
    this.exit = entry.exit ?? Exit.incomplete;
    this.status = options.status ?? entry.status ?? 500;
    this.retryAfter = options.retryAfter;
  }
}

/**
 * Makes the constructor function of a part's errors from its table.
 *
 * @example
 * ```ts
 * import { defineErrors } from "holdfast/core";
 *
 * const LedgerErrors = {
 *   "ledger.locked": { what: "another process writes this ledger", hint: "stop it, or use another data folder" },
 * } as const;
 * const ledgerError = defineErrors(LedgerErrors);
 * const error = ledgerError("ledger.locked", { detail: ".holdfast/ledger" });
 * console.log(error.message); // another process writes this ledger: .holdfast/ledger
 * ```
 */
export function defineErrors<const Table extends ErrorTable>(
  table: Table,
): <Code extends keyof Table & string>(code: Code, options?: ErrorOptions) => HoldfastError<Code> {
  return (code, options) => {
    const entry = table[code];
    if (entry === undefined) throw new TypeError(`no error entry for code ${code}`);
    return new HoldfastError(code, entry, options);
  };
}

/** True for a {@link HoldfastError}, optionally of one code. */
export function isHoldfastError(value: unknown): value is HoldfastError;
export function isHoldfastError<Code extends string>(value: unknown, code: Code): value is HoldfastError<Code>;
export function isHoldfastError(value: unknown, code?: string): boolean {
  return value instanceof HoldfastError && (code === undefined || value.code === code);
}

/** Problem details, RFC 9457 section 3, of an error: what the admin API answers with. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: string;
  readonly hint: string;
}

/**
 * Renders any thrown value as RFC 9457 problem details. What is not a {@link HoldfastError} becomes a bare 500: its
 * message and stack stay inside, since they may carry paths or secrets.
 */
export function problemDetails(error: unknown): ProblemDetails {
  if (!isHoldfastError(error)) {
    return {
      type: "about:blank",
      title: "Internal Server Error",
      status: 500,
      code: "core.internal",
      hint: "look in the log of the server for the request's id",
    };
  }
  return {
    type: `urn:holdfast:error:${error.code}`,
    title: error.message,
    status: error.status,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    code: error.code,
    hint: error.hint,
  };
}

/** Errors of `core` itself: reading foreign bytes. */
export const CoreErrors = {
  "core.json-too-large": {
    what: "the JSON text is larger than the limit",
    hint: "send a smaller document, or raise the limit in the configuration",
    status: 413,
  },
  "core.json-too-deep": {
    what: "the JSON text is nested deeper than the limit",
    hint: "flatten the document, or raise the limit in the configuration",
    status: 400,
  },
  "core.json-duplicate-name": {
    what: "an object of the JSON text has the same name twice",
    hint: "send each name once (RFC 8259 section 4): readers disagree on which of the two counts",
    status: 400,
  },
  "core.json-invalid": {
    what: "the text is not valid JSON",
    hint: "check the document with a JSON validator",
    status: 400,
  },
  "core.utf8-invalid": {
    what: "the bytes are not valid UTF-8",
    hint: "encode the text as UTF-8 (RFC 8259 section 8.1)",
    status: 400,
  },
  "core.canonical-unsupported": {
    what: "the value has no canonical JSON form",
    hint: "use finite numbers, well-formed strings, arrays and plain objects (RFC 8785)",
  },
  "core.evidence-invalid": {
    what: "the bytes are not an in-toto statement in a DSSE envelope",
    hint: "check that the file is evidence and was not edited",
  },
  "core.evidence-unsigned": {
    what: "no signature of the envelope verifies with the given keys",
    hint: "verify with the public key of the party that signed it",
  },
  "core.internal": {
    what: "an internal error",
    hint: "report it with the output of `holdfast doctor`",
  },
} as const satisfies ErrorTable;

export const coreError = defineErrors(CoreErrors);
