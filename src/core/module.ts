/**
 * The module contract: what a part plugs into the product. A module is data. Nothing runs when it is imported; every
 * piece of logic stands behind a `load` that is called when it is needed, which keeps the start of every command fast.
 *
 * The life of a module in `holdfast up`: migrations, then routes, then jobs; on the way down jobs stop first. A
 * module's `Services` type names what it needs from the product; `server` and `cli` (floor 3) hand it over.
 *
 * @module
 */

import type { ErrorTable, ExitCode } from "./errors.ts";
import type { Proof } from "./posture.ts";
import type { Role } from "./role.ts";

export interface Module<Services = unknown> {
  /** The folder's name: `ledger`, `gateway`. */
  readonly name: string;
  /** One sentence for people. */
  readonly summary: string;
  readonly errors: ErrorTable;
  readonly migrations?: readonly Migration[];
  readonly commands?: readonly Command<Services>[];
  readonly routes?: Routes<Services>;
  readonly proofs?: readonly Proof<Services>[];
  readonly jobs?: readonly Job<Services>[];
}

/** One step of the schema. The same SQL runs on every database, in the order of `id` within a module, once. */
export interface Migration {
  /** `0001-keys`: sorts by its number. */
  readonly id: string;
  readonly statements: readonly string[];
}

/** A command of `holdfast`. */
export interface Command<Services = unknown> {
  /** Words after `holdfast`: `key create`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly arguments?: readonly CommandArgument[];
  readonly options?: readonly CommandOption[];
  /** Formats of its result besides text and json. */
  readonly formats?: readonly "sarif"[];
  readonly examples: readonly { readonly what: string; readonly line: string }[];
  /**
   * It asks for no more of the product than `clock` and, where it needs evidence, `db`: the configuration and the parts that
   * it is about are not loaded for it.
   */
  readonly light?: true;
  readonly load: () => Promise<CommandRun<Services>>;
}

interface CommandArgument {
  readonly name: string;
  readonly summary: string;
  readonly required?: boolean;
  /** Of the last one: it may be given any number of times, and the command gets all in `rest`. */
  readonly variadic?: boolean;
}

export interface CommandOption {
  /** In the manner of commander: `--app <name>`, `--expires <duration>`, `--all`. */
  readonly flags: string;
  readonly summary: string;
  readonly default?: string | boolean;
  readonly choices?: readonly string[];
  /** May be given several times; the command gets an array. */
  readonly repeatable?: boolean;
}

/** Runs a command. What it returns is printed by the `cli`: `data` for machines, `text` for people. */
export type CommandRun<Services> = (input: CommandInput<Services>) => Promise<CommandResult>;

export interface CommandInput<Services> {
  readonly services: Services;
  readonly args: Readonly<Record<string, string | undefined>>;
  /** The values of a variadic argument. */
  readonly rest: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** Shows progress on standard error where a person looks on. Cheap to call often. */
  readonly progress: (what: string, done?: number, total?: number) => void;
}

export interface CommandResult {
  /** Printed as it is with `--format json`. */
  readonly data: unknown;
  /** The same for people: lines without the final newline. */
  readonly text: (style: Style) => string;
  /** The same in the other formats that the command declares: the object to be printed as JSON. */
  readonly formats?: Readonly<Partial<Record<"sarif", () => unknown>>>;
  /**
   * Bytes for standard output in place of `data` and `text`, whatever the format: what goes into a pipe. What it throws is
   * the error of the command.
   */
  readonly bytes?: AsyncIterable<Uint8Array>;
  /** Default: `Exit.clean`. */
  readonly exit?: ExitCode;
}

/** Colours, or the identity where there are none. Meaning never rests on colour alone. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

/** A part's routes under `/api/<module name>` of the admin API, as a Fetch API handler. */
export interface Routes<Services = unknown> {
  /** Who may call what. What is not named here is not there. */
  readonly access: readonly RouteAccess[];
  readonly load: () => Promise<(services: Services) => RouteHandler>;
}

/** The role that a route needs. */
export interface RouteAccess {
  /** In capitals; `GET` covers `HEAD`. */
  readonly method: string;
  /** Below the module's own path, with `:name` for a segment and `*` last for all below: `/`, `/:id`, `/tree/*`. */
  readonly path: string;
  readonly role: Role;
}

export interface RouteHandler {
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/** Work that `holdfast up` repeats. The next run starts `every` milliseconds after the last one ended. */
export interface Job<Services = unknown> {
  readonly name: string;
  readonly every: number;
  readonly load: () => Promise<(services: Services) => Promise<void>>;
}
