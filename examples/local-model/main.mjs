/**
 * Starts the local model on a fresh clone: `node examples/local-model/main.mjs`, or `npm start` in this folder.
 *
 * Runs under any Node from 20 on. The sources beside it want the Node of the repository, so the clone's own set-up puts
 * that in place first and then runs `start.ts` with it.
 */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const setup = fileURLToPath(new URL("../../scripts/setup.mjs", import.meta.url));
const child = spawn(
  process.execPath,
  [setup, "node", "examples/local-model/start.ts", ...process.argv.slice(2)],
  // Not a shell and not detached: an interrupt from the terminal reaches the server itself.
  { stdio: "inherit" },
);
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
