/**
 * The command line, read by commander over the commands that the modules declare. No command's code is loaded here.
 *
 * @module
 */

import { Command as Commander, CommanderError, Option } from "commander";

import { Exit, type Command, type ExitCode, type Module } from "../core/index.ts";
import { CONFIG_VARIABLES, VERSION, type Services } from "../server/index.ts";
import { cliError } from "./errors.ts";

/** How results are printed. */
export type Format = "text" | "json" | "sarif";

interface GlobalOptions {
  readonly format: Format;
  readonly config: string | undefined;
  readonly data: string | undefined;
}

/** What was asked for. */
export interface Invocation {
  readonly command: Command<Services>;
  readonly args: Readonly<Record<string, string | undefined>>;
  readonly rest: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly globals: GlobalOptions;
}

/** A command to run, or what to exit with since help or the version was all that was asked for. */
export type Parsed =
  | { readonly run: Invocation; readonly exit?: never }
  | { readonly run?: never; readonly exit: ExitCode };

/** Options that every command takes, before or after its name. */
export const GLOBAL_OPTIONS = [
  {
    flags: "--format <format>",
    summary: "how results are printed; sarif only where a command says so",
    choices: ["text", "json", "sarif"],
    default: "text",
  },
  { flags: "--config <file>", summary: "the configuration; else HOLDFAST_CONFIG, else ./holdfast.yaml if it is there" },
  { flags: "--data <folder>", summary: "the data folder; else HOLDFAST_DATA, else `data` of the configuration" },
] as const;

/** What the exit codes mean, wherever a command does not say more. */
export const EXIT_CODES: readonly (readonly [ExitCode, string])[] = [
  [Exit.clean, "done, nothing found"],
  [Exit.findings, "done, and something was found"],
  [Exit.incomplete, "could not be completed; never reads as clean"],
  [Exit.nothing, "there was nothing to do"],
  [Exit.usage, "wrong usage or configuration"],
  [Exit.interrupted, "interrupted"],
];

/** @throws `cli.usage` with what was not understood, and the nearest thing that would have been */
export async function parseCommandLine(argv: readonly string[], modules: readonly Module<Services>[]): Promise<Parsed> {
  let invocation: Invocation | undefined;
  const program = createProgram(modules, (found) => {
    invocation = found;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed" || error.code === "commander.version") return { exit: Exit.clean };
    // A group without its command: commander has printed the group's help on standard error.
    if (error.code === "commander.help") return { exit: Exit.usage };
    throw usage(error.message);
  }
  return invocation === undefined ? { exit: Exit.usage } : { run: invocation };
}

function createProgram(modules: readonly Module<Services>[], found: (invocation: Invocation) => void): Commander {
  const program = new Commander("holdfast")
    .description("Secures an AI system from its first data record to its last audited request, and proves it")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .configureHelp({ showGlobalOptions: true })
    // Errors are printed by the run, in its own two lines.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  for (const option of GLOBAL_OPTIONS) program.addOption(makeOption(option));
  program.addHelpText("after", ROOT_HELP);

  for (const module of modules) {
    for (const command of module.commands ?? []) addCommand(program, module, command, found);
  }
  return program;
}

function addCommand(
  program: Commander,
  module: Module<Services>,
  command: Command<Services>,
  found: (invocation: Invocation) => void,
): void {
  const words = command.path.split(" ");
  const name = words.pop() as string;
  let parent = program;
  for (const word of words) {
    const group = parent.commands.find((entry) => entry.name() === word);
    const about = GROUPS[word] ?? module.summary;
    parent = group ?? parent.command(word).summary(about).description(sentence(about)).helpCommand(false);
  }

  const own = parent.command(name).summary(command.summary);
  own.description(
    command.description === undefined
      ? sentence(command.summary)
      : `${sentence(command.summary)}\n\n${command.description}`,
  );
  for (const argument of command.arguments ?? []) {
    const name = argument.variadic === true ? `${argument.name}...` : argument.name;
    own.argument(argument.required === true ? `<${name}>` : `[${name}]`, argument.summary);
  }
  for (const option of command.options ?? []) own.addOption(makeOption(option));
  own.addHelpText(
    "after",
    `\nExamples:${command.examples.map(({ what, line }) => `\n  # ${what}\n  ${line}`).join("\n")}`,
  );
  own.allowExcessArguments(false);
  own.action(() => {
    const declared = command.arguments ?? [];
    const args = Object.fromEntries(declared.map((argument, index) => [argument.name, own.args[index]]));
    const rest = declared.at(-1)?.variadic === true ? own.args.slice(declared.length - 1) : [];
    const globals = program.opts<GlobalOptions>();
    if (globals.format === "sarif" && command.formats?.includes("sarif") !== true) {
      throw cliError("cli.usage", {
        detail: `${command.path} has no result in sarif`,
        hint: "use --format text or --format json",
      });
    }
    found({ command, args, rest, options: optionsOf(own, program), globals });
  });
}

/**
 * A group may be a command as well, with options of its own (`seal`, `seal rotate`). Commander hands those to the group
 * wherever they stand: here they come back to the command that was meant.
 *
 * @throws `cli.usage` for an option of a group that the command does not have
 */
function optionsOf(own: Commander, program: Commander): Invocation["options"] {
  const options: Record<string, Invocation["options"][string]> = { ...own.opts() };
  for (let group = own.parent; group !== null && group !== program; group = group.parent) {
    for (const { long } of group.options.filter(
      (option) => group.getOptionValueSource(option.attributeName()) === "cli",
    )) {
      const option = own.options.find((known) => known.long === long);
      if (option === undefined) throw cliError("cli.usage", { detail: `unknown option '${long}'` });
      options[option.attributeName()] = group.getOptionValue(option.attributeName()) as string | boolean | string[];
    }
  }
  return options;
}

/** What the groups of commands are about. A group that is not named here has the summary of its module. */
const GROUPS: Readonly<Record<string, string>> = {
  key: "API keys of the gateway",
  ledger: "the transparency log: verify it, read it, prove an entry",
  config: "the configuration, holdfast.yaml",
  admin: "who may use the admin API: tokens and sessions",
  gateway: "what the gateway reads of each protocol",
  budget: "what keys, apps, users and models may spend, and have spent",
  mcp: "servers of tools: what they offer, what is approved, what waits",
  policy: "policies in Cedar: check them, and ask why a request is allowed or denied",
  extraction: "callers that look as if they copied a model",
  model: "model files: scan, sign and verify them; a registry of what may be served",
};

function makeOption(option: {
  readonly flags: string;
  readonly summary: string;
  readonly default?: string | boolean;
  readonly choices?: readonly string[];
  readonly repeatable?: boolean;
}): Option {
  const made = new Option(option.flags, option.summary);
  if (option.default !== undefined) made.default(option.default);
  if (option.choices !== undefined) made.choices(option.choices);
  if (option.repeatable === true) {
    made.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
  }
  return made;
}

/** Commander says `error: unknown option '--formt'` and, on a line of its own, `(Did you mean --format?)`. */
function usage(message: string): Error {
  const [first = "", second = ""] = message.split("\n");
  const detail = first.replace(/^error: /, "").replace(/\.$/, "");
  const near = /^\(Did you mean (.+)\?\)$/.exec(second)?.[1];
  return cliError("cli.usage", near === undefined ? { detail } : { detail, hint: `did you mean ${near}` });
}

function sentence(summary: string): string {
  return summary.charAt(0).toUpperCase() + summary.slice(1);
}

function environment(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, meaning]) => `  ${name.padEnd(25)}${meaning}`).join("\n");
}

const ROOT_HELP = `
Environment:
${environment([
  ["HOLDFAST_CONFIG", "as --config"],
  ["HOLDFAST_DATA", "as --data"],
  ...CONFIG_VARIABLES.map(({ variable, path }) => [variable, `in place of ${path.join(".")}`] as const),
  ["HOLDFAST_LOG", "debug, info (default), warn or error"],
  ["NO_COLOR, FORCE_COLOR", "colours never, or always"],
])}

Exit codes:
${EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`).join("\n")}

Examples:
  # start; the first run says which key to use
  holdfast up
  # which controls hold now
  holdfast posture
  # anyone can check the audit trail
  holdfast ledger verify`;
