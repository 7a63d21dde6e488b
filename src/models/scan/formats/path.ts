/**
 * Paths that model files name, judged as a loader on any system would resolve them.
 *
 * @module
 */

/**
 * Why `path` leads out of the folder of the file that names it, or undefined where it stays inside: both kinds of slashes
 * count, drives, addresses, and home folders that shells and Python expand.
 */
export function leavesFolder(path: string): string | undefined {
  if (path.includes("\0")) return "a NUL";
  if (/^[/\\]/.test(path) || /^[A-Za-z]:/.test(path)) return "an absolute path";
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(path)) return "an address";
  if (/^~[^/\\]*(?:[/\\]|$)/.test(path)) return "a home folder";
  return path.split(/[/\\]/).includes("..") ? "a path upwards" : undefined;
}
