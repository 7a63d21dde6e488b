/**
 * Other processes for tests of state: a script that uses `storage` through its door, run by a Node of its own.
 *
 * @module
 */

import { spawn } from "node:child_process";
import type { DbOptions } from "../../src/storage/index.ts";

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Runs `script`, a module in which `storage` is the part's door and `options` opens the database. */
export function runChild(script: string, options: DbOptions): Promise<ChildEnd> {
  const door = new URL("../../src/storage/index.ts", import.meta.url).href;
  const head = `import * as storage from ${JSON.stringify(door)}; const options = ${JSON.stringify(options)};`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", `${head}\n${script}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, output }));
  });
}
