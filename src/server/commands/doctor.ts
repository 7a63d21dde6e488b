/**
 * `holdfast doctor`: what is wrong with this installation, and what to do about it. It looks and changes nothing: what
 * does not exist yet is not made.
 *
 * @module
 */

import { Exit, isHoldfastError, type CommandRun, type Style } from "../../core/index.ts";
import { checks, type CheckResult } from "../doctor/checks.ts";
import type { Services } from "../services.ts";

/** Runs every check; one that cannot be made is a failed one. */
export const runDoctor: CommandRun<Services> = async ({ services, progress }) => {
  const results: CheckResult[] = [];
  for (const [index, check] of checks.entries()) {
    progress(`checking ${check.name}`, index, checks.length);
    try {
      results.push(...(await check.run(services)).map((result) => ({ name: check.name, ...result })));
    } catch (error) {
      results.push({ name: check.name, status: "fail", ...explain(error) });
    }
  }
  const count = (status: CheckResult["status"]): number => results.filter((entry) => entry.status === status).length;
  return {
    data: { ok: count("fail") === 0, checks: results },
    text: (style) =>
      [
        ...results.map((result) => line(result, style)),
        `${results.length} checks: ${count("ok")} ok, ${count("warn")} warn, ${count("fail")} fail`,
      ].join("\n"),
    exit: count("fail") === 0 ? Exit.clean : Exit.findings,
  };
};

function explain(error: unknown): Pick<CheckResult, "what" | "todo"> {
  if (isHoldfastError(error)) return { what: error.message, todo: error.hint };
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "core.internal";
  return { what: `could not be checked (${code})`, todo: "report it with the output of `holdfast doctor`" };
}

function line({ name, status, what, todo }: CheckResult, style: Style): string {
  const paint = { ok: style.green, warn: style.yellow, fail: style.red }[status];
  const head = `${paint(status.padEnd(4))}  ${name.padEnd(13)}  ${what}`;
  return todo === undefined ? head : `${head}\n                     ${todo}`;
}
