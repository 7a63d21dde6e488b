import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { Exit, type Module } from "../core/index.ts";
import { modules, type Services } from "../server/index.ts";
import { parseCommandLine, type Invocation } from "./parse.ts";

const demo: Module<Services> = {
  name: "demo",
  summary: "a part for tests",
  errors: {},
  commands: [
    {
      path: "demo run",
      summary: "run it",
      arguments: [
        { name: "what", summary: "what to run", required: true },
        { name: "how", summary: "how to run it" },
      ],
      options: [
        { flags: "--tag <name>", summary: "a tag", repeatable: true },
        { flags: "--dry-run", summary: "only look" },
        { flags: "--speed <speed>", summary: "how fast", choices: ["slow", "fast"], default: "slow" },
      ],
      examples: [{ what: "run x", line: "holdfast demo run x" }],
      load: () => assert.fail("parsing loads nothing"),
    },
  ],
};

async function parsed(...argv: string[]): Promise<Invocation> {
  const { run } = await parseCommandLine(argv, [demo]);
  assert.ok(run);
  return run;
}

test("arguments, options and global options reach the command, wherever they stand", async () => {
  const run = await parsed("--data", "d", "demo", "run", "x", "--tag", "a", "--tag=b", "--format", "json", "--dry-run");
  assert.equal(run.command.path, "demo run");
  assert.deepEqual(run.args, { what: "x", how: undefined });
  assert.deepEqual({ ...run.options }, { tag: ["a", "b"], dryRun: true, speed: "slow" });
  assert.deepEqual({ ...run.globals }, { format: "json", data: "d" });
});

test("a command may have commands below it, with options of the same names", async () => {
  const pack = { path: "pack", summary: "pack it", options: [{ flags: "--to <name>", summary: "whom to" }] };
  const flat = { flags: "--flat", summary: "without folders" };
  const rest = { examples: [], load: () => assert.fail("parsing loads nothing") };
  const commands = [
    {
      ...pack,
      ...rest,
      options: [...pack.options, flat],
      arguments: [{ name: "what", summary: "what to pack", required: true }],
    },
    { ...pack, ...rest, path: "pack again", arguments: [{ name: "box", summary: "which box", required: true }] },
  ];
  const parse = async (...argv: string[]): Promise<unknown> => {
    const { run } = await parseCommandLine(argv, [{ ...demo, commands }]);
    return [run?.command.path, { ...run?.args }, { ...run?.options }, run?.globals.format];
  };
  assert.deepEqual(await parse("pack", "x", "--to", "a"), ["pack", { what: "x" }, { to: "a" }, "text"]);
  assert.deepEqual(await parse("pack", "again", "x", "--to", "a"), ["pack again", { box: "x" }, { to: "a" }, "text"]);
  assert.deepEqual(await parse("pack", "--to", "a", "x", "--format=json"), [
    "pack",
    { what: "x" },
    { to: "a" },
    "json",
  ]);
  assert.deepEqual(await parse("pack", "again", "x", "--format=json"), ["pack again", { box: "x" }, {}, "json"]);
  await assert.rejects(parse("pack", "again", "x", "--flat"), /unknown option '--flat'/);
});

test("what is not understood is refused, with what was meant where that is clear", async () => {
  const cases: readonly (readonly [readonly string[], RegExp, RegExp])[] = [
    [["demi"], /unknown command 'demi'/, /did you mean demo/],
    [["demo", "rum", "x"], /unknown command 'rum'/, /did you mean run/],
    [["demo", "run"], /missing required argument 'what'/, /--help/],
    [["demo", "run", "a", "b", "c"], /too many arguments/, /--help/],
    [["demo", "run", "x", "--dry-rum"], /unknown option '--dry-rum'/, /did you mean --dry-run/],
    [["demo", "run", "x", "--tag"], /argument missing/, /--help/],
    [["demo", "run", "x", "--speed", "warp"], /Allowed choices are slow, fast/, /--help/],
    [["demo", "run", "x", "--format", "xml"], /Allowed choices are text, json/, /--help/],
  ];
  for (const [argv, message, hint] of cases) {
    await assert.rejects(
      parseCommandLine(argv, [demo]),
      (error: Error & { code: string; hint: string; exit: number }) => {
        assert.equal(error.code, "cli.usage", argv.join(" "));
        assert.match(error.message, message);
        assert.match(error.hint, hint);
        assert.equal(error.exit, Exit.usage);
        return true;
      },
    );
  }
});

test("whatever is typed, the answer is a command or a usage error", async () => {
  const word = fc.oneof(
    fc.constantFrom(
      "demo",
      "run",
      "x",
      "--",
      "-",
      "--tag",
      "--tag=",
      "--speed",
      "fast",
      "--dry-run",
      "--format",
      "json",
      "-x",
    ),
    fc.string({ maxLength: 8 }).filter((text) => !/^-.*[hV]|^help$/.test(text)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 6 }), async (argv) => {
      // A group without its command prints its help.
      if (argv.every((entry) => entry.startsWith("-") || entry === "demo" || entry === "json" || entry === "")) return;
      try {
        const { run } = await parseCommandLine(argv, [demo]);
        if (run !== undefined) assert.equal(run.command.path, "demo run");
      } catch (error) {
        assert.equal((error as { code?: string }).code, "cli.usage", argv.join(" "));
      }
    }),
  );
});

test("every command of the product has a summary in its voice, and examples that its own parser takes", async () => {
  for (const { commands = [] } of modules) {
    for (const { path, summary, examples } of commands) {
      assert.match(summary, /^[a-z].*[^.]$/, path);
      assert.ok(examples.length > 0, path);
      for (const { line } of examples) {
        const argv = words(line);
        if (argv === undefined) continue;
        const { run } = await parseCommandLine(argv, modules);
        assert.ok(run !== undefined && line.includes(run.command.path), line);
      }
    }
  }
});

test("no two commands have the same name, and no option hides a global one", () => {
  const paths = modules.flatMap(({ commands = [] }) => commands.map(({ path }) => path));
  assert.equal(new Set(paths).size, paths.length);
  for (const { options = [] } of modules.flatMap(({ commands = [] }) => commands)) {
    for (const { flags } of options) assert.doesNotMatch(flags, /--(format|config|data|help|version)(?![\w-])/, flags);
  }
});

/** The words of the holdfast command in an example, as a shell would cut them. */
function words(line: string): string[] | undefined {
  const match = /holdfast ((?:'[^']*'|[^'|>#)])*)/.exec(line);
  return match?.[1]?.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", ""));
}
