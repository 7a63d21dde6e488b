/**
 * What a person or a script reads when something went wrong.
 *
 *     holdfast: error: the ledger is damaged: tile/0/000
 *     holdfast: hint: restore it from a copy, …
 *
 * Lower case, no full stop, two lines, on standard error. With --format json one line: `{"error":{code,message,hint}}`.
 *
 * @module
 */

import { coreError, isHoldfastError, type ExitCode, type HoldfastError } from "../core/index.ts";
import { printable } from "../server/index.ts";
import { cliError } from "./errors.ts";

/** Writes an error and says what to exit with. With `debug` also the stack of what is not an error of ours. */
export function reportError(
  error: unknown,
  { format, debug, write }: { format: "text" | "json"; debug: boolean; write: (text: string) => void },
): ExitCode {
  const known = explain(error);
  const { code, message, hint, exit } = known;
  write(
    format === "json"
      ? `${JSON.stringify({ error: { code, message, hint } })}\n`
      : `holdfast: error: ${printable(message)}\nholdfast: hint: ${printable(hint)}\n`,
  );
  // Where it came from, for who asks for it. Its message may hold anything, and what is printed is to be reported.
  if (debug && code === "core.internal" && error instanceof Error) write(`${framesOf(error)}\n`);
  return exit;
}

/** The words of the system are kept, since they name the path; those of any other foreign error are not. */
function explain(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error;
  // Two things went wrong, the second while clearing up after the first: the first is what a person can mend.
  if (error instanceof SuppressedError) return explain(error.suppressed);
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code === "string" && typeof syscall === "string") {
    const detail = [code, syscall, path].filter((part) => part !== undefined).join(" ");
    return cliError("cli.system", { detail, cause: error });
  }
  const detail = error instanceof Error ? error.name : typeof error;
  return coreError("core.internal", {
    detail,
    hint: "run it again with HOLDFAST_LOG=debug and report what it prints",
    cause: error,
  });
}

function framesOf({ stack = "" }: Error): string {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .join("\n");
}
