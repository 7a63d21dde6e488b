/**
 * `holdfast model keygen`: a key pair for signing models. Nothing is replaced: a key that is lost is lost.
 *
 * @module
 */

import { createPublicKey } from "node:crypto";
import { type CommandRun, textOption } from "../../core/index.ts";
import { signError } from "./errors.ts";
import { CURVE_NAMES, hintOf, makeKeyPair } from "./key.ts";
import { writeKey } from "./write.ts";

export const run: CommandRun<unknown> = async ({ options }) => {
  const out = textOption(options, "out") ?? "model-signing";
  const name = textOption(options, "curve") ?? "P-256";
  const curve = CURVE_NAMES.find((one) => one === name);
  if (curve === undefined) throw signError("models.key-unusable", { detail: `there is no curve ${name}` });
  const { privateKey, publicKey } = makeKeyPair(curve);
  const [privateFile, publicFile] = [`${out}.key`, `${out}.pub`];
  await writeKey(privateFile, privateKey.reveal(), { mode: 0o600 });
  await writeKey(publicFile, publicKey);
  const hint = hintOf(createPublicKey(publicKey));
  return {
    data: { curve, privateKey: privateFile, publicKey: publicFile, hint },
    text: () =>
      [
        `private key  ${privateFile}: keep it secret, it is not encrypted`,
        `public key   ${publicFile}: give it to whoever verifies`,
        `hint         ${hint}: how signatures name the key`,
      ].join("\n"),
  };
};
