/**
 * One run of the command, from its arguments to its exit code.
 *
 *     stdout   the result: text for people, or one line of JSON with --format json
 *     stderr   everything else: errors, hints, progress, the log
 *
 * Nothing a module returns can write to the terminal by itself, and no error ends the process without its two lines and
 * its code.
 *
 * @module
 */

import { Exit, systemClock, type ExitCode } from "../core/index.ts";
import { createLogger, LOG_LEVELS, modules, openServices, type LogLevel, type Services } from "../server/index.ts";
import { cliError } from "./errors.ts";
import { reportError } from "./failure.ts";
import { createOutput, isGone, writeBytes, writeResult } from "./output.ts";
import { parseCommandLine, type Invocation } from "./parse.ts";
import { createProgress } from "./progress.ts";

/** Runs `holdfast` with these arguments, and sets the exit code of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  // Set first: a run that ends for a reason nobody thought of has not been completed.
  process.exitCode = Exit.incomplete;
  const format = wantsJson(argv) ? "json" : "text";
  const fail = (error: unknown): void => {
    const debug = process.env["HOLDFAST_LOG"] === "debug";
    process.exitCode = reportError(error, { format, debug, write: (text) => process.stderr.write(text) });
  };
  process.on("uncaughtException", (error) => {
    fail(error);
    process.exit();
  });
  endQuietlyOnBrokenPipe();
  try {
    const parsed = await parseCommandLine(argv, modules);
    process.exitCode = parsed.run === undefined ? parsed.exit : await execute(parsed.run);
  } catch (error) {
    fail(error);
  }
}

async function execute({ command, args, rest, options, globals }: Invocation): Promise<ExitCode> {
  const { env } = process;
  const output = createOutput(process.stdout, globals.format, env);
  const progress = createProgress(process.stderr, globals.format);
  const log = createLogger({
    write: (line) => {
      progress.clear();
      process.stderr.write(line);
    },
    clock: systemClock,
    level: logLevel(env["HOLDFAST_LOG"]),
    format: process.stderr.isTTY ? "text" : "json",
  });
  const services = await openServices(command, {
    source: { config: globals.config, data: globals.data, env, cwd: process.cwd() },
    log,
    print: (result) => writeResult(output, result),
  });
  try {
    const run = await command.load();
    // A light command has no name for what it does not get.
    const result = await run({ services: services as Services, args, rest, options, progress: progress.show });
    progress.clear();
    const exit = result.exit ?? Exit.clean;
    // What is taken for whole must be whole: only after the last byte.
    if (result.bytes !== undefined) await writeBytes(process.stdout, result.bytes);
    // Before the write: a reader that went away must not change what the command found.
    process.exitCode = exit;
    if (result.bytes === undefined) writeResult(output, result);
    return exit;
  } finally {
    progress.clear();
    await services.close();
  }
}

/** @throws `cli.usage` for a level that does not exist */
function logLevel(wanted: string | undefined): LogLevel {
  const level = LOG_LEVELS.find((known) => known === (wanted === undefined || wanted === "" ? "info" : wanted));
  if (level !== undefined) return level;
  throw cliError("cli.usage", {
    detail: "HOLDFAST_LOG names a level that does not exist",
    hint: `set it to ${LOG_LEVELS.join(", ")}, or not at all`,
  });
}

/** Known before the arguments are parsed, since their errors have a format too. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some((arg, index) => arg === "--format=json" || (arg === "--format" && argv[index + 1] === "json"));
}

/** `holdfast ledger show | head`: the reader has seen enough, which is no error. */
function endQuietlyOnBrokenPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // What is printed after it has gone ends here too: a server goes on without its reader.
    if (!isGone(error)) throw error;
    process.stdout.destroy();
  });
  process.stderr.on("error", () => undefined);
}
