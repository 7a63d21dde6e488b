/**
 * `holdfast seal keygen`.
 *
 * @module
 */

import { resolve } from "node:path";
import { systemClock, type CommandRun } from "../../../core/index.ts";
import { makeFile, refuseExisting } from "../../../storage/index.ts";
import { generateKey } from "../age/keys.ts";
import type { SealServices } from "../commands.ts";

export const run: CommandRun<SealServices> = async ({ args, options }) => {
  const file = resolve(args["file"] ?? "");
  const recipientFile = `${file}.pub`;
  await refuseExisting(recipientFile);
  const { identity, recipient } = await generateKey({ postQuantum: options["postQuantum"] === true });
  // The form of age-keygen.
  const createdAt = new Date(systemClock.now()).toISOString();
  const text = `# created: ${createdAt}\n# public key: ${recipient}\n${identity.reveal()}\n`;
  await makeFile(file, 0o600, (output) => output.writeFile(text));
  await makeFile(recipientFile, 0o644, (output) => output.writeFile(`${recipient}\n`));
  return {
    data: { file, recipientFile, recipient },
    text: () =>
      [
        `key        ${file}  keep it safe: without it nothing opens`,
        `recipient  ${recipientFile}`,
        shown(recipient),
      ].join("\n"),
  };
};

/** A post-quantum recipient has two thousand letters: who wants them has the file. */
function shown(recipient: string): string {
  return `           ${recipient.length > 100 ? `${recipient.slice(0, 40)}…` : recipient}`;
}
