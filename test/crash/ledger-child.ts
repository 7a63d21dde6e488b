/**
 * Appends to a ledger until it is killed. Each acknowledged index goes to standard output as `index text`, each
 * checkpoint as `checkpoint <base64 of the note>`, each written with one synchronous write, so that what the parent
 * read before the kill is what was acknowledged before it.
 *
 *     node ledger-child.ts <home> <round>
 */

import { writeSync } from "node:fs";
import { join } from "node:path";
import { openLedger } from "../../src/ledger/index.ts";

const [home = "", round = ""] = process.argv.slice(2);
const APPENDERS = 16;

const ledger = await openLedger({
  folder: join(home, "ledger"),
  keyFile: join(home, "keys", "ledger.key"),
  checkpointEveryMs: 5,
});
writeSync(1, "open\n");

let next = 0;
async function appendForever(): Promise<never> {
  for (;;) {
    const text = `round ${round} entry ${next++} ${"x".repeat((next * 37) % 1500)}`;
    const index = await ledger.append(Buffer.from(text));
    writeSync(1, `${index} ${text}\n`);
  }
}

async function publishForever(): Promise<never> {
  for (;;) {
    const { note } = await ledger.checkpoint();
    writeSync(1, `checkpoint ${Buffer.from(note).toString("base64")}\n`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

await Promise.all([publishForever(), ...Array.from({ length: APPENDERS }, appendForever)]);
