/**
 * What differs between two configurations, by the paths that stand in `holdfast.yaml`. Paths only: a value may be a URL
 * with a password in it.
 *
 * @module
 */

/**
 * The paths at which two configurations differ, in the order of the schema. Lists are one thing: what moves within one
 * changes what comes before what.
 *
 * @example
 * ```ts
 * changedPaths({ limits: { messages: 5 }, hosts: ["a"] }, { limits: { messages: 6 }, hosts: ["a"] }); // ["limits.messages"]
 * ```
 */
export function changedPaths(now: unknown, next: unknown, path = ""): readonly string[] {
  if (isSection(now) && isSection(next)) {
    const names = new Set([...Object.keys(now), ...Object.keys(next)]);
    return [...names].flatMap((name) => changedPaths(now[name], next[name], path === "" ? name : `${path}.${name}`));
  }
  return JSON.stringify(now) === JSON.stringify(next) ? [] : [path];
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
