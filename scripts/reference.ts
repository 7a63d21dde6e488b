/**
 * Writes what is made from the sources: `docs/reference/{cli,config,errors}.md` and the JSON Schema of the
 * catalogue. `node scripts/reference.ts --check` writes nothing and fails when one of them is out of date.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { CliErrors, EXIT_CODES, GLOBAL_OPTIONS } from "../src/cli/index.ts";
import { CoreErrors, Exit, type Command, type ErrorTable } from "../src/core/index.ts";
import { catalogJsonSchema } from "../src/govern/index.ts";
import { CONFIG_VARIABLES, loadConfigReference, modules, type JsonSchema } from "../src/server/index.ts";

const MADE = "<!-- made by scripts/reference.ts: change the sources, then run it -->";

const { configJsonSchema, expectation } = await loadConfigReference();

const files: Readonly<Record<string, string>> = {
  "docs/reference/cli.md": cliReference(),
  "docs/reference/config.md": configReference(),
  "docs/reference/errors.md": errorReference(),
  "catalog/controls.schema.json": `${JSON.stringify(catalogJsonSchema(), null, 2)}\n`,
};

const check = process.argv.includes("--check");
const stale: string[] = [];
for (const [name, text] of Object.entries(files)) {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  if (current(path) === text) continue;
  stale.push(name);
  if (check) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
if (stale.length === 0) console.log("the reference is up to date");
else console.log(`${check ? "out of date, run node scripts/reference.ts" : "written"}: ${stale.join(", ")}`);
process.exitCode = check && stale.length > 0 ? 1 : 0;

function current(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function cliReference(): string {
  const commands: readonly Command<never>[] = modules.flatMap((module) => module.commands ?? []);
  return page("The command", [
    "Results go to standard output, everything else to standard error. With `--format json` a result is one line of",
    'JSON, and an error one line `{"error":{"code","message","hint"}}` on standard error. Control characters in foreign',
    "text are escaped. Colours appear only on a terminal.",
    "",
    "## For every command",
    "",
    table(
      ["option", "meaning"],
      [
        ...GLOBAL_OPTIONS.map(({ flags, summary }): string[] => [code(flags), summary]),
        [code("-h, --help"), "show help"],
        [code("-V, --version"), "print the version (of `holdfast` alone)"],
      ],
    ),
    "",
    table(
      ["exit code", "meaning"],
      EXIT_CODES.map(([exit, meaning]) => [String(exit), meaning]),
    ),
    "",
    table(
      ["environment", "meaning"],
      [
        [code("HOLDFAST_CONFIG"), "as `--config`"],
        [code("HOLDFAST_DATA"), "as `--data`"],
        ...CONFIG_VARIABLES.map(({ variable, path }) => [code(variable), `in place of \`${path.join(".")}\``]),
        [code("HOLDFAST_LOG"), "`debug`, `info` (default), `warn` or `error`"],
        [code("NO_COLOR"), "no colours"],
        [code("FORCE_COLOR"), "colours also off a terminal; wins over `NO_COLOR`"],
      ],
    ),
    ...commands.flatMap((command) => ["", ...commandReference(command)]),
  ]);
}

function commandReference(command: Command<never>): string[] {
  const args = (command.arguments ?? []).map(({ name, required }) => (required === true ? ` <${name}>` : ` [${name}]`));
  const lines = [`## holdfast ${command.path}${escape(args.join(""))}`, "", `${capital(command.summary)}.`];
  if (command.description !== undefined) lines.push("", command.description);
  const rows = [
    ...(command.arguments ?? []).map(({ name, summary }) => [code(name), summary]),
    ...(command.options ?? []).map((option) => [
      code(option.flags),
      option.summary +
        (option.default === undefined ? "" : ` (default: ${String(option.default)})`) +
        (option.repeatable === true ? " (may be repeated)" : ""),
    ]),
  ];
  if (rows.length > 0) lines.push("", table(["argument or option", "meaning"], rows));
  lines.push("", "```sh", ...command.examples.flatMap(({ what, line }) => [`# ${what}`, line]), "```");
  return lines;
}

function configReference(): string {
  const schema = configJsonSchema();
  return page("The configuration", [
    "`holdfast.yaml`, in YAML 1.2. Every field may be left out. Unknown fields, fields that occur twice and values of the",
    "wrong type are refused, with their line and column: `holdfast config check`. A commented file to start from, and the",
    "JSON Schema for editors: `holdfast init`.",
    "",
    "The file is the one named by `--config`, else by `HOLDFAST_CONFIG`, else `holdfast.yaml` in the working directory if it",
    "is there. Secrets do not belong in it: it names the environment variable or the file that holds one.",
    "",
    table(["field", "takes", "default", "meaning"], fieldRows(schema, "")),
    "",
    table(
      ["environment variable", "in place of"],
      CONFIG_VARIABLES.map(({ variable, path }) => [code(variable), code(path.join("."))]),
    ),
  ]);
}

function fieldRows(schema: JsonSchema, prefix: string): string[][] {
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    if (field["properties"] !== undefined) return fieldRows(field, `${path}.`);
    const items = field["items"] as JsonSchema | undefined;
    const row = [
      code(path),
      escape(expectation(field)),
      field["default"] === undefined ? "" : code(JSON.stringify(field["default"])),
      escape(typeof field["description"] === "string" ? field["description"] : ""),
    ];
    return items?.["properties"] === undefined ? [row] : [row, ...fieldRows(items, `${path}[].`)];
  });
}

function errorReference(): string {
  const parts: readonly (readonly [string, ErrorTable])[] = [
    ["core", CoreErrors],
    ...modules.map(({ name, errors }): [string, ErrorTable] => [name, errors]),
    ["cli", CliErrors],
  ];
  return page("Errors", [
    "Every error of Holdfast has a code that never changes between releases. The command prints what happened and a hint,",
    "and exits with the code in the fourth column; the admin API answers with problem details (RFC 9457) of type",
    "`urn:holdfast:error:<code>` and the status in the last; the gateway with the status, in the caller's own protocol.",
    ...parts
      .filter(([, errors]) => Object.keys(errors).length > 0)
      .flatMap(([name, errors]) => [
        "",
        `## ${name}`,
        "",
        table(
          ["code", "what happened", "what to do", "exit", "status"],
          Object.entries(errors).map(([id, entry]) => [
            code(id),
            escape(entry.what),
            escape(entry.hint),
            String(entry.exit ?? Exit.incomplete),
            String(entry.status ?? 500),
          ]),
        ),
      ]),
  ]);
}

function page(title: string, lines: readonly string[]): string {
  return `${[MADE, "", `# ${title}`, "", ...lines].join("\n")}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map((row) => line(row))].join("\n");
}

function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

function escape(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "\\<");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
